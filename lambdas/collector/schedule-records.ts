import { z } from 'zod';
import type { EvidenceObjects } from '../aws/evidence-objects.ts';
import type { Clock } from '../model/clock.ts';
import { ruleIdSchema, timestampSchema } from '../model/finding.ts';

/**
 * Schema of the record of the polled rules and their schedules, which shows auditors how many polls a month should have
 * had.
 */
export const scheduleRecordSchema = z.object({
  version: z.literal(1),
  at: timestampSchema,
  /** Expressions by rule. */
  schedules: z.record(ruleIdSchema, z.string()),
  /** The time zone of cron expressions. */
  timeZone: z.string(),
});
export type ScheduleRecord = z.infer<typeof scheduleRecordSchema>;

/** Builds the key `schedules/<time>.json`, which sorts by time. */
export function scheduleRecordKey(at: string): string {
  return `schedules/${at.replaceAll(':', '-')}.json`;
}

const HOUR_MILLISECONDS = 3_600_000;

/**
 * Stores the function's schedules as evidence, at most once an hour. A changed schedule changes the function's
 * environment variables, so Lambda starts new instances, which store the new schedules at their first call.
 */
export class ScheduleRecords {
  readonly #objects: Pick<EvidenceObjects, 'put'>;
  readonly #known: Pick<ScheduleRecord, 'schedules' | 'timeZone'>;
  readonly #clock: Clock;
  #notedAt = Number.NEGATIVE_INFINITY;

  constructor(
    objects: Pick<EvidenceObjects, 'put'>,
    known: Pick<ScheduleRecord, 'schedules' | 'timeZone'>,
    clock: Clock,
  ) {
    this.#objects = objects;
    this.#known = known;
    this.#clock = clock;
  }

  /** Stores the schedules, unless it did so within the last hour. @throws AWS's own error if the write fails */
  async note(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#notedAt < HOUR_MILLISECONDS) return;
    const at = new Date(now).toISOString();
    const record: ScheduleRecord = { version: 1, at, ...this.#known };
    await this.#objects.put(scheduleRecordKey(at), JSON.stringify(record));
    this.#notedAt = now;
  }
}
