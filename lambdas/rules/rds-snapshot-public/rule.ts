import pLimit from 'p-limit';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { type RdsSnapshotSharesChange, snapshotNotFound } from '../../changes/rds-snapshot/shares-change.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts } from './facts.ts';

/** A type, not an interface, so that it is JSON. */
type Snapshot = {
  id: string;
  of: 'instance' | 'cluster';
  /** AWS's word for what is going on with it, `available` when nothing is. */
  status: string;
  sharedWith: string[];
};
type Seen = { publicSnapshots: Snapshot[] };

/** A manual snapshot that could be public, before it is known with whom it is shared. */
interface Candidate extends Omit<Snapshot, 'sharedWith'> {
  /** The identifier of the DB instance or cluster that it was made of. */
  readonly source: string;
}

/** What is known of a DB instance. */
interface Instance {
  /** The cluster that it belongs to, whose snapshots are the cluster's. */
  readonly cluster: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** How many snapshots are read side by side. */
const SNAPSHOTS_AT_ONCE = 4;

/** The most that RDS gives in a page. */
const PAGE_SIZE = 100;

// Filters, not the parameters of the same names: those must name what exists, and snapshots outlive their instance.

async function readInstances(session: AwsSession, ids: readonly string[]): Promise<Map<string, Instance>> {
  const { paginateDescribeDBInstances, RDSClient } = await import('../../aws/rds.ts');
  const instances = new Map<string, Instance>();
  const pages = paginateDescribeDBInstances(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { Filters: [{ Name: 'db-instance-id', Values: [...ids] }] },
  );
  for await (const page of pages) {
    for (const { DBInstanceIdentifier = '', DBClusterIdentifier, TagList } of page.DBInstances ?? []) {
      instances.set(DBInstanceIdentifier, { cluster: DBClusterIdentifier, tags: tagMap(TagList) });
    }
  }
  return instances;
}

async function readClusterTags(
  session: AwsSession,
  ids: readonly string[],
): Promise<Map<string, Record<string, string>>> {
  const { paginateDescribeDBClusters, RDSClient } = await import('../../aws/rds.ts');
  const tags = new Map<string, Record<string, string>>();
  const pages = paginateDescribeDBClusters(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { Filters: [{ Name: 'db-cluster-id', Values: [...ids] }] },
  );
  for await (const page of pages) {
    for (const { DBClusterIdentifier = '', TagList } of page.DBClusters ?? []) {
      tags.set(DBClusterIdentifier, tagMap(TagList));
    }
  }
  return tags;
}

// An encrypted snapshot can't be public: AWS refuses to share one with `all`, whatever its key.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html

async function listInstanceSnapshots(
  session: AwsSession,
  instances: readonly string[],
): Promise<Candidate[]> {
  const { paginateDescribeDBSnapshots, RDSClient } = await import('../../aws/rds.ts');
  const candidates: Candidate[] = [];
  const pages = paginateDescribeDBSnapshots(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { SnapshotType: 'manual', Filters: [{ Name: 'db-instance-id', Values: [...instances] }] },
  );
  for await (const page of pages) {
    for (const { DBSnapshotIdentifier: id, ...snapshot } of page.DBSnapshots ?? []) {
      if (id === undefined || snapshot.Encrypted === true) continue;
      const { DBInstanceIdentifier: source = '', Status: status = 'unknown' } = snapshot;
      candidates.push({ id, of: 'instance', source, status });
    }
  }
  return candidates;
}

async function listClusterSnapshots(session: AwsSession, clusters: readonly string[]): Promise<Candidate[]> {
  const { paginateDescribeDBClusterSnapshots, RDSClient } = await import('../../aws/rds.ts');
  const candidates: Candidate[] = [];
  const pages = paginateDescribeDBClusterSnapshots(
    { client: session.client(RDSClient), pageSize: PAGE_SIZE },
    { SnapshotType: 'manual', Filters: [{ Name: 'db-cluster-id', Values: [...clusters] }] },
  );
  for await (const page of pages) {
    for (const { DBClusterSnapshotIdentifier: id, ...snapshot } of page.DBClusterSnapshots ?? []) {
      if (id === undefined || snapshot.StorageEncrypted === true) continue;
      const { DBClusterIdentifier: source = '', Status: status = 'unknown' } = snapshot;
      candidates.push({ id, of: 'cluster', source, status });
    }
  }
  return candidates;
}

/** With whom a snapshot is shared; nobody when it was deleted meanwhile. */
async function readShares(session: AwsSession, { id, of }: Candidate): Promise<string[]> {
  const rds = await import('../../aws/rds.ts');
  const client = session.client(rds.RDSClient);
  try {
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
  } catch (error) {
    if (isAwsError(error, ...snapshotNotFound)) return [];
    throw error;
  }
}

/** What is public of these candidates; those that AWS can change just now come first. */
async function readPublicSnapshots(
  session: AwsSession,
  candidates: readonly Candidate[],
): Promise<(Snapshot & { source: string })[]> {
  const limit = pLimit(SNAPSHOTS_AT_ONCE);
  const snapshots = await limit.map(candidates, async (candidate) => ({
    ...candidate,
    sharedWith: await readShares(session, candidate),
  }));
  return snapshots
    .filter(({ sharedWith }) => sharedWith.includes('all'))
    .sort((one, other) => Number(one.status !== 'available') - Number(other.status !== 'available'));
}

/**
 * Manual snapshots of a DB instance, and of the cluster that it is in, that every AWS account may restore. Automated
 * snapshots and those of AWS Backup can't be public. Snapshots outlive their instance, so an instance that is gone is
 * looked at all the same, and is compliant when no snapshot of it is public.
 */
export const rule = defineRule<Seen, Record<string, never>>(facts, {
  async inspect(session, resources) {
    // RDS keeps identifiers in small letters, whatever it was asked with.
    const ids = [...new Set(resources.map((resource) => resource.toLowerCase()))];
    const [instances, instanceSnapshots] = await Promise.all([
      readInstances(session, ids),
      listInstanceSnapshots(session, ids),
    ]);
    // A finding names an instance; where that is one of a cluster, the snapshots are the cluster's.
    const clusters = new Set([...ids, ...[...instances.values()].flatMap(({ cluster }) => cluster ?? [])]);
    const snapshots = await readPublicSnapshots(session, [
      ...instanceSnapshots,
      ...(await listClusterSnapshots(session, [...clusters])),
    ]);
    const clustersAtFault = new Set(
      snapshots.filter(({ of }) => of === 'cluster').map(({ source }) => source),
    );
    const clusterTags =
      clustersAtFault.size === 0
        ? new Map<string, Record<string, string>>()
        : await readClusterTags(session, [...clustersAtFault]);

    return new Map(
      resources.map((resource): [string, Inspection<Seen>] => {
        const id = resource.toLowerCase();
        const instance = instances.get(id);
        const publicSnapshots = snapshots
          .filter(({ of, source }) => source === id || (of === 'cluster' && source === instance?.cluster))
          .map(({ source: _, ...snapshot }) => snapshot);
        if (publicSnapshots.length === 0) return [resource, { state: 'compliant' }];
        const tags = { ...clusterTags.get(instance?.cluster ?? id), ...instance?.tags };
        return [resource, { state: 'violation', seen: { publicSnapshots }, tags }];
      }),
    );
  },

  plan(_resource, seen): readonly RdsSnapshotSharesChange[] {
    return seen.publicSnapshots.map(({ id, of, sharedWith }) => ({
      kind: 'rds-snapshot-shares-change',
      resource: id,
      of,
      before: sharedWith,
      after: sharedWith.filter((share) => share !== 'all'),
    }));
  },
});
