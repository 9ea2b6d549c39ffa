import { cronMinutes, localClock } from '../../cli/cron.ts';
import { longestPeriod } from '../../lambdas/collector/overdue.ts';

/** Consecutive missing polls. */
export interface Gap {
  /** Time at which the first of them was due. */
  readonly from: string;
  /** Time at which the last of them was due. */
  readonly until: string;
  readonly polls: number;
}

/** The times at which polls are expected. */
export interface Expected {
  /** The beginning of the checked period. */
  readonly begin: number;
  /** The end of the checked period, exclusive. */
  readonly end: number;
  /** The time of the last poll before `begin`, or the time from which polls are expected. */
  readonly since: number;
  /** `rate(…)` or `cron(…)`, as in EventBridge Scheduler. Anything else does not recur. */
  readonly schedule: string;
  /** Time zone of cron expressions. */
  readonly timeZone: string;
}

/** Schedules have a precision of one minute (EventBridge Scheduler user guide, "Schedule types"). */
const PRECISION_MILLISECONDS = 60_000;

/**
 * Finds the times at which a poll was due but did not take place, in order. A poll is identified by the time for which it was
 * scheduled, which neither a flexible window nor a retry changes.
 *
 * With a rate, a poll is due one period after the previous one, regardless of who started that, so that no interval without a
 * poll is longer than the period. With a cron, a poll is due at each minute that the expression specifies.
 * @param polls the times of the polls that took place, including those before `begin` and after `end`
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

/** Finds the times of missing polls, and groups those between which no poll took place. */
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
