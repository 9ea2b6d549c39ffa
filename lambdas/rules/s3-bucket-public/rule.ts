import pLimit from 'p-limit';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import {
  type PublicAccessBlock,
  publicAccessBlockSchema,
  type S3PublicAccessBlockSet,
} from '../../changes/bucket/public-access-block-set.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts, type Options } from './facts.ts';

/** A type, not an interface, so that it is JSON. */
type Seen = {
  region: string;
  /** Null where the bucket has none. */
  publicAccessBlock: PublicAccessBlock | null;
  /** What the bucket's ACL grants to everyone, or to everyone with an AWS account: `READ to AllUsers`. */
  publicGrants: string[];
  /** What AWS says of the bucket's policy: `IsPublic` of GetBucketPolicyStatus. */
  policyIsPublic: boolean;
};

/** How many buckets are read side by side. */
const BUCKETS_AT_ONCE = 8;

/** The most that ListBuckets gives in a page, which is the default number of buckets that an account may have. */
const BUCKETS_PER_PAGE = 10_000;

/** The groups whose grants make a bucket public. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
const publicGroups: ReadonlyMap<string, string> = new Map([
  ['http://acs.amazonaws.com/groups/global/AllUsers', 'AllUsers'],
  ['http://acs.amazonaws.com/groups/global/AuthenticatedUsers', 'AuthenticatedUsers'],
]);

/**
 * The regions of the account's buckets. ListBuckets names only the caller's own: so it also tells whose a bucket is,
 * and one call does for all of them.
 */
async function readRegions(session: AwsSession, names: readonly string[]): Promise<Map<string, string>> {
  const { paginateListBuckets, S3Client } = await import('../../aws/s3.ts');
  const wanted = new Set(names);
  const regions = new Map<string, string>();
  const [only] = names;
  const pages = paginateListBuckets(
    { client: session.client(S3Client), pageSize: BUCKETS_PER_PAGE },
    names.length === 1 && only !== undefined ? { Prefix: only } : {},
  );
  for await (const page of pages) {
    for (const { Name, BucketRegion } of page.Buckets ?? []) {
      if (Name !== undefined && wanted.has(Name)) regions.set(Name, BucketRegion ?? session.region);
    }
    if (regions.size === wanted.size) break;
  }
  return regions;
}

/** `read()`, or `fallback` where S3 answers with one of these error codes. */
async function orWhen<T, F>(codes: readonly string[], fallback: F, read: () => Promise<T>): Promise<T | F> {
  try {
    return await read();
  } catch (error) {
    if (isAwsError(error, ...codes)) return fallback;
    throw error;
  }
}

async function inspectBucket(session: AwsSession, name: string, region: string): Promise<Inspection<Seen>> {
  const {
    GetBucketAclCommand,
    GetBucketPolicyStatusCommand,
    GetBucketTaggingCommand,
    GetPublicAccessBlockCommand,
    S3Client,
  } = await import('../../aws/s3.ts');
  const client = session.client(S3Client, region);
  const bucket = { Bucket: name, ExpectedBucketOwner: session.account };

  const publicAccessBlock = await orWhen(['NoSuchPublicAccessBlockConfiguration'], null, async () => {
    const answer = await client.send(new GetPublicAccessBlockCommand(bucket));
    const off = {
      BlockPublicAcls: false,
      IgnorePublicAcls: false,
      BlockPublicPolicy: false,
      RestrictPublicBuckets: false,
    };
    return publicAccessBlockSchema.parse({ ...off, ...answer.PublicAccessBlockConfiguration });
  });

  // What is blocked needs no look: most of an account's buckets are done after one call.
  const [publicGrants, policyIsPublic] = await Promise.all([
    publicAccessBlock?.IgnorePublicAcls === true
      ? []
      : client.send(new GetBucketAclCommand(bucket)).then(({ Grants = [] }) =>
          Grants.flatMap(({ Grantee, Permission = 'some permission' }) => {
            const group = publicGroups.get(Grantee?.URI ?? '');
            return group === undefined ? [] : [`${Permission} to ${group}`];
          }),
        ),
    publicAccessBlock?.RestrictPublicBuckets === true
      ? false
      : orWhen(['NoSuchBucketPolicy'], false, async () => {
          const { PolicyStatus } = await client.send(new GetBucketPolicyStatusCommand(bucket));
          return PolicyStatus?.IsPublic === true;
        }),
  ]);
  if (publicGrants.length === 0 && !policyIsPublic) return { state: 'compliant' };

  const tags = await orWhen(['NoSuchTagSet'], {}, async () =>
    tagMap((await client.send(new GetBucketTaggingCommand(bucket))).TagSet),
  );
  return { state: 'violation', seen: { region, publicAccessBlock, publicGrants, policyIsPublic }, tags };
}

/**
 * A bucket is public by its ACL, unless its public access block ignores public ACLs, or by its policy, unless its
 * public access block restricts public buckets. The cure sets these two and leaves the other two as they are. Public
 * ACLs of single objects end with it too, but don't make a bucket public here. The account's own public access block
 * is not asked: where it hides what the bucket opens, setting the bucket's changes nothing that can be reached.
 */
export const rule = defineRule<Seen, Options>(facts, {
  async inspect(session, resources) {
    const regions = await readRegions(session, resources);
    const limit = pLimit(BUCKETS_AT_ONCE);
    return new Map(
      await limit.map(resources, async (name): Promise<[string, Inspection<Seen>]> => {
        const region = regions.get(name);
        // Deleted, or another account's by now: S3 does not tell which to someone who may not see it.
        if (region === undefined) return [name, { state: 'gone' }];
        // Deleted between the two reads.
        const gone: Inspection<Seen> = { state: 'gone' };
        return [name, await orWhen(['NoSuchBucket'], gone, () => inspectBucket(session, name, region))];
      }),
    );
  },

  plan(resource, seen, options): readonly S3PublicAccessBlockSet[] {
    const before = seen.publicAccessBlock;
    return [
      {
        kind: 's3-public-access-block-set',
        resource,
        region: seen.region,
        before,
        after: {
          BlockPublicAcls: options.block_all || before?.BlockPublicAcls === true,
          IgnorePublicAcls: true,
          BlockPublicPolicy: options.block_all || before?.BlockPublicPolicy === true,
          RestrictPublicBuckets: true,
        },
      },
    ];
  },
});
