import { z } from 'zod';
import { timestampSchema } from './finding.ts';
import { jsonSchema } from './json.ts';
import { appliedChangeSchema, recordedChangeSchema } from './outcome.ts';

/** The record of a job while it is worked on: see `lambdas/remediator/record/journal.ts`. */
export const journalRecordSchema = z.object({
  version: z.literal(1),
  resources: z.array(
    z.object({
      resource: z.string(),
      /** State of the resource before anything was changed. */
      seen: jsonSchema.optional(),
      /** All that was planned, by any attempt. */
      plan: z.array(recordedChangeSchema),
      /** Changes that are known to have been applied. */
      applied: z.array(appliedChangeSchema),
      /** The lines of the changes that may have been applied, as often as they were begun: noted directly before. */
      begun: z.array(z.string()).optional(),
      /** Time at which the last of them was begun. */
      begunAt: timestampSchema.optional(),
      /** Order in which changes were begun and applied. An older version did not note it. */
      steps: z
        .array(
          z.discriminatedUnion('is', [
            z.object({
              is: z.literal('begun'),
              line: z.string(),
              at: timestampSchema,
              /**
               * Changes that other jobs had recently made to the same resource, as far as they were known: only what is not
               * among them may have come later. An older version noted none.
               */
              others: z.array(z.string()).optional(),
            }),
            z.object({ is: z.literal('applied'), line: z.string() }),
          ]),
        )
        .optional(),
      /** Changes, as far as they are known to have come, whose end is not known. */
      noted: z.array(recordedChangeSchema).optional(),
      /**
       * Time at which the whole plan was applied. From then on the resource is only read, until AWS shows the
       * changes.
       */
      completedAt: timestampSchema.optional(),
    }),
  ),
  /** The findings that a later job continues with, by that job: its look, and all of its findings. */
  handedOn: z
    .array(z.object({ look: z.number().int().positive(), resources: z.array(z.string()) }))
    .optional(),
  /** The attempt that wrote this version, by which an attempt recognizes its own. Older versions have none. */
  writer: z.string().optional(),
  /** Time at which the first attempt began that wrote it. */
  startedAt: timestampSchema.optional(),
  /** The resources whose outcomes the event bus has. */
  published: z.array(z.string()).default([]),
});
export type JournalRecord = z.infer<typeof journalRecordSchema>;

/** `jobs/<journal>.json` */
export function journalKey(journal: string): string {
  return `jobs/${journal}.json`;
}
