import { SettingsError } from '../../../lambdas/model/errors.ts';
import { ALL, type HoldName } from '../../../lambdas/model/operator-items.ts';
import { parsePause, stoppedBy } from '../../../lambdas/model/pause.ts';
import type { Context } from '../../context.ts';
import { findHolds, type Hold, holdText } from '../../deployed/holds.ts';
import type { Opened } from '../../deployed/index.ts';
import { knownAccounts } from '../../findings/places.ts';
import type { RegionStatus, RuleStatus } from './result.ts';
import type { RuleAlone } from './rule.ts';

/** The part of the deployment that is requested; undefined: all. */
export interface Asked {
  readonly rule: string | undefined;
  readonly account: string | undefined;
  readonly region: string | undefined;
}

/** Finds the requested holds, whoever wrote them. */
export async function holdsOn(
  { now }: Context,
  opened: Opened,
  { alone, accounts }: { readonly alone: readonly RuleAlone[]; readonly accounts: readonly string[] },
  asked: Asked,
): Promise<Hold[]> {
  const { deployment, table } = opened;
  const places = {
    accounts: [...new Set([...accounts, ...alone.flatMap((rule) => rule.accounts)])],
    regions: deployment.regions,
    rules: alone.map(({ status: { rule } }) => rule),
    resources: alone.flatMap(({ holds }) => holds.flat()),
  };
  const holds = await findHolds(table, places, now());
  return holds.filter(({ name }) => isAsked(name, asked));
}

/** The requested accounts that are known; empty if the account settings cannot be used. */
export async function accountsOf(opened: Opened, { account }: Asked): Promise<readonly string[]> {
  if (account !== undefined) return [account];
  try {
    return await knownAccounts(opened);
  } catch (error) {
    if (error instanceof SettingsError) return [];
    throw error;
  }
}

function isAsked(name: HoldName, { rule, account, region }: Asked): boolean {
  return (
    (account === undefined || name.account === account) &&
    (region === undefined || [region, ALL].includes(name.region)) &&
    (rule === undefined || [rule, ALL].includes(name.rule))
  );
}

/** Holds and pauses that prevent changes, regardless of the rule. */
interface Standing {
  /** The existing holds, each identified by `holdText`. */
  readonly held: ReadonlySet<string>;
  readonly regions: readonly RegionStatus[];
  /** Ids of all rules. */
  readonly known: readonly string[];
}

/** Adds what currently prevents changes by a rule. */
export function heldUp(
  { status, holds: names }: RuleAlone,
  { held, regions, known }: Standing,
  { account }: Asked,
): RuleStatus {
  const paused = regions.flatMap(({ region, pause }) => {
    const by = pausedBy(pause, { rule: status.rule, account, known });
    return by === undefined ? [] : [{ region, ...(by !== 'all' && { accounts: by }) }];
  });
  return {
    ...status,
    paused,
    held: names.filter((of) => of.some((name) => held.has(holdText(name)))).length,
  };
}

/** The accounts in which a pause stops a rule; undefined: in none. A pause that cannot be parsed stops everything. */
function pausedBy(
  pause: string | undefined,
  { rule, account, known }: Pick<RuleStatus, 'rule'> & Pick<Asked, 'account'> & Pick<Standing, 'known'>,
): 'all' | string[] | undefined {
  if (pause === undefined) return 'all';
  try {
    const parsed = parsePause(pause, known);
    const everywhere = stoppedBy(parsed, 'remediate', { rule, account: account ?? '' });
    if (everywhere !== undefined) return 'all';
    return account === undefined && parsed.accounts.size > 0 ? [...parsed.accounts] : undefined;
  } catch (error) {
    if (error instanceof SettingsError) return 'all';
    throw error;
  }
}
