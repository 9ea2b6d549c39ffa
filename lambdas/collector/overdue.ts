import type { PollMarks } from './poll-marks.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Maximum duration of a poll, plus the hour during which EventBridge and Lambda retry a start. */
const GRACE = 75 * MINUTE;

const UNITS: Readonly<Record<string, number>> = { minute: MINUTE, hour: HOUR, day: DAY };

/**
 * Returns the longest time between two polls that a schedule expression allows, in milliseconds (EventBridge Scheduler
 * user guide, "Schedule types"). For a cron expression, this is an upper bound that depends on the most significant
 * restricted field: 366 days for the month, 35 days for a weekday of the month (`#`, `L`), 31 days for the day of the
 * month, 7 days for the day of the week, otherwise one day.
 * @returns undefined if the schedule does not recur (`at(…)`, or a cron expression with a year) or is unknown
 */
export function longestPeriod(expression: string): number | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression.trim());
  if (rate !== null) return Number(rate[1]) * (UNITS[rate[2] ?? ''] ?? DAY);
  const cron = /^cron\((.*)\)$/.exec(expression.trim());
  const [, , dayOfMonth, month, dayOfWeek, year] = (cron?.[1] ?? '').trim().split(/\s+/);
  if (year === undefined) return undefined;
  const isAny = (field: string | undefined): boolean => field === '*' || field === '?';
  if (!isAny(year)) return undefined;
  if (!isAny(month)) return 366 * DAY;
  if (dayOfWeek?.includes('#') || dayOfWeek?.includes('L')) return 35 * DAY;
  if (!isAny(dayOfMonth)) return 31 * DAY;
  if (!isAny(dayOfWeek)) return 7 * DAY;
  return DAY;
}

/** A rule without a complete poll for two of its periods. */
export interface OverdueRule {
  readonly rule: string;
  /** The text of a log line. */
  readonly reason: string;
}

/**
 * Finds the rules whose last successful poll is too long ago. For a rule without a mark, the time starts now.
 * @param schedules rule → schedule expression
 */
export async function overdueRules(
  marks: Pick<PollMarks, 'read' | 'renew'>,
  schedules: Readonly<Record<string, string>>,
  now: Date,
): Promise<OverdueRule[]> {
  const overdue: OverdueRule[] = [];
  const recurring = Object.entries(schedules).flatMap(([rule, expression]) => {
    const period = longestPeriod(expression);
    return period === undefined ? [] : [{ rule, expression, period }];
  });
  const known = await marks.read(recurring.map(({ rule }) => rule));
  for (const { rule, expression, period } of recurring) {
    const mark = known.find((each) => each.rule === rule);
    await marks.renew(mark ?? { rule, at: now.toISOString() });
    if (mark === undefined || now.getTime() - Date.parse(mark.at) <= 2 * period + GRACE) continue;
    const last =
      mark.poll === undefined
        ? `has not been polled successfully since it was enabled (at ${mark.at} or earlier)`
        : `was last polled successfully at ${mark.at}`;
    overdue.push({
      rule,
      reason: `rule ${rule} ${last}, although its schedule is ${expression}: its findings are not checked`,
    });
  }
  return overdue;
}
