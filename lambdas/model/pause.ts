import { SettingsError } from './errors.ts';

/** The content of the pause parameter: what must stop. */
export interface Pause {
  readonly all: boolean;
  /** True if undoing is stopped, too. */
  readonly undo: boolean;
  readonly rules: ReadonlySet<string>;
  readonly accounts: ReadonlySet<string>;
}

const accountPattern = /^account:(\d{12})$/;

/**
 * Reads the pause parameter's value: `none`, or words with commas between them: `all`, `all+undo`, rule ids,
 * `account:` with an account id.
 * @param knownRules the ids of all rules
 * @throws SettingsError for any other value: someone wanted to stop something, and it is unknown what
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
    else if (knownRules.includes(word)) rules.add(word);
    else if (word !== 'all' && word !== 'all+undo') unknown.push(word);
  }
  if (unknown.length > 0) {
    throw new SettingsError(
      `unknown value "${unknown.join('", "')}" in pause "${value}": expected none, all, all+undo, rule ids, or account:<id>, separated by commas; nothing is changed until it is corrected`,
    );
  }
  const undo = words.includes('all+undo');
  return { all: undo || words.includes('all'), undo, rules, accounts };
}

/** The kinds of work that a pause may stop. Taking back an interrupted change waits as remediation does. */
export type PausedWork = 'remediate' | 'undo';

/**
 * Tells by which of its words a pause stops work on a rule in an account. Undos continue in every pause except `all+undo`:
 * an operator who pauses may want to restore something.
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
