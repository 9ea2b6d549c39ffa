import pLimit from 'p-limit';
import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import {
  type Exposure,
  type PublicAccessBlock,
  readExposure,
  readPublicAccessBlock,
  waysLeftBy,
  waysOf,
} from '../../changes/bucket/exposure.ts';
import type { S3PublicAccessBlockSet } from '../../changes/bucket/public-access-block-set.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { type AccessPoints, notesOnCompliant, notesOnViolation, readAccessPoints } from './access-points.ts';
import { facts, type Options } from './facts.ts';

/** The observed state. A type, not an interface, so that it is assignable to JSON. */
type Seen = {
  region: string;
  /** Null if the bucket has none. */
  publicAccessBlock: PublicAccessBlock | null;
} & Exposure;

/** Maximum number of buckets that are read in parallel. */
const BUCKETS_AT_ONCE = 25;

/** The maximum page size of ListBuckets, which is also the default quota of buckets per account. */
const BUCKETS_PER_PAGE = 10_000;

/**
 * Reads the regions of buckets with one call for all. ListBuckets returns only the caller's own buckets, so a missing
 * one belongs to another account or does not exist.
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

async function inspectBucket(session: AwsSession, name: string, region: string): Promise<Inspection<Seen>> {
  const publicAccessBlock = await readPublicAccessBlock(session, name, region);
  const isBlocked =
    publicAccessBlock?.IgnorePublicAcls === true && publicAccessBlock.RestrictPublicBuckets === true;
  // Most reported buckets without a block are public, so the tags are read in parallel with the rest.
  const tags = isBlocked ? undefined : readTags(session, name, region);
  tags?.catch(() => undefined);
  // Skips what the block already makes ineffective. For most buckets, the first call is therefore enough.
  const exposure = await readExposure(session, name, region, waysLeftBy(publicAccessBlock));
  // Access points grant no more than the bucket's own policy allows, and nothing if public access is restricted.
  const accessPoints: AccessPoints =
    publicAccessBlock?.RestrictPublicBuckets === true || exposure.policyIsPublic === null
      ? { publicNames: [], unread: [] }
      : await readAccessPoints(session, name, region);
  if (waysOf(exposure).length === 0) {
    const notes = notesOnCompliant(accessPoints);
    return { state: 'compliant', ...(notes.length > 0 && { notes }) };
  }

  const notes = notesOnViolation(accessPoints);
  const seen = { region, publicAccessBlock, ...exposure };
  const now = (await tags) ?? {};
  return {
    state: 'violation',
    seen,
    tags: now,
    rest: { seen: now, again: () => readTags(session, name, region) },
    ...(notes.length > 0 && { notes }),
  };
}

async function readTags(
  session: AwsSession,
  name: string,
  region: string,
): Promise<Readonly<Record<string, string>>> {
  const { GetBucketTaggingCommand, S3Client } = await import('../../aws/s3.ts');
  const bucket = { Bucket: name, ExpectedBucketOwner: session.account };
  return orWhen(['NoSuchTagSet'], {}, async () =>
    tagMap((await session.client(S3Client, region).send(new GetBucketTaggingCommand(bucket))).TagSet),
  );
}

/**
 * Ends public access to buckets. A bucket is public by its ACL, unless its public access block ignores public ACLs, or
 * by its policy, unless its public access block restricts public buckets. The fix turns on these two settings and
 * leaves the other two unchanged. It also ends public ACLs of objects and public access through access points, but
 * these alone do not make a bucket public here; public access points are named in the reason. The account's own public
 * access block is not read: if it already prevents the access that the bucket allows, the fix does not change who can
 * reach the bucket.
 */
export const rule = defineRule<Seen, Options>(facts, {
  async inspect(session, resources) {
    const regions = await readRegions(session, resources);
    const limit = pLimit(BUCKETS_AT_ONCE);
    return new Map(
      await limit.map(resources, async (name): Promise<[string, Inspection<Seen>]> => {
        const region = regions.get(name);
        // Deleted, or owned by another account by now. S3 does not tell these cases apart without access to the bucket.
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
        publicBy: waysOf(seen),
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
