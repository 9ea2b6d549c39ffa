import { SettingsError } from './errors.ts';

/** The parsed pause parameter: the work that is paused. */
export interface Pause {
  readonly all: boolean;
  /** True if undos are paused, too. */
  readonly undo: boolean;
  readonly rules: ReadonlySet<string>;
  readonly accounts: ReadonlySet<string>;
}

const accountPattern = /^account:(\d{12})$/;

/**
 * Parses the value of the pause parameter: `none`, or one or more of `all`, `all+undo`, rule ids, and `account:<account
 * id>`, separated by commas.
 * @param knownRules the ids of all rules
 * @throws SettingsError for any other value, because someone meant to pause something and it is unclear what
 */
export function parsePause(value: string, knownRules: readonly string[]): Pause {
  const words = value.split(',').map((word) => word.trim());
  const rules = new Set<string>();
  const accounts = new Set<string>();
  if (words.length === 1 && words[0] === 'none') return { all: false, undo: false, rules, accounts };
  const unknown: string[] = [];
  for (const word of words) {
    const [, account] = accountPattern.exec(word) ?? [];
    if (account !== undefined) accounts.add(account);
    else if (word === 'all' || word === 'all+undo') continue;
    else if (knownRules.includes(word)) rules.add(word);
    else unknown.push(word);
  }
  if (unknown.length > 0) {
    throw new SettingsError(
      `unknown value "${unknown.join('", "')}" in pause "${value}": expected none, all, all+undo, rule ids, or account:<id>, separated by commas; nothing is changed until it is corrected`,
    );
  }
  const undo = words.includes('all+undo');
  return { all: undo || words.includes('all'), undo, rules, accounts };
}

/** The kinds of work that a pause can stop. Taking back an interrupted change counts as `remediate`. */
export type PausedWork = 'remediate' | 'undo';

/**
 * Returns the part of a pause that stops work on a rule in an account. Undos continue in every pause except `all+undo`,
 * because an operator who pauses remediation may want to restore something.
 * @returns undefined if the work may continue
 */
export function stoppedBy(
  pause: Pause,
  work: PausedWork,
  { rule, account }: { readonly rule: string; readonly account: string },
): 'all' | 'account' | 'rule' | undefined {
  if (work === 'undo') return pause.undo ? 'all' : undefined;
  if (pause.accounts.has(account)) return 'account';
  if (pause.all) return 'all';
  return pause.rules.has(rule) ? 'rule' : undefined;
}
