import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';

/** The SDK's error names for a DB snapshot or cluster snapshot that does not exist. */
export const snapshotNotFound = ['DBSnapshotNotFoundFault', 'DBClusterSnapshotNotFoundFault'] as const;

/**
 * Reads the account ids with which a manual snapshot is shared, or `all`. Returns undefined if the snapshot is gone.
 */
export function readShares(
  session: AwsSession,
  id: string,
  of: 'instance' | 'cluster',
): Promise<string[] | undefined> {
  return orWhen(snapshotNotFound, undefined, async () => {
    const rds = await import('../../aws/rds.ts');
    const client = session.client(rds.RDSClient);
    const attributes =
      of === 'instance'
        ? (await client.send(new rds.DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: id })))
            .DBSnapshotAttributesResult?.DBSnapshotAttributes
        : (
            await client.send(
              new rds.DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier: id }),
            )
          ).DBClusterSnapshotAttributesResult?.DBClusterSnapshotAttributes;
    return attributes?.find(({ AttributeName }) => AttributeName === 'restore')?.AttributeValues ?? [];
  });
}
