import { z } from 'zod';
import { eventId } from './event-id.ts';
import { accountIdSchema, regionSchema } from './finding.ts';
import { jobId, occasionSchema } from './job.ts';
import type { Outcome } from './outcome.ts';
import { outcomeNameSchema } from './outcome-names.ts';

const count = z.int().nonnegative();

/** The `detail` of an event of type `Job Outcome`: the number of outcomes of one attempt at a job. */
export const jobEventSchema = z.object({
  version: z.literal(1),
  /** The event's id, which is the same at each delivery. */
  id: z.string(),
  job: z.string(),
  poll: occasionSchema,
  account: accountIdSchema,
  region: regionSchema,
  /** Number of findings with each outcome. */
  outcomes: z.partialRecord(outcomeNameSchema, count),
  /** Number of these outcomes that differ from the previous ones or changed something. */
  changed: count,
  /** `s3://<bucket>/<key>` of the object that contains these outcomes. */
  evidence: z.string().startsWith('s3://'),
});
export type JobEvent = z.infer<typeof jobEventSchema>;

/** Creates the event for an object of outcomes. */
export function jobEvent(
  job: Parameters<typeof jobId>[0],
  outcomes: readonly Outcome[],
  changed: number,
  evidence: { readonly bucket: string; readonly key: string },
): JobEvent {
  const place = `s3://${evidence.bucket}/${evidence.key}`;
  const counts: JobEvent['outcomes'] = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return {
    version: 1,
    id: eventId(place),
    job: jobId(job),
    poll: job.poll,
    account: job.account,
    region: job.region,
    outcomes: counts,
    changed,
    evidence: place,
  };
}
