import { isAnswerLost, isAwsError, isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, OutOfTimeError, TakeBackError } from '../../model/errors.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import { MOST_SENDS, pauseAfter } from '../until-taken.ts';
import { type ExistingRule, formatRule, looksLike, ruleKey, stands } from './ingress-rule.ts';
import { permissionOf } from './permission.ts';
import { GONE_GROUP_ERRORS, readRulesOf, readUntil } from './read.ts';
import { type Answer, removedBy } from './removed.ts';

/** EC2's error codes for a rule or a group that does not exist. */
export const GONE_ERRORS = [
  'InvalidSecurityGroupRuleId.NotFound',
  'InvalidPermission.NotFound',
  ...GONE_GROUP_ERRORS,
] as const;

interface RevokeOptions {
  readonly isDue?: (rule: ExistingRule) => Promise<boolean>;
  readonly onRevoked?: (rules: readonly ExistingRule[]) => void;
}

/**
 * Sends the call. It identifies rules by protocol, ports, and source, so a rule that its owner has narrowed does not
 * match.
 */
async function send(session: AwsSession, group: string, rules: readonly ExistingRule[]): Promise<Answer> {
  const { EC2Client, RevokeSecurityGroupIngressCommand } = await import('../../aws/ec2.ts');
  const IpPermissions = rules.map((rule) => permissionOf(rule));
  return session
    .client(EC2Client)
    .send(new RevokeSecurityGroupIngressCommand({ GroupId: group, IpPermissions }));
}

/**
 * Repeats a call that was not answered if a read does not show the rules. Such a read does not prove that the call had
 * an effect, because it may be older than the rules. If EC2 then no longer finds a rule, the first call may have
 * removed it, so an undo restores it.
 * @throws the error of the first call if a read shows a rule, or if EC2 does not accept the second call; the result is
 *   then unknown
 */
async function revokeAgain(
  session: AwsSession,
  group: string,
  rules: readonly ExistingRule[],
  { lost, keep }: { readonly lost: unknown; readonly keep: (removed: readonly ExistingRule[]) => void },
): Promise<void> {
  const standing = await afterLostAnswer(lost, () => readRulesOf(session, group));
  // The call had no effect, or the owner has changed a rule or replaced it with an identical one.
  if (rules.some((rule) => standing.some(({ id }) => id === rule.id) || stands(rule, standing))) throw lost;
  try {
    keep(removedBy(await send(session, group, rules), rules, true));
  } catch (error) {
    if (!isAwsError(error, ...GONE_ERRORS)) throw lost;
    if (rules.length === 1) keep(rules);
    else for (const rule of rules) await revokeAgain(session, group, [rule], { lost, keep });
  }
}

/**
 * Removes inbound rules from a group. The call identifies them by content instead of id, which is the only condition
 * that EC2 supports, so that a rule that its owner has just narrowed stays. A rule that is already gone counts as
 * success. If the call is not answered and a read does not show the rules, the call is repeated.
 * @param options.isDue Only for rules that were just added. Called before a call is repeated, and before each single
 *   call if one call for all of them was refused, because the read on which these calls depend is then out of date. A
 *   read without such a rule may be older than the rule, so a call that was not accepted or not answered is repeated.
 * @param options.onRevoked Called with the rules that a call has removed, even if a later call fails.
 * @returns the rules that were removed, without those that were already gone
 */
