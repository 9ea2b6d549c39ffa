import { clusterAt, clusterStatus, withPublicAccess } from '../lab/aws-model/clusters.ts';
import { withFlowLogs } from '../lab/aws-model/flow-logs.ts';
import {
  type AwsState,
  type Cluster,
  type Database,
  type Snapshot,
  type Trail,
  type User,
  withEntry,
} from '../lab/aws-model/state.ts';
import type { Acted } from './acts.ts';
import type { Act } from './case.ts';
import { EXEMPTION } from './exemption.ts';

export const FLOW_LOG_ACTS = [
  'make flow log',
  'delete flow log',
  'fail to deliver',
  'exempt',
  'delete',
] as const;
export const SNAPSHOT_ACTS = [
  'share',
  'unshare',
  'make private',
  'delete snapshot',
  'make snapshot',
  'exempt',
  'delete',
] as const;
export const ACCESS_KEY_ACTS = [
  'deactivate',
  'activate',
  'use key',
  'delete key',
  'make key',
  'exempt',
  'delete',
] as const;

export const CLUSTER_ACTS = [
  'make private',
  'make public',
  'resize',
  'pause cluster',
  'resume cluster',
  'exempt',
  'delete',
] as const;
export const TRAIL_ACTS = ['switch on', 'switch off', 'exempt', 'delete'] as const;

/** Input of acts in addition to the state. */
export interface ActContext {
  readonly newId: () => string;
  readonly now: number;
}

export function pick<T>(values: readonly T[], number: number): T | undefined {
  return values.length === 0 ? undefined : values[number % values.length];
}

/** Acts on a VPC and its flow logs as someone else, or AWS. */
export function onVpc(
  state: AwsState,
  { kind, which, how }: Act,
  { newId, now }: ActContext,
): Acted | undefined {
  const id = pick(Object.keys(state.vpcs), which);
  const vpc = id === undefined ? undefined : state.vpcs[id];
  if (id === undefined || vpc === undefined) return undefined;
  const { flowLogs = [] } = vpc;
  const flowLog = pick(flowLogs, how);
  switch (kind) {
    case 'make flow log': {
      const bucket = pick(['arn:aws:s3:::theirs', 'arn:aws:s3:::logs', 'arn:aws:s3:::broken'], how) ?? '';
      if (flowLogs.some((other) => other.bucket === bucket)) return undefined;
      const made = { id: newId(), bucket, status: 'SUCCESS', created: now, tags: {} } as const;
      const words = `creates flow log ${made.id} of ${id} to ${bucket}`;
      return { state: withFlowLogs(state, id, [...flowLogs, made]), words, resource: id };
    }
    case 'delete flow log': {
      if (flowLog === undefined) return undefined;
      const left = flowLogs.filter((other) => other !== flowLog);
      return { state: withFlowLogs(state, id, left), words: `deletes flow log ${flowLog.id}`, resource: id };
    }
    case 'fail to deliver': {
      if (flowLog === undefined) return undefined;
      const failed = { ...flowLog, status: 'FAILED', error: 'Access error' } as const;
      const all = flowLogs.map((other) => (other === flowLog ? failed : other));
      const words = `removes what flow log ${flowLog.id} needs to deliver`;
      return { state: withFlowLogs(state, id, all), words, resource: id };
    }
    case 'exempt':
      return {
        state: { ...state, vpcs: withEntry(state.vpcs, id, { ...vpc, tags: EXEMPTION }) },
        words: `exempts ${id} by its tag`,
        resource: id,
      };
    case 'delete':
      return {
        state: { ...state, vpcs: withEntry(state.vpcs, id, undefined) },
        words: `deletes ${id}`,
        resource: id,
      };
    default:
      return undefined;
  }
}

/** Acts on a DB instance and its snapshots as someone else. */
export function onDatabase(state: AwsState, { kind, which, how }: Act): Acted | undefined {
  const id = pick(Object.keys(state.databases), which);
  const database = id === undefined ? undefined : state.databases[id];
  if (id === undefined || database === undefined) return undefined;
  const put = (changed: Partial<Database>, words: string): Acted => ({
    state: { ...state, databases: withEntry(state.databases, id, { ...database, ...changed }) },
    words,
    resource: id,
  });
  const { snapshots } = database;
  const snapshot = pick(snapshots, how);
  const share = (sharedWith: readonly string[]): Acted | undefined => {
    if (snapshot === undefined) return undefined;
    const after: Snapshot = { ...snapshot, sharedWith };
    const words = `shares ${snapshot.id} with ${sharedWith.join(', ') || 'nobody'}`;
    return put({ snapshots: snapshots.map((other) => (other === snapshot ? after : other)) }, words);
  };
  switch (kind) {
    case 'share': {
      const added = how % 3 === 0 ? 'all' : '777788889999';
      if (snapshot?.sharedWith.includes(added) !== false) return undefined;
      return share([...snapshot.sharedWith, added]);
    }
    case 'unshare':
      return share((snapshot?.sharedWith ?? []).filter((account) => account === 'all'));
    case 'make private':
      return share((snapshot?.sharedWith ?? []).filter((account) => account !== 'all'));
    case 'delete snapshot':
      if (snapshot === undefined) return undefined;
      return put({ snapshots: snapshots.filter((other) => other !== snapshot) }, `deletes ${snapshot.id}`);
    case 'make snapshot': {
      const made = { id: `${id}-s9`, tags: {}, sharedWith: ['all'] };
      if (snapshots.some((other) => other.id === made.id)) return undefined;
      return put({ snapshots: [...snapshots, made] }, `creates the public snapshot ${made.id}`);
    }
    case 'exempt':
      return database.isThere ? put({ tags: EXEMPTION }, `exempts ${id} by its tag`) : undefined;
    case 'delete':
      if (!database.isThere) return undefined;
      return put({ isThere: false, tags: {} }, `deletes ${id}, but not its snapshots`);
    default:
      return undefined;
  }
}

