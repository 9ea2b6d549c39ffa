import pLimit from 'p-limit';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { readShares } from '../../changes/rds-snapshot/shares.ts';

export type Kind = 'instance' | 'cluster';

/** A DB instance or cluster that exists. */
export interface Database {
  readonly identifier: string;
  /** AWS's own id of it, which stays when it is renamed. */
  readonly resourceId: string | undefined;
  /** The cluster that an instance belongs to, whose snapshots are the cluster's. */
  readonly cluster: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** A manual snapshot that could be public. */
export interface Candidate {
  readonly id: string;
  readonly of: Kind;
  /** AWS's word for its state: `available` when nothing is changing it. */
  readonly status: string;
  /** Name of the DB instance or cluster when the snapshot was made. */
  readonly source: string;
  readonly sourceResourceId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export type PublicSnapshot = Candidate & { readonly sharedWith: string[] };

/** Number of snapshots that are read side by side. */
const SNAPSHOTS_AT_ONCE = 10;

/** The most that RDS gives in a page. */
const PAGE_SIZE = 100;

// Filters, not the parameters of the same names: those must name what exists, and snapshots outlive their instance.

type InstanceFilter = 'db-instance-id' | 'dbi-resource-id';
type ClusterFilter = 'db-cluster-id' | 'db-cluster-resource-id';

export async function readInstances(
  session: AwsSession,
  filter: InstanceFilter,
  values: readonly string[],
): Promise<Database[]> {
  if (values.length === 0) return [];
  const { paginateDescribeDBInstances, RDSClient } = await import('../../aws/rds.ts');
  const instances: Database[] = [];
  const pages = paginateDescribeDBInstances(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { Filters: [{ Name: filter, Values: [...values] }] },
  );
  for await (const { DBInstances = [] } of pages) {
    for (const { DBInstanceIdentifier = '', DbiResourceId, DBClusterIdentifier, TagList } of DBInstances) {
      instances.push({
        identifier: DBInstanceIdentifier,
        resourceId: DbiResourceId,
        cluster: DBClusterIdentifier,
        tags: tagMap(TagList),
      });
    }
  }
  return instances;
}

export async function readClusters(
  session: AwsSession,
  filter: ClusterFilter,
  values: readonly string[],
): Promise<Database[]> {
  if (values.length === 0) return [];
  const { paginateDescribeDBClusters, RDSClient } = await import('../../aws/rds.ts');
  const clusters: Database[] = [];
  const pages = paginateDescribeDBClusters(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { Filters: [{ Name: filter, Values: [...values] }] },
  );
  for await (const { DBClusters = [] } of pages) {
    for (const { DBClusterIdentifier = '', DbClusterResourceId, TagList } of DBClusters) {
      clusters.push({
        identifier: DBClusterIdentifier,
        resourceId: DbClusterResourceId,
        cluster: undefined,
        tags: tagMap(TagList),
      });
    }
  }
  return clusters;
}

// An encrypted snapshot can't be public: AWS refuses to share one with `all`, whatever its key.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html

export async function listInstanceSnapshots(
  session: AwsSession,
  filter: InstanceFilter,
  values: readonly string[],
): Promise<Candidate[]> {
  if (values.length === 0) return [];
  const { paginateDescribeDBSnapshots, RDSClient } = await import('../../aws/rds.ts');
  const candidates: Candidate[] = [];
  const pages = paginateDescribeDBSnapshots(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { SnapshotType: 'manual', Filters: [{ Name: filter, Values: [...values] }] },
  );
  for await (const page of pages) {
    for (const { DBSnapshotIdentifier: id, ...snapshot } of page.DBSnapshots ?? []) {
      if (id === undefined || snapshot.Encrypted === true) continue;
      candidates.push({
        id,
        of: 'instance',
        status: snapshot.Status ?? 'unknown',
        source: snapshot.DBInstanceIdentifier ?? '',
        sourceResourceId: snapshot.DbiResourceId,
        tags: tagMap(snapshot.TagList),
      });
    }
  }
  return candidates;
}

/**
 * All manual snapshots of clusters. DescribeDBClusterSnapshots has no filter by resource id, and its parameter takes one
 * cluster: for many, reading all is fewer calls (an account has 100 in a region unless its quota was raised).
 * https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterSnapshots.html
 */
export async function listClusterSnapshots(session: AwsSession): Promise<Candidate[]> {
  const { paginateDescribeDBClusterSnapshots, RDSClient } = await import('../../aws/rds.ts');
  const candidates: Candidate[] = [];
  const pages = paginateDescribeDBClusterSnapshots(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { SnapshotType: 'manual' },
  );
  for await (const page of pages) {
    for (const { DBClusterSnapshotIdentifier: id, ...snapshot } of page.DBClusterSnapshots ?? []) {
      if (id === undefined || snapshot.StorageEncrypted === true) continue;
      candidates.push({
        id,
        of: 'cluster',
        status: snapshot.Status ?? 'unknown',
        source: snapshot.DBClusterIdentifier ?? '',
        sourceResourceId: snapshot.DbClusterResourceId,
        tags: tagMap(snapshot.TagList),
      });
    }
  }
  return candidates;
}

/** Reads which of the candidates are shared with `all`. One that was deleted in the meantime is shared with nobody. */
export async function readPublic(
  session: AwsSession,
  candidates: readonly Candidate[],
): Promise<PublicSnapshot[]> {
  const snapshots = await pLimit(SNAPSHOTS_AT_ONCE).map(candidates, async (candidate) => ({
    ...candidate,
    sharedWith: (await readShares(session, candidate.id, candidate.of)) ?? [],
  }));
  return snapshots.filter(({ sharedWith }) => sharedWith.includes('all'));
}
