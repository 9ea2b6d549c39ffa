import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isAwsError } from '../aws/errors.ts';
import type { EvidenceObjects } from '../aws/evidence-objects.ts';
import { type Finding, timestampSchema } from '../model/finding.ts';
import { epochSeconds, type Poll, pollSchema } from '../model/job.ts';
import { jsonSchema } from '../model/json.ts';
import { appliedChangeSchema, type Outcome, outcomeSchema, recordedChangeSchema } from '../model/outcome.ts';

/** What is written down of a job while it is worked on: see `Journal`. */
const journalRecordSchema = z.object({
  version: z.literal(1),
  resources: z.array(
    z.object({
      resource: z.string(),
      /** What was seen of it before anything was changed. */
      seen: jsonSchema.optional(),
      /** All that was planned, by whichever try. */
      plan: z.array(recordedChangeSchema),
      /** What is known to have been applied. */
      applied: z.array(appliedChangeSchema),
    }),
  ),
  /** The resources whose outcomes the event bus has. */
  told: z.array(z.string()),
});
export type JournalRecord = z.infer<typeof journalRecordSchema>;

/**
 * Written down of a finding before an automation execution is started for it, until it is known that none works on it:
 * so no other poll starts a second one.
 */
const inProgressSchema = z.object({
  version: z.literal(1),
  /** The journal of the job that starts it. */
  job: z.string(),
  poll: pollSchema,
  since: timestampSchema,
});
export type InProgress = z.infer<typeof inProgressSchema>;

/** Keeps what was found, planned and changed. */
export interface EvidenceStore {
  /** The outcome of a finding in a poll, or undefined where none was written. */
  readOutcome(poll: Poll, finding: Finding): Promise<Outcome | undefined>;
  /**
   * Writes the outcome of a finding in a poll, unless it has one: a job that was delivered twice finds its own work
   * done, and must not write over the outcome that says what was changed. An outcome with changes is always written,
   * and one that went to the dead-letter queue is replaced.
   * @returns whether it was written
   */
  writeOutcome(outcome: Outcome): Promise<boolean>;
  /** What earlier tries at a job planned and applied, or undefined where none came that far. */
  readJournal(jobId: string): Promise<JournalRecord | undefined>;
  writeJournal(jobId: string, journal: JournalRecord): Promise<void>;
  /** Which job's execution may work on a finding, or undefined where none does. */
  readInProgress(finding: Finding): Promise<InProgress | undefined>;
  writeInProgress(finding: Finding, inProgress: InProgress): Promise<void>;
  endInProgress(finding: Finding): Promise<void>;
}

/** A key holds 1,024 bytes. */
const MAX_RESOURCE_IN_KEY = 512;

/**
 * A resource's part of a key. What is too long, or can't be encoded, is no id that any rule takes, so nobody looks it
 * up by its name.
 */
function resourceInKey(resource: string): string {
  const isText = !/\p{Surrogate}/u.test(resource);
  const encoded = isText ? encodeURIComponent(resource) : '';
  if (isText && encoded.length <= MAX_RESOURCE_IN_KEY) return encoded;
  return createHash('sha256').update(JSON.stringify(resource)).digest('hex');
}

/** `outcomes/<rule>/<account>/<region>/<resource, URL-encoded>/<poll in epoch seconds>.json` */
export function outcomeKey(poll: Poll, finding: Pick<Finding, 'account' | 'region' | 'resource'>): string {
  const resource = resourceInKey(finding.resource);
  return `outcomes/${poll.rule}/${finding.account}/${finding.region}/${resource}/${epochSeconds(poll)}.json`;
}

function inProgressKey({ rule, account, region, resource }: Finding): string {
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
      if (earlier !== undefined && outcomeSchema.parse(JSON.parse(earlier)).deadLetter !== true) return false;
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

  async readInProgress(finding: Finding): Promise<InProgress | undefined> {
    const text = await this.#objects.get(inProgressKey(finding));
    return text === undefined ? undefined : inProgressSchema.parse(JSON.parse(text));
  }

  writeInProgress(finding: Finding, inProgress: InProgress): Promise<void> {
    return this.#objects.put(inProgressKey(finding), JSON.stringify(inProgress));
  }

  endInProgress(finding: Finding): Promise<void> {
    return this.#objects.remove(inProgressKey(finding));
  }
}
