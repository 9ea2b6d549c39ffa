import { withFlowLogs } from '../lab/aws-model/flow-logs.ts';
import { type AwsState, type Database, type Snapshot, type User, withEntry } from '../lab/aws-model/state.ts';
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

/** What acts are given besides the state. */
export interface ActContext {
  readonly newId: () => string;
  readonly now: number;
}

export function pick<T>(values: readonly T[], number: number): T | undefined {
  return values.length === 0 ? undefined : values[number % values.length];
}

/** What someone else, or AWS, does to a VPC and its flow logs. */
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
      const words = `makes flow log ${made.id} of ${id} to ${bucket}`;
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
      const words = `takes away what flow log ${flowLog.id} needs to deliver`;
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

/** What someone else does to a DB instance and its snapshots. */
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
      return put({ snapshots: [...snapshots, made] }, `makes the public snapshot ${made.id}`);
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

/** What someone else does to a user and its access keys. */
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
