import { InvalidInputError } from '../shared/errors.ts';
import type { Rule } from './rule.ts';

interface Entry {
  readonly legacyId: string;
  /** Loads the rule's file, so that a function loads only the rules that it meets. */
  load(): Promise<Rule>;
}

/**
 * Every rule by its id, with the id that the older Netskope framework knew it by. A new rule is a new file and a
 * line here.
 */
const entries: ReadonlyMap<string, Entry> = new Map<string, Entry>([]);

/** The ids of all rules, in the order of the alphabet. */
export const ruleIds: readonly string[] = [...entries.keys()].sort();

/** The rule's id for an id or a legacy id (`CIS-1-2-0-4-1`), or undefined where there is no such rule. */
export function findRuleId(idOrLegacyId: string): string | undefined {
  if (entries.has(idOrLegacyId)) return idOrLegacyId;
  for (const [id, entry] of entries) if (entry.legacyId === idOrLegacyId) return id;
  return undefined;
}

/**
 * Loads a rule by its id or its legacy id.
 * @throws InvalidInputError when there is no such rule
 */
export async function loadRule(idOrLegacyId: string): Promise<Rule> {
  const entry = entries.get(findRuleId(idOrLegacyId) ?? '');
  if (entry === undefined) {
    throw new InvalidInputError(`unknown rule ${idOrLegacyId}: expected one of ${ruleIds.join(', ')}`);
  }
  return entry.load();
}
