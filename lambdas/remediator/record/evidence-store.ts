import { z } from 'zod';
import { type Finding, timestampSchema } from '../../model/finding.ts';
import { pollSchema } from '../../model/job.ts';
import type { JournalRecord } from '../../model/journal.ts';
import type { Outcome } from '../../model/outcome.ts';

/** A version of a journal. */
export interface JournalVersion {
  readonly journal: JournalRecord;
  /** Identifier of the version, which changes with each write. */
  readonly version: string;
}

/**
 * Resource for which an automation execution is started, with the resource's own region, which may differ from the
 * region of the finding.
 */
export type Place = Pick<Finding, 'rule' | 'account' | 'region' | 'resource'>;

/**
 * Mark of a resource, which is written before an automation execution is started for it, so that no other job starts
 * another one before the execution has ended. Afterwards, the mark contains the end time, because reads may be older.
 */
export const inProgressSchema = z.object({
  version: z.literal(1),
  /** The journal id of the job that starts the execution. */
  job: z.string(),
  poll: pollSchema,
  since: timestampSchema,
  /** Time at which a job saw that the execution had ended. */
  endedAt: timestampSchema.optional(),
});
export type InProgressMark = z.infer<typeof inProgressSchema>;

/** Stores what was found, planned, and changed. */
export interface EvidenceStore {
  /** Reads the outcomes in an object; undefined if it does not exist. */
  readOutcomes(key: string): Promise<Outcome[] | undefined>;
  /**
   * Writes outcomes as the lines of a new object. Existing objects are never overwritten.
   * @returns whether the object now contains exactly these outcomes
   */
  writeOutcomes(key: string, outcomes: readonly Outcome[]): Promise<boolean>;
  /** Reads the journal of earlier attempts at a job; undefined if there is none. */
  readJournal(jobId: string): Promise<JournalVersion | undefined>;
  /**
   * Writes a journal if the current version is the one that the writer knows.
   * @param replaced the version that the writer knows; undefined if there was no journal
   * @returns the new version; undefined if another writer was faster
   */
  writeJournal(
    jobId: string,
    journal: JournalRecord,
    replaced: string | undefined,
  ): Promise<string | undefined>;
  /** Reads the mark of a resource that an execution may be changing; undefined if there is none. */
  readInProgress(place: Place): Promise<InProgressMark | undefined>;
  /**
   * Marks a resource, unless another job has marked it in the meantime.
   * @param replaced the known mark, if there is one that no longer counts
   * @returns whether it was written
   */
  writeInProgress(place: Place, mark: InProgressMark, replaced?: InProgressMark): Promise<boolean>;
  /** Removes the mark, because no execution was started. */
  endInProgress(place: Place): Promise<void>;
}
