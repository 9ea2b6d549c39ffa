import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError, DeliveryError, StalePlanError } from '../../model/errors.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import { refusal } from '../refusal.ts';
import { type ExistingRule, type IngressRule, looksLike, ruleKey, stands } from './ingress-rule.ts';
import { permissionOf } from './permission.ts';
import { answeredRuleSchema, GONE_GROUP_ERRORS, readRulesOf, readUntil, toExistingRule } from './read.ts';

/** EC2's error codes for a group that cannot hold more rules. */
const QUOTA_ERRORS = ['RulesPerSecurityGroupLimitExceeded', 'SecurityGroupLimitExceeded'] as const;

/** Sends the call. The rules share one set of tags, which the call applies to all of them. */
async function send(
  session: AwsSession,
  group: string,
  rules: readonly IngressRule[],
): Promise<readonly ExistingRule[]> {
  const { AuthorizeSecurityGroupIngressCommand, EC2Client } = await import('../../aws/ec2.ts');
  const Tags = Object.entries(rules[0]?.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const answer = await session.client(EC2Client).send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: group,
      IpPermissions: rules.map((rule) =>
        permissionOf(rule, rule.description === '' ? {} : { Description: rule.description }),
      ),
      ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: 'security-group-rule', Tags }] }),
    }),
  );
  return z
    .array(answeredRuleSchema)
    .parse(answer.SecurityGroupRules ?? [])
    .map(toExistingRule);
}

/** Selects the requested rules that exist now and did not exist before the call. */
function madeOf(
  asked: readonly IngressRule[],
  before: readonly ExistingRule[],
  now: readonly ExistingRule[],
): ExistingRule[] {
  const known = new Set(before.map(({ id }) => id));
  return asked.flatMap((rule) => now.find((made) => !known.has(made.id) && looksLike(made, rule)) ?? []);
}

/** Returns the requested rules with the ids from the answer. */
function named(asked: readonly IngressRule[], answered: readonly ExistingRule[]): ExistingRule[] {
  const ids = new Map(answered.map((rule) => [ruleKey(rule), rule.id]));
  return asked.flatMap((rule) => {
    const id = ids.get(ruleKey(rule));
    return id === undefined ? [] : [{ ...rule, id }];
  });
}

function inWords(error: unknown, group: string, count: number): unknown {
  if (!isAwsError(error, ...QUOTA_ERRORS)) {
    return refusal(error, `security group ${group}`, { gone: GONE_GROUP_ERRORS });
  }
  return new ChangeRefusedError(
    `${group} has no room for ${count} more ${count === 1 ? 'rule' : 'rules'} (${error.name}): nothing was changed. ` +
      'Remove rules that are not needed, or increase the quota "Inbound or outbound rules per security group".',
    { cause: error },
  );
}

interface AuthorizeOptions {
  readonly mayLag?: boolean;
  readonly check?: (standing: readonly ExistingRule[]) => void;
}

/**
 * Adds inbound rules with CIDR sources and one shared set of tags to a group in one call: AWS creates all of them or
 * none. Existing rules remain unchanged. If the call is not answered, a read can't resolve this: it may show the same
 * rules from before the group was last read.
 * @param before The group's rules, read immediately before the call. None of them counts as created by this call.
 * @param options.mayLag True if that read may be older than the removal of a requested rule. AWS is then called even if
 *   the read shows the rule, and reports an existing rule as a duplicate. Only for calls with one rule.
 * @param options.check Called with each further read before missing rules are sent again. Throws if they must not be
 *   sent.
 * @returns the rules that this call created
 * @throws ChangeRefusedError if the group is gone or can't hold the rules; none was created
 * @throws StalePlanError if AWS reports a duplicate that its reads don't show yet; no rule was created
 * @throws AWS's error if the call was not accepted, or if it was not answered and may have created the rules
 */
export async function authorizeRules(
  session: AwsSession,
  group: string,
  rules: readonly IngressRule[],
  before: readonly ExistingRule[],
  { mayLag = false, check = () => {} }: AuthorizeOptions = {},
): Promise<ExistingRule[]> {
  const missing = mayLag ? rules : rules.filter((rule) => !stands(rule, before));
  if (missing.length === 0) return [];
  let answered: readonly ExistingRule[];
  try {
    answered = await send(session, group, missing);
  } catch (error) {
    if (isAwsError(error, 'InvalidPermission.Duplicate')) {
      const isAnyShown = (standing: readonly ExistingRule[]) =>
        missing.some((rule) => stands(rule, standing));
      const now = await readUntil(session, group, isAnyShown);
      // Someone has added one of the rules since the read. AWS refuses the whole call, and does not report which rule
      // exists.
      if (now !== undefined) {
        check(now);
        return authorizeRules(session, group, missing, now, { check });
      }
      throw new StalePlanError(
        `AWS refuses rules for ${group} as duplicates that its reads do not show yet: nothing was changed`,
        { cause: error },
      );
    }
    throw inWords(error, group, missing.length);
  }
  const made = named(missing, answered);
  if (made.length === missing.length) return made;
  // A rule that is missing in the answer was nevertheless created, and an undo must find it.
  const unnamed = new DeliveryError(
    `AWS's answer contains only ${made.length} of ${missing.length} rules that were added to ${group}, and its reads show none`,
  );
  const now = await afterLostAnswer(unnamed, () => readRulesOf(session, group));
  return madeOf(missing, before, now);
}
