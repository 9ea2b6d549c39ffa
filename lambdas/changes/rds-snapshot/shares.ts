import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';

/** The kind of snapshot: of a DB instance, or of an Aurora or Multi-AZ cluster. Each has its own API. */
export type SnapshotKind = 'instance' | 'cluster';

/** The SDK's error names for a DB snapshot or cluster snapshot that does not exist. */
export const snapshotNotFound = ['DBSnapshotNotFoundFault', 'DBClusterSnapshotNotFoundFault'] as const;

/**
 * Reads the account ids with which a manual snapshot is shared, or `all`. Returns undefined if the snapshot is gone.
 */
export function readShares(session: AwsSession, id: string, of: SnapshotKind): Promise<string[] | undefined> {
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

/** RDS's maximum page size. */
const PAGE_SIZE = 100;

/**
 * Lists which of the account's own snapshots are public. Reads one page only, and for one snapshot none: a snapshot that
 * the list omits is read by itself anyway. The list may contain public snapshots of other accounts with the same
 * identifiers.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.Public.html ("Viewing your own public snapshots")
 */
async function listPublic(
  session: AwsSession,
  of: SnapshotKind,
  ids: readonly string[],
): Promise<Map<string, true>> {
  if (ids.length < 2) return new Map();
  const rds = await import('../../aws/rds.ts');
  const client = session.client(rds.RDSClient);
  const { partition, region, account } = session;
  const type = of === 'instance' ? 'snapshot' : 'cluster-snapshot';
  const input = {
    SnapshotType: 'public',
    IncludePublic: true,
    Filters: [{ Name: `db-${type}-id`, Values: [...ids] }],
    MaxRecords: PAGE_SIZE,
  };
  const arns =
    of === 'instance'
      ? (await client.send(new rds.DescribeDBSnapshotsCommand(input))).DBSnapshots?.map(
          ({ DBSnapshotArn }) => DBSnapshotArn,
        )
      : (await client.send(new rds.DescribeDBClusterSnapshotsCommand(input))).DBClusterSnapshots?.map(
          ({ DBClusterSnapshotArn }) => DBClusterSnapshotArn,
        );
  const listed = new Set(arns);
  const isListed = (id: string) => listed.has(`arn:${partition}:rds:${region}:${account}:${type}:${id}`);
  return new Map(ids.filter(isListed).map((id) => [id, true]));
}

const readListed: Readonly<Record<SnapshotKind, ReturnType<typeof sharedRead<true>>>> = {
  instance: sharedRead((session, ids) => listPublic(session, 'instance', ids)),
  cluster: sharedRead((session, ids) => listPublic(session, 'cluster', ids)),
};

/**
 * Checks whether AWS lists a snapshot as public, in one call for all changes that begin together. False does not mean
 * that it is private: a single change makes no list, AWS may omit the account's own snapshots, and a list that fails is
 * ignored, unless AWS throttled it.
 */
export async function isListedAsPublic(session: AwsSession, id: string, of: SnapshotKind): Promise<boolean> {
  return (await readListed[of](session, id)) === true;
}
