import { StalePlanError } from '../../model/errors.ts';
import {
  type ExistingRule,
  formatDescription,
  formatRule,
  formatTraffic,
  type IngressRule,
  ruleKey,
  stands,
} from './ingress-rule.ts';

const traffic = (rule: IngressRule): string => `${formatTraffic(rule)} from ${rule.source}`;

/**
 * Returns the current state of a rule.
 * @throws StalePlanError if the rule is gone, or its ports, protocol, or source differ from the plan
 */
export function asSeen(group: string, seen: ExistingRule, now: readonly ExistingRule[]): ExistingRule {
  const found = now.find(({ id }) => id === seen.id);
  if (found === undefined) {
    throw new StalePlanError(`${group}: rule ${formatRule(seen)} was removed after it was read`);
  }
  if (ruleKey(found) !== ruleKey(seen)) {
    throw new StalePlanError(
      `${group}: rule ${seen.id} was ${traffic(seen)} when it was read and is ${traffic(found)} now`,
    );
  }
  return found;
}

/**
 * Checks that the rules that a plan depends on still exist.
 * @throws StalePlanError if one is gone: without it, the change would block traffic that the plan does not mention
 */
export function checkRemains(
  group: string,
  remains: readonly IngressRule[],
  now: readonly ExistingRule[],
): void {
  const gone = remains.find((rule) => !stands(rule, now));
  if (gone === undefined) return;
  throw new StalePlanError(
    `${group}: ${traffic(gone)}${formatDescription(gone)} existed when the plan was made, but no longer does`,
  );
}
