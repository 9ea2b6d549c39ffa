import { lowestMode, type Mode } from './mode.ts';
import type { AccountSettings, Settings } from './settings.ts';

/** The groups that an account is in. */
export function groupsOf(account: string, { groups }: Pick<AccountSettings, 'groups'>): string[] {
  return Object.keys(groups).filter((name) => groups[name]?.includes(account) === true);
}

/**
 * The rule's mode for one account:
 * 1. `off` where the account is excluded, or where accounts are listed and it is not among them;
 * 2. what the rule says: of the account, else of its groups (the lowest), else of all;
 * 3. lowered to what is said for all rules: of the account, else of its groups (the lowest), and of new accounts.
 */
export function modeFor(settings: Settings, account: string, now: Date): Mode {
  const { allRules } = settings;
  const groups = groupsOf(account, allRules);
  const isLeftOut = [settings, allRules].some(
    ({ accounts, excluded_accounts, excluded_groups }) =>
      (accounts.length > 0 && !accounts.includes(account)) ||
      excluded_accounts.includes(account) ||
      groups.some((group) => excluded_groups.includes(group)),
  );
  if (isLeftOut) return 'off';
  const ofRule = saidOf(account, groups, settings) ?? settings.mode;
  const ceilings = [saidOf(account, groups, allRules), newAccountMode(account, allRules, now)];
  return lowestMode([ofRule, ...ceilings.flatMap((mode) => mode ?? [])]) ?? ofRule;
}

/**
 * Tells whether the settings name the accounts that the rule is on for, and this one is not among them. No role is
 * assumed in such an account. An account that they name as `off` is not meant: what was begun there is followed to
 * its end.
 */
export function isLeftOut(settings: Settings, account: string): boolean {
  const { mode, mode_by_account: ofAccounts, mode_by_group: ofGroups, allRules } = settings;
  if ([settings, allRules].some(({ accounts }) => accounts.length > 0 && !accounts.includes(account)))
    return true;
  const named = [...Object.values(ofAccounts), ...Object.values(ofGroups)];
  const isClosed = mode === 'off' && named.some((each) => each !== 'off');
  if (!isClosed || Object.hasOwn(ofAccounts, account)) return false;
  return !groupsOf(account, allRules).some((group) => Object.hasOwn(ofGroups, group));
}

function saidOf(
  account: string,
  groups: readonly string[],
  said: Pick<AccountSettings, 'mode_by_account' | 'mode_by_group'>,
): Mode | undefined {
  return (
    said.mode_by_account[account] ?? lowestMode(groups.flatMap((name) => said.mode_by_group[name] ?? []))
  );
}

function newAccountMode(account: string, { new_accounts }: AccountSettings, now: Date): Mode | undefined {
  const until = new_accounts?.until[account];
  return until !== undefined && now < new Date(until) ? new_accounts?.mode : undefined;
}
