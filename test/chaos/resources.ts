import {
  type AwsState,
  type Bucket,
  type Cluster,
  type Database,
  type NetworkAcl,
  type SecurityGroup,
  type Tags,
  type Trail,
  type User,
  type Vpc,
  withEntry,
} from '../lab/aws-model/state.ts';
import { executionsOf } from './oracle/runbook.ts';

/** The content of the resources in each collection of the state. */
interface Contents {
  readonly groups: SecurityGroup;
  readonly acls: NetworkAcl;
  readonly vpcs: Vpc;
  readonly users: User;
  readonly databases: Database;
  readonly clusters: Cluster;
  readonly trails: Trail;
  readonly buckets: Bucket;
}
type Collection = keyof Contents;
type State = { readonly [C in Collection]: Readonly<Record<string, Contents[C]>> };

/** A read of a list of public snapshots: being in it is what the list shows. */
export const PUBLIC_LIST = ' of public ones';

/**
 * Returns a resource's content as the last read before a write showed it; undefined if there was none close enough.
 * @param names the read mentions one of these. Default: the resource
 * @param calls the most calls from that read to the write. Default: `NEAR`
 */
export type LastRead<T> = (
  operation: string | readonly string[],
  names?: readonly string[],
  calls?: number,
) => T | undefined;

interface ResourceKind<T> {
  /** Operations that return the tags of such a resource. */
  readonly tagReads: readonly string[];
  /** Returns the content as the product saw it before a write; undefined if no read was close enough. */
  seen(content: T, lastRead: LastRead<T>, resource: string): T | undefined;
  /** Returns the content without what an undo cannot restore. Default: all of it. */
  comparable?(content: T): object;
}

/** Reads side by side: the most calls from the read on which a write is based to the write. */
export const NEAR = 2;
/** Several calls read what makes a bucket public, the last one its block, on which the write is based. */
const NEAR_FOR_EXPOSURE = 4;
const NEAR_FOR_BLOCK = 1;
/** Room for one more rule, which no read shows: AWS refuses the write when there is none. */
const ROOM = 1_000;

const KINDS: { readonly [C in Collection]: ResourceKind<Contents[C]> } = {
  groups: {
    tagReads: ['DescribeSecurityGroups'],
    seen: (group, lastRead, resource) => {
      const names = [resource, ...group.rules.map(({ id }) => id)];
      const read = lastRead('DescribeSecurityGroupRules', names);
      return read && { ...group, quota: ROOM, rules: read.rules };
    },
    // Rules that an undo adds again have other ids, and come last.
    comparable: (group) => {
      const rules = group.rules.map(({ protocol, fromPort, toPort, source, description, tags }) =>
        JSON.stringify([protocol, fromPort, toPort, source, description, Object.entries(tags).sort()]),
      );
      return { ...group, rules: rules.sort() };
    },
  },
  acls: {
    tagReads: ['DescribeNetworkAcls'],
    seen: (acl, lastRead) => {
      const read = lastRead('DescribeNetworkAcls');
      return read && { ...acl, quota: ROOM, entries: read.entries };
    },
  },
  buckets: {
    tagReads: ['GetBucketTagging'],
    seen: (bucket, lastRead, resource) => {
      const read = lastRead('GetPublicAccessBlock', [resource], NEAR_FOR_BLOCK);
      if (read === undefined) return undefined;
      const exposure = (operation: string) => lastRead(operation, [resource], NEAR_FOR_EXPOSURE) ?? bucket;
      const { aclIsPublic } = exposure('GetBucketAcl');
      const { policyIsPublic } = exposure('GetBucketPolicyStatus');
      return { ...bucket, block: read.block, aclIsPublic, policyIsPublic };
    },
  },
  vpcs: {
    tagReads: ['DescribeVpcs'],
    seen: (vpc, lastRead) => {
      const read = lastRead('DescribeFlowLogs');
      return read && { ...vpc, flowLogs: read.flowLogs ?? [] };
    },
  },
  databases: {
    tagReads: ['DescribeDBInstances', 'DescribeDBClusters'],
    seen: (database, lastRead) => {
      const of = database.of === 'cluster' ? 'DBCluster' : 'DB';
      const ids = database.snapshots.map(({ id }) => id);
      const operations = [`Describe${of}SnapshotAttributes`, `Describe${of}Snapshots${PUBLIC_LIST}`];
      const read = lastRead(operations, ids);
      return read && { ...database, snapshots: read.snapshots };
    },
    comparable: (database) => ({
      ...database,
      snapshots: database.snapshots.map((each) => ({ ...each, sharedWith: [...each.sharedWith].sort() })),
    }),
  },
  users: {
    tagReads: ['ListUserTags'],
    // The keys as they were listed, each with its last use as the call for that showed it.
    seen: (user, lastRead) => {
      const listed = lastRead('ListAccessKeys');
      if (listed === undefined) return undefined;
      const ids = user.keys.map(({ id }) => id);
      const used = lastRead('GetAccessKeyLastUsed', ids)?.keys ?? [];
      const keys = listed.keys.map((key) => {
        const { lastUsed } = used.find(({ id }) => id === key.id) ?? key;
        return { ...key, lastUsed };
      });
      return { ...user, keys };
    },
  },
  clusters: {
    tagReads: ['DescribeClusters'],
    seen: (_cluster, lastRead) => lastRead('DescribeClusters'),
    // An undo does not wait for the minutes that AWS takes to make a cluster public or private.
    comparable: ({ isPublic, pending, tags }) => ({ isPublic: pending?.isPublic ?? isPublic, tags }),
  },
  trails: {
    tagReads: ['ListTags'],
    seen: (_trail, lastRead) => lastRead('DescribeTrails'),
  },
};
const COLLECTIONS = [
  'groups',
  'acls',
  'buckets',
  'vpcs',
  'databases',
  'users',
  'clusters',
  'trails',
] as const satisfies readonly Collection[];

