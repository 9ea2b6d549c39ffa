import { modeFor } from '../../../lambdas/model/account-modes.ts';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import type { Mode } from '../../../lambdas/model/mode.ts';
import { type HoldName, namesOfHolds } from '../../../lambdas/model/operator-items.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import type { OutcomeName } from '../../../lambdas/model/outcome-names.ts';
import { type PollSummary, sum } from '../../../lambdas/model/poll-summary.ts';
import type { Settings } from '../../../lambdas/model/settings.ts';
import { pollItemSchema, pollKey } from '../../../lambdas/model/table-items.ts';
import { openBreakers } from '../../deployed/breakers.ts';
import type { Opened } from '../../deployed/index.ts';
import { changesCounted } from '../../deployed/limits.ts';
import { linesOfPoll, type PlaceFilter, placesOf } from '../../deployed/outcomes.ts';
import type { RuleStatus } from './result.ts';

/** Outcomes of findings that still need a person or a later poll. */
const OPEN: readonly OutcomeName[] = ['planned', 'deferred', 'failed', 'unprocessable'];

/** The status of a rule, without holds and pauses. */
export interface RuleAlone {
  readonly status: Omit<RuleStatus, 'held' | 'paused'>;
  /** Names of holds that may apply to each finding of its last poll. */
  readonly holds: readonly (readonly HoldName[])[];
  /** The requested accounts of its last poll. */
  readonly accounts: readonly string[];
}

/** Reads the status of a rule. */
export async function readRule(
  opened: Opened,
  rule: string,
  filter: PlaceFilter,
  now: Date,
): Promise<RuleAlone> {
  const [settings, poll] = await Promise.all([readSettings(opened, rule), lastPollOf(opened, rule)]);
  const places = poll === undefined ? [] : placesOf(poll, filter);
  const accounts =
    filter.account === undefined ? [...new Set(places.map(({ account }) => account))] : [filter.account];
  const isUsable = !('problem' in settings);
  const usable = isUsable ? settings : undefined;
  const [lines, breakers, changes] = await Promise.all([
    poll === undefined ? [] : linesOfPoll(opened, poll.poll, places),
    openBreakers(opened.table, rule, accounts, usable?.breaker, now),
    usable === undefined ? undefined : changesOf(opened, usable, filter.account, now),
  ]);
  const outcomes = lines
    .map(({ outcome }) => outcome)
    .filter(({ finding }) => filter.account === undefined || finding.account === filter.account);
  const oldest = oldestOf(outcomes);
  const expected = (poll?.destinations ?? [])
    .filter((place) =>
      places.some(({ account, region }) => account === place.account && region === place.region),
    )
    .reduce((total, { findings }) => total + findings, 0);
  const status = {
    rule,
    modes: usable === undefined ? {} : modesOf(usable, accounts, now),
    ...(poll !== undefined && { last_poll: pollOf(poll) }),
    outcomes: countsOf(outcomes),
    without_outcome: Math.max(0, expected - outcomes.length),
    ...(oldest !== undefined && { oldest }),
    ...(changes !== undefined && { changes }),
    breakers: breakers.map(({ at, ...breaker }) => ({ ...breaker, since: at })),
    ...(!isUsable && { problem: settings.problem }),
  };
  return { status, holds: outcomes.map(holdsOn), accounts };
}

function holdsOn({ finding, plan, applied }: Outcome): HoldName[] {
  const changed = [...plan, ...applied].map(({ change }) => change.resource);
  return namesOfHolds(finding, [finding.resource, ...changed]);
}

async function readSettings(
  { settings }: Opened,
  rule: string,
): Promise<Settings | { readonly problem: string }> {
  try {
    return await settings.of(rule);
  } catch (error) {
    if (error instanceof SettingsError) return { problem: error.message };
    throw error;
  }
}

/** The last completed poll of a rule. */
export async function lastPollOf(
  { table, evidence }: Opened,
  rule: string,
): Promise<PollSummary | undefined> {
  const [item] = await table.read(pollItemSchema, [pollKey(rule)]);
  return item?.poll === undefined ? undefined : evidence.summary(item.poll);
}

function pollOf({ poll, finishedAt, findings, unprocessable, deferred }: PollSummary) {
  return {
    as_of: poll.asOf,
    finished_at: finishedAt,
    findings,
    unprocessable: sum(unprocessable),
    left_to_source: deferred,
  };
}

function modesOf(settings: Settings, accounts: readonly string[], now: Date): RuleStatus['modes'] {
  if (accounts.length === 0) return { [settings.mode]: 0 };
  const modes: Partial<Record<Mode, number>> = {};
  for (const account of accounts) {
    const mode = modeFor(settings, account, now);
    modes[mode] = (modes[mode] ?? 0) + 1;
  }
  return modes;
}

function countsOf(outcomes: readonly Outcome[]): RuleStatus['outcomes'] {
  const counts: RuleStatus['outcomes'] = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function oldestOf(outcomes: readonly Outcome[]): RuleStatus['oldest'] {
  const open = outcomes.flatMap(({ outcome, finding }) => {
    const { account, region, resource, failingSince: since } = finding;
    if (since === undefined || !OPEN.includes(outcome)) return [];
    return [{ account, region, resource, outcome, since }];
  });
  return open.sort((one, other) => Date.parse(one.since) - Date.parse(other.since))[0];
}

async function changesOf(
  { table }: Opened,
  { rule, limits }: Settings,
  account: string | undefined,
  now: Date,
): Promise<RuleStatus['changes']> {
  const of = account ?? 'all';
  const counted = await changesCounted(table, [{ rule, scope: of }], now);
  const most = account === undefined ? limits.per_rule_per_hour : limits.per_account_per_hour;
  return { counted: counted.get(of) ?? 0, most };
}
