import { isDeepStrictEqual } from 'node:util';
import { isAwsError } from '../../aws/errors.ts';
import type { EvidenceObjects } from '../../aws/evidence-objects.ts';
import { resourceInKey } from '../../model/evidence-keys.ts';
import { type JournalRecord, journalKey, journalRecordSchema } from '../../model/journal.ts';
import { type Outcome, outcomeSchema } from '../../model/outcome.ts';
import {
  type EvidenceStore,
  type InProgressMark,
  inProgressSchema,
  type JournalVersion,
  type Place,
} from './evidence-store.ts';

function inProgressKey({ rule, account, region, resource }: Place): string {
  return `in-progress/${rule}/${account}/${region}/${resourceInKey(resource)}.json`;
}

/** Returns a value as it is after being written and read as JSON. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Evidence store in an S3 bucket. */
export class EvidenceBucket implements EvidenceStore {
  readonly #objects: EvidenceObjects;

  constructor(objects: EvidenceObjects) {
    this.#objects = objects;
  }

  async readOutcomes(key: string): Promise<Outcome[] | undefined> {
    const found = await this.#objects.findLines(key);
    return found?.lines.map((line) => outcomeSchema.parse(line));
  }

  async writeOutcomes(key: string, outcomes: readonly Outcome[]): Promise<boolean> {
    try {
      await this.#objects.putLines(key, outcomes, { IfNoneMatch: '*' });
      return true;
    } catch (error) {
      if (!isAwsError(error, 'PreconditionFailed')) throw error;
    }
    // The SDK repeats a call that was not answered. The object then already contains the outcomes of the first call.
    const found = await this.#objects.findLines(key);
    return isDeepStrictEqual(found?.lines, outcomes.map(asJson));
  }

  async readJournal(jobId: string): Promise<JournalVersion | undefined> {
    const found = await this.#objects.find(journalKey(jobId));
    if (found === undefined) return undefined;
    return { journal: journalRecordSchema.parse(JSON.parse(found.text)), version: found.etag };
  }

  async writeJournal(
    jobId: string,
    journal: JournalRecord,
    replaced: string | undefined,
  ): Promise<string | undefined> {
    const key = journalKey(jobId);
    const text = JSON.stringify(journal);
    try {
      const condition = replaced === undefined ? { IfNoneMatch: '*' as const } : { IfMatch: replaced };
      return await this.#objects.put(key, text, condition);
    } catch (error) {
      if (!isAwsError(error, 'PreconditionFailed')) throw error;
    }
    // A write that was not answered may have succeeded. The current version then has the same writer.
    const found = await this.readJournal(jobId);
    if (found === undefined || journal.writer === undefined || found.journal.writer !== journal.writer) {
      return undefined;
    }
    return this.#objects.put(key, text, { IfMatch: found.version });
  }

  async readInProgress(place: Place): Promise<InProgressMark | undefined> {
    const text = await this.#objects.get(inProgressKey(place));
    return text === undefined ? undefined : inProgressSchema.parse(JSON.parse(text));
  }

  async writeInProgress(place: Place, mark: InProgressMark, replaced?: InProgressMark): Promise<boolean> {
    const key = inProgressKey(place);
    const text = JSON.stringify(mark);
    try {
      if (replaced === undefined) await this.#objects.put(key, text, { IfNoneMatch: '*' });
      else {
        const found = await this.#objects.find(key);
        if (found === undefined) return this.writeInProgress(place, mark);
        if (!isDeepStrictEqual(inProgressSchema.parse(JSON.parse(found.text)), replaced)) return false;
        await this.#objects.put(key, text, { IfMatch: found.etag });
      }
      return true;
    } catch (error) {
      // `ConditionalRequestConflict`: another write of the same object is in progress.
      if (!isAwsError(error, 'PreconditionFailed', 'ConditionalRequestConflict')) throw error;
      // The SDK repeats a call that was not answered. The object then already contains the mark of the first call.
      return (await this.#objects.get(key)) === text;
    }
  }

  endInProgress(place: Place): Promise<void> {
    return this.#objects.remove(inProgressKey(place));
  }
}
