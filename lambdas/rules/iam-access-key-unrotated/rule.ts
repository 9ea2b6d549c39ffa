import pLimit from 'p-limit';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { readLastUsed } from '../../changes/access-key/last-used.ts';
import type { IamAccessKeyStatusSet } from '../../changes/access-key/status-set.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts, type Options } from './facts.ts';

/** A type, not an interface, so that it is JSON. */
type Key = {
  id: string;
  created: string;
  /** Null for never, as far as AWS knows. */
  lastUsed: string | null;
};

type Seen = {
  /** Active keys that are too old, and are to be made inactive. */
  keys: Key[];
  /** Active keys that are too old too, but in use, and left for that. */
  left: Key[];
};

/** Number of users that are read side by side: IAM allows few calls per second for a whole account. */
const USERS_AT_ONCE = 4;

const MILLISECONDS_PER_DAY = 86_400_000;

/** The user's active keys that were created at `latest` or before, the oldest first. */
async function readOldKeys(session: AwsSession, user: string, latest: Date): Promise<Key[]> {
  const { IAMClient, paginateListAccessKeys } = await import('../../aws/iam.ts');
  const keys: Key[] = [];
  for await (const page of paginateListAccessKeys(
    { client: session.client(IAMClient) },
    { UserName: user },
  )) {
    for (const { AccessKeyId, CreateDate, Status } of page.AccessKeyMetadata ?? []) {
      if (Status !== 'Active' || AccessKeyId === undefined || CreateDate === undefined) continue;
      if (CreateDate > latest) continue;
      const lastUsed = await readLastUsed(session, AccessKeyId);
      if (lastUsed !== undefined) keys.push({ id: AccessKeyId, created: CreateDate.toISOString(), lastUsed });
    }
  }
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

async function inspectUser(session: AwsSession, user: string, options: Options): Promise<Inspection<Seen>> {
  const daysAgo = (count: number): Date => new Date(session.now().getTime() - count * MILLISECONDS_PER_DAY);
  const old = await readOldKeys(session, user, daysAgo(options.max_age_days));
  if (old.length === 0) return { state: 'compliant' };

  const { unused_only_days: unusedFor } = options;
  const inUse = (key: Key): boolean =>
    unusedFor !== undefined && key.lastUsed !== null && new Date(key.lastUsed) > daysAgo(unusedFor);
  const left = old.filter(inUse);
  const keys = old.filter((key) => !inUse(key));
  const notes = left.map(
    (key) =>
      `access key ${key.id}, created ${key.created.slice(0, 10)}, is left active: last used ${key.lastUsed?.slice(0, 10)}, in the last ${unusedFor} days (unused_only_days)`,
  );
  if (keys.length === 0) return { state: 'not_applicable', reason: notes.join('; ') };
  return { state: 'violation', seen: { keys, left }, tags: await readTags(session, user), notes };
}

/**
 * Access keys that nobody has replaced for long are made inactive, never deleted. Anything that still uses such a key
 * stops working, so each change says when the key was last used, and `unused_only_days` leaves the keys that are in use.
 */
export const rule = defineRule<Seen, Options>(facts, {
  async inspect(session, resources, options) {
    const limit = pLimit(USERS_AT_ONCE);
    return new Map(
      await limit.map(resources, async (user): Promise<[string, Inspection<Seen>]> => {
        try {
          return [user, await inspectUser(session, user, options)];
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
