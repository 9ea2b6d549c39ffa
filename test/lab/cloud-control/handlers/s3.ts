import { isDeepStrictEqual } from 'node:util';
import {
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import { type Handler, orGone, present } from '../handler.ts';

const versioning = z.object({ Status: z.enum(['Enabled', 'Suspended']) });
const block = z.object({
  BlockPublicAcls: z.boolean().optional(),
  IgnorePublicAcls: z.boolean().optional(),
  BlockPublicPolicy: z.boolean().optional(),
  RestrictPublicBuckets: z.boolean().optional(),
});

export const bucket: Handler = {
  type: 'AWS::S3::Bucket',
  read: (settings, Bucket) =>
    orGone(['NoSuchBucket', 'NotFound'], async () => {
      const client = new S3Client({ ...settings, forcePathStyle: true });
      const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket }));
      const access = await orGone(['NoSuchPublicAccessBlockConfiguration'], () =>
        client.send(new GetPublicAccessBlockCommand({ Bucket })),
      );
      const tags = await orGone(['NoSuchTagSet'], () => client.send(new GetBucketTaggingCommand({ Bucket })));
      return present({
        BucketName: Bucket,
        VersioningConfiguration: Status === undefined ? undefined : { Status },
        PublicAccessBlockConfiguration: access?.PublicAccessBlockConfiguration,
        Tags: tags?.TagSet,
      });
    }),
  async update(settings, Bucket, after, before) {
    const client = new S3Client({ ...settings, forcePathStyle: true });
    if (!isDeepStrictEqual(after['VersioningConfiguration'], before['VersioningConfiguration'])) {
      const VersioningConfiguration = versioning.parse(after['VersioningConfiguration']);
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    }
    const name = 'PublicAccessBlockConfiguration';
    if (!isDeepStrictEqual(after[name], before[name])) {
      const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = block.parse(
        after[name],
      );
      await client.send(
        new PutPublicAccessBlockCommand({
          Bucket,
          PublicAccessBlockConfiguration: {
            BlockPublicAcls,
            IgnorePublicAcls,
            BlockPublicPolicy,
            RestrictPublicBuckets,
          },
        }),
      );
    }
  },
  async list(settings) {
    const { Buckets = [] } = await new S3Client({ ...settings, forcePathStyle: true }).send(
      new ListBucketsCommand({}),
    );
    return Buckets.flatMap(({ Name = '' }) => Name);
  },
};
