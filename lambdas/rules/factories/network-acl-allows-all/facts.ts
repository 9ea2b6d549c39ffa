import { z } from 'zod';
import type { Permissions } from '../../facts.ts';
import { inRegion, type Permission } from '../../permission.ts';
import { canonicalCidr, isCidr } from './cidr.ts';

/** The facts that the two rules on network ACLs share. */

export const optionsSchema = z.strictObject({
  replacement_cidrs: z
    .array(
      z
        .string()
        .refine((text) => text === 'vpc' || isCidr(text), 'expected a CIDR such as 10.0.0.0/8, or vpc')
        .refine((text) => !isCidr(text) || !text.endsWith('/0'), 'expected a source narrower than everything')
        .transform((text) => (text === 'vpc' ? text : canonicalCidr(text))),
    )
    .default([])
    .meta({
      description:
        "Sources from which all traffic is allowed instead, IPv4 or IPv6 CIDRs; vpc stands for the VPC's own CIDRs. Their entries take the place of the one that allows everything. Empty: nothing takes its place.",
    }),
  allow_isolation: z.boolean().default(false).meta({
    description:
      'Whether a plan may leave a subnet with no inbound path at all, answers to its own requests included. If not, such a network ACL is left as it is and reported.',
  }),
});
export type Options = z.infer<typeof optionsSchema>;

export const resourceId = z
  .string()
  .regex(
    /^acl-([0-9a-f]{8}|[0-9a-f]{17})$/,
    'expected a network ACL id: acl- and 8 or 17 hexadecimal digits',
  );

const change: Permission = {
  actions: ['ec2:CreateNetworkAclEntry', 'ec2:DeleteNetworkAclEntry', 'ec2:ReplaceNetworkAclEntry'],
  resources: ['arn:${partition}:ec2:${region}:${account}:network-acl/*'],
};

export const permissions: Permissions = {
  read: [
    { actions: ['ec2:DescribeNetworkAcls', 'ec2:DescribeVpcs'], resources: ['*'], conditions: inRegion },
  ],
  write: [change],
  // An entry is looked at before it is taken away.
  undo: [{ actions: ['ec2:DescribeNetworkAcls'], resources: ['*'], conditions: inRegion }, change],
};

export const documentation = {
  changes:
    'Takes that entry out; with `replacement_cidrs`, entries that allow everything from those sources take its place, so that what the other entries allow and deny stays as it was. The last of them replaces the open entry in one step.',
  neverTouches:
    "All other inbound entries, outbound entries, the associations, and network ACLs of a VPC that another account shares. A subnet is not left without any inbound path, unless `allow_isolation` is set: such a finding is `not_applicable`. Network ACLs are stateless: answers to a subnet's own requests come in by these entries, too.",
  undo: 'Puts the open entry back under its number, and takes out what was put in its place.',
} as const;
