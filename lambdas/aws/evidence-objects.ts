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

/** JSON objects in the evidence bucket. */
export class EvidenceObjects {
  readonly #options: EvidenceObjectsOptions;
  #client: S3Client | undefined;

  constructor(options: EvidenceObjectsOptions) {
    this.#options = options;
  }

  /** The text of an object, or undefined where there is none. */
  async get(key: string): Promise<string | undefined> {
    const { GetObjectCommand } = await import('./s3.ts');
    const client = await this.#s3();
    try {
      const answer = await client.send(new GetObjectCommand(this.#place(key)));
      return (await answer.Body?.transformToString()) ?? '';
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  /**
   * @param condition `IfNoneMatch: '*'` writes only where there is no such object
   * @throws AWS's own error: `PreconditionFailed` where the condition is not met
   */
  async put(key: string, json: string, condition: { readonly IfNoneMatch?: '*' } = {}): Promise<void> {
    const { PutObjectCommand } = await import('./s3.ts');
    const client = await this.#s3();
    await client.send(
      new PutObjectCommand({
        ...this.#place(key),
        Body: json,
        ContentType: 'application/json',
        ...condition,
      }),
    );
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
