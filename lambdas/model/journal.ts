import { z } from 'zod';
import { timestampSchema } from './finding.ts';
import { jsonSchema } from './json.ts';
import { appliedChangeSchema, recordedChangeSchema } from './outcome.ts';

/** The record of the work on a job: see `lambdas/remediator/record/journal.ts`. */
export const journalRecordSchema = z.object({
  version: z.literal(1),
  resources: z.array(
    z.object({
      resource: z.string(),
      /** The state of the resource before any change. */
      seen: jsonSchema.optional(),
      /** Changes that any of the attempts planned. */
      plan: z.array(recordedChangeSchema),
      /** Changes that are known to have been applied. */
      applied: z.array(appliedChangeSchema),
      /**
       * The lines of changes that may have been applied, once per time that the change was started. Written immediately
       * before the change.
       */
      begun: z.array(z.string()).optional(),
      /** The time at which the last change was begun. */
      begunAt: timestampSchema.optional(),
      /** The order in which changes were begun and applied. Older versions do not write it. */
      steps: z
        .array(
          z.discriminatedUnion('is', [
            z.object({
              is: z.literal('begun'),
              line: z.string(),
              at: timestampSchema,
              /**
               * Recent changes by other jobs to the same resource that were known at that time. Changes that are not
               * listed may be newer. Older versions do not write it.
               */
              others: z.array(z.string()).optional(),
            }),
            z.object({ is: z.literal('applied'), line: z.string() }),
          ]),
        )
        .optional(),
      /** The progress of changes that were begun: the part of each that is known to have been applied. */
      noted: z.array(recordedChangeSchema).optional(),
      /**
       * The time at which the whole plan had been applied. After that, the resource is only read until AWS shows the
       * changes.
       */
      completedAt: timestampSchema.optional(),
    }),
  ),
  /** The follow-up jobs that continue with findings of this job: the number of each, and all of its findings. */
  handedOn: z
    .array(z.object({ look: z.number().int().positive(), resources: z.array(z.string()) }))
    .optional(),
  /**
   * Identifies the attempt that wrote this version, so that it recognizes its own write. Older versions do not write
   * it.
   */
  writer: z.string().optional(),
  /** The start time of the first attempt that wrote the journal. */
  startedAt: timestampSchema.optional(),
  /** The resources whose outcomes have been published on the event bus. */
  published: z.array(z.string()).default([]),
});
export type JournalRecord = z.infer<typeof journalRecordSchema>;

/** Builds the object key `jobs/<journal>.json`. */
export function journalKey(journal: string): string {
  return `jobs/${journal}.json`;
}
