import type { AwsSession } from '../../aws/session.ts';
import { type ExistingRule, formatRule, type IngressRule, looksLike, ruleKey } from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import type { RuleShrink } from './schemas.ts';

/** Finds a rule by its id or, where an undo has put it back under another id, by all that it says. */
export function findRule(rule: ExistingRule, standing: readonly ExistingRule[]): ExistingRule | undefined {
  return standing.find(({ id }) => id === rule.id) ?? standing.find((other) => looksLike(other, rule));
}

/** Finds the first of some rules that is gone, or says something else, in words. Their tags don't count. */
function missingOf(rules: readonly ExistingRule[], standing: readonly ExistingRule[]): string | undefined {
  for (const rule of rules) {
    const found = findRule(rule, standing);
    if (found === undefined) return `its rule ${formatRule(rule)} is gone`;
    if (ruleKey(found) !== ruleKey(rule) || found.description !== rule.description) {
      return `its rule ${formatRule(rule)} is ${formatRule(found)} now`;
    }
  }
  return undefined;
}

/** Finds the first of the standing rules that has the protocol, ports and source of one of some rules, in words. */
export function standingOf(
  rules: readonly IngressRule[],
  standing: readonly ExistingRule[],
): string | undefined {
  const keys = new Set(rules.map(ruleKey));
  const found = standing.find((rule) => keys.has(ruleKey(rule)));
  return found === undefined ? undefined : `it has the rule ${formatRule(found)}`;
}

/** Finds how a group differs from what the shrinking of a rule left of it, in words. */
export async function shrunkDiffers(
  session: AwsSession,
  { resource, before, made = [], shrunk }: RuleShrink,
): Promise<string | undefined> {
  if (shrunk === undefined) return undefined;
  const standing = await readRulesOf(session, resource);
  const expected = [...(shrunk === null ? [] : [shrunk]), ...made];
  return missingOf(expected, standing) ?? standingOf([before], standing);
}