/** Acts on a user and its access keys as someone else. */
export function onUser(state: AwsState, { kind, which, how }: Act, { now }: ActContext): Acted | undefined {
  const name = pick(Object.keys(state.users), which);
  const user = name === undefined ? undefined : state.users[name];
  if (name === undefined || user === undefined) return undefined;
  const put = (changed: Partial<User>, words: string): Acted => ({
    state: { ...state, users: withEntry(state.users, name, { ...user, ...changed }) },
    words,
    resource: name,
  });
  const { keys } = user;
  const key = pick(keys, how);
  const modify = (changed: Partial<typeof key>, words: string): Acted | undefined =>
    key === undefined
      ? undefined
      : put(
          { keys: keys.map((other) => (other === key ? { ...key, ...changed } : other)) },
          `${words} ${key.id}`,
        );
  switch (kind) {
    case 'deactivate':
      return key?.status === 'Active' ? modify({ status: 'Inactive' }, 'makes inactive') : undefined;
    case 'activate':
      return key?.status === 'Inactive' ? modify({ status: 'Active' }, 'makes active') : undefined;
    case 'use key':
      return key?.status === 'Active' ? modify({ lastUsed: now }, 'uses') : undefined;
    case 'delete key':
      if (key === undefined) return undefined;
      return put({ keys: keys.filter((other) => other !== key) }, `deletes ${key.id}`);
    case 'make key': {
      const made = {
        id: `AKIA${name.toUpperCase()}9`,
        status: 'Active',
        created: now,
        lastUsed: null,
      } as const;
      if (keys.length >= 2 || keys.some(({ id }) => id === made.id)) return undefined;
      return put({ keys: [...keys, made] }, `makes ${made.id}`);
    }
    case 'exempt':
      return put({ tags: EXEMPTION }, `exempts ${name} by its tag`);
    case 'delete':
      return {
        state: { ...state, users: withEntry(state.users, name, undefined) },
        words: `deletes ${name}`,
        resource: name,
      };
    default:
      return undefined;
  }
}

/** Time that AWS takes to resize a cluster; a paused cluster waits for its owner. */
const RESIZE_MILLISECONDS = 600_000;
const PAUSED = { status: 'paused', until: Number.MAX_SAFE_INTEGER };

/** Acts on a Redshift cluster as someone else, or AWS. While AWS is changing it, AWS only accepts a deletion. */
export function onCluster(state: AwsState, { kind, which }: Act, { now }: ActContext): Acted | undefined {
  const id = pick(Object.keys(state.clusters), which);
  const stored = id === undefined ? undefined : state.clusters[id];
  if (id === undefined || stored === undefined) return undefined;
  const put = (cluster: Cluster | undefined, words: string): Acted => ({
    state: { ...state, clusters: withEntry(state.clusters, id, cluster) },
    words: `${words} ${id}`,
    resource: id,
  });
  const cluster = clusterAt(stored, now);
  if (kind === 'exempt') return put({ ...cluster, tags: EXEMPTION }, 'exempts by its tag');
  if (kind === 'delete') return put(undefined, 'deletes');
  if (kind === 'resume cluster') {
    if (clusterStatus(cluster) !== 'paused') return undefined;
    return put({ ...cluster, unavailable: null }, 'resumes');
  }
  if (clusterStatus(cluster) !== 'available') return undefined;
  switch (kind) {
    case 'make private':
      return cluster.isPublic ? put(withPublicAccess(cluster, false, now), 'makes private') : undefined;
    case 'make public':
      return cluster.isPublic ? undefined : put(withPublicAccess(cluster, true, now), 'makes public');
    case 'resize': {
      const unavailable = { status: 'resizing', until: now + RESIZE_MILLISECONDS };
      return put({ ...cluster, unavailable }, 'resizes');
    }
    case 'pause cluster':
      return put({ ...cluster, unavailable: PAUSED }, 'pauses');
    default:
      return undefined;
  }
}

/** Acts on a trail as someone else. */
export function onTrail(state: AwsState, { kind, which }: Act): Acted | undefined {
  const arn = pick(Object.keys(state.trails), which);
  const trail = arn === undefined ? undefined : state.trails[arn];
  if (arn === undefined || trail === undefined) return undefined;
  const put = (after: Trail | undefined, words: string): Acted => ({
    state: { ...state, trails: withEntry(state.trails, arn, after) },
    words: `${words} ${arn}`,
    resource: arn,
  });
  switch (kind) {
    case 'switch on':
      return trail.isValidated
        ? undefined
        : put({ ...trail, isValidated: true }, 'switches on validation of');
    case 'switch off':
      return trail.isValidated
        ? put({ ...trail, isValidated: false }, 'switches off validation of')
        : undefined;
    case 'exempt':
      return put({ ...trail, tags: EXEMPTION }, 'exempts by its tag');
    case 'delete':
      return put(undefined, 'deletes');
    default:
      return undefined;
  }
}
