import { z } from 'zod';
import { paceOnceThrottled } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { refusal } from '../refusal.ts';
import { isListedAsPublic, readShares, snapshotNotFound } from './shares.ts';

const schema = z.object({
  kind: z.literal('rds-snapshot-shares-change'),
  /** The snapshot's identifier. */
  resource: z.string(),
  /** The kind of snapshot: of a DB instance, or of an Aurora or Multi-AZ cluster. Each has its own API. */
  of: z.enum(['instance', 'cluster']),
  /**
   * The account ids with which the snapshot is shared, or `all`. Once the change is applied: the shares immediately
   * before the write, or, if a list showed then that the snapshot is still public, the shares that the plan saw.
   */
  before: z.array(z.string()),
  /** The shares afterwards. Those that differ from `before` are removed or added. */
  after: z.array(z.string()),
  /**
   * Set once the change is applied, if only a list showed immediately before the write that the snapshot was public. It is
   * not known whether lists are as current as a snapshot's own shares.
   */
  isListed: z.literal(true).optional(),
});
export type RdsSnapshotSharesChange = z.infer<typeof schema>;

const without = (values: readonly string[], others: readonly string[]) =>
  values.filter((value) => !others.includes(value));

async function modify(
  session: AwsSession,
  { resource, of }: RdsSnapshotSharesChange,
  removed: readonly string[],
  added: readonly string[],
): Promise<void> {
  const rds = await import('../../aws/rds.ts');
  const client = session.client(rds.RDSClient);
  const values = {
    AttributeName: 'restore',
    ...(removed.length > 0 ? { ValuesToRemove: [...removed] } : {}),
    ...(added.length > 0 ? { ValuesToAdd: [...added] } : {}),
  };
  if (of === 'instance') {
    await client.send(
      new rds.ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: resource, ...values }),
    );
  } else {
    await client.send(
      new rds.ModifyDBClusterSnapshotAttributeCommand({ DBClusterSnapshotIdentifier: resource, ...values }),
    );
  }
}

/** Checks whether a read shows the shares of an applied change. Other shares do not matter. */
function shows(now: readonly string[], { before, after }: RdsSnapshotSharesChange): boolean {
  const stillThere = without(before, after).some((share) => now.includes(share));
  return !stillThere && without(without(after, before), now).length === 0;
}

/**
 * Lists the shares that a change removes, with the kind of snapshot: one of an instance and one of a cluster may have the
 * same identifier.
 */
const removedShares = ({ of, before, after }: RdsSnapshotSharesChange): string[] =>
  without(before, after).map((share) => `${of} ${share}`);

/** Checks whether a change concerns no other share than `all`. */
const concernsOnlyAll = ({ before, after }: RdsSnapshotSharesChange): boolean =>
  [...without(before, after), ...without(after, before)].every((share) => share === 'all');

/**
 * Reads the shares immediately before the write. A list of public snapshots, one for all changes that begin together, is
 * enough if it shows that `all` is still there to be removed; otherwise, the snapshot's shares are read.
 * @param last our last change to the snapshot, which the read must show
 */
async function look(
  session: AwsSession,
  change: RdsSnapshotSharesChange,
  last: RdsSnapshotSharesChange | undefined,
): Promise<Pick<RdsSnapshotSharesChange, 'before' | 'isListed'> | undefined> {
  const { resource, of, before } = change;
  const isListEnough =
    before.includes('all') && concernsOnlyAll(change) && (last === undefined || concernsOnlyAll(last));
  if (isListEnough && (await isListedAsPublic(session, resource, of))) return { before, isListed: true };
  const shares = await readShares(session, resource, of);
  return shares && { before: shares };
}

/** Maximum number of changes that begin together. A group of 25, the most that is sent at once, takes two lists. */
const CHANGES_AT_ONCE = 13;

/** Changes the accounts with which a manual snapshot is shared. Adds and removes only the shares that differ. */
export const changeKind: ChangeKind<RdsSnapshotSharesChange> = {
  kind: 'rds-snapshot-shares-change',
  pace: paceOnceThrottled('rds'),
  atOnce: CHANGES_AT_ONCE,
  startsTogether: true,
  schema,
  describe(change) {
    const removed = without(change.before, change.after);
    const added = without(change.after, change.before);
    const parts = [
      ...(removed.length > 0 ? [`no longer shared with ${removed.join(', ')}`] : []),
      ...(added.length > 0 ? [`shared with ${added.join(', ')}`] : []),
    ];
    return `~ ${change.of} snapshot ${change.resource}: ${parts.join('; ')}`;
  },
  async apply(session, change, note, { ours }) {
    const name = `${change.of} snapshot ${change.resource}`;
    const last = ofForm(schema, ours).findLast(({ of }) => of === change.of);
    const looked = await look(session, change, last);
    if (looked === undefined) throw new StalePlanError(`${name} is gone: nothing was changed`);
    const { before: now } = looked;
    if (last !== undefined && !shows(now, last)) throw olderThanOurs(name);
    const removed = without(change.before, change.after).filter((share) => now.includes(share));
    const added = without(without(change.after, change.before), now);
    if (removed.length === 0 && added.length === 0) {
      throw new StalePlanError(`the shares of ${name} were changed by someone else in the meantime`);
    }
    try {
      await modify(session, change, removed, added);
    } catch (error) {
      throw refusal(error, name, {
        stale: snapshotNotFound,
        busy: ['InvalidDBSnapshotStateFault', 'InvalidDBClusterSnapshotStateFault'],
      });
    }
    const made = { ...change, ...looked, after: [...without(now, removed), ...added] };
    note(made);
    return made;
  },
  /**
   * Checks whether reads show the change. RDS does not document when they do, so a stale read is recognized by the
   * changed shares.
   */
  async isVisible(session, applied) {
    const now = await readShares(session, applied.resource, applied.of);
    return now === undefined || shows(now, applied);
  },
  async find(session, planned) {
    const now = await readShares(session, planned.resource, planned.of);
    if (now === undefined) return undefined;
    const isTaken = without(planned.before, planned.after).every((share) => !now.includes(share));
    return isTaken && without(planned.after, now).length === 0 ? planned : undefined;
  },
  async differs(session, { resource, of, before, after }) {
    const now = await readShares(session, resource, of);
    if (now === undefined) return 'it is gone';
    const again = without(before, after).filter((share) => now.includes(share));
    const missing = without(without(after, before), now);
    const words = [
      ...(again.length > 0 ? [`shared with ${again.join(', ')} again`] : []),
      ...(missing.length > 0 ? [`no longer shared with ${missing.join(', ')}`] : []),
    ];
    return words.length === 0 ? undefined : `it is ${words.join(' and ')}`;
  },
  removes: removedShares,
  restsOn: removedShares,
  inverse: ({ isListed: _, ...applied }) => ({ ...applied, before: applied.after, after: applied.before }),
  notRestored: ({ resource, isListed }) =>
    isListed &&
    `immediately before the fix, only a list showed that ${resource} was public: if its owner made it private at that moment, the undo shares it again`,
};
