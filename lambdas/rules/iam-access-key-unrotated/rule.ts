import pLimit, { type LimitFunction } from 'p-limit';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { readLastUsed } from '../../changes/access-key/last-used.ts';
import type { IamAccessKeyStatusSet } from '../../changes/access-key/status-set.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts, type Options } from './facts.ts';

/** An access key. A type, not an interface, so that it is assignable to JSON. */
type Key = {
  id: string;
  created: string;
  /** Null if AWS has no record of a use. */
  lastUsed: string | null;
};

type Seen = {
  /** Active keys that are too old, and that the plan makes inactive. */
  keys: Key[];
  /** Active keys that are too old and stay active, because they are in use. */
  left: Key[];
};

/** Maximum number of users that are read in parallel. IAM allows few calls per second per account. */
const USERS_AT_ONCE = 13;

const MILLISECONDS_PER_DAY = 86_400_000;

/** Lists a user's active keys that were created at `latest` or earlier, with their creation times. */
async function listOldKeys(
  session: AwsSession,
  user: string,
  latest: Date,
): Promise<Pick<Key, 'id' | 'created'>[]> {
  const { IAMClient, paginateListAccessKeys } = await import('../../aws/iam.ts');
  const keys: Pick<Key, 'id' | 'created'>[] = [];
  for await (const page of paginateListAccessKeys(
    { client: session.client(IAMClient) },
    { UserName: user },
  )) {
    for (const { AccessKeyId, CreateDate, Status } of page.AccessKeyMetadata ?? []) {
      if (Status !== 'Active' || AccessKeyId === undefined || CreateDate === undefined) continue;
      if (CreateDate > latest) continue;
      keys.push({ id: AccessKeyId, created: CreateDate.toISOString() });
    }
  }
  return keys;
}

/** Determines when keys were last used, and omits keys that are gone. Oldest first. */
async function withLastUse(
  session: AwsSession,
  listed: readonly Pick<Key, 'id' | 'created'>[],
): Promise<Key[]> {
  const lastUsed = await Promise.all(listed.map(({ id }) => readLastUsed(session, id)));
  const keys = listed.flatMap((key, index) => {
    const used = lastUsed[index];
    return used === undefined ? [] : [{ ...key, lastUsed: used }];
  });
  return keys.sort((a, b) => a.created.localeCompare(b.created) || a.id.localeCompare(b.id));
}

async function readTags(session: AwsSession, user: string): Promise<Record<string, string>> {
  const { IAMClient, paginateListUserTags } = await import('../../aws/iam.ts');
  const tags: Record<string, string> = {};
  for await (const page of paginateListUserTags({ client: session.client(IAMClient) }, { UserName: user })) {
    Object.assign(tags, tagMap(page.Tags));
  }
  return tags;
}

async function inspectUser(
  session: AwsSession,
  user: string,
  options: Options,
  limit: LimitFunction,
): Promise<Inspection<Seen>> {
  const daysAgo = (count: number): Date => new Date(session.now().getTime() - count * MILLISECONDS_PER_DAY);
  const listed = await listOldKeys(session, user, daysAgo(options.max_age_days));
  if (listed.length === 0) return { state: 'compliant' };
  const [old, tags] = await Promise.all([withLastUse(session, listed), readTags(session, user)]);
  if (old.length === 0) return { state: 'compliant' };

  const { unused_only_days: unusedFor } = options;
  const inUse = (key: Key): boolean =>
    unusedFor !== undefined && key.lastUsed !== null && new Date(key.lastUsed) > daysAgo(unusedFor);
  const left = old.filter(inUse);
  const keys = old.filter((key) => !inUse(key));
  const notes = left.map(
    (key) =>
      `access key ${key.id}, created ${key.created.slice(0, 10)}, stays active: last used ${key.lastUsed?.slice(0, 10)}, within the last ${unusedFor} days (unused_only_days)`,
  );
  if (keys.length === 0) return { state: 'not_applicable', reason: notes.join('; ') };
  const again = () => limit(() => readTags(session, user));
  return { state: 'violation', seen: { keys, left }, tags, rest: { seen: tags, again }, notes };
}

/**
 * Makes access keys inactive that have not been rotated in time; never deletes them. Anything that still uses such a
 * key stops working, so each change says when the key was last used, and with `unused_only_days`, keys in use stay
 * active.
 */
export const rule = defineRule<Seen, Options>(facts, {
  async inspect(session, resources, options) {
    const limit = pLimit(USERS_AT_ONCE);
    return new Map(
      await limit.map(resources, async (user): Promise<[string, Inspection<Seen>]> => {
        try {
          return [user, await inspectUser(session, user, options, limit)];
        } catch (error) {
          if (isAwsError(error, 'NoSuchEntity')) return [user, { state: 'gone' }];
          throw error;
        }
      }),
    );
  },

  plan(resource, seen, { unused_only_days: unusedForDays }): readonly IamAccessKeyStatusSet[] {
    return seen.keys.map((key) => ({
      kind: 'iam-access-key-status-set',
      resource,
      key: key.id,
      before: 'Active',
      after: 'Inactive',
      created: key.created,
      lastUsed: key.lastUsed,
      ...(unusedForDays !== undefined && { unusedForDays }),
    }));
  },
});
