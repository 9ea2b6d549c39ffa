import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, NoSuchKey, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';

/** The objects of an evidence bucket, as an auditor can read them. */
export class Evidence {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /** The keys with a prefix, in order. */
  async *keys(prefix: string): AsyncGenerator<string> {
    const pages = paginateListObjectsV2({ client: this.#s3 }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const { Contents = [] } of pages) {
      for (const { Key } of Contents) if (Key !== undefined) yield Key;
    }
  }

  /** Lists the names that follow a prefix, up to the next slash. Under `polls/`, these are the rules. */
  async folders(prefix: string): Promise<string[]> {
    const pages = paginateListObjectsV2(
      { client: this.#s3 },
      { Bucket: this.#bucket, Prefix: prefix, Delimiter: '/' },
    );
    const folders: string[] = [];
    for await (const { CommonPrefixes = [] } of pages) {
      folders.push(...CommonPrefixes.flatMap(({ Prefix }) => Prefix?.slice(prefix.length, -1) ?? []));
    }
    return folders;
  }

  async json(key: string): Promise<unknown> {
    return JSON.parse((await this.#bytes(key)).toString());
  }

  /** Undefined if there is no such object. */
  async find(key: string): Promise<unknown> {
    try {
      return await this.json(key);
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async lines(key: string): Promise<unknown[]> {
    const lines = gunzipSync(await this.#bytes(key))
      .toString()
      .split('\n');
    return lines.filter((line) => line !== '').map((line): unknown => JSON.parse(line));
  }

  async #bytes(key: string): Promise<Buffer> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }
}
