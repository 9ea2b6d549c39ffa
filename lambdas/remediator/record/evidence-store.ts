import { z } from 'zod';
import { type Finding, timestampSchema } from '../../model/finding.ts';
import { pollSchema } from '../../model/job.ts';
import type { JournalRecord } from '../../model/journal.ts';
import type { Outcome } from '../../model/outcome.ts';

/** The current journal. */
export interface JournalVersion {
  readonly journal: JournalRecord;
  /** Changes with each write. */
  readonly version: string;
}

/** The subject of an automation execution: a resource in its own region, which need not be the finding's. */
export type Place = Pick<Finding, 'rule' | 'account' | 'region' | 'resource'>;

/**
 * Written down of a resource before an automation execution is started for it, until it is known that none works on it:
 * so no other job starts a second one. It stays with the time of the execution's end, because reads may be from before that.
 */
export const inProgressSchema = z.object({
  version: z.literal(1),
  /** The journal of the job that starts it. */
  job: z.string(),
  poll: pollSchema,
  since: timestampSchema,
  /** Time at which it was known that the execution is over. */
  endedAt: timestampSchema.optional(),
});
export type InProgressMark = z.infer<typeof inProgressSchema>;

/** Stores what was found, planned, and changed. */
export interface EvidenceStore {
  /** Reads the outcomes that an object holds: undefined if there is none of that key. */
  readOutcomes(key: string): Promise<Outcome[] | undefined>;
  /**
   * Writes outcomes as the lines of an object, unless there is one of that key: what was written once is never written
   * over.
   * @returns whether the object holds them, and nothing else
   */
  writeOutcomes(key: string, outcomes: readonly Outcome[]): Promise<boolean>;
  /** Reads what earlier attempts at a job planned and applied: undefined if none came that far. */
  readJournal(jobId: string): Promise<JournalVersion | undefined>;
  /**
   * Writes a journal over the version that its writer knows, and over none but that.
   * @param replaced undefined if there was none
   * @returns the version that was written; undefined if another writer's stands
   */
  writeJournal(
    jobId: string,
    journal: JournalRecord,
    replaced: string | undefined,
  ): Promise<string | undefined>;
  /** Reads which job's execution may work on a resource: undefined if none does. */
  readInProgress(place: Place): Promise<InProgressMark | undefined>;
  /**
   * Marks a resource, if nobody else has in the meantime.
   * @param replaced the mark that is known to stand there and no longer counts
   * @returns whether it was written
   */
  writeInProgress(place: Place, mark: InProgressMark, replaced?: InProgressMark): Promise<boolean>;
  /** Takes the mark away: no execution was started. */
  endInProgress(place: Place): Promise<void>;
}
