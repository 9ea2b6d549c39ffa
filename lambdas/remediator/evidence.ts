import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GetObjectCommand, PutObjectCommand, S3Client } from '../aws/s3.ts';
import { isAwsError } from '../shared/aws-errors.ts';
import type { Finding } from '../shared/finding.ts';
import type { Poll } from '../shared/job.ts';
import { appliedChangeSchema, type Outcome, outcomeSchema, recordedChangeSchema } from '../shared/outcome.ts';
import { clientDefaults } from './session.ts';

/**
 * What a try at a job planned for each resource, written before anything is changed, and what it is known to have
 * applied: so that a try that was cut off leaves no change that nobody knows of.
 */
const journalSchema = z.object({
  version: z.literal(1),
  resources: z.array(
    z.object({
      resource: z.string(),
      plan: z.array(recordedChangeSchema),
      applied: z.array(appliedChangeSchema),
    }),
  ),
});
export type Journal = z.infer<typeof journalSchema>;

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
  readJournal(jobId: string): Promise<Journal | undefined>;
  writeJournal(jobId: string, journal: Journal): Promise<void>;
}

/** A key holds 1,024 bytes. What is longer is no id that any rule takes, so nobody looks it up by its name. */
const MAX_RESOURCE_IN_KEY = 512;

/** `outcomes/<rule>/<account>/<region>/<resource, URL-encoded>/<poll in epoch seconds>.json` */
export function outcomeKey(poll: Poll, finding: Pick<Finding, 'account' | 'region' | 'resource'>): string {
  const encoded = encodeURIComponent(finding.resource);
  const resource =
    encoded.length <= MAX_RESOURCE_IN_KEY
      ? encoded
      : createHash('sha256').update(finding.resource).digest('hex');
  const seconds = Math.floor(Date.parse(poll.asOf) / 1000);
  return `outcomes/${poll.rule}/${finding.account}/${finding.region}/${resource}/${seconds}.json`;
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

  readOutcome(poll: Poll, finding: Finding): Promise<Outcome | undefined> {
    return this.#read(outcomeKey(poll, finding), outcomeSchema);
  }

  async writeOutcome(outcome: Outcome): Promise<boolean> {
    const key = outcomeKey(outcome.poll, outcome.finding);
    if (outcome.applied.length === 0) {
      try {
        await this.#write(key, outcome, { IfNoneMatch: '*' });
        return true;
      } catch (error) {
        if (!isAwsError(error, 'PreconditionFailed')) throw error;
      }
      const earlier = await this.readOutcome(outcome.poll, outcome.finding);
      if (earlier !== undefined && earlier.deadLetter !== true) return false;
    }
    await this.#write(key, outcome);
    return true;
  }

  readJournal(jobId: string): Promise<Journal | undefined> {
    return this.#read(`jobs/${jobId}.json`, journalSchema);
  }

  writeJournal(jobId: string, journal: Journal): Promise<void> {
    return this.#write(`jobs/${jobId}.json`, journal);
  }

  async #read<T>(key: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key, ExpectedBucketOwner: this.#owner }),
      );
      return schema.parse(JSON.parse((await answer.Body?.transformToString()) ?? ''));
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  async #write(key: string, value: object, condition: { IfNoneMatch?: '*' } = {}): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        Body: JSON.stringify(value),
        ContentType: 'application/json',
        ExpectedBucketOwner: this.#owner,
        ...condition,
      }),
    );
  }
}
