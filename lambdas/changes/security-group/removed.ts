import { z } from 'zod';
import { type ExistingRule, ruleKey } from './ingress-rule.ts';
import { answeredRuleSchema, toExistingRule } from './read.ts';

/** Fields that are read of an answer to RevokeSecurityGroupIngress. */
export interface Answer {
  readonly RevokedSecurityGroupRules?: unknown;
  readonly UnknownIpPermissions?: readonly unknown[] | undefined;
}

/**
 * Picks, of the rules that a call was to remove, those that its answer says it removed: in a default VPC, what does
 * not match is not an error. The id is the answer's: someone may have put the same rule in place of the one that was
 * read. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
 * @param mayBeOurs True if a call whose answer was lost may have removed what this one did not find: then it is
 * ours to put back in an undo.
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
