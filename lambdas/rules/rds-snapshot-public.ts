import { z } from 'zod';
import { type RdsSnapshotSharesChange, snapshotNotFound } from '../changes/rds-snapshot-shares-change.ts';
import { isAwsError } from '../shared/aws-errors.ts';
import type { AwsSession } from '../shared/aws-session.ts';
import { defineRule, type Inspection } from './rule.ts';

type Snapshot = { id: string; of: 'instance' | 'cluster'; sharedWith: string[] };
type Seen = { publicSnapshots: Snapshot[] };

interface SnapshotOfInterest {
  id: string;
  of: 'instance' | 'cluster';
}

/** The manual snapshots of one DB instance or cluster that could be public, all pages, and the tags that they bear. */
async function listManualSnapshots(session: AwsSession, identifier: string): Promise<SnapshotOfInterest[]> {
  const rds = await import('../aws/rds.ts');
  const client = session.client(rds.RDSClient);
  const snapshots: SnapshotOfInterest[] = [];
  // An encrypted snapshot cannot be public: AWS refuses to share one with `all`, whatever its key.
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html
  const instancePages = rds.paginateDescribeDBSnapshots(
    { client, pageSize: 100 },
    { DBInstanceIdentifier: identifier, SnapshotType: 'manual' },
  );
  for await (const { DBSnapshots = [] } of instancePages) {
    for (const { DBSnapshotIdentifier: id, Encrypted } of DBSnapshots) {
      if (id !== undefined && Encrypted !== true) snapshots.push({ id, of: 'instance' });
    }
  }
  const clusterPages = rds.paginateDescribeDBClusterSnapshots(
    { client, pageSize: 100 },
    { DBClusterIdentifier: identifier, SnapshotType: 'manual' },
  );
  for await (const { DBClusterSnapshots = [] } of clusterPages) {
    for (const { DBClusterSnapshotIdentifier: id, StorageEncrypted } of DBClusterSnapshots) {
      if (id !== undefined && StorageEncrypted !== true) snapshots.push({ id, of: 'cluster' });
    }
  }
  return snapshots;
}

/** With whom a snapshot is shared; nobody when it was deleted meanwhile. */
async function readShares(session: AwsSession, { id, of }: SnapshotOfInterest): Promise<string[]> {
  const rds = await import('../aws/rds.ts');
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

const snapshotArns = [
  'arn:${partition}:rds:${region}:${account}:snapshot:*',
  'arn:${partition}:rds:${region}:${account}:cluster-snapshot:*',
];

export const rule = defineRule<Seen, Record<string, never>>({
  id: 'rds-snapshot-public',
  title: 'Manual snapshots of RDS instances and Aurora clusters are not public',
  legacyId: 'BPR-3-8',
  netskopeRuleNames: [
    'Access permissions and authorizations: Ensure RDS Instances do not have Publicly Accessible Snapshots',
  ],
  resourceType: 'AWS::RDS::DBInstance',
  scope: 'regional',
  severity: 'critical',
  // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
  resourceId: z
    .string()
    .max(63)
    .regex(
      /^[A-Za-z](?!.*--)[A-Za-z0-9-]*(?<!-)$/,
      'expected the identifier of a DB instance or cluster: 1 to 63 letters, digits and hyphens',
    ),
  options: z.strictObject({}),
  permissions: {
    read: [
      {
        actions: ['rds:DescribeDBSnapshots', 'rds:DescribeDBSnapshotAttributes'],
        resources: [
          'arn:${partition}:rds:${region}:${account}:snapshot:*',
          'arn:${partition}:rds:${region}:${account}:db:*',
        ],
      },
      {
        actions: ['rds:DescribeDBClusterSnapshots', 'rds:DescribeDBClusterSnapshotAttributes'],
        resources: [
          'arn:${partition}:rds:${region}:${account}:cluster-snapshot:*',
          'arn:${partition}:rds:${region}:${account}:cluster:*',
        ],
      },
    ],
    write: [
      {
        actions: ['rds:ModifyDBSnapshotAttribute', 'rds:ModifyDBClusterSnapshotAttribute'],
        resources: snapshotArns,
      },
    ],
    undo: [
      {
        actions: ['rds:ModifyDBSnapshotAttribute', 'rds:ModifyDBClusterSnapshotAttribute'],
        resources: snapshotArns,
      },
    ],
  },

  async inspect(session, resources) {
    const inspections = new Map<string, Inspection<Seen>>();
    for (const resource of resources) {
      const publicSnapshots: Snapshot[] = [];
      for (const snapshot of await listManualSnapshots(session, resource)) {
        const sharedWith = await readShares(session, snapshot);
        if (sharedWith.includes('all')) publicSnapshots.push({ ...snapshot, sharedWith });
      }
      inspections.set(
        resource,
        publicSnapshots.length === 0
          ? { state: 'compliant' }
          : { state: 'violation', seen: { publicSnapshots } },
      );
    }
    return inspections;
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
