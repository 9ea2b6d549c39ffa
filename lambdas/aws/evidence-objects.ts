import type { AwsClientOptions } from './client-defaults.ts';
import { isAwsError } from './errors.ts';
import type { S3Client } from './s3.ts';

export interface EvidenceObjectsOptions {
  readonly bucket: string;
  /** The account that the bucket must belong to. */
  readonly owner: string;
  /** The bucket's region. */
  readonly region: string;
  readonly clientOptions: AwsClientOptions;
}

/** What must be so for an object to be written. */
export type WriteCondition = { readonly IfNoneMatch?: '*' } | { readonly IfMatch?: string };

/** How often a conditional write is sent that conflicts with another one. */
const CONFLICT_ATTEMPTS = 5;

/** JSON objects in the evidence bucket. */
export class EvidenceObjects {
  readonly #options: EvidenceObjectsOptions;
  #client: S3Client | undefined;

  constructor(options: EvidenceObjectsOptions) {
    this.#options = options;
  }

  /** Reads the text of an object: undefined where there is none. */
  async get(key: string): Promise<string | undefined> {
    return (await this.find(key))?.text;
  }

  /** Reads an object's text and the tag of this version of it: undefined where there is none. */
  async find(key: string): Promise<{ readonly text: string; readonly etag: string } | undefined> {
    const { GetObjectCommand } = await import('./s3.ts');
    const client = await this.#s3();
    try {
      const answer = await client.send(new GetObjectCommand(this.#place(key)));
      return { text: (await answer.Body?.transformToString()) ?? '', etag: answer.ETag ?? '' };
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  /**
   * @param condition `IfNoneMatch: '*'` writes only where there is no such object, `IfMatch` only over the version with
   *   that tag
   * @throws AWS's own error: `PreconditionFailed` where the condition is not met
   */
  async put(key: string, json: string, condition: WriteCondition = {}): Promise<void> {
    const { PutObjectCommand } = await import('./s3.ts');
    const client = await this.#s3();
    const object = { ...this.#place(key), Body: json, ContentType: 'application/json', ...condition };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.send(new PutObjectCommand(object));
        return;
      } catch (error) {
        // Another write of the object came in between. S3 user guide, "Conditional writes": upload again.
        if (attempt === CONFLICT_ATTEMPTS || !isAwsError(error, 'ConditionalRequestConflict')) throw error;
      }
    }
  }

  /** Removes an object; where there is none, nothing happens. */
  async remove(key: string): Promise<void> {
    const { DeleteObjectCommand } = await import('./s3.ts');
    const client = await this.#s3();
    await client.send(new DeleteObjectCommand(this.#place(key)));
  }

  #place(key: string) {
    const { bucket, owner } = this.#options;
    return { Bucket: bucket, Key: key, ExpectedBucketOwner: owner };
  }

  async #s3(): Promise<S3Client> {
    const { S3Client } = await import('./s3.ts');
    const { clientOptions, region } = this.#options;
    this.#client ??= new S3Client({ ...clientOptions, region });
    return this.#client;
  }
}
