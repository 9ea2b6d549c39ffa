import { errorKind, isAwsError, wasRetried } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { TakeBackError } from '../../model/errors.ts';
import { type ExistingRule, formatRule } from './ingress-rule.ts';
import { readRulesOf } from './read.ts';

/** The codes by which EC2 says that a rule, or its whole group, is gone. */
export const GONE_ERRORS = [
  'InvalidSecurityGroupRuleId.NotFound',
  'InvalidPermission.NotFound',
  'InvalidGroup.NotFound',
] as const;

/**
 * Removes inbound rules from a group by their ids. A rule that is gone already is success. A call whose answer was lost
 * is resolved by reading.
 * @returns the rules that this call removed, without those that were gone
 */
export async function revokeRules(
  session: AwsSession,
  group: string,
  rules: readonly ExistingRule[],
): Promise<ExistingRule[]> {
  const { EC2Client, RevokeSecurityGroupIngressCommand } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);

  const revoke = async (batch: readonly ExistingRule[], sentBefore: boolean): Promise<ExistingRule[]> => {
    if (batch.length === 0) return [];
    try {
      const SecurityGroupRuleIds = batch.map(({ id }) => id);
      await client.send(new RevokeSecurityGroupIngressCommand({ GroupId: group, SecurityGroupRuleIds }));
      return [...batch];
    } catch (error) {
      if (!isAwsError(error, ...GONE_ERRORS)) {
        if (errorKind(error) === 'refused') throw error;
        const left = new Set((await readRulesOf(session, group)).map(({ id }) => id));
        if (batch.some(({ id }) => left.has(id))) throw error;
        return [...batch];
      }
      // Where the SDK sent the call twice, the first may have removed it: then it is ours to put back in an undo.
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

/**
 * Takes back rules that a change has made and that have lost their purpose, by their ids.
 * @throws TakeBackError when AWS does not let them be removed: they still stand
 */
export async function takeBackRules(
  session: AwsSession,
  group: string,
  made: readonly ExistingRule[],
): Promise<ExistingRule[]> {
  try {
    return await revokeRules(session, group, made);
  } catch (error) {
    throw new TakeBackError(
      `${group}: rules that were added for a wider rule can't be taken back and may still stand: ${made.map(formatRule).join('; ')}`,
      { cause: error },
    );
  }
}
