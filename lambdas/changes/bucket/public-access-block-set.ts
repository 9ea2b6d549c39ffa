import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import { paceOnceThrottled } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import { regionSchema } from '../../model/finding.ts';
import type { Change, ChangeKind } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { refusal } from '../refusal.ts';
import { untilTaken } from '../until-taken.ts';
import {
  noPublicAccessBlock,
  type PublicAccessBlock,
  publicAccessBlockSchema,
  readExposure,
  readPublicAccessBlock,
  type Way,
  waySchema,
  waysLeftBy,
  waysOf,
} from './exposure.ts';

const schema = z.object({
  kind: z.literal('s3-public-access-block-set'),
  /** The bucket's name. */
  resource: z.string(),
  /** The bucket's region. */
  region: regionSchema,
  /**
   * The ways in which the bucket was public when the change was planned. The change is only made if one of them still
   * exists. Not set in an undo.
   */
  publicBy: z.array(waySchema).optional(),
  /**
   * Null if the bucket has no public access block. Once the change is applied: the settings immediately before the
   * write.
   */
  before: publicAccessBlockSchema.nullable(),
  /**
   * The settings afterwards. Only those that differ from `before` are changed. The others keep the values that they
   * have at the time of the write.
   */
  after: publicAccessBlockSchema.nullable(),
});
export type S3PublicAccessBlockSet = z.infer<typeof schema>;

const settings = publicAccessBlockSchema.keyof().options;

/** S3's error codes for two calls that change a bucket at once: "retry the request". */
const CONFLICTS = ['OperationAborted', 'ConditionalRequestConflict'];

/** Returns the settings that the change sets. */
function changedSettings({ before, after }: Pick<S3PublicAccessBlockSet, 'before' | 'after'>) {
  const [from, to] = [before ?? noPublicAccessBlock, after ?? noPublicAccessBlock];
  return settings.filter((setting) => from[setting] !== to[setting]);
}

/** Returns the settings that the plan found off and that the change turns on. */
function switchedOn(change: Pick<S3PublicAccessBlockSet, 'before' | 'after'>): string[] {
  return changedSettings(change).filter((setting) => change.after?.[setting] === true);
}

function isAsWanted(block: PublicAccessBlock | null, change: S3PublicAccessBlockSet): boolean {
  const [now, after] = [block ?? noPublicAccessBlock, change.after ?? noPublicAccessBlock];
  return changedSettings(change).every((setting) => now[setting] === after[setting]);
}

/** Merges only the settings of the change into the current ones. */
function merge(now: PublicAccessBlock | null, change: S3PublicAccessBlockSet): PublicAccessBlock | null {
  const after = change.after ?? noPublicAccessBlock;
  const merged = { ...(now ?? noPublicAccessBlock) };
  for (const setting of changedSettings(change)) merged[setting] = after[setting];
  const isEmpty = settings.every((setting) => !merged[setting]);
  return change.after === null && isEmpty ? null : merged;
}

/** Describes, for a plan, which other access the change ends. */
function alsoEnds(change: S3PublicAccessBlockSet): string {
  const changed = switchedOn(change);
  const ends = [
    ...(changed.includes('IgnorePublicAcls') ? ['public ACLs of its objects'] : []),
    ...(changed.includes('RestrictPublicBuckets') && change.publicBy?.includes('policy') !== false
      ? ['access of other accounts by its public policy']
      : []),
  ];
  return ends.length === 0 ? '' : ` (this also ends ${ends.join(' and ')})`;
}

/**
 * Checks whether the change is still needed and sufficient.
 * @param stillBy those of the planned ways in which the bucket is still public, regardless of its block; undefined in
 *   an undo
 * @throws StalePlanError if it is not
 */
function check(
  change: S3PublicAccessBlockSet,
  now: PublicAccessBlock | null,
  stillBy: readonly Way[] | undefined,
): void {
  const { resource, publicBy = [] } = change;
  if (isAsWanted(now, change)) {
    throw new StalePlanError(
      `the public access block of ${resource} was changed by someone else in the meantime: ${changedSettings(change).join(' and ')} already have the desired values`,
    );
  }
  if (stillBy === undefined) return;
  if (!waysLeftBy(now).some((way) => stillBy.includes(way))) {
    throw new StalePlanError(
      `bucket ${resource} is no longer public by its ${publicBy.join(' or ')}: someone else has changed it in the meantime`,
    );
  }
  // It does not matter which of them is open: the planned settings disable both ways, unless someone changes other
  // settings.
  const left = waysLeftBy(merge(now, change));
  if (left.length > 0) {
    throw new StalePlanError(
      `bucket ${resource} could still be public by its ${left.join(' and ')} with ${changedSettings(change).join(' and ')}: someone else has changed it in the meantime`,
    );
  }
}