/** Operations that return the tags of a resource. */
export const TAG_READS: readonly string[] = COLLECTIONS.flatMap((collection) => KINDS[collection].tagReads);

/** A resource's content, whatever its kind. */
export function contentOf(state: AwsState, resource: string): { readonly tags: Tags } | undefined {
  const content = COLLECTIONS.map((collection) => state[collection][resource]).find(
    (each) => each !== undefined,
  );
  return content && { ...content, tags: content.tags ?? {} };
}

/** Returns `now`, but with the resource as reads showed it before a write; undefined if no read was close enough. */
export function asSeen(now: AwsState, resource: string, stateRead: LastRead<AwsState>): AwsState | undefined {
  const seenIn = <C extends Collection>(collection: C): AwsState | undefined => {
    const state: State = now;
    const content = state[collection][resource];
    if (content === undefined) return undefined;
    const lastRead: LastRead<Contents[C]> = (operation, names = [resource], calls = NEAR) => {
      const read: State | undefined = stateRead(operation, names, calls);
      return read?.[collection][resource];
    };
    const seen = KINDS[collection].seen(content, lastRead, resource);
    return seen && { ...now, [collection]: withEntry(state[collection], resource, seen) };
  };
  const collection = COLLECTIONS.find((each) => now[each][resource] !== undefined);
  return collection && seenIn(collection);
}

/** A resource as text, to compare: without ids of rules and the order of rules and shares, which an undo cannot restore. */
export function comparableText(state: AwsState, resource: string): string {
  const runs = executionsOf(state, resource).map(([, { clientToken }]) => clientToken);
  return [JSON.stringify(comparable(state, resource) ?? null), ...runs].join(' ');
}

/** A resource as reads show it: for a cluster, with the change that AWS is working on. */
export function shownText(state: AwsState, resource: string): string {
  return [comparableText(state, resource), JSON.stringify(state.clusters[resource] ?? null)].join(' ');
}

function comparable(state: AwsState, resource: string): object | undefined {
  const comparableIn = <C extends Collection>(collection: C): object | undefined => {
    const contents: State = state;
    const content = contents[collection][resource];
    return content && KINDS[collection].comparable?.(content);
  };
  return COLLECTIONS.map(comparableIn).find((each) => each !== undefined) ?? contentOf(state, resource);
}
