import { z } from 'zod';
import { regionSchema } from '../../model/finding.ts';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';

/** The four settings of a bucket's public access block. `PublicAccessBlockConfiguration` in the S3 API reference. */
export const publicAccessBlockSchema = z.object({
  BlockPublicAcls: z.boolean(),
  IgnorePublicAcls: z.boolean(),
  BlockPublicPolicy: z.boolean(),
  RestrictPublicBuckets: z.boolean(),
});
export type PublicAccessBlock = z.infer<typeof publicAccessBlockSchema>;

const schema = z.object({
  kind: z.literal('s3-public-access-block-set'),
  /** The bucket's name. */
  resource: z.string(),
  /** The bucket's region. */
  region: regionSchema,
  /** Null where the bucket has no public access block. */
  before: publicAccessBlockSchema.nullable(),
  after: publicAccessBlockSchema.nullable(),
});
export type S3PublicAccessBlockSet = z.infer<typeof schema>;

const settings = publicAccessBlockSchema.keyof().options;

/** Sets a bucket's public access block, or removes it. The bucket must belong to the session's account. */
export const changeKind: ChangeKind<S3PublicAccessBlockSet> = {
  kind: 's3-public-access-block-set',
  schema,
  describe({ resource, before, after }) {
    if (after === null) return `- public access block of ${resource}`;
    if (before === null) {
      const on = settings.filter((setting) => after[setting]);
      return `+ public access block of ${resource}: ${on.join(', ')}`;
    }
    const changed = settings
      .filter((setting) => before[setting] !== after[setting])
      .map((setting) => `${setting} ${before[setting]} -> ${after[setting]}`);
    return `~ public access block of ${resource}: ${changed.join(', ')}`;
  },
  async apply(session, change) {
    const { DeletePublicAccessBlockCommand, PutPublicAccessBlockCommand, S3Client } = await import(
      '../../aws/s3.ts'
    );
    const client = session.client(S3Client, change.region);
    const bucket = { Bucket: change.resource, ExpectedBucketOwner: session.account };
    try {
      if (change.after === null) await client.send(new DeletePublicAccessBlockCommand(bucket));
      else {
        await client.send(
          new PutPublicAccessBlockCommand({ ...bucket, PublicAccessBlockConfiguration: change.after }),
        );
      }
    } catch (error) {
      throw refusal(error, `bucket ${change.resource}`, {
        gone: ['NoSuchBucket'],
        // Another change of the bucket's settings is under way.
        busy: ['OperationAborted'],
      });
    }
    return change;
  },
  inverse: (applied) => ({ ...applied, before: applied.after, after: applied.before }),
};
