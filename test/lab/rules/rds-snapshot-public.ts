import {
  DescribeDBClusterSnapshotAttributesCommand,
  DescribeDBSnapshotAttributesCommand,
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBClusters,
  paginateDescribeDBInstances,
  paginateDescribeDBSnapshots,
  RDSClient,
} from '@aws-sdk/client-rds';
import {
  arnOf,
  type Calls,
  onOneOrAll,
  optionalText,
  type Requires,
  requirement,
} from '../permissions/requirement.ts';
import { type Check, given, type Place, type Verdict } from './check.ts';
import { defineLabRule } from './lab-rule.ts';
import { bestPractice } from './netskope-words.ts';

interface Attribute {
  readonly AttributeName?: string | undefined;
  readonly AttributeValues?: readonly string[] | undefined;
}

/** Reports whether everyone may restore the snapshot. */
export function isSharedWithAll(attributes: readonly Attribute[] | undefined): boolean {
  return (attributes ?? []).some(
    ({ AttributeName, AttributeValues = [] }) =>
      AttributeName === 'restore' && AttributeValues.includes('all'),
  );
}

/** Databases by identifier: true if one has a public snapshot. A snapshot outlives its database. */
type Exposure = Map<string, boolean>;

async function instances(client: RDSClient): Promise<Exposure> {
  const exposure: Exposure = new Map();
  for await (const page of paginateDescribeDBInstances({ client }, {})) {
    // An instance of a cluster has no snapshots.
    for (const { DBInstanceIdentifier, DBClusterIdentifier } of page.DBInstances ?? []) {
      if (!DBClusterIdentifier) exposure.set(given(DBInstanceIdentifier, 'DBInstanceIdentifier'), false);
    }
  }
  for await (const page of paginateDescribeDBSnapshots({ client }, { SnapshotType: 'manual' })) {
    for (const { DBSnapshotIdentifier, DBInstanceIdentifier } of page.DBSnapshots ?? []) {
      const source = given(DBInstanceIdentifier, 'DBInstanceIdentifier');
      const { DBSnapshotAttributesResult: result } = await client.send(
        new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier }),
      );
      const isPublic = isSharedWithAll(result?.DBSnapshotAttributes);
      exposure.set(source, exposure.get(source) === true || isPublic);
    }
  }
  return exposure;
}

async function clusters(client: RDSClient): Promise<Exposure> {
  const exposure: Exposure = new Map();
  for await (const page of paginateDescribeDBClusters({ client }, {})) {
    for (const { DBClusterIdentifier } of page.DBClusters ?? []) {
      exposure.set(given(DBClusterIdentifier, 'DBClusterIdentifier'), false);
    }
  }
  for await (const page of paginateDescribeDBClusterSnapshots({ client }, { SnapshotType: 'manual' })) {
    for (const { DBClusterSnapshotIdentifier, DBClusterIdentifier } of page.DBClusterSnapshots ?? []) {
      const source = given(DBClusterIdentifier, 'DBClusterIdentifier');
      const { DBClusterSnapshotAttributesResult: result } = await client.send(
        new DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier }),
      );
      const isPublic = isSharedWithAll(result?.DBClusterSnapshotAttributes);
      exposure.set(source, exposure.get(source) === true || isPublic);
    }
  }
  return exposure;
}

function toVerdicts(exposure: Exposure, place: Place): Verdict[] {
  return [...exposure].map(([resource, violated]) => ({
    rule: 'BPR-3-8',
    resource,
    name: resource,
    region: place.region,
    violated,
    tags: [],
  }));
}

const databaseSnapshots: Check = {
  reads: 'databases and their snapshots',
  rules: ['BPR-3-8'],
  async run(place) {
    const client = new RDSClient(place.settings());
    return [...toVerdicts(await instances(client), place), ...toVerdicts(await clusters(client), place)];
  },
};

/** Snapshots, and their databases if the call has them as a parameter. A filter does not restrict the requirement. */
const onSnapshots =
  (kind: string, parameter: string, sourceKind: string, sourceParameter: string): Requires =>
  (call) => {
    const source = optionalText(call, sourceParameter);
    const action = `rds:${call.operation}`;
    return [
      requirement(call, action, arnOf(call, 'rds', `${kind}:${optionalText(call, parameter) ?? '*'}`)),
      ...(source === undefined
        ? []
        : [requirement(call, action, arnOf(call, 'rds', `${sourceKind}:${source}`))]),
    ];
  };

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html */
const calls: Calls = {
  'rds:DescribeDBInstances': onOneOrAll('db', 'DBInstanceIdentifier'),
  'rds:DescribeDBClusters': onOneOrAll('cluster', 'DBClusterIdentifier'),
  'rds:DescribeDBSnapshots': onSnapshots('snapshot', 'DBSnapshotIdentifier', 'db', 'DBInstanceIdentifier'),
  'rds:DescribeDBClusterSnapshots': onSnapshots(
    'cluster-snapshot',
    'DBClusterSnapshotIdentifier',
    'cluster',
    'DBClusterIdentifier',
  ),
  'rds:DescribeDBSnapshotAttributes': onOneOrAll('snapshot', 'DBSnapshotIdentifier'),
  'rds:ModifyDBSnapshotAttribute': onOneOrAll('snapshot', 'DBSnapshotIdentifier'),
  'rds:DescribeDBClusterSnapshotAttributes': onOneOrAll('cluster-snapshot', 'DBClusterSnapshotIdentifier'),
  'rds:ModifyDBClusterSnapshotAttribute': onOneOrAll('cluster-snapshot', 'DBClusterSnapshotIdentifier'),
};

export const labRule = defineLabRule({
  code: 'BPR-3-8',
  words: {
    rule_name:
      'Access permissions and authorizations: Ensure RDS Instances do not have Publicly Accessible Snapshots',
    severity: 'Critical',
    resource_type: 'RDSInstance',
    resource_category: 'Database',
    ...bestPractice('4', 'PR.AC', 'Access permissions and authorizations are managed'),
  },
  ids: ['orders', 'Orders-2', 'a'],
  notIds: ['1orders', 'orders-', 'or--ders', 'rds:orders-2026', 'a'.repeat(64)],
  check: databaseSnapshots,
  calls,
  options: {},
  scenarios: [
    {
      name: "an instance's snapshot",
      make: ({ builder, region, name }) => builder.instanceWithPublicSnapshot(region, name),
    },
    {
      name: "a cluster's snapshot",
      make: ({ builder, region, name }) => builder.clusterWithPublicSnapshot(region, name),
    },
  ],
});
