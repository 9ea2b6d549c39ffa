import { z } from 'zod';
import { sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation } from './operation.ts';
import { type AwsState, type Database, type Snapshot, withEntry } from './state.ts';

const filterSchema = z.looseObject({
  Filters: z.tuple([z.object({ Name: z.string(), Values: z.array(z.string()) })]),
});

type Kind = NonNullable<Database['of']>;

const kindOf = ({ of = 'instance' }: Database): Kind => of;

/** The instances or clusters by name or resource id, as the call's only filter requests. */
function asked(input: unknown, state: AwsState, kind: Kind = 'instance'): [string, Database][] {
  const [{ Name, Values }] = filterSchema.parse(input).Filters;
  return Object.entries(state.databases).filter(
    ([name, database]) =>
      kindOf(database) === kind && Values.includes(Name.endsWith('resource-id') ? resourceId(name) : name),
  );
}

/** Instances of the model are never renamed. */
const resourceId = (name: string): string => `db-${name.toUpperCase()}`;

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html */
const describeDBInstances: Operation = {
  isWrite: false,
  answer: (input, state) => ({
    output: {
      DBInstances: asked(input, state)
        .filter(([, { isThere }]) => isThere)
        .map(([name, { tags }]) => ({
          DBInstanceIdentifier: name,
          DbiResourceId: resourceId(name),
          TagList: sdkTags(tags),
        })),
    },
  }),
};

const snapshotsSchema = z.looseObject({
  SnapshotType: z.string().optional(),
  Filters: z.tuple([z.object({ Name: z.string(), Values: z.array(z.string()) })]).optional(),
});

/** The snapshots that a list requests, each with the name of its database. Public ones of other accounts are not modelled. */
function listed(input: unknown, state: AwsState, kind: Kind): [string, Snapshot][] {
  const { SnapshotType, Filters: [filter] = [] } = snapshotsSchema.parse(input);
  const isById = filter?.Name.endsWith('snapshot-id') === true;
  const databases =
    filter === undefined || isById
      ? Object.entries(state.databases).filter(([, database]) => kindOf(database) === kind)
      : asked(input, state, kind);
  return databases
    .flatMap(([name, { snapshots }]) => snapshots.map((snapshot): [string, Snapshot] => [name, snapshot]))
    .filter(([, { id }]) => !isById || filter.Values.includes(id))
    .filter(([, { sharedWith }]) => SnapshotType !== 'public' || sharedWith.includes('all'));
}

/** Snapshots outlive their instance. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html */
const describeDBSnapshots: Operation = {
  isWrite: false,
  answer: (input, state, { account, region }) => ({
    output: {
      DBSnapshots: listed(input, state, 'instance').map(([name, { id, tags }]) => ({
        DBSnapshotIdentifier: id,
        DBSnapshotArn: `arn:aws:rds:${region}:${account}:snapshot:${id}`,
        Status: 'available',
        DBInstanceIdentifier: name,
        DbiResourceId: resourceId(name),
        TagList: sdkTags(tags),
      })),
    },
  }),
};

const snapshotSchema = z.looseObject({
  DBSnapshotIdentifier: z.string().optional(),
  DBClusterSnapshotIdentifier: z.string().optional(),
});

function snapshotOf(
  state: AwsState,
  input: unknown,
  kind: Kind,
): { name: string; of: Database; snapshot: Snapshot } {
  const { DBSnapshotIdentifier, DBClusterSnapshotIdentifier } = snapshotSchema.parse(input);
  const wanted = kind === 'instance' ? DBSnapshotIdentifier : DBClusterSnapshotIdentifier;
  for (const [name, of] of Object.entries(state.databases)) {
    const snapshot = of.snapshots.find(({ id }) => id === wanted);
    if (kindOf(of) === kind && snapshot !== undefined) return { name, of, snapshot };
  }
  const what = kind === 'instance' ? 'DBSnapshot' : 'DBClusterSnapshot';
  throw new AwsModelError(`${what}NotFoundFault`, `${what} ${wanted} not found.`, 404);
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshotAttributes.html */
const describeDBSnapshotAttributes: Operation = {
  isWrite: false,
  answer(input, state) {
    const { id, sharedWith } = snapshotOf(state, input, 'instance').snapshot;
    return {
      output: {
        DBSnapshotAttributesResult: {
          DBSnapshotIdentifier: id,
          DBSnapshotAttributes: [{ AttributeName: 'restore', AttributeValues: [...sharedWith] }],
        },
      },
    };
  },
};

const modifySchema = z.looseObject({
  AttributeName: z.literal('restore'),
  ValuesToAdd: z.array(z.string()).default([]),
  ValuesToRemove: z.array(z.string()).default([]),
});

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html */
function modifyAttribute(kind: Kind): Operation {
  return {
    isWrite: true,
    answer(input, state) {
      const { name, of, snapshot } = snapshotOf(state, input, kind);
      const { ValuesToAdd, ValuesToRemove } = modifySchema.parse(input);
      const left = snapshot.sharedWith.filter((share) => !ValuesToRemove.includes(share));
      const sharedWith = [...new Set([...left, ...ValuesToAdd])];
      const snapshots = of.snapshots.map((each) => (each === snapshot ? { ...snapshot, sharedWith } : each));
      return {
        output: {},
        next: { ...state, databases: withEntry(state.databases, name, { ...of, snapshots }) },
      };
    },
  };
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterSnapshots.html */
const describeDBClusterSnapshots: Operation = {
  isWrite: false,
  answer: (input, state, { account, region }) => ({
    output: {
      DBClusterSnapshots: listed(input, state, 'cluster').map(([name, { id, tags }]) => ({
        DBClusterSnapshotIdentifier: id,
        DBClusterSnapshotArn: `arn:aws:rds:${region}:${account}:cluster-snapshot:${id}`,
        Status: 'available',
        DBClusterIdentifier: name,
        DbClusterResourceId: resourceId(name),
        TagList: sdkTags(tags),
      })),
    },
  }),
};

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusters.html */
const describeDBClusters: Operation = {
  isWrite: false,
  answer: (input, state) => ({
    output: {
      DBClusters: asked(input, state, 'cluster')
        .filter(([, { isThere }]) => isThere)
        .map(([name, { tags }]) => ({
          DBClusterIdentifier: name,
          DbClusterResourceId: resourceId(name),
          TagList: sdkTags(tags),
        })),
    },
  }),
};

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterSnapshotAttributes.html */
const describeDBClusterSnapshotAttributes: Operation = {
  isWrite: false,
  answer(input, state) {
    const { id, sharedWith } = snapshotOf(state, input, 'cluster').snapshot;
    return {
      output: {
        DBClusterSnapshotAttributesResult: {
          DBClusterSnapshotIdentifier: id,
          DBClusterSnapshotAttributes: [{ AttributeName: 'restore', AttributeValues: [...sharedWith] }],
        },
      },
    };
  },
};

export const databaseOperations: Readonly<Record<string, Operation>> = {
  DescribeDBInstances: describeDBInstances,
  DescribeDBClusters: describeDBClusters,
  DescribeDBSnapshots: describeDBSnapshots,
  DescribeDBClusterSnapshots: describeDBClusterSnapshots,
  DescribeDBSnapshotAttributes: describeDBSnapshotAttributes,
  DescribeDBClusterSnapshotAttributes: describeDBClusterSnapshotAttributes,
  ModifyDBSnapshotAttribute: modifyAttribute('instance'),
  ModifyDBClusterSnapshotAttribute: modifyAttribute('cluster'),
};
