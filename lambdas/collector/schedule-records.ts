import { z } from 'zod';
import type { EvidenceObjects } from '../aws/evidence-objects.ts';
import type { Clock } from '../model/clock.ts';
import { ruleIdSchema, timestampSchema } from '../model/finding.ts';

/** Records which rules were polled at a time, and by which schedule, to compare a month's polls with it. */
export const scheduleRecordSchema = z.object({
  version: z.literal(1),
  at: timestampSchema,
  /** Expressions by rule. */
  schedules: z.record(ruleIdSchema, z.string()),
  /** The time zone of cron expressions. */
  timeZone: z.string(),
});
export type ScheduleRecord = z.infer<typeof scheduleRecordSchema>;

/** `schedules/<moment>.json`, in the order of time. */
export function scheduleRecordKey(at: string): string {
  return `schedules/${at.replaceAll(':', '-')}.json`;
}

const HOUR_MILLISECONDS = 3_600_000;

/**
 * Keeps the schedules that this function knows as evidence, once an hour at most. Where they are others, so are the
 * function's variables, and with these come new instances of it, whose first call notes them.
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

  /** @throws AWS's own error if it can't be kept */
  async note(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#notedAt < HOUR_MILLISECONDS) return;
    const at = new Date(now).toISOString();
    const record: ScheduleRecord = { version: 1, at, ...this.#known };
    await this.#objects.put(scheduleRecordKey(at), JSON.stringify(record));
    this.#notedAt = now;
  }
}
