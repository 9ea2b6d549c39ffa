import pLimit from 'p-limit';
import { chunks } from '../../aws/batches.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { readShares, type SnapshotKind } from '../../changes/rds-snapshot/shares.ts';

/** An existing DB instance or cluster. */
export interface Database {
  readonly identifier: string;
  /** AWS resource id, which does not change when the database is renamed. */
  readonly resourceId: string | undefined;
  /** The cluster that an instance belongs to. Only the cluster has snapshots then. */
  readonly cluster: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** A manual snapshot that could be public. */
export interface Candidate {
  readonly id: string;
  readonly of: SnapshotKind;
  /** The status in AWS: `available` if nothing is changing the snapshot. */
  readonly status: string;
  /** Name of the DB instance or cluster at the time of the snapshot. */
  readonly source: string;
  readonly sourceResourceId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export type PublicSnapshot = Candidate & { readonly sharedWith: string[] };

/** Maximum number of snapshots that are read in parallel. */
const SNAPSHOTS_AT_ONCE = 10;

/** RDS's maximum page size. */
const PAGE_SIZE = 100;

// Uses filters instead of the parameters of the same names, because parameters must name an existing instance or
// cluster, and snapshots outlive theirs.

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

// An encrypted snapshot can't be public: AWS refuses to share it with `all`, regardless of its key.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html

export async function listInstanceSnapshots(
  session: AwsSession,
  filter: InstanceFilter | 'db-snapshot-id',
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
 * Lists manual snapshots of clusters: all, or those with the given identifiers. DescribeDBClusterSnapshots has no filter by
 * resource id, and its parameter names one cluster only, so reading all takes fewer calls (the default quota is 100 per
 * account and region). https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterSnapshots.html
 */
export async function listClusterSnapshots(
  session: AwsSession,
  ids?: readonly string[],
): Promise<Candidate[]> {
  const { paginateDescribeDBClusterSnapshots, RDSClient } = await import('../../aws/rds.ts');
  const candidates: Candidate[] = [];
  const pages = paginateDescribeDBClusterSnapshots(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    {
      SnapshotType: 'manual',
      ...(ids !== undefined && { Filters: [{ Name: 'db-cluster-snapshot-id', Values: [...ids] }] }),
    },
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

/** Returns a snapshot's unique name. One of an instance and one of a cluster may have the same identifier. */
const nameOf = ({ of, id }: Candidate): string => `${of} ${id}`;

/** Removes all but the first of several candidates for the same snapshot. */
export function onceEach(candidates: readonly Candidate[]): Candidate[] {
  const first = new Map(candidates.toReversed().map((candidate) => [nameOf(candidate), candidate]));
  return candidates.filter((candidate) => first.get(nameOf(candidate)) === candidate);
}

/** Reads the shares of a snapshot. Undefined if it is gone. */
export type SharesReader = (snapshot: Candidate) => ReturnType<typeof readShares>;

/** Creates a function that reads the shares of snapshots, of each only once. */
export function sharesReader(session: AwsSession): SharesReader {
  const limit = pLimit(SNAPSHOTS_AT_ONCE);
  const asked = new Map<string, ReturnType<typeof readShares>>();
  return (snapshot) => {
    const name = nameOf(snapshot);
    const reading = asked.get(name) ?? limit(() => readShares(session, snapshot.id, snapshot.of));
    asked.set(name, reading);
    return reading;
  };
}

/** Returns the candidates that are shared with `all`. A snapshot that was deleted in the meantime is not shared. */
export async function readPublic(
  read: SharesReader,
  candidates: readonly Candidate[],
): Promise<PublicSnapshot[]> {
  const reading = candidates.map(async (each) => ({ ...each, sharedWith: (await read(each)) ?? [] }));
  return (await Promise.all(reading)).filter(({ sharedWith }) => sharedWith.includes('all'));
}

/** Lists public snapshots again by their identifiers, in the same order, without reading their shares again. */
export async function listAgain(
  session: AwsSession,
  snapshots: readonly PublicSnapshot[],
): Promise<PublicSnapshot[]> {
  const idsOf = (kind: SnapshotKind): string[][] => [
    ...chunks(
      snapshots.filter(({ of }) => of === kind).map(({ id }) => id),
      PAGE_SIZE,
    ),
  ];
  const lists = await Promise.all([
    ...idsOf('instance').map((ids) => listInstanceSnapshots(session, 'db-snapshot-id', ids)),
    ...idsOf('cluster').map((ids) => listClusterSnapshots(session, ids)),
  ]);
  const listed = new Map(lists.flat().map((candidate) => [nameOf(candidate), candidate]));
  return snapshots.flatMap(({ sharedWith, ...before }) => {
    const now = listed.get(nameOf(before));
    return now === undefined ? [] : { ...now, sharedWith };
  });
}
