import { cronMinutes, localClock } from '../../cli/cron.ts';
import { longestPeriod } from '../../lambdas/collector/overdue.ts';

/** Polls that are missing one after the other. */
export interface Gap {
  /** Time at which the first of them was due. */
  readonly from: string;
  /** Time at which the last of them was due. */
  readonly until: string;
  readonly polls: number;
}

/** The times at which polls are expected. */
export interface Expected {
  /** The first moment that is checked. */
  readonly begin: number;
  /** The first moment that is no longer looked at. */
  readonly end: number;
  /** A poll before `begin`, or the moment from which polls are expected. */
  readonly since: number;
  /** `rate(…)` or `cron(…)`, as EventBridge Scheduler reads them. Of anything else, nothing recurs. */
  readonly schedule: string;
  /** Time zone of cron expressions. */
  readonly timeZone: string;
}

/** Schedules are run to the minute (EventBridge Scheduler user guide, "Schedule types"). */
const PRECISION_MILLISECONDS = 60_000;

/**
 * The moments at which a poll was due and none was done, in order. A poll is known by the time that it was scheduled
 * for, which neither a flexible window nor a retry moves.
 *
 * Of a rate, a poll is due one period after the one before, whoever started that: so no time longer than the period goes
 * by without a poll. Of a cron, a poll is due at each minute that the expression names.
 * @param polls the moments of those that were done, before `begin` and after `end` too
 */
export function missingPolls(polls: readonly number[], expected: Expected): number[] {
  const { schedule, timeZone, begin, end, since } = expected;
  const [, fields] = /^cron\((.*)\)$/.exec(schedule.trim()) ?? [];
  if (fields !== undefined) {
    const toLocal = localClock(timeZone);
    const done = new Set(polls.map(toLocal));
    const due = cronMinutes(fields, timeZone, Math.max(begin, since), end);
    return due.filter(({ local }) => !done.has(local)).map(({ at }) => at);
  }
  const period = longestPeriod(schedule);
  if (period === undefined) return [];
  const later = polls.filter((moment) => moment > since).toSorted((one, other) => one - other);
  const missing: number[] = [];
  for (const [index, from] of [since, ...later].entries()) {
    const next = later[index] ?? Number.POSITIVE_INFINITY;
    const until = Math.min(next - PRECISION_MILLISECONDS, end);
    for (let due = from + period; due < until; due += period) if (due >= begin) missing.push(due);
  }
  return missing;
}

/** The same moments, those together between which no poll was done. */
export function gapsOf(polls: readonly number[], expected: Expected): Gap[] {
  const groups: number[][] = [];
  for (const due of missingPolls(polls, expected)) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    const isSame = before !== undefined && !polls.some((moment) => moment > before && moment < due);
    if (isSame) group?.push(due);
    else groups.push([due]);
  }
  const iso = (moment = 0): string => new Date(moment).toISOString();
  return groups.map((group) => ({ from: iso(group[0]), until: iso(group.at(-1)), polls: group.length }));
}
