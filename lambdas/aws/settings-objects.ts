import { z } from 'zod';
import type { AwsClientOptions } from './client-defaults.ts';
import { GetObjectCommand, S3Client } from './s3.ts';

/** Schema of the SDK's error for status 304, which S3 returns without a body or error code. */
const notModifiedSchema = z.object({ $metadata: z.object({ httpStatusCode: z.literal(304) }) });

export interface SettingsObjectsOptions {
  readonly bucket: string;
  /** The account that the bucket must belong to. */
  readonly owner: string;
  /** The bucket's region. */
  readonly region: string;
  readonly clientOptions: AwsClientOptions;
}

/** The content of an object. */
export interface ReadObject {
  readonly text: string;
  readonly etag: string;
  /** S3's version id; `null` in a bucket that was not versioned. */
  readonly version: string;
}

/** Client for the objects in the settings bucket. */
export class SettingsObjects {
  readonly #options: SettingsObjectsOptions;
  #client: S3Client | undefined;

  constructor(options: SettingsObjectsOptions) {
    this.#options = options;
  }

  /**
   * Reads an object; undefined if its ETag is the known one.
   * @throws AWS's own error: `NoSuchKey` or `AccessDenied` if the object does not exist
   */
  async read(key: string, knownEtag?: string): Promise<ReadObject | undefined> {
    const { bucket, owner, region, clientOptions } = this.#options;
    this.#client ??= new S3Client({ ...clientOptions, region });
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ExpectedBucketOwner: owner,
          ...(knownEtag !== undefined && { IfNoneMatch: knownEtag }),
        }),
      );
      return {
        text: (await answer.Body?.transformToString()) ?? '',
        etag: answer.ETag ?? '',
        version: answer.VersionId ?? 'null',
      };
    } catch (error) {
      if (notModifiedSchema.safeParse(error).success) return undefined;
      throw error;
    }
  }
}
