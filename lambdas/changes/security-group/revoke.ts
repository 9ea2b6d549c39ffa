import { isAnswerLost, isAwsError, isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, OutOfTimeError, TakeBackError } from '../../model/errors.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import { MOST_SENDS, pauseAfter } from '../until-taken.ts';
import { type ExistingRule, formatRule, looksLike, ruleKey, stands } from './ingress-rule.ts';
import { permissionOf } from './permission.ts';
import { readRulesOf, readUntil } from './read.ts';
import { type Answer, removedBy } from './removed.ts';

/** The error codes of EC2 for a rule, or a group, that does not exist. */
export const GONE_ERRORS = [
  'InvalidSecurityGroupRuleId.NotFound',
  'InvalidPermission.NotFound',
  'InvalidGroup.NotFound',
] as const;

interface RevokeOptions {
  readonly isDue?: (rule: ExistingRule) => Promise<boolean>;
  readonly onRevoked?: (rules: readonly ExistingRule[]) => void;
}

/** Sends the call. It names rules by protocol, ports and source: one that its owner has narrowed does not match. */
async function send(session: AwsSession, group: string, rules: readonly ExistingRule[]): Promise<Answer> {
  const { EC2Client, RevokeSecurityGroupIngressCommand } = await import('../../aws/ec2.ts');
  const IpPermissions = rules.map((rule) => permissionOf(rule));
  return session
    .client(EC2Client)
    .send(new RevokeSecurityGroupIngressCommand({ GroupId: group, IpPermissions }));
}

/**
 * Sends a call again whose answer was lost where a read does not show the rules. That does not say that it had an effect:
 * the read may be from before they were added. If EC2 then no longer finds a rule, the lost call may have removed it: it is ours to put back in
 * an undo.
 * @throws the lost call's own error if a rule is shown, or EC2 does not accept the call: then the result is unknown
 */
async function revokeAgain(
  session: AwsSession,
  group: string,
  rules: readonly ExistingRule[],
  { lost, keep }: { readonly lost: unknown; readonly keep: (removed: readonly ExistingRule[]) => void },
): Promise<void> {
  const standing = await afterLostAnswer(lost, () => readRulesOf(session, group));
  // It had no effect, or the owner has changed one of them or put the same in its place.
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
 * Removes inbound rules from a group. The call names them by what they say, and not by their ids: that is EC2's only
 * condition for it, so that a rule which its owner has narrowed just before stays. A rule that is gone already is
 * success. A call whose answer was lost is sent again where a read does not show the rules.
 * @param options.isDue Only for rules that were added a moment ago. Asked before a call is sent again, and before each
 *   single call where one call for all of them was refused: by then, the look that they rest on is several calls old. A
 *   read without such a rule may be from before it was added, so a call that was not taken, or whose answer was lost, is
 *   sent again.
 * @param options.onRevoked Takes what a call has removed, also where a further one fails.
 * @returns the rules that were removed, without those that were gone
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
        // Outside a default VPC, EC2 refuses the whole call for one rule that is gone: so one by one.
        if (batch.length > 1) for (const rule of batch) await revoke(await dueOf([rule]), sends, isLost);
        // The call whose answer was lost may have removed it: then it is ours to put back in an undo.
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
 * Picks, of the rules that a change has made, those that are still as it made them. A read that does not show a rule
 * is older than it, and is made again; one that no read shows is taken for untouched.
 * @throws OutOfTimeError when reads show another in its place, which may have stood there before, and they may lag
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
 * Takes back rules that a change has made and that have lost their purpose. What its owner has changed since, or put in
 * its place, stays.
 * @param options.mayLag Whether AWS's reads may be from before they were made. Default: they may.
 * @param options.onRevoked Takes what was removed, also where the rest fails.
 * @throws TakeBackError when AWS does not let them be removed: they still stand
 * @throws OutOfTimeError when reads don't tell yet whether they still stand
 * @throws BlockedError when nothing may be changed just now: they still stand
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
      `${group}: rules that were added for a wider rule can't be taken back and may still stand: ${left.map(formatRule).join('; ')}`,
      { cause: error },
    );
  }
}

/** Leaves out rules by what they say: a group has no two that say the same. */
export function withoutRules(
  rules: readonly ExistingRule[],
  others: readonly ExistingRule[],
): ExistingRule[] {
  const keys = new Set(others.map(ruleKey));
  return rules.filter((rule) => !keys.has(ruleKey(rule)));
}
