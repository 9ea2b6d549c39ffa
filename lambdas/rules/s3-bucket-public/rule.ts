import pLimit, { type LimitFunction } from 'p-limit';
import { errorKind } from '../../aws/errors.ts';
import { orWhen } from '../../aws/or-when.ts';
import { perSession } from '../../aws/per-session.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import {
  type Exposure,
  type PublicAccessBlock,
  readPolicyIsPublic,
  readPublicAccessBlock,
  readPublicGrants,
  type Way,
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

/** Maximum number of buckets of which everything is read at once, in four calls each. */
const BUCKETS_READ_WHOLE = 6;

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

/** A bucket whose region is known. */
interface Located {
  readonly name: string;
  readonly region: string;
}

type Tags = Readonly<Record<string, string>>;

/** Reads of a bucket in addition to its public access block. */
interface Rest {
  readonly publicGrants: PromiseSettledResult<string[]>;
  readonly policyIsPublic: PromiseSettledResult<boolean | null>;
  readonly tags: PromiseSettledResult<Tags>;
}

/** Reads in parallel what a public access block that leaves these ways open does not make ineffective. Never rejects. */
async function readRest(session: AwsSession, { name, region }: Located, ways: readonly Way[]): Promise<Rest> {
  const [publicGrants, policyIsPublic, tags] = await Promise.allSettled([
    ways.includes('ACL') ? readPublicGrants(session, name, region) : [],
    ways.includes('policy') ? readPolicyIsPublic(session, name, region) : false,
    ways.length > 0 ? readTags(session, name, region) : {},
  ]);
  return { publicGrants, policyIsPublic, tags };
}

/** Returns the result of a read. @throws its error */
function resultOf<T>(read: PromiseSettledResult<T>): T {
  if (read.status === 'rejected') throw read.reason;
  return read.value;
}

/**
 * Inspects a bucket.
 * @param isWhole True if everything is read at once. Otherwise, the public access block is read first, and then only
 *   what it leaves open: nothing if it is complete.
 */
async function inspectBucket(
  session: AwsSession,
  bucket: Located,
  isWhole: boolean,
): Promise<Inspection<Seen>> {
  const { name, region } = bucket;
  const [reading, ahead] = await Promise.allSettled([
    readPublicAccessBlock(session, name, region),
    isWhole ? readRest(session, bucket, waysLeftBy(null)) : undefined,
  ]);
  const publicAccessBlock = resultOf(reading);
  const ways = waysLeftBy(publicAccessBlock);
  const rest = resultOf(ahead) ?? (await readRest(session, bucket, ways));
  // What the block makes ineffective does not count, and does not matter if it could not be read.
  const exposure: Exposure = {
    publicGrants: ways.includes('ACL') ? resultOf(rest.publicGrants) : [],
    policyIsPublic: ways.includes('policy') ? resultOf(rest.policyIsPublic) : false,
  };
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
  const tags = resultOf(rest.tags);
  return {
    state: 'violation',
    seen,
    tags,
    rest: { seen: tags, again: () => readTags(session, name, region) },
    ...(notes.length > 0 && { notes }),
  };
}

async function readTags(session: AwsSession, name: string, region: string): Promise<Tags> {
  const { GetBucketTaggingCommand, S3Client } = await import('../../aws/s3.ts');
  const bucket = { Bucket: name, ExpectedBucketOwner: session.account };
  return orWhen(['NoSuchTagSet'], {}, async () =>
    tagMap((await session.client(S3Client, region).send(new GetBucketTaggingCommand(bucket))).TagSet),
  );
}

/** The regions of the buckets that were found in a session, by name. A bucket stays in its region. */
const foundIn = perSession(() => new Map<string, string>());

/**
 * Inspects a bucket again in the region where it was found before.
 * @returns undefined if it must be looked up again: it was not found before, or S3 refuses the read. A bucket of the same
 *   name may exist in another region by now, or belong to another account. Depending on the region, S3 then redirects
 *   the request or denies it. https://docs.aws.amazon.com/AmazonS3/latest/API/UsingRouting.html
 */
async function inspectAgain(session: AwsSession, name: string): Promise<Inspection<Seen> | undefined> {
  const region = foundIn(session).get(name);
  if (region === undefined) return undefined;
  try {
    return await inspectBucket(session, { name, region }, false);
  } catch (error) {
    if (errorKind(error) !== 'refused') throw error;
    foundIn(session).delete(name);
    return undefined;
  }
}

/**
 * Looks up buckets, and inspects those that exist. Reported buckets are usually public, so that everything is needed: if
 * they are few, it is read at once.
 */
async function inspectFound(
  session: AwsSession,
  names: readonly string[],
  limit: LimitFunction,
): Promise<[string, Inspection<Seen>][]> {
  if (names.length === 0) return [];
  const isWhole = names.length <= BUCKETS_READ_WHOLE;
  const regions = await readRegions(session, names);
  return limit.map(names, async (name): Promise<[string, Inspection<Seen>]> => {
    const region = regions.get(name);
    // Deleted, or owned by another account by now. S3 does not tell these cases apart without access to the bucket.
    if (region === undefined) return [name, { state: 'gone' }];
    foundIn(session).set(name, region);
    // Deleted between the two reads.
    const gone: Inspection<Seen> = { state: 'gone' };
    const bucket = { name, region };
    return [name, await orWhen(['NoSuchBucket'], gone, () => inspectBucket(session, bucket, isWhole))];
  });
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
    const limit = pLimit(BUCKETS_AT_ONCE);
    const again = await limit.map(resources, (name) => inspectAgain(session, name));
    const unread = resources.filter((_, index) => again[index] === undefined);
    const inspections = new Map(await inspectFound(session, unread, limit));
    for (const [index, name] of resources.entries()) {
      const inspection = again[index];
      if (inspection !== undefined) inspections.set(name, inspection);
    }
    return inspections;
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
