import { isAwsError } from '../aws/errors.ts';
import type { EvidenceObjects, WriteCondition } from '../aws/evidence-objects.ts';
import { type PollMark, pollMarkKey, pollMarkSchema } from './poll-mark.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Longest duration of a poll, and the hour for which EventBridge and Lambda retry a start. */
const GRACE = 75 * MINUTE;

const UNITS: Readonly<Record<string, number>> = { minute: MINUTE, hour: HOUR, day: DAY };

/**
 * The longest time between two polls by a schedule's expression, in milliseconds (EventBridge Scheduler user guide,
 * "Schedule types"). Of a cron it is an upper bound by the first restricted field: 366 days for a month, 31 days for a
 * day of the month, 7 days for a day of the week, otherwise one day. Undefined where nothing recurs: `at(…)`, a year.
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

/** A rule that has not been polled to its end for two of its periods. */
export interface OverdueRule {
  readonly rule: string;
  /** The words of a log line. */
  readonly reason: string;
}

type Marks = Pick<EvidenceObjects, 'find' | 'put'>;

/**
 * The rules whose last successful poll is too long ago. A rule that was never seen before is expected from now on.
 * Each mark that is read is written anew: the bucket deletes old objects, and a rule whose mark is deleted would be
 * expected from then on, so it would never be overdue.
 * @param schedules rule → schedule expression
 */
export async function overdueRules(
  objects: Marks,
  schedules: Readonly<Record<string, string>>,
  now: Date,
): Promise<OverdueRule[]> {
  const overdue: OverdueRule[] = [];
  for (const [rule, expression] of Object.entries(schedules)) {
    const period = longestPeriod(expression);
    if (period === undefined) continue;
    const found = await objects.find(pollMarkKey(rule));
    if (found === undefined) {
      await writeMark(objects, rule, { version: 1, at: now.toISOString() }, { IfNoneMatch: '*' });
      continue;
    }
    const mark = pollMarkSchema.parse(JSON.parse(found.text));
    await writeMark(objects, rule, mark, { IfMatch: found.etag });
    if (now.getTime() - Date.parse(mark.at) <= 2 * period + GRACE) continue;
    const last =
      mark.poll === undefined
        ? `has not been polled successfully since it was enabled, at the latest ${mark.at}`
        : `was last polled successfully at ${mark.at}`;
    overdue.push({
      rule,
      reason: `rule ${rule} ${last}, although its schedule is ${expression}: its findings are not looked at`,
    });
  }
  return overdue;
}

async function writeMark(
  objects: Marks,
  rule: string,
  mark: PollMark,
  condition: WriteCondition,
): Promise<void> {
  try {
    await objects.put(pollMarkKey(rule), JSON.stringify(mark), condition);
  } catch (error) {
    // A poll has ended meanwhile.
    if (!isAwsError(error, 'PreconditionFailed')) throw error;
  }
}