export async function revokeRules(
  session: AwsSession,
  group: string,
  rules: readonly ExistingRule[],
  { isDue, onRevoked = () => {} }: RevokeOptions = {},
): Promise<ExistingRule[]> {
  const dueOf = async (batch: readonly ExistingRule[]): Promise<readonly ExistingRule[]> => {
    const due: ExistingRule[] = [];
    for (const rule of batch) if (isDue === undefined || (await isDue(rule))) due.push(rule);
    return due;
  };
  const revoked: ExistingRule[] = [];
  const keep = (removed: readonly ExistingRule[]): void => {
    if (removed.length === 0) return;
    revoked.push(...removed);
    onRevoked(removed);
  };
  const revoke = async (batch: readonly ExistingRule[], sends = 1, isLost = false): Promise<void> => {
    if (batch.length === 0) return;
    try {
      keep(removedBy(await send(session, group, batch), batch, isLost));
    } catch (error) {
      if (isAwsError(error, ...GONE_ERRORS)) {
        // Outside a default VPC, EC2 refuses the whole call if one rule is gone, so one call per rule is made.
        if (batch.length > 1) for (const rule of batch) await revoke(await dueOf([rule]), sends, isLost);
        // The call that was not answered may have removed the rule, so an undo must restore it.
        else if (isLost) keep(batch);
        return;
      }
      if (isDue !== undefined && sends < MOST_SENDS && (isNotTaken(error) || isAnswerLost(error))) {
        if (isNotTaken(error)) await session.sleep(pauseAfter(sends));
        return revoke(await dueOf(batch), sends + 1, isLost || isAnswerLost(error));
      }
      if (isDue !== undefined || !isAnswerLost(error)) throw error;
      await revokeAgain(session, group, batch, { lost: error, keep });
    }
  };
  await revoke(rules);
  return revoked;
}

/**
 * Selects the rules that are still as the change created them. A read that does not show a rule is stale, and is
 * repeated. A rule that no read shows counts as unchanged.
 * @throws OutOfTimeError if reads may be stale and show a rule with the same content but another id, which may have
 *   existed before
 */
async function untouched(
  session: AwsSession,
  group: string,
  made: readonly ExistingRule[],
  mayLag: boolean,
): Promise<ExistingRule[]> {
  const isShown = ({ id }: ExistingRule, standing: readonly ExistingRule[]) =>
    standing.some((rule) => rule.id === id);
  const areShown = (standing: readonly ExistingRule[]) =>
    made.every((rule) => isShown(rule, standing) || (!mayLag && stands(rule, standing)));
  const standing = (await readUntil(session, group, areShown)) ?? (await readRulesOf(session, group));
  if (mayLag && made.some((rule) => !isShown(rule, standing) && stands(rule, standing))) {
    throw new OutOfTimeError(
      `AWS's reads of ${group} do not show yet what was added to it: the next attempt takes it back`,
    );
  }
  return made.filter((rule) => {
    const now = standing.find(({ id }) => id === rule.id);
    return now === undefined ? !stands(rule, standing) : looksLike(now, rule);
  });
}

/**
 * Removes rules that a change has created and that are no longer needed. Rules that their owner has since changed or
 * replaced stay.
 * @param options.mayLag True if AWS's reads may be older than the rules. Default: true.
 * @param options.onRevoked Called with the removed rules, even if the rest fails.
 * @throws TakeBackError if AWS refuses the removal; the rules still exist
 * @throws OutOfTimeError if reads don't show yet whether the rules still exist
 * @throws BlockedError if changes are currently blocked; the rules still exist
 */
export async function takeBackRules(
  session: AwsSession,
  group: string,
  made: readonly ExistingRule[],
  { mayLag = true, onRevoked }: { readonly mayLag?: boolean } & Required<Pick<RevokeOptions, 'onRevoked'>>,
): Promise<void> {
  if (made.length === 0) return;
  let left = made;
  const look = (rules: readonly ExistingRule[]) => untouched(session, group, rules, mayLag);
  try {
    const isDue = async (rule: ExistingRule): Promise<boolean> => (await look([rule])).length > 0;
    await revokeRules(session, group, await look(made), {
      isDue,
      onRevoked(rules) {
        left = withoutRules(left, rules);
        onRevoked(rules);
      },
    });
  } catch (error) {
    if (error instanceof OutOfTimeError || error instanceof BlockedError) throw error;
    throw new TakeBackError(
      `${group}: rules that were added for a wider rule could not be taken back and may still exist: ${left.map(formatRule).join('; ')}`,
      { cause: error },
    );
  }
}

/** Filters out rules by their content, which is unique within a group. */
export function withoutRules(
  rules: readonly ExistingRule[],
  others: readonly ExistingRule[],
): ExistingRule[] {
  const keys = new Set(others.map(ruleKey));
  return rules.filter((rule) => !keys.has(ruleKey(rule)));
}
