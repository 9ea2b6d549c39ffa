import { z } from 'zod';
import { type Finding, timestampSchema } from '../../model/finding.ts';
import { pollSchema } from '../../model/job.ts';
import { jsonSchema } from '../../model/json.ts';
import { appliedChangeSchema, type Outcome, recordedChangeSchema } from '../../model/outcome.ts';

/** The record of a job while it is worked on: see `Journal`. */
export const journalRecordSchema = z.object({
  version: z.literal(1),
  resources: z.array(
    z.object({
      resource: z.string(),
      /** State of the resource before anything was changed. */
      seen: jsonSchema.optional(),
      /** All that was planned, by whichever attempt. */
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
            z.object({ is: z.literal('begun'), line: z.string(), at: timestampSchema }),
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
  /** The findings that a later job goes on with, by that job: its look, and all of its findings. */
  handedOn: z
    .array(z.object({ look: z.number().int().positive(), resources: z.array(z.string()) }))
    .optional(),
  /** The attempt that wrote this version: by it an attempt knows its own. One of an older form names none. */
  writer: z.string().optional(),
  /** Time at which the first attempt began that wrote it. */
  startedAt: timestampSchema.optional(),
  /** The resources whose outcomes the event bus has. */
  published: z.array(z.string()).default([]),
});
export type JournalRecord = z.infer<typeof journalRecordSchema>;

/** A journal as it stands. */
export interface JournalVersion {
  readonly journal: JournalRecord;
  /** Changes with each write. */
  readonly version: string;
}

/** The subject of an automation execution: a resource in its own region, which need not be the finding's. */
export type Place = Pick<Finding, 'rule' | 'account' | 'region' | 'resource'>;

/**
 * Written down of a resource before an automation execution is started for it, until it is known that none works on it:
 * so no other job starts a second one.
 */
export const inProgressSchema = z.object({
  version: z.literal(1),
  /** The journal of the job that starts it. */
  job: z.string(),
  poll: pollSchema,
  since: timestampSchema,
});
export type InProgressMark = z.infer<typeof inProgressSchema>;

/** Keeps what was found, planned and changed. */
export interface EvidenceStore {
  /** Reads the outcomes that an object holds: undefined where there is none of that key. */
  readOutcomes(key: string): Promise<Outcome[] | undefined>;
  /**
   * Writes outcomes as the lines of an object, unless there is one of that key: what was written once is never written
   * over.
   * @returns whether the object holds them, and nothing else
   */
  writeOutcomes(key: string, outcomes: readonly Outcome[]): Promise<boolean>;
  /** Reads what earlier attempts at a job planned and applied: undefined where none came that far. */
  readJournal(jobId: string): Promise<JournalVersion | undefined>;
  /**
   * Writes a journal over the version that its writer knows, and over none but that.
   * @param replaced undefined where there was none
   * @returns the version that was written; undefined where another writer's stands
   */
  writeJournal(
    jobId: string,
    journal: JournalRecord,
    replaced: string | undefined,
  ): Promise<string | undefined>;
  /** Reads which job's execution may work on a resource: undefined where none does. */
  readInProgress(place: Place): Promise<InProgressMark | undefined>;
  /**
   * Marks a resource, if nobody else has meanwhile.
   * @param replaced the mark that is known to stand there and no longer counts
   * @returns whether it was written
   */
  writeInProgress(place: Place, mark: InProgressMark, replaced?: InProgressMark): Promise<boolean>;
  endInProgress(place: Place): Promise<void>;
}
