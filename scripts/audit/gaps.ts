import { longestPeriod } from '../../lambdas/collector/overdue.ts';

/** A time in which a rule should have been polled and was not. */
export interface Gap {
  readonly from: string;
  readonly until: string;
  /** How many polls are missing, at least. */
  readonly polls: number;
}

/** The schedule's flexible window, a poll's own time, and its retries. */
const GRACE_MILLISECONDS = 3_600_000;

/**
 * The polls that a schedule asks for between two moments and that are not there. Of a cron they are a lower bound, as its
 * period is an upper one.
 * @param polls the moments of those that are there
 */
export function gapsOf(
  polls: readonly number[],
  { begin, end, schedule }: { readonly begin: number; readonly end: number; readonly schedule: string },
): Gap[] {
  const period = longestPeriod(schedule);
  if (period === undefined) return [];
  const points = [begin, ...polls.toSorted((one, other) => one - other), end];
  return points.slice(1).flatMap((until, index) => {
    const from = points[index] ?? begin;
    const missing = Math.ceil((until - from - GRACE_MILLISECONDS) / period) - 1;
    return missing > 0
      ? [{ from: new Date(from).toISOString(), until: new Date(until).toISOString(), polls: missing }]
      : [];
  });
}
