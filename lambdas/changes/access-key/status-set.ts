import { z } from 'zod';
import { orWhen } from '../../aws/or-when.ts';
import { paceOnceThrottled } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import { timestampSchema } from '../../model/finding.ts';
import type { Change, ChangeKind } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { refusal } from '../refusal.ts';
import { readLastUsed } from './last-used.ts';

const statusSchema = z.enum(['Active', 'Inactive']);

const schema = z.object({
  kind: z.literal('iam-access-key-status-set'),
  /** The user's name. */
  resource: z.string(),
  /** The key's id, which is not a secret. */
  key: z.string(),
  before: statusSchema,
  after: statusSchema,
  created: timestampSchema,
  /**
   * Time at which the key was last used, according to AWS; null if never. Applications that still use the key stop
   * working when it is made inactive.
   */
  lastUsed: timestampSchema.nullable(),
  /** The number of days for which the key must have been unused. If not set, the key may be in use. */
  unusedForDays: z.int().positive().optional(),
});
export type IamAccessKeyStatusSet = z.infer<typeof schema>;

const MILLISECONDS_PER_DAY = 86_400_000;

const day = (timestamp: string): string => timestamp.slice(0, 10);

/** Reads the status of each key of a user. @returns an empty map if the user is gone */
async function readStatuses(session: AwsSession, user: string): Promise<ReadonlyMap<string, string>> {
  const { IAMClient, paginateListAccessKeys } = await import('../../aws/iam.ts');
  const statuses = new Map<string, string>();
  return orWhen(['NoSuchEntity'], statuses, async () => {
    const pages = paginateListAccessKeys({ client: session.client(IAMClient) }, { UserName: user });
    for await (const { AccessKeyMetadata = [] } of pages) {
      for (const { AccessKeyId = '', Status = '' } of AccessKeyMetadata) statuses.set(AccessKeyId, Status);
    }
    return statuses;
  });
}

/** Reads the status of a key. @returns undefined if the user or the key is gone */
async function readStatus(session: AwsSession, user: string, key: string): Promise<string | undefined> {
  return (await readStatuses(session, user)).get(key);
}

/**
 * Checks whether a read is newer than our changes: no key of the user has the status that it had before we last set it.
 */
function showsOurs(statuses: ReadonlyMap<string, string>, ours: readonly Change[]): boolean {
  const before = new Map(ofForm(schema, ours).map((set) => [set.key, set.before]));
  return [...before].every(([key, status]) => statuses.get(key) !== status);
}

/**
 * Checks the key immediately before the write.
 * @throws StalePlanError if the key is gone, already has the desired status, or has been used, or if the read is stale
 */
async function look(
  session: AwsSession,
  change: IamAccessKeyStatusSet,
  ours: readonly Change[],
): Promise<void> {
  const { resource, key, after, unusedForDays } = change;
  const name = `access key ${key} of ${resource}`;
  const statuses = await readStatuses(session, resource);
  if (!showsOurs(statuses, ours)) throw olderThanOurs(`access keys of ${resource}`);
  const status = statuses.get(key);
  if (status === undefined) throw new StalePlanError(`${name} is gone: nothing was changed`);
  if (status === after) throw new StalePlanError(`${name} was made ${after} by someone else in the meantime`);
  if (unusedForDays === undefined) return;
  const lastUsed = await readLastUsed(session, key);
  if (lastUsed === undefined) throw new StalePlanError(`${name} is gone: nothing was changed`);
  const since = session.now().getTime() - unusedForDays * MILLISECONDS_PER_DAY;
  if (lastUsed !== null && Date.parse(lastUsed) > since) {
    throw new StalePlanError(`${name} was used in the meantime, on ${day(lastUsed)}: nothing was changed`);
  }
}

/** Makes a user's access key inactive or active. Never deletes a key. */
export const changeKind: ChangeKind<IamAccessKeyStatusSet> = {
  kind: 'iam-access-key-status-set',
  pace: paceOnceThrottled('iam'),
  // IAM does not document a rate. Its limits apply to the account, regardless of the region.
  atOnce: 10,
  schema,
  describe({ resource, key, before, after, created, lastUsed }) {
    const used = lastUsed === null ? 'never used' : `last used ${day(lastUsed)}`;
    return `~ access key ${key} of ${resource}: ${before} -> ${after} (created ${day(created)}, ${used})`;
  },
  async apply(session, change, note, { ours }) {
    const { IAMClient, UpdateAccessKeyCommand } = await import('../../aws/iam.ts');
    await look(session, change, ours);
    try {
      await session.client(IAMClient).send(
        new UpdateAccessKeyCommand({
          UserName: change.resource,
          AccessKeyId: change.key,
          Status: change.after,
        }),
      );
    } catch (error) {
      throw refusal(error, `access key ${change.key} of ${change.resource}`, { stale: ['NoSuchEntity'] });
    }
    note(change);
    return change;
  },
  /**
   * Checks whether reads show the change; IAM's reads may lag behind its writes.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html
   */
  async isVisible(session, { resource, key, before }) {
    return (await readStatus(session, resource, key)) !== before;
  },
  async find(session, planned) {
    const status = await readStatus(session, planned.resource, planned.key);
    return status === planned.after ? planned : undefined;
  },
  async differs(session, { resource, key, after }) {
    const status = await readStatus(session, resource, key);
    if (status === after) return undefined;
    return `its access key ${key} is ${status ?? 'gone'}`;
  },
  inverse: ({ unusedForDays: _, ...applied }) => ({
    ...applied,
    before: applied.after,
    after: applied.before,
  }),
};