async function write(
  session: AwsSession,
  { resource, region, after }: S3PublicAccessBlockSet,
): Promise<void> {
  const { DeletePublicAccessBlockCommand, PutPublicAccessBlockCommand, S3Client } = await import(
    '../../aws/s3.ts'
  );
  const client = session.client(S3Client, region);
  const bucket = { Bucket: resource, ExpectedBucketOwner: session.account };
  if (after === null) await client.send(new DeletePublicAccessBlockCommand(bucket));
  else {
    await client.send(new PutPublicAccessBlockCommand({ ...bucket, PublicAccessBlockConfiguration: after }));
  }
}

/**
 * Reads, merges, and writes the settings. If the write is not answered, a read can't resolve this: it may be older than
 * the write, and a public access block has no version that would show that.
 */
async function apply(
  session: AwsSession,
  change: S3PublicAccessBlockSet,
  ours: readonly Change[],
): Promise<S3PublicAccessBlockSet> {
  const { resource, region, publicBy } = change;
  const stillBy =
    publicBy === undefined ? undefined : waysOf(await readExposure(session, resource, region, publicBy));
  // The block is read last, because the write sets all four settings.
  const now = await readPublicAccessBlock(session, resource, region);
  if (
    !ofForm(schema, ours)
      .slice(-1)
      .every((last) => isAsWanted(now, last))
  ) {
    throw olderThanOurs(`the public access block of ${resource}`);
  }
  check(change, now, stillBy);
  const made = { ...change, before: now, after: merge(now, change) };
  await write(session, made);
  return made;
}

/**
 * Changes individual settings of a bucket's public access block, or removes the block. The bucket must belong to the
 * session's account. S3 only accepts all four settings together, and has no conditional write, so the current settings
 * are read immediately before each write and merged.
 */
export const changeKind: ChangeKind<S3PublicAccessBlockSet> = {
  kind: 's3-public-access-block-set',
  pace: paceOnceThrottled('s3'),
  // S3 documents no rate for this call, and counts requests per bucket.
  atOnce: 20,
  schema,
  describe(change) {
    const { resource, before, after } = change;
    if (after === null) return `- public access block of ${resource}`;
    if (before === null) {
      const on = settings.filter((setting) => after[setting]);
      return `+ public access block of ${resource}: ${on.join(', ')}${alsoEnds(change)}`;
    }
    const changed = changedSettings(change).map(
      (setting) => `${setting} ${before[setting]} -> ${after[setting]}`,
    );
    return `~ public access block of ${resource}: ${changed.join(', ')}${alsoEnds(change)}`;
  },
  async apply(session, change, note, { mayContinue, ours }) {
    try {
      const isNotTakenBy = (error: unknown): boolean => isAwsError(error, ...CONFLICTS);
      const made = await untilTaken(session, () => apply(session, change, ours), {
        mayContinue,
        isNotTakenBy,
      });
      note(made);
      return made;
    } catch (error) {
      throw refusal(error, `bucket ${change.resource}`, { stale: ['NoSuchBucket'], busy: CONFLICTS });
    }
  },
  /**
   * Checks whether reads show the change. They may return the old state for some time (terraform-provider-aws#18530).
   */
  async isVisible(session, applied) {
    return isAsWanted(await readPublicAccessBlock(session, applied.resource, applied.region), applied);
  },
  /**
   * Finds the change only if all settings are as planned. Otherwise, someone else has changed settings, possibly also
   * the planned ones.
   */
  async find(session, planned) {
    const now = await readPublicAccessBlock(session, planned.resource, planned.region);
    return isDeepStrictEqual(now, planned.after) ? planned : undefined;
  },
  async differs(session, applied) {
    const now = await readPublicAccessBlock(session, applied.resource, applied.region);
    if (isAsWanted(now, applied)) return undefined;
    const [block, after] = [now ?? noPublicAccessBlock, applied.after ?? noPublicAccessBlock];
    const others = changedSettings(applied).filter((setting) => block[setting] !== after[setting]);
    return `${others.map((setting) => `${setting} is ${block[setting]}`).join(' and ')} in its public access block`;
  },
  removes: switchedOn,
  restsOn: (planned) => (planned.publicBy === undefined ? [] : switchedOn(planned)),
  inverse({ publicBy: _, ...applied }) {
    return { ...applied, before: applied.after, after: applied.before };
  },
};
