import { isAwsError } from '../../aws/errors.ts';
import { InvalidInputError, SettingsError } from '../../model/errors.ts';
import { loadRule, ruleIds } from '../../rules/index.ts';
import type { Rule } from '../../rules/rule.ts';
import { unreadableRule } from '../../rules/unreadable.ts';
import type { Ports } from '../ports.ts';

/**
 * Loads the rule of a job from its code, or from its declaration in the rule's settings. If the settings are invalid,
 * returns a rule that reads nothing, so that all findings fail with that reason.
 * @throws InvalidInputError if there is no such rule
 */
export async function findRule(id: string, { settings }: Pick<Ports, 'settings'>): Promise<Rule> {
  if (ruleIds.includes(id)) return loadRule(id);
  try {
    const { definition } = await settings.read(id);
    return await loadRule(id, definition);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    if (!isAwsError(error.cause, 'NoSuchKey')) return unreadableRule(id, error);
    throw new InvalidInputError(
      `unknown rule ${id}: expected one of ${ruleIds.join(', ')}, or a rule that has settings`,
      { cause: error },
    );
  }
}
