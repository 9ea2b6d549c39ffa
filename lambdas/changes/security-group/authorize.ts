import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError, DeliveryError, StalePlanError } from '../../model/errors.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import { refusal } from '../refusal.ts';
import { type ExistingRule, type IngressRule, looksLike, ruleKey, stands } from './ingress-rule.ts';
import { permissionOf } from './permission.ts';
import { answeredRuleSchema, readRulesOf, readUntil, toExistingRule } from './read.ts';

/** The error codes of EC2 for a group that cannot hold more rules. */
const QUOTA_ERRORS = ['RulesPerSecurityGroupLimitExceeded', 'SecurityGroupLimitExceeded'] as const;

/** Sends the call; the rules share one set of tags, which the call gives to all that it makes. */
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

/** Picks the rules that stand now, did not stand before the call, and are what the call asked for. */
function madeOf(
  asked: readonly IngressRule[],
  before: readonly ExistingRule[],
  now: readonly ExistingRule[],
): ExistingRule[] {
  const known = new Set(before.map(({ id }) => id));
  return asked.flatMap((rule) => now.find((made) => !known.has(made.id) && looksLike(made, rule)) ?? []);
}

/** The rules as they were asked for, with the ids that the answer gives them. */
function named(asked: readonly IngressRule[], answered: readonly ExistingRule[]): ExistingRule[] {
  const ids = new Map(answered.map((rule) => [ruleKey(rule), rule.id]));
  return asked.flatMap((rule) => {
    const id = ids.get(ruleKey(rule));
    return id === undefined ? [] : [{ ...rule, id }];
  });
}

function inWords(error: unknown, group: string, count: number): unknown {
  if (!isAwsError(error, ...QUOTA_ERRORS)) {
    return refusal(error, `security group ${group}`, { gone: ['InvalidGroup.NotFound'] });
  }
  return new ChangeRefusedError(
    `${group} has no room for ${count} more ${count === 1 ? 'rule' : 'rules'} (${error.name}): nothing was changed. ` +
      'Remove rules that are not needed, or raise the quota "Inbound or outbound rules per security group".',
    { cause: error },
  );
}

interface AuthorizeOptions {
  readonly mayLag?: boolean;
  readonly check?: (standing: readonly ExistingRule[]) => void;
}

/**
 * Adds inbound rules with CIDR sources, which share one set of tags, to a group by one call: AWS makes all of them or
 * none. An existing rule is left unchanged. No read tells the result of a call whose answer was lost: one that
 * shows the rules may be from before the group was read, when the same rules stood there.
 * @param before The group's rules, read directly before: none of them is ever taken for one that this call made.
 * @param options.mayLag True if that read may be from before one of them was taken away: then AWS is called for all of them, and
 *   answers that there is such a rule where there is one. For one rule a call.
 * @param options.check Asked of each further read, before what it lacks is sent again. Throws where nothing may be.
 * @returns the rules that this call made
 * @throws ChangeRefusedError when the group is gone or can't hold them; nothing was made then
 * @throws StalePlanError when AWS names a duplicate that its reads don't show yet; nothing was made then
 * @throws AWS's error when the call was not taken, or its answer was lost: then it may have made the rules
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
      // Someone has added one of them since the look. AWS refuses the whole call and does not say which.
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
  // A rule that the answer leaves out was made all the same, and an undo must find it.
  const unnamed = new DeliveryError(
    `AWS's answer names ${made.length} of ${missing.length} rules that were added to ${group}, and its reads name none`,
  );
  const now = await afterLostAnswer(unnamed, () => readRulesOf(session, group));
  return madeOf(missing, before, now);
}
