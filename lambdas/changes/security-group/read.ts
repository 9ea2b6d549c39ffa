import { z } from 'zod';
import { chunks, EC2_FILTER_VALUES } from '../../aws/batches.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';
import { tagMap } from '../../aws/tags.ts';
import { type ExistingRule, normalizePorts } from './ingress-rule.ts';

/**
 * EC2's error codes for a security group that does not exist. It documents both.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
export const GONE_GROUP_ERRORS = ['InvalidGroup.NotFound', 'InvalidSecurityGroupID.NotFound'] as const;

/** The fields of EC2's `SecurityGroupRule` that are used here. */
export const answeredRuleSchema = z.object({
  SecurityGroupRuleId: z.string(),
  GroupId: z.string(),
  IsEgress: z.boolean().optional(),
  IpProtocol: z.string(),
  FromPort: z.number().optional(),
  ToPort: z.number().optional(),
  CidrIpv4: z.string().optional(),
  CidrIpv6: z.string().optional(),
  PrefixListId: z.string().optional(),
  ReferencedGroupInfo: z.object({ GroupId: z.string().optional(), UserId: z.string().optional() }).optional(),
  Description: z.string().optional(),
  Tags: z.array(z.object({ Key: z.string().optional(), Value: z.string().optional() })).optional(),
});

type AnsweredRule = z.infer<typeof answeredRuleSchema>;

/** Converts a rule from EC2's answer to the form of `IngressRule`. */
export function toExistingRule(answered: AnsweredRule): ExistingRule {
  const { ReferencedGroupInfo: referenced } = answered;
  return {
    id: answered.SecurityGroupRuleId,
    ...normalizePorts(answered.IpProtocol, answered.FromPort, answered.ToPort),
    source:
      answered.CidrIpv4 ??
      answered.CidrIpv6 ??
      answered.PrefixListId ??
      `${referenced?.UserId ?? ''}/${referenced?.GroupId ?? ''}`,
    description: answered.Description ?? '',
    tags: tagMap(answered.Tags),
  };
}

/** Data of a security group, except its rules. */
export interface SecurityGroup {
  readonly name: string;
  readonly vpc: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Reads security groups by a filter, so that a missing group is omitted instead of failing the whole call.
 * @returns the groups that exist and are visible to this account, by id
 */
export async function readSecurityGroups(
  session: AwsSession,
  ids: readonly string[],
): Promise<Map<string, SecurityGroup>> {
  const { EC2Client, paginateDescribeSecurityGroups } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);
  const groups = new Map<string, SecurityGroup>();
  for (const Values of chunks(ids, EC2_FILTER_VALUES)) {
    const pages = paginateDescribeSecurityGroups(
      { client, pageSize: 1000 },
      { Filters: [{ Name: 'group-id', Values }] },
    );
    for await (const page of pages) {
      for (const group of page.SecurityGroups ?? []) {
        if (group.GroupId === undefined) continue;
        groups.set(group.GroupId, {
          name: group.GroupName ?? '',
          vpc: group.VpcId ?? '',
          owner: group.OwnerId ?? '',
          tags: tagMap(group.Tags),
        });
      }
    }
  }
  return groups;
}

/**
 * Reads the inbound rules of security groups.
 * @returns the rules by the group's id; a group without rules, or one that does not exist, has no entry
 */
export async function readIngressRules(
  session: AwsSession,
  groups: readonly string[],
): Promise<Map<string, ExistingRule[]>> {
  const { EC2Client, paginateDescribeSecurityGroupRules } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);
  const rules = new Map<string, ExistingRule[]>();
  for (const Values of chunks(groups, EC2_FILTER_VALUES)) {
    const pages = paginateDescribeSecurityGroupRules(
      { client, pageSize: 1000 },
      { Filters: [{ Name: 'group-id', Values }] },
    );
    for await (const page of pages) {
      for (const answered of z.array(answeredRuleSchema).parse(page.SecurityGroupRules ?? [])) {
        if (answered.IsEgress === true) continue;
        rules.set(answered.GroupId, [...(rules.get(answered.GroupId) ?? []), toExistingRule(answered)]);
      }
    }
  }
  return rules;
}

const readShared = sharedRead(readIngressRules);

/**
 * Reads the inbound rules of one security group, batched with other reads. Returns an empty list if the group does not
 * exist.
 */
export async function readRulesOf(session: AwsSession, group: string): Promise<readonly ExistingRule[]> {
  return (await readShared(session, group)) ?? [];
}

const readGroupShared = sharedRead(readSecurityGroups);

/** Reads the tags of one security group, batched with other reads. Returns undefined if the group does not exist. */
export async function readTagsOf(
  session: AwsSession,
  group: string,
): Promise<SecurityGroup['tags'] | undefined> {
  return (await readGroupShared(session, group))?.tags;
}

/** Maximum number of reads of a group until one shows the rules that were just added. */
const MAX_READS = 10;

/**
 * Reads the inbound rules of one security group until a read shows the expected state, because AWS's reads may lag behind
 * a recent call.
 * @returns undefined if no read shows it
 */
export async function readUntil(
  session: AwsSession,
  group: string,
  isShown: (standing: readonly ExistingRule[]) => boolean,
): Promise<readonly ExistingRule[] | undefined> {
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const standing = await readRulesOf(session, group);
    if (isShown(standing)) return standing;
  }
  return undefined;
}
