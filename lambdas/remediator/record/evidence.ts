import { isDeepStrictEqual } from 'node:util';
import { isAwsError } from '../../aws/errors.ts';
import type { EvidenceObjects } from '../../aws/evidence-objects.ts';
import { outcomeKey, resourceInKey } from '../../model/evidence-keys.ts';
import type { Finding } from '../../model/finding.ts';
import type { Poll } from '../../model/job.ts';
import { isProvisional, type Outcome, outcomeSchema } from '../../model/outcome.ts';
import {
  type EvidenceStore,
  type InProgressMark,
  inProgressSchema,
  type JournalRecord,
  journalRecordSchema,
  type Place,
} from './evidence-store.ts';

function inProgressKey({ rule, account, region, resource }: Place): string {
  return `in-progress/${rule}/${account}/${region}/${resourceInKey(resource)}.json`;
}

function journalKey(jobId: string): string {
  return `jobs/${jobId}.json`;
}

/** The evidence bucket. */
export class EvidenceBucket implements EvidenceStore {
  readonly #objects: EvidenceObjects;

  constructor(objects: EvidenceObjects) {
    this.#objects = objects;
  }

  async readOutcome(poll: Poll, finding: Finding): Promise<Outcome | undefined> {
    const text = await this.#objects.get(outcomeKey(poll, finding));
    return text === undefined ? undefined : outcomeSchema.parse(JSON.parse(text));
  }

  async writeOutcome(outcome: Outcome): Promise<boolean> {
    const key = outcomeKey(outcome.poll, outcome.finding);
    const text = JSON.stringify(outcome);
    if (outcome.applied.length === 0) {
      try {
        await this.#objects.put(key, text, { IfNoneMatch: '*' });
        return true;
      } catch (error) {
        if (!isAwsError(error, 'PreconditionFailed')) throw error;
      }
      const earlier = await this.#objects.get(key);
      // The SDK sends a call again whose answer it did not see: then this is the outcome that was just written.
      if (earlier === text) return true;
      if (earlier !== undefined && !isProvisional(outcomeSchema.parse(JSON.parse(earlier)))) return false;
    }
    await this.#objects.put(key, text);
    return true;
  }

  async readJournal(jobId: string): Promise<JournalRecord | undefined> {
    const text = await this.#objects.get(journalKey(jobId));
    return text === undefined ? undefined : journalRecordSchema.parse(JSON.parse(text));
  }

  writeJournal(jobId: string, journal: JournalRecord): Promise<void> {
    return this.#objects.put(journalKey(jobId), JSON.stringify(journal));
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
      // Conflict: another write of the same object is under way.
      if (!isAwsError(error, 'PreconditionFailed', 'ConditionalRequestConflict')) throw error;
      // The SDK sends a call again whose answer it did not see: then this is the mark that was just written.
      return (await this.#objects.get(key)) === text;
    }
  }

  endInProgress(place: Place): Promise<void> {
    return this.#objects.remove(inProgressKey(place));
  }
}
