import type { AwsSession } from '../../aws/session.ts';
import { type ExistingRule, formatRule, type IngressRule, looksLike, ruleKey } from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import type { RuleShrink } from './schemas.ts';

/** Finds a rule by its id or, if an undo has restored it under another id, by its content. */
export function findRule(rule: ExistingRule, standing: readonly ExistingRule[]): ExistingRule | undefined {
  return standing.find(({ id }) => id === rule.id) ?? standing.find((other) => looksLike(other, rule));
}

/** Describes the first rule that is gone or has different content. Tags are ignored. */
function missingOf(rules: readonly ExistingRule[], standing: readonly ExistingRule[]): string | undefined {
  for (const rule of rules) {
    const found = findRule(rule, standing);
    if (found === undefined) return `its rule ${formatRule(rule)} is gone`;
    if (ruleKey(found) !== ruleKey(rule) || found.description !== rule.description) {
      return `its rule ${formatRule(rule)} is now ${formatRule(found)}`;
    }
  }
  return undefined;
}

/** Describes the first existing rule with the same protocol, ports, and source as one of the given rules. */
export function standingOf(
  rules: readonly IngressRule[],
  standing: readonly ExistingRule[],
): string | undefined {
  const keys = new Set(rules.map(ruleKey));
  const found = standing.find((rule) => keys.has(ruleKey(rule)));
  return found === undefined ? undefined : `it has the rule ${formatRule(found)}`;
}

/** Describes how a group differs from the state that the shrinking of a rule left. */
export async function shrunkDiffers(
  session: AwsSession,
  { resource, before, made = [], shrunk }: RuleShrink,
): Promise<string | undefined> {
  if (shrunk === undefined) return undefined;
  const standing = await readRulesOf(session, resource);
  const expected = [...(shrunk === null ? [] : [shrunk]), ...made];
  return missingOf(expected, standing) ?? standingOf([before], standing);
}
