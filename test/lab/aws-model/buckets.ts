import { z } from 'zod';
import { sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation } from './operation.ts';
import { type AwsState, type Bucket, withEntry } from './state.ts';

const bucketSchema = z.looseObject({ Bucket: z.string() });

function bucketOf(state: AwsState, input: unknown): { name: string; bucket: Bucket } {
  const { Bucket: name } = bucketSchema.parse(input);
  const bucket = state.buckets[name];
  if (bucket === undefined)
    throw new AwsModelError('NoSuchBucket', 'The specified bucket does not exist', 404);
  return { name, bucket };
}

/** An operation that reads one bucket. */
function read(output: (bucket: Bucket, name: string) => object): Operation {
  return {
    isWrite: false,
    answer(input, state) {
      const { bucket, name } = bucketOf(state, input);
      return { output: output(bucket, name) };
    },
  };
}

function missing(code: string): never {
  throw new AwsModelError(code, code, 404);
}

const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
const listSchema = z.looseObject({ Prefix: z.string().default('') });

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
const listBuckets: Operation = {
  isWrite: false,
  answer(input, state) {
    const { Prefix } = listSchema.parse(input);
    return {
      output: {
        Buckets: Object.entries(state.buckets)
          .filter(([name]) => name.startsWith(Prefix))
          .map(([Name, { region }]) => ({ Name, BucketRegion: region })),
      },
    };
  },
};

const putSchema = z.looseObject({
  PublicAccessBlockConfiguration: z.strictObject({
    BlockPublicAcls: z.boolean().default(false),
    IgnorePublicAcls: z.boolean().default(false),
    BlockPublicPolicy: z.boolean().default(false),
    RestrictPublicBuckets: z.boolean().default(false),
  }),
});

/** Sets all four settings, regardless of their former values. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html */
const putPublicAccessBlock: Operation = {
  isWrite: true,
  answer(input, state) {
    const { name, bucket } = bucketOf(state, input);
    const { PublicAccessBlockConfiguration: block } = putSchema.parse(input);
    return { output: {}, next: { ...state, buckets: withEntry(state.buckets, name, { ...bucket, block }) } };
  },
};

const deletePublicAccessBlock: Operation = {
  isWrite: true,
  answer(input, state) {
    const { name, bucket } = bucketOf(state, input);
    return {
      output: {},
      next: { ...state, buckets: withEntry(state.buckets, name, { ...bucket, block: null }) },
    };
  },
};

export const bucketOperations: Readonly<Record<string, Operation>> = {
  ListBuckets: listBuckets,
  GetPublicAccessBlock: read(({ block }) => ({
    PublicAccessBlockConfiguration: block ?? missing('NoSuchPublicAccessBlockConfiguration'),
  })),
  GetBucketAcl: read(({ aclIsPublic }) => ({
    Grants: [
      { Grantee: { Type: 'CanonicalUser', ID: 'owner' }, Permission: 'FULL_CONTROL' },
      ...(aclIsPublic ? [{ Grantee: { Type: 'Group', URI: ALL_USERS }, Permission: 'READ' }] : []),
    ],
  })),
  GetBucketPolicyStatus: read(({ policyIsPublic }) => ({
    PolicyStatus: { IsPublic: policyIsPublic ?? missing('NoSuchBucketPolicy') },
  })),
  GetBucketTagging: read(({ tags }) =>
    Object.keys(tags).length === 0 ? missing('NoSuchTagSet') : { TagSet: sdkTags(tags) },
  ),
  // Buckets of the model have no access points.
  ListAccessPoints: { isWrite: false, answer: () => ({ output: { AccessPointList: [] } }) },
  PutPublicAccessBlock: putPublicAccessBlock,
  DeletePublicAccessBlock: deletePublicAccessBlock,
};
