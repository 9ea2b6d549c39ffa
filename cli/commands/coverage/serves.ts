import { z } from 'zod';
import { comparableRuleName } from '../../../lambdas/model/rule-name.ts';
import { ruleIds } from '../../../lambdas/rules/catalogue.ts';
import netskopeRules from './netskope-rules.json' with { type: 'json' };
import type { CoveredRule } from './result.ts';

const texts = z.record(z.string(), z.string());
const { built_in, library, none } = z
  .strictObject({ built_in: texts, library: texts, none: texts })
  .parse(netskopeRules);

const comparable = (names: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(names).map(([name, value]) => [comparableRuleName(name), value]));

const builtIn = comparable(built_in);
const ofLibrary = comparable(library);
const reasons = comparable(none);
const libraryIds = new Set(Object.values(library));

const NOT_PREDEFINED =
  'Not a predefined rule of Netskope that this version knows. A custom rule can remediate it with a property of the resource type or with a Systems Manager document.';

/** The Netskope names for which a built-in rule is polled, without those that its schedule adds. */
export function namesOf(rule: string): string[] {
  return Object.entries(built_in).flatMap(([name, id]) => (id === rule ? name : []));
}

/** The rule that remediates a Netskope rule, if any. */
export type Served = Pick<CoveredRule, 'served_by' | 'rule' | 'is_enabled' | 'reason'>;

/**
 * Finds what remediates a Netskope rule.
 * @param polled ids of the polled rules, by the comparable names for which they are polled
 */
export function whatServes(name: string, polled: ReadonlyMap<string, string>): Served {
  const key = comparableRuleName(name);
  const enabled = polled.get(key);
  if (enabled !== undefined) return { served_by: kindOf(enabled), rule: enabled, is_enabled: true };
  const coded = builtIn.get(key);
  if (coded !== undefined) return { served_by: 'built_in', rule: coded, is_enabled: false };
  const declared = ofLibrary.get(key);
  if (declared !== undefined) return { served_by: 'library', rule: declared, is_enabled: false };
  return { served_by: 'none', is_enabled: false, reason: reasons.get(key) ?? NOT_PREDEFINED };
}

function kindOf(rule: string): 'built_in' | 'library' | 'custom' {
  if (ruleIds.includes(rule)) return 'built_in';
  return libraryIds.has(rule) ? 'library' : 'custom';
}
