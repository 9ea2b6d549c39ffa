import { z } from 'zod';
import { isAwsError, wasRetried } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import { type ExistingRule, type IngressRule, normalizePorts, ruleKey, sameTags } from './ingress-rule.ts';

/** EC2 takes at most 200 values in one filter of a request. */
const GROUPS_PER_CALL = 200;

/** The codes by which EC2 says that a group can hold no more rules. */
const QUOTA_ERRORS = ['RulesPerSecurityGroupLimitExceeded', 'SecurityGroupLimitExceeded'] as const;

/** The codes by which EC2 says that a rule, or its whole group, is gone. */
const GONE_ERRORS = [
  'InvalidSecurityGroupRuleId.NotFound',
  'InvalidPermission.NotFound',
  'InvalidGroup.NotFound',
] as const;

/** The part of EC2's `SecurityGroupRule` that is read here; everything else of it is left out. */
const answeredRuleSchema = z.object({
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

function toExistingRule(answered: AnsweredRule): ExistingRule {
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

/** `values` in slices of at most `size`. */
function* chunks<T>(values: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < values.length; from += size) yield values.slice(from, from + size);
}

/** What is known of a security group beside its rules. */
export interface SecurityGroup {
  readonly name: string;
  readonly vpc: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Reads security groups by a filter, which leaves out those that don't exist instead of failing for all of them.
 * @returns the groups that exist and that this account may see, by id
 */
export async function readSecurityGroups(
  session: AwsSession,
  ids: readonly string[],
): Promise<Map<string, SecurityGroup>> {
  const { EC2Client, paginateDescribeSecurityGroups } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);
  const groups = new Map<string, SecurityGroup>();
  for (const Values of chunks(ids, GROUPS_PER_CALL)) {
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
  for (const Values of chunks(groups, GROUPS_PER_CALL)) {
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

/** One call gives all the rules that it makes the same tags: so rules are put together by their tags. */
function byTags(rules: readonly IngressRule[]): readonly (readonly IngressRule[])[] {
  const batches: IngressRule[][] = [];
  for (const rule of rules) {
    const batch = batches.find(([first]) => first !== undefined && sameTags(first.tags, rule.tags));
    if (batch === undefined) batches.push([rule]);
    else batch.push(rule);
  }
  return batches;
}

async function callAuthorize(
  session: AwsSession,
  group: string,
  rules: readonly IngressRule[],
): Promise<ExistingRule[]> {
  const { AuthorizeSecurityGroupIngressCommand, EC2Client } = await import('../../aws/ec2.ts');
  const tags = Object.entries(rules[0]?.tags ?? {});
  const answer = await session.client(EC2Client).send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: group,
      IpPermissions: rules.map((rule) => {
        const description = rule.description === '' ? {} : { Description: rule.description };
        return {
          IpProtocol: rule.protocol,
          FromPort: rule.fromPort,
          ToPort: rule.toPort,
          ...(rule.source.includes(':')
            ? { Ipv6Ranges: [{ CidrIpv6: rule.source, ...description }] }
            : { IpRanges: [{ CidrIp: rule.source, ...description }] }),
        };
      }),
      ...(tags.length > 0 && {
        TagSpecifications: [
          { ResourceType: 'security-group-rule', Tags: tags.map(([Key, Value]) => ({ Key, Value })) },
        ],
      }),
    }),
  );
  const answered = z
    .array(answeredRuleSchema)
    .parse(answer.SecurityGroupRules ?? [])
    .map(toExistingRule);
  const asked = new Map(rules.map((rule) => [ruleKey(rule), rule]));
  // What is not told has been made all the same, and an undo must find it.
  const standing =
    answered.length < rules.length ? ((await readIngressRules(session, [group])).get(group) ?? []) : answered;
  return standing.flatMap((made) => {
    const rule = asked.get(ruleKey(made));
    return rule === undefined ? [] : [{ ...made, ...rule }];
  });
}

/**
 * Adds inbound rules with CIDR sources to a group: all of them, or none where AWS refuses one for the group's quota.
 * A rule that stands there already is left as it is.
 * @returns the rules that this call made, without those that stood there
 * @throws ChangeRefusedError when the group can't hold them; what was made on the way is taken back first
 */
export async function authorizeIngress(
  session: AwsSession,
  group: string,
  rules: readonly IngressRule[],
): Promise<ExistingRule[]> {
  const stood = new Set<string>();
  const standing = async (): Promise<ExistingRule[]> =>
    (await readIngressRules(session, [group])).get(group) ?? [];

  const authorize = async (batch: readonly IngressRule[]): Promise<ExistingRule[]> => {
    try {
      return await callAuthorize(session, group, batch);
    } catch (error) {
      if (!isAwsError(error, 'InvalidPermission.Duplicate')) throw error;
      // AWS refuses the whole call for one rule that stands there, and does not say which.
      const found = new Map((await standing()).map((rule) => [ruleKey(rule), rule]));
      const missing = batch.filter((rule) => !found.has(ruleKey(rule)));
      if (missing.length === batch.length) throw error;
      const ours: ExistingRule[] = [];
      for (const rule of batch) {
        const existing = found.get(ruleKey(rule));
        if (existing === undefined) continue;
        // Where the SDK sent the call twice, the first may have made it. No other call names it a duplicate then.
        if (wasRetried(error) && existing.description === rule.description) ours.push(existing);
        else stood.add(ruleKey(rule));
      }
      return missing.length === 0 ? ours : [...ours, ...(await authorize(missing))];
    }
  };

  try {
    const made: ExistingRule[] = [];
    for (const batch of byTags(rules)) made.push(...(await authorize(batch)));
    return made;
  } catch (error) {
    if (!isAwsError(error, ...QUOTA_ERRORS)) throw error;
    // Read, not remembered: AWS does not document that a refused call has made none of its rules.
    const asked = new Map(rules.map((rule) => [ruleKey(rule), rule]));
    const leftovers = (await standing()).filter(
      (rule) => !stood.has(ruleKey(rule)) && asked.get(ruleKey(rule))?.description === rule.description,
    );
    if (leftovers.length > 0) await revokeIngress(session, group, leftovers);
    throw new ChangeRefusedError(
      `${group} has no room for ${rules.length} more rules (${error.name}): nothing was changed. ` +
        'Take out rules that are not needed, or raise the quota "Inbound or outbound rules per security group".',
      { cause: error },
    );
  }
}

/**
 * Takes inbound rules out of a group by their ids. A rule that is gone already is success.
 * @returns the rules that this call took out, without those that were gone
 */
export async function revokeIngress(
  session: AwsSession,
  group: string,
  rules: readonly ExistingRule[],
): Promise<ExistingRule[]> {
  const { EC2Client, RevokeSecurityGroupIngressCommand } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);

  const revoke = async (batch: readonly ExistingRule[], sentBefore: boolean): Promise<ExistingRule[]> => {
    try {
      await client.send(
        new RevokeSecurityGroupIngressCommand({
          GroupId: group,
          SecurityGroupRuleIds: batch.map((rule) => rule.id),
        }),
      );
      return [...batch];
    } catch (error) {
      if (!isAwsError(error, ...GONE_ERRORS)) throw error;
      // Where the SDK sent the call twice, the first may have taken it out: then it is ours to put back in an undo.
      const maybeOurs = sentBefore || wasRetried(error);
      if (batch.length === 1) return maybeOurs ? [...batch] : [];
      // AWS refuses the whole call for one rule that is gone: so one by one.
      const revoked: ExistingRule[] = [];
      for (const rule of batch) revoked.push(...(await revoke([rule], maybeOurs)));
      return revoked;
    }
  };
  return revoke(rules, false);
}
