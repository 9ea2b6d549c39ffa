import { lowestMode, type Mode } from './mode.ts';
import type { AccountSettings, Settings } from './settings.ts';

/** The groups that an account is in. */
export function groupsOf(account: string, { groups }: Pick<AccountSettings, 'groups'>): string[] {
  return Object.keys(groups).filter((name) => groups[name]?.includes(account) === true);
}

/** A mode, and the settings that determined it. */
export interface DecidedMode {
  readonly mode: Mode;
  /** Settings in words, as Terraform has them: those that decided first, those that lowered it last. */
  readonly because: readonly string[];
}

/**
 * The rule's mode for one account:
 * 1. `off` where the account is excluded, or where accounts are listed and it is not among them;
 * 2. what the rule says: of the account, else of its groups (the lowest), else of all;
 * 3. lowered to what is said for all rules: of the account, else of its groups (the lowest), and of new accounts.
 */
export function modeFor(settings: Settings, account: string, now: Date): Mode {
  return decideMode(settings, account, now).mode;
}

/** The same, with what decided it. */
export function decideMode(settings: Settings, account: string, now: Date): DecidedMode {
  const { allRules } = settings;
  const leftOut = [
    ...leavesOut(account, settings, allRules, ofRule(settings)),
    ...leavesOut(account, allRules, allRules, 'all rules'),
  ];
  if (leftOut.length > 0) return { mode: 'off', because: leftOut };
  const own = saidOf(account, settings, allRules, ofRule(settings)) ?? {
    mode: settings.mode,
    because: [`mode of ${ofRule(settings)} is ${settings.mode}`],
  };
  const ceilings = [
    saidOf(account, allRules, allRules, 'all rules'),
    newAccountMode(account, allRules, now),
  ].filter((each) => each !== undefined);
  const mode = lowestMode([own.mode, ...ceilings.map((each) => each.mode)]) ?? own.mode;
  const lowering = mode === own.mode ? [] : ceilings.filter((each) => each.mode === mode);
  return { mode, because: [...own.because, ...lowering.flatMap(({ because }) => because)] };
}

function ofRule({ rule }: Pick<Settings, 'rule'>): string {
  return `rule ${rule}`;
}

type Said = Pick<
  AccountSettings,
  'accounts' | 'excluded_accounts' | 'excluded_groups' | 'mode_by_account' | 'mode_by_group'
>;

/** Lists what keeps an account out. */
function leavesOut(
  account: string,
  { accounts, excluded_accounts, excluded_groups }: Said,
  allRules: AccountSettings,
  of: string,
): string[] {
  const groups = groupsOf(account, allRules).filter((group) => excluded_groups.includes(group));
  return [
    ...(accounts.length > 0 && !accounts.includes(account) ? [`accounts of ${of} does not name it`] : []),
    ...(excluded_accounts.includes(account) ? [`excluded_accounts of ${of} names it`] : []),
    ...groups.map((group) => `excluded_groups of ${of} names its group ${group}`),
  ];
}

/**
 * Reports whether the settings name the accounts that the rule is on for, and this one is not among them. No role is
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
  { mode_by_account, mode_by_group }: Said,
  allRules: AccountSettings,
  of: string,
): DecidedMode | undefined {
  const own = mode_by_account[account];
  if (own !== undefined) return { mode: own, because: [`mode_by_account of ${of} is ${own}`] };
  const groups = groupsOf(account, allRules);
  const mode = lowestMode(groups.flatMap((name) => mode_by_group[name] ?? []));
  if (mode === undefined) return undefined;
  const naming = groups.filter((name) => mode_by_group[name] === mode);
  return { mode, because: naming.map((name) => `mode_by_group of ${of} is ${mode} for its group ${name}`) };
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
