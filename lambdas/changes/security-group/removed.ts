import { z } from 'zod';
import { type ExistingRule, ruleKey } from './ingress-rule.ts';
import { answeredRuleSchema, toExistingRule } from './read.ts';

/** The fields of a RevokeSecurityGroupIngress answer that are used here. */
export interface Answer {
  readonly RevokedSecurityGroupRules?: unknown;
  readonly UnknownIpPermissions?: readonly unknown[] | undefined;
}

/**
 * Selects the rules that a call removed, according to its answer, because in a default VPC, a rule that does not match
 * is not an error. The ids come from the answer, because someone may have replaced a rule with an identical one since
 * it was read. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
 * @param mayBeOurs True if an earlier call that was not answered may have removed the rules that this one did not find,
 *   so that an undo must restore them.
 */
export function removedBy(
  answer: Answer,
  asked: readonly ExistingRule[],
  mayBeOurs: boolean,
): ExistingRule[] {
  const named = z
    .array(answeredRuleSchema)
    .parse(answer.RevokedSecurityGroupRules ?? [])
    .map(toExistingRule);
  const unknown = answer.UnknownIpPermissions ?? [];
  if (named.length === 0 && unknown.length === 0) return [...asked];
  return asked.flatMap((rule) => {
    const found = named.find((one) => ruleKey(one) === ruleKey(rule));
    if (found === undefined) return mayBeOurs ? [rule] : [];
    return [{ ...rule, id: found.id, description: found.description }];
  });
}
