import { type ScheduleRecord, scheduleRecordSchema } from '../../lambdas/collector/schedule-records.ts';
import type { Evidence } from './evidence.ts';

/** A period in which a rule had one schedule, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  /** The end of the period, exclusive. */
  readonly until: number;
  readonly schedule: string;
  /** The time zone of cron expressions. */
  readonly timeZone: string;
  /** True if the rule is known to have been on before. */
  readonly isContinued: boolean;
}

/** A period in which a rule was switched on or off, or got another schedule, at an unknown time. */
export interface Switch {
  readonly rule: string;
  readonly from: string;
  readonly until: string;
}

/** The schedules of a rule in a month. */
export interface History {
  readonly spans: readonly Span[];
  readonly switches: readonly Switch[];
}

/** The records of a month, and the last one before it, in order. */
export async function scheduleRecords(
  evidence: Evidence,
  begin: number,
  end: number,
): Promise<ScheduleRecord[]> {
  const month: string[] = [];
  let before: string | undefined;
  for await (const key of evidence.keys('schedules/')) {
    const moment = momentOf(key);
    if (moment < begin) before = key;
    else if (moment < end) month.push(key);
  }
  const keys = [...(before === undefined ? [] : [before]), ...month];
  return Promise.all(keys.map(async (key) => scheduleRecordSchema.parse(await evidence.json(key))));
}

/** `schedules/2026-11-30T12-00-00.000Z.json` */
function momentOf(key: string): number {
  const [, day, hours, minutes, rest] = /\/([\d-]{10})T(\d\d)-(\d\d)-([\d.]+Z)\.json$/.exec(key) ?? [];
  return Date.parse(`${day}T${hours}:${minutes}:${rest}`);
}

/**
 * Derives the periods in which a rule was polled from the records. From the first record with a schedule of the rule to the last
 * consecutive one with the same schedule, the rule was on. Between two records that differ, the time of the change is unknown, so
 * no polls are expected. The first record is assumed to be valid from the beginning of the month, and the last one until its end.
 */
export function historyOf(
  rule: string,
  records: readonly ScheduleRecord[],
  begin: number,
  end: number,
): History {
  const spans: Span[] = [];
  const switches: Switch[] = [];
  let last: ScheduleRecord | undefined;
  for (const record of records) {
    const at = Math.max(begin, Date.parse(record.at));
    const schedule = record.schedules[rule];
    const { timeZone } = record;
    const span = spans.at(-1);
    const isSame =
      last?.schedules[rule] === schedule && (last?.timeZone === timeZone || schedule === undefined);
    if (last !== undefined && isSame) {
      if (span !== undefined && schedule !== undefined) spans[spans.length - 1] = { ...span, until: at };
    } else {
      if (last !== undefined) switches.push({ rule, from: last.at, until: record.at });
      const from = last === undefined ? begin : at;
      const isContinued = last === undefined && Date.parse(record.at) < begin;
      if (schedule !== undefined) spans.push({ from, until: at, schedule, timeZone, isContinued });
    }
    last = record;
  }
  const open = spans.at(-1);
  if (open !== undefined && last?.schedules[rule] !== undefined)
    spans[spans.length - 1] = { ...open, until: end };
  return { spans, switches: switches.filter(({ until }) => Date.parse(until) >= begin) };
}
