import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import pLimit from 'p-limit';
import { isAwsError } from '../../lambdas/aws/errors.ts';
import type { Deployment } from '../../lambdas/model/deployment.ts';
import type { Poll } from '../../lambdas/model/job.ts';
import { type JournalRecord, journalKey, journalRecordSchema } from '../../lambdas/model/journal.ts';
import { type Outcome, outcomeSchema } from '../../lambdas/model/outcome.ts';
import { type PollSummary, pollSummaryKey, pollSummarySchema } from '../../lambdas/model/poll-summary.ts';
import type { Clients } from '../aws/clients.ts';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '../aws/s3.ts';

const decompress = promisify(gunzip);

/** The number of objects that are read in parallel. */
export const OBJECTS_AT_ONCE = 24;

/** The evidence bucket, as operators read it. */
export class Evidence {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #owner: string;
  /** Cached summaries: each is written only once. */
  readonly #summaries = new Map<string, Promise<PollSummary | undefined>>();

  constructor(clients: Clients, { home_region: region, evidence_bucket: bucket, account }: Deployment) {
    this.#client = clients.client(S3Client, region);
    this.#bucket = bucket;
    this.#owner = account;
  }

  /** The summary of a poll; undefined if it does not exist (yet). */
  async summary(poll: Poll): Promise<PollSummary | undefined> {
    const key = pollSummaryKey(poll);
    const reading = this.#summaries.get(key) ?? this.#json(key, (value) => pollSummarySchema.parse(value));
    this.#summaries.set(key, reading);
    const summary = await reading;
    if (summary === undefined) this.#summaries.delete(key);
    return summary;
  }

  /** The summaries of a rule's polls since a moment, oldest first. */
  async summariesSince(rule: string, since: Date): Promise<PollSummary[]> {
    const prefix = `polls/${rule}/`;
    // Keys are epoch seconds of ten digits, so they sort by time; the keys of listings sort after them.
    const after = `${prefix}${Math.floor(since.getTime() / 1000) - 1}.json`;
    const keys: string[] = [];
    for await (const key of this.#keys(prefix, after)) if (/\/\d+\.json$/.test(key)) keys.push(key);
    const summaries = await pLimit(OBJECTS_AT_ONCE).map(keys, (key) =>
      this.#json(key, (value) => pollSummarySchema.parse(value)),
    );
    return summaries.filter((summary) => summary !== undefined);
  }

  /** The lines of an object of outcomes; undefined if it does not exist. */
  async outcomes(key: string): Promise<Outcome[] | undefined> {
    const answer = await this.#get(key);
    if (answer === undefined) return undefined;
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    const lines = (await decompress(bytes)).toString().split('\n');
    return lines.filter((line) => line !== '').map((line) => outcomeSchema.parse(JSON.parse(line)));
  }

  /** The journal of a job; undefined if it has none. */
  async journal(id: string): Promise<JournalRecord | undefined> {
    return this.#json(journalKey(id), (value) => journalRecordSchema.parse(value));
  }

  async *#keys(Prefix: string, StartAfter: string): AsyncGenerator<string> {
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          ExpectedBucketOwner: this.#owner,
          Prefix,
          ...(ContinuationToken === undefined ? { StartAfter } : { ContinuationToken }),
        }),
      );
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async #json<T>(key: string, parse: (value: unknown) => T): Promise<T | undefined> {
    const answer = await this.#get(key);
    if (answer === undefined) return undefined;
    return parse(JSON.parse((await answer.Body?.transformToString()) ?? ''));
  }

  async #get(Key: string) {
    try {
      return await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key, ExpectedBucketOwner: this.#owner }),
      );
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }
}
