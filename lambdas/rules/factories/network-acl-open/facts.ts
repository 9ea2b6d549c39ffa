import { z } from 'zod';
import { canonicalCidr, isCidr, isEverywhere } from '../../../changes/network-acl/cidr.ts';
import type { Permissions } from '../../facts.ts';
import { inRegion, type Permission } from '../../permission.ts';

/** Facts that all rules on network ACLs share. */

const sources = z.array(
  z
    .string()
    .refine((text) => text === 'vpc' || isCidr(text), 'expected a CIDR such as 10.0.0.0/8, or vpc')
    .refine((text) => !isCidr(text) || !isEverywhere(text), 'expected a source narrower than everything')
    .transform((text) => (text === 'vpc' ? text : canonicalCidr(text))),
);

const description =
  "IPv4 or IPv6 CIDRs that keep the access that the open entry allowed; vpc stands for the VPC's own CIDRs. Entries for them replace the open entry. Empty: nobody keeps the traffic that is closed; network-acl-admin-ports-open still keeps its other ports open to everyone, the other rules remove the entry. Default: empty; for network-acl-admin-ports-open, vpc.";

const allowIsolation = z.boolean().default(false).meta({
  description:
    'Whether a change may leave a subnet without any inbound path, or without responses to its own connections, for IPv4 or IPv6. The plan then says so. If false, such a network ACL is not changed, and the finding is not_applicable.',
});

export const optionsSchema = z.strictObject({
  replacement_cidrs: sources.default([]).meta({ description }),
  allow_isolation: allowIsolation,
});
export type Options = z.infer<typeof optionsSchema>;

/** Options of a rule that closes ports. By default, hosts in the VPC can still reach each other. */
export const portOptionsSchema = z.strictObject({
  replacement_cidrs: sources.default(['vpc']).meta({ description }),
  allow_isolation: allowIsolation,
});

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
    {
      actions: ['ec2:DescribeNetworkAcls', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'],
      resources: ['*'],
      conditions: inRegion,
    },
  ],
  write: [change],
  // An undo reads the entries before it changes them.
  undo: [{ actions: ['ec2:DescribeNetworkAcls'], resources: ['*'], conditions: inRegion }, change],
};

export const documentation = {
  changes:
    'Removes that entry. With `replacement_cidrs`, entries that allow everything from those sources replace it, so that the effect of the other entries does not change. The other entries are added first; the last one replaces the open entry in one step. An open entry that earlier entries make ineffective is removed without a replacement. If the inbound list has changed since it was read, nothing changes, and the finding is planned again.',
  neverTouches:
    "All other inbound entries, outbound entries, the associations, and network ACLs of a VPC that another account shares. Network ACLs are stateless: answers to a subnet's own connections also arrive through these entries. Unless `allow_isolation` is set, a finding is `not_applicable` if the change would leave a subnet (over IPv4 or IPv6, if it has them) without any inbound path, or without answers: no source outside the VPC, nor any in `replacement_cidrs`, could still reach all of TCP 49152-60999 (the client ports that Linux and Windows share). Allowing port 22 from one host is not such a path. If answers from some addresses outside the VPC end, the plan names the client ports that lose them (TCP and UDP 32768-60999 of Linux, 49152-65535 of Windows). The whole list is evaluated, as AWS does. AWS offers no condition that rules out one case: if someone puts another entry under the open entry's number between the last read and the change, the change replaces that entry.",
  undo: 'Restores the open entry under its number in one step, then removes the entries that replaced it, if all of them are unchanged; otherwise the undo is refused, with what differs.',
} as const;
