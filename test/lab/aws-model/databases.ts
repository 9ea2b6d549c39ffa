import { z } from 'zod';
import { sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation } from './operation.ts';
import { type AwsState, type Database, type Snapshot, withEntry } from './state.ts';

const filterSchema = z.looseObject({
  Filters: z.tuple([z.object({ Name: z.string(), Values: z.array(z.string()) })]),
});

/** The instances by name or resource id, as the one filter of a call says. */
function asked(input: unknown, state: AwsState): [string, Database][] {
  const [{ Name, Values }] = filterSchema.parse(input).Filters;
  return Object.entries(state.databases).filter(([name]) =>
    Values.includes(Name === 'db-instance-id' ? name : resourceId(name)),
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

/** Snapshots outlive their instance. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html */
const describeDBSnapshots: Operation = {
  isWrite: false,
  answer: (input, state) => ({
    output: {
      DBSnapshots: asked(input, state).flatMap(([name, { snapshots }]) =>
        snapshots.map(({ id, tags }) => ({
          DBSnapshotIdentifier: id,
          Status: 'available',
          DBInstanceIdentifier: name,
          DbiResourceId: resourceId(name),
          TagList: sdkTags(tags),
        })),
      ),
    },
  }),
};

const snapshotSchema = z.looseObject({ DBSnapshotIdentifier: z.string() });

function snapshotOf(state: AwsState, input: unknown): { name: string; of: Database; snapshot: Snapshot } {
  const { DBSnapshotIdentifier } = snapshotSchema.parse(input);
  for (const [name, of] of Object.entries(state.databases)) {
    const snapshot = of.snapshots.find(({ id }) => id === DBSnapshotIdentifier);
    if (snapshot !== undefined) return { name, of, snapshot };
  }
  throw new AwsModelError('DBSnapshotNotFoundFault', `DBSnapshot ${DBSnapshotIdentifier} not found.`, 404);
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshotAttributes.html */
const describeDBSnapshotAttributes: Operation = {
  isWrite: false,
  answer(input, state) {
    const { id, sharedWith } = snapshotOf(state, input).snapshot;
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
const modifyDBSnapshotAttribute: Operation = {
  isWrite: true,
  answer(input, state) {
    const { name, of, snapshot } = snapshotOf(state, input);
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

export const databaseOperations: Readonly<Record<string, Operation>> = {
  DescribeDBInstances: describeDBInstances,
  // The model has no clusters.
  DescribeDBClusters: { isWrite: false, answer: () => ({ output: { DBClusters: [] } }) },
  DescribeDBClusterSnapshots: { isWrite: false, answer: () => ({ output: { DBClusterSnapshots: [] } }) },
  DescribeDBSnapshots: describeDBSnapshots,
  DescribeDBSnapshotAttributes: describeDBSnapshotAttributes,
  ModifyDBSnapshotAttribute: modifyDBSnapshotAttribute,
};
