import { z } from 'zod';
import { defineFacts } from '../facts.ts';
import type { Permission } from '../permission.ts';

const arn = (type: string): string => `arn:\${partition}:rds:\${region}:\${account}:${type}:*`;

const change: readonly Permission[] = [
  { actions: ['rds:ModifyDBSnapshotAttribute'], resources: [arn('snapshot')] },
  { actions: ['rds:ModifyDBClusterSnapshotAttribute'], resources: [arn('cluster-snapshot')] },
];

const look: readonly Permission[] = [
  { actions: ['rds:DescribeDBSnapshotAttributes'], resources: [arn('snapshot')] },
  { actions: ['rds:DescribeDBClusterSnapshotAttributes'], resources: [arn('cluster-snapshot')] },
];

export const facts = defineFacts({
  id: 'rds-snapshot-public',
  title: 'Manual snapshots of RDS instances and Aurora clusters are not public',
  legacyId: 'BPR-3-8',
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
  documentation: {
    control: 'Netskope best practice BPR-3-8',
    finds:
      'Manual snapshots of a DB instance, and of the Aurora or Multi-AZ cluster that it is in, that are shared with `all`, so that every AWS account can restore them. Snapshots are matched by the resource id of the instance or cluster, so those of a renamed one are found; snapshots of a deleted one are matched by its name.',
    changes:
      'Removes `all` from the accounts that the snapshot is shared with. Snapshots that AWS is working on come last; if AWS refuses, the finding is `deferred`. A snapshot with an exemption tag is not changed, and the outcome names it; if every public snapshot has one, the finding is `exempt`. A snapshot that is made public after the plan was made is found only when the resource is read back. The finding then waits for up to an hour, ends as `failed`, and is planned again at its next attempt.',
    neverTouches:
      'Shares with individual accounts; snapshots of another instance or cluster that had the same name before; automated snapshots and those of AWS Backup; encrypted snapshots, which cannot be public.',
    undo: 'Shares the snapshot with `all` again, unless it was deleted, or someone else shared it with `all`, in the meantime.',
  },
  permissions: {
    read: [
      { actions: ['rds:DescribeDBInstances'], resources: [arn('db')] },
      { actions: ['rds:DescribeDBClusters'], resources: [arn('cluster')] },
      { actions: ['rds:DescribeDBSnapshots'], resources: [arn('db'), arn('snapshot')] },
      { actions: ['rds:DescribeDBClusterSnapshots'], resources: [arn('cluster'), arn('cluster-snapshot')] },
      ...look,
    ],
    write: change,
    undo: [...look, ...change],
  },
});
