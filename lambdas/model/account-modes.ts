import { lowestMode, type Mode } from './mode.ts';
import type { AccountSettings, Settings } from './settings.ts';

/** Returns the names of the groups that contain an account. */
export function groupsOf(account: string, { groups }: Pick<AccountSettings, 'groups'>): string[] {
  return Object.keys(groups).filter((name) => groups[name]?.includes(account) === true);
}

/** A mode, and the settings that determined it. */
export interface DecidedMode {
  readonly mode: Mode;
  /** The settings in words, with Terraform's names: first those that set the mode, then those that lowered it. */
  readonly because: readonly string[];
}

/**
 * Returns the rule's mode for one account:
 * 1. `off` if the account is excluded, or if `accounts` is set and does not list it;
 * 2. otherwise the rule's own setting: for the account, or for its groups (the lowest), or for all accounts;
 * 3. lowered to the settings for all rules: for the account, or for its groups (the lowest), and for new accounts.
 */
export function modeFor(settings: Settings, account: string, now: Date): Mode {
  return decideMode(settings, account, now).mode;
}

/** Returns the rule's mode for one account, as `modeFor` does, and the settings that determined it. */
export function decideMode(settings: Settings, account: string, now: Date): DecidedMode {
  const { allRules } = settings;
  const leftOut = [
    ...leavesOut(account, settings, allRules, forRule(settings)),
    ...leavesOut(account, allRules, allRules, 'for all rules'),
  ];
  if (leftOut.length > 0) return { mode: 'off', because: leftOut };
  const own = saidOf(account, settings, allRules, forRule(settings)) ?? {
    mode: settings.mode,
    because: [`mode ${forRule(settings)} is ${settings.mode}`],
  };
  const ceilings = [
    saidOf(account, allRules, allRules, 'for all rules'),
    newAccountMode(account, allRules, now),
  ].filter((each) => each !== undefined);
  const mode = lowestMode([own.mode, ...ceilings.map((each) => each.mode)]) ?? own.mode;
  const lowering = mode === own.mode ? [] : ceilings.filter((each) => each.mode === mode);
  return { mode, because: [...own.because, ...lowering.flatMap(({ because }) => because)] };
}

function forRule({ rule }: Pick<Settings, 'rule'>): string {
  return `for rule ${rule}`;
}

type Said = Pick<
  AccountSettings,
  'accounts' | 'excluded_accounts' | 'excluded_groups' | 'mode_by_account' | 'mode_by_group'
>;

/** Lists the settings that exclude an account. */
function leavesOut(
  account: string,
  { accounts, excluded_accounts, excluded_groups }: Said,
  allRules: AccountSettings,
  scope: string,
): string[] {
  const groups = groupsOf(account, allRules).filter((group) => excluded_groups.includes(group));
  return [
    ...(accounts.length > 0 && !accounts.includes(account)
      ? [`accounts ${scope} does not include the account`]
      : []),
    ...(excluded_accounts.includes(account) ? [`excluded_accounts ${scope} includes the account`] : []),
    ...groups.map((group) => `excluded_groups ${scope} includes its group ${group}`),
  ];
}

/**
 * Reports whether the settings enable the rule for certain accounts only, and not for this one. No role is assumed in
 * such an account. An account whose own mode or group's mode is `off` does not count: changes that were begun there are
 * followed to their end.
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
  { mode_by_account, mode_by_group }: Said,
  allRules: AccountSettings,
  scope: string,
): DecidedMode | undefined {
  const own = mode_by_account[account];
  if (own !== undefined) return { mode: own, because: [`mode_by_account ${scope} is ${own}`] };
  const groups = groupsOf(account, allRules);
  const mode = lowestMode(groups.flatMap((name) => mode_by_group[name] ?? []));
  if (mode === undefined) return undefined;
  const naming = groups.filter((name) => mode_by_group[name] === mode);
  return { mode, because: naming.map((name) => `mode_by_group ${scope} is ${mode} for its group ${name}`) };
}

function newAccountMode(
  account: string,
  { new_accounts }: AccountSettings,
  now: Date,
): DecidedMode | undefined {
  const until = new_accounts?.until[account];
  if (new_accounts === undefined || until === undefined || now >= new Date(until)) return undefined;
  return { mode: new_accounts.mode, because: [`new_accounts is ${new_accounts.mode} until ${until}`] };
}
