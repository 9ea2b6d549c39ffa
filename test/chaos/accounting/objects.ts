import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AwsModelError } from '../../lab/aws-model/operation.ts';

const placeSchema = z.looseObject({ Bucket: z.string(), Key: z.string() });
const putSchema = placeSchema.extend({
  Body: z.union([z.string(), z.instanceof(Uint8Array)]),
  IfNoneMatch: z.literal('*').optional(),
  IfMatch: z.string().optional(),
});
const getSchema = placeSchema.extend({ IfNoneMatch: z.string().optional() });

interface Stored {
  readonly body: Uint8Array;
  readonly etag: string;
}

/** S3's objects, with its conditional writes. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export class ObjectsModel {
  /** Objects by bucket and key. */
  readonly #objects = new Map<string, Stored>();

  /** Keys and contents of a bucket below a prefix. */
  *below(bucket: string, prefix: string): Generator<readonly [string, Uint8Array]> {
    const start = `${bucket}/${prefix}`;
    for (const [place, { body }] of this.#objects) {
      if (place.startsWith(start)) yield [place.slice(bucket.length + 1), body];
    }
  }

  put(input: unknown): object {
    const { Bucket, Key, Body, IfNoneMatch, IfMatch } = putSchema.parse(input);
    const place = `${Bucket}/${Key}`;
    const found = this.#objects.get(place);
    if (IfMatch !== undefined && found === undefined) {
      throw new AwsModelError('NoSuchKey', 'The specified key does not exist.', 404);
    }
    if (
      (IfNoneMatch !== undefined && found !== undefined) ||
      (IfMatch !== undefined && IfMatch !== found?.etag)
    ) {
      throw new AwsModelError(
        'PreconditionFailed',
        'At least one of the pre-conditions you specified did not hold',
        412,
      );
    }
    const body = typeof Body === 'string' ? new TextEncoder().encode(Body) : new Uint8Array(Body);
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    this.#objects.set(place, { body, etag });
    return { ETag: etag };
  }

  get(input: unknown): object {
    const { Bucket, Key, IfNoneMatch } = getSchema.parse(input);
    const found = this.#objects.get(`${Bucket}/${Key}`);
    if (found === undefined) throw new AwsModelError('NoSuchKey', 'The specified key does not exist.', 404);
    if (IfNoneMatch === found.etag) throw new AwsModelError('NotModified', 'Not Modified', 304);
    return {
      ETag: found.etag,
      VersionId: found.etag.slice(1, 9),
      Body: {
        transformToString: async () => new TextDecoder().decode(found.body),
        transformToByteArray: async () => found.body,
      },
    };
  }

  remove(input: unknown): object {
    const { Bucket, Key } = placeSchema.parse(input);
    this.#objects.delete(`${Bucket}/${Key}`);
    return {};
  }
}
