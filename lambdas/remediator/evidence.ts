import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GetObjectCommand, PutObjectCommand, S3Client } from '../aws/s3.ts';
import { isAwsError } from '../shared/aws-errors.ts';
import type { Finding } from '../shared/finding.ts';
import type { Poll } from '../shared/job.ts';
import { appliedChangeSchema, type Outcome, outcomeSchema, recordedChangeSchema } from '../shared/outcome.ts';
import { clientDefaults } from './session.ts';

/** What is written down of a job while it is worked on: see `Journal`. */
const journalRecordSchema = z.object({
  version: z.literal(1),
  resources: z.array(
    z.object({
      resource: z.string(),
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
  const seconds = Math.floor(Date.parse(poll.asOf) / 1000);
  return `outcomes/${poll.rule}/${finding.account}/${finding.region}/${resource}/${seconds}.json`;
}

function journalKey(jobId: string): string {
  return `jobs/${jobId}.json`;
}

/** The evidence bucket. */
export class EvidenceBucket implements EvidenceStore {
  readonly #bucket: string;
  readonly #owner: string;
  readonly #client: S3Client;

  /**
   * @param owner the account that the bucket must belong to
   * @param region the bucket's region
   */
  constructor(bucket: string, owner: string, region: string) {
    this.#bucket = bucket;
    this.#owner = owner;
    this.#client = new S3Client({ ...clientDefaults, region });
  }

  async readOutcome(poll: Poll, finding: Finding): Promise<Outcome | undefined> {
    const text = await this.#read(outcomeKey(poll, finding));
    return text === undefined ? undefined : outcomeSchema.parse(JSON.parse(text));
  }

  async writeOutcome(outcome: Outcome): Promise<boolean> {
    const key = outcomeKey(outcome.poll, outcome.finding);
    const text = JSON.stringify(outcome);
    if (outcome.applied.length === 0) {
      try {
        await this.#write(key, text, { IfNoneMatch: '*' });
        return true;
      } catch (error) {
        if (!isAwsError(error, 'PreconditionFailed')) throw error;
      }
      const earlier = await this.#read(key);
      // The SDK sends a call again whose answer it did not see: then this is the outcome that was just written.
      if (earlier === text) return true;
      if (earlier !== undefined && outcomeSchema.parse(JSON.parse(earlier)).deadLetter !== true) return false;
    }
    await this.#write(key, text);
    return true;
  }

  async readJournal(jobId: string): Promise<JournalRecord | undefined> {
    const text = await this.#read(journalKey(jobId));
    return text === undefined ? undefined : journalRecordSchema.parse(JSON.parse(text));
  }

  writeJournal(jobId: string, journal: JournalRecord): Promise<void> {
    return this.#write(journalKey(jobId), JSON.stringify(journal));
  }

  async #read(key: string): Promise<string | undefined> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key, ExpectedBucketOwner: this.#owner }),
      );
      return (await answer.Body?.transformToString()) ?? '';
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  async #write(key: string, text: string, condition: { IfNoneMatch?: '*' } = {}): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        Body: text,
        ContentType: 'application/json',
        ExpectedBucketOwner: this.#owner,
        ...condition,
      }),
    );
  }
}
