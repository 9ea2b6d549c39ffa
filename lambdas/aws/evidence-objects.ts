import { gunzipSync, gzipSync } from 'node:zlib';
import type { AwsClientOptions } from './client-defaults.ts';
import { isAwsError } from './errors.ts';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from './s3.ts';

export interface EvidenceObjectsOptions {
  readonly bucket: string;
  /** The account that the bucket must belong to. */
  readonly owner: string;
  /** The bucket's region. */
  readonly region: string;
  readonly clientOptions: AwsClientOptions;
}

/** A condition on the existing object; if it is not met, nothing is written. */
export type WriteCondition = { readonly IfNoneMatch?: '*' } | { readonly IfMatch?: string };

/** Maximum number of times that a conditional write is sent if it conflicts with another one. */
const CONFLICT_ATTEMPTS = 5;

/**
 * Client for the objects in the evidence bucket: JSON, and lists of JSON as compressed lines. Lines are compressed
 * synchronously: they take milliseconds, and the order of later calls does not depend on a thread.
 */
export class EvidenceObjects {
  readonly #options: EvidenceObjectsOptions;
  #client: S3Client | undefined;

  constructor(options: EvidenceObjectsOptions) {
    this.#options = options;
  }

  /** Reads the text of an object; undefined if it does not exist. */
  async get(key: string): Promise<string | undefined> {
    return (await this.find(key))?.text;
  }

  /** Reads an object's text and ETag; undefined if it does not exist. */
  async find(key: string): Promise<{ readonly text: string; readonly etag: string } | undefined> {
    const answer = await this.#get(key);
    if (answer === undefined) return undefined;
    return { text: (await answer.Body?.transformToString()) ?? '', etag: answer.ETag ?? '' };
  }

  /** Reads the values of an object that `putLines` wrote, and its ETag; undefined if it does not exist. */
  async findLines(key: string): Promise<{ readonly lines: unknown[]; readonly etag: string } | undefined> {
    const answer = await this.#get(key);
    if (answer === undefined) return undefined;
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    const text = gunzipSync(bytes).toString();
    const lines = text.split('\n').filter((line) => line !== '');
    return { lines: lines.map((line): unknown => JSON.parse(line)), etag: answer.ETag ?? '' };
  }

  async #get(key: string) {
    const client = this.#s3();
    try {
      return await client.send(new GetObjectCommand(this.#place(key)));
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  /**
   * Writes an object.
   * @param condition `IfNoneMatch: '*'` writes only a new object; `IfMatch` replaces only the version with that ETag
   * @returns the ETag of the written version
   * @throws AWS's own error: `PreconditionFailed` if the condition is not met
   */
  put(key: string, json: string, condition: WriteCondition = {}): Promise<string> {
    return this.#put({ ...this.#place(key), Body: json, ContentType: 'application/json', ...condition });
  }

  /**
   * Writes values as compressed lines of JSON in one object.
   * @throws as `put`
   */
  async putLines(key: string, values: readonly unknown[], condition: WriteCondition = {}): Promise<string> {
    const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
    const Body = gzipSync(text);
    // No `ContentEncoding`, because clients would then decompress the object and its name would be wrong.
    return this.#put({ ...this.#place(key), Body, ContentType: 'application/gzip', ...condition });
  }

  async #put(object: PutObjectCommandInput): Promise<string> {
    const client = this.#s3();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { ETag = '' } = await client.send(new PutObjectCommand(object));
        return ETag;
      } catch (error) {
        // Another write of the object interfered. S3 user guide, "Conditional writes": send the write again.
        if (attempt === CONFLICT_ATTEMPTS || !isAwsError(error, 'ConditionalRequestConflict')) throw error;
      }
    }
  }

  /** Removes an object, if it exists. */
  async remove(key: string): Promise<void> {
    const client = this.#s3();
    await client.send(new DeleteObjectCommand(this.#place(key)));
  }

  #place(key: string) {
    const { bucket, owner } = this.#options;
    return { Bucket: bucket, Key: key, ExpectedBucketOwner: owner };
  }

  #s3(): S3Client {
    const { clientOptions, region } = this.#options;
    this.#client ??= new S3Client({ ...clientOptions, region });
    return this.#client;
  }
}
