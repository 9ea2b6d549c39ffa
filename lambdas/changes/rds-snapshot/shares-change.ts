import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';

const schema = z.object({
  kind: z.literal('rds-snapshot-shares-change'),
  /** The snapshot's identifier. */
  resource: z.string(),
  /** A DB instance's snapshot, or an Aurora (or Multi-AZ) cluster's: each has an API of its own. */
  of: z.enum(['instance', 'cluster']),
  /** The account ids, or `all`, that the snapshot is shared with. */
  before: z.array(z.string()),
  after: z.array(z.string()),
  /** Set once it is applied: false where the snapshot was gone, so that there was nothing to change or to undo. */
  changed: z.boolean().optional(),
});
export type RdsSnapshotSharesChange = z.infer<typeof schema>;

const without = (values: readonly string[], others: readonly string[]) =>
  values.filter((value) => !others.includes(value));

/** The names that the SDK gives RDS's answer that a snapshot, or a cluster's, is not there. */
export const snapshotNotFound = ['DBSnapshotNotFoundFault', 'DBClusterSnapshotNotFoundFault'] as const;

/** Changes with whom a manual snapshot is shared: takes away and adds what differs, and touches no other share. */
export const changeKind: ChangeKind<RdsSnapshotSharesChange> = {
  kind: 'rds-snapshot-shares-change',
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
  /** @throws ChangeRefusedError when the snapshot is busy, or is to be shared and gone */
  async apply(session, change) {
    const rds = await import('../../aws/rds.ts');
    const client = session.client(rds.RDSClient);
    const removed = without(change.before, change.after);
    const added = without(change.after, change.before);
    const values = {
      AttributeName: 'restore',
      ...(removed.length > 0 ? { ValuesToRemove: removed } : {}),
      ...(added.length > 0 ? { ValuesToAdd: added } : {}),
    };
    try {
      if (change.of === 'instance') {
        await client.send(
          new rds.ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: change.resource, ...values }),
        );
      } else {
        await client.send(
          new rds.ModifyDBClusterSnapshotAttributeCommand({
            DBClusterSnapshotIdentifier: change.resource,
            ...values,
          }),
        );
      }
    } catch (error) {
      // Deleted meanwhile: a snapshot that is gone is shared with nobody.
      if (added.length === 0 && isAwsError(error, ...snapshotNotFound)) return { ...change, changed: false };
      throw refusal(error, `${change.of} snapshot ${change.resource}`, {
        gone: snapshotNotFound,
        busy: ['InvalidDBSnapshotStateFault', 'InvalidDBClusterSnapshotStateFault'],
      });
    }
    return { ...change, changed: true };
  },
  inverse: (applied) =>
    applied.changed === false
      ? undefined
      : { ...applied, before: applied.after, after: applied.before, changed: undefined },
};
