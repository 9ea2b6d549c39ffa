import { type AwsState, type Bucket, type Tags, type User, withEntry } from '../lab/aws-model/state.ts';
import type { Case } from './case.ts';
import { EXEMPTION } from './exemption.ts';
import { executionsOf } from './oracle/runbook.ts';

/** A write of ours. */
interface Write {
  readonly isWrite: true;
  readonly number: number;
  readonly input: string;
}

/** A read of ours, with the state that it answered. */
interface Look {
  readonly isWrite: false;
  readonly number: number;
  readonly input: string;
  readonly operation: string;
  readonly state: AwsState;
  readonly isOld: boolean;
}

const SHOW_TAGS = [
  'DescribeSecurityGroups',
  'DescribeNetworkAcls',
  'GetBucketTagging',
  'DescribeVpcs',
  'DescribeDBInstances',
  'DescribeDBClusters',
  'ListUserTags',
  'DescribeClusters',
  'ListTags',
];

/** Tells whether a look shows the tags of a resource, or that it is not there. */
function showsTagsOf(resource: string, { operation, state, input }: Look): boolean {
  // Without an identifier it lists all.
  if (operation === 'DescribeClusters')
    return input.includes(resource) || !input.includes('ClusterIdentifier');
  const { of = 'instance' } = state.databases[resource] ?? {};
  const other = of === 'instance' ? 'DescribeDBClusters' : 'DescribeDBInstances';
  return operation !== other && input.includes(resource);
}

/**
 * The number of calls that a look may lie back whose answer a write rests on: the reads of one look go side by side.
 */
const NEAR = 2;
/**
 * The same for buckets. What makes one public is looked at in several calls; last, its block, which the write is made of.
 */
const NEAR_OF_EXPOSURE = 4;
const NEAR_OF_BLOCK = 1;
/** Room for one more rule, which no look shows: AWS says so when it is asked. */
const ROOM = 1_000;
/** Trails are looked at in two regions, with two calls each. */
const NEAR_OF_RUNBOOK = 4;

/**
 * The answers to our reads: what a write could have known. Resources are changed side by side: of the calls
 * between the look at one and the write that rests on it, those about others don't count.
 */
export class Looks {
  /** All calls, oldest first. */
  readonly #calls: (Look | Write)[] = [];
  readonly #lastWrites = new Map<string, number>();
  #usedOld = false;
  #used: AwsState[] = [];
  readonly #kind: Case['kind'];

  constructor(kind: Case['kind']) {
    this.#kind = kind;
  }

  note(operation: string, input: unknown, number: number, state: AwsState, isOld: boolean): void {
    this.#calls.push({ isWrite: false, number, input: JSON.stringify(input), operation, state, isOld });
  }

  wrote(number: number, input: unknown, resource: string | undefined): void {
    this.#calls.push({ isWrite: true, number, input: JSON.stringify(input) });
    if (resource !== undefined) this.#lastWrites.set(resource, number);
  }

  /**
   * Counts the calls about something of which these are the names, from one call up to another, which counts too. A read
   * that is too old to show what must be there is made again, and does not count.
   */
  callsAbout(names: readonly string[], from: number, to: number): number {
    let about = 1;
    for (const call of this.#calls.toReversed()) {
      const { number, input } = call;
      if (number <= from) break;
      const counts = call.isWrite || !call.isOld;
      if (number < to && counts && names.some((name) => input.includes(name))) about += 1;
    }
    return about;
  }

  /** The reason why the last excused write went past its look. */
  why(): string {
    return this.#usedOld
      ? 'an act of someone else that a lagging read hid from the look before the write'
      : 'an act of someone else between the look and the write';
  }

  /** The states that the reads answered which `seen` gave last. */
  get used(): readonly AwsState[] {
    return this.#used;
  }

  /** `now`, but with the resource as the look directly before this call answered it; undefined where there was none. */
  seen(resource: string, now: AwsState, number: number): AwsState | undefined {
    this.#used = [];
    if (this.#kind === 'runbook') return this.#seenByRunbook(resource, now, number);
    const group = now.groups[resource];
    if (group !== undefined) {
      const names = [resource, ...group.rules.map(({ id }) => id)];
      const look = this.#near(resource, 'DescribeSecurityGroupRules', names, number, NEAR);
      const rules = look?.state.groups[resource]?.rules;
      if (rules === undefined) return undefined;
      return { ...now, groups: withEntry(now.groups, resource, { ...group, quota: ROOM, rules }) };
    }
    const acl = now.acls[resource];
    if (acl !== undefined) {
      const entries = this.#near(resource, 'DescribeNetworkAcls', [resource], number, NEAR)?.state.acls[
        resource
      ]?.entries;
      if (entries === undefined) return undefined;
      return { ...now, acls: withEntry(now.acls, resource, { ...acl, quota: ROOM, entries }) };
    }
    const { vpcs, users, databases } = now;
    const [vpc, user, database] = [vpcs[resource], users[resource], databases[resource]];
    if (vpc !== undefined) {
      const seen = this.#near(resource, 'DescribeFlowLogs', [resource], number, NEAR)?.state.vpcs[resource];
      if (seen === undefined) return undefined;
      const { flowLogs = [] } = seen;
      return { ...now, vpcs: withEntry(vpcs, resource, { ...vpc, flowLogs }) };
    }
    if (user !== undefined) {
      const keys = this.#keysSeen(resource, user, number);
      return keys === undefined
        ? undefined
        : { ...now, users: withEntry(users, resource, { ...user, keys }) };
    }
    if (database !== undefined) {
      const ids = database.snapshots.map(({ id }) => id);
      const of = database.of === 'cluster' ? 'DBCluster' : 'DB';
      const look = this.#near(resource, `Describe${of}SnapshotAttributes`, ids, number, NEAR);
      const seen = look?.state.databases[resource];
      if (seen === undefined) return undefined;
      return {
        ...now,
        databases: withEntry(databases, resource, { ...database, snapshots: seen.snapshots }),
      };
    }
    if (now.clusters[resource] !== undefined) {
      const seen = this.#near(resource, 'DescribeClusters', [resource], number, NEAR)?.state.clusters[
        resource
      ];
      return seen === undefined ? undefined : { ...now, clusters: withEntry(now.clusters, resource, seen) };
    }
    if (now.trails[resource] !== undefined) {
      const seen = this.#near(resource, 'DescribeTrails', [resource], number, NEAR)?.state.trails[resource];
      return seen === undefined ? undefined : { ...now, trails: withEntry(now.trails, resource, seen) };
    }
    const bucket = now.buckets[resource];
    if (bucket === undefined) return undefined;
    const near = (operation: string, calls = NEAR_OF_EXPOSURE): Bucket | undefined =>
      this.#near(resource, operation, [resource], number, calls)?.state.buckets[resource];
    const block = near('GetPublicAccessBlock', NEAR_OF_BLOCK)?.block;
    if (block === undefined) return undefined;
    const aclIsPublic = near('GetBucketAcl')?.aclIsPublic ?? bucket.aclIsPublic;
    const policyIsPublic = near('GetBucketPolicyStatus')?.policyIsPublic ?? bucket.policyIsPublic;
    return {
      ...now,
      buckets: withEntry(now.buckets, resource, { ...bucket, block, aclIsPublic, policyIsPublic }),
    };
  }

  /** The last look before this call at the resource's tags that showed no exemption. */
  notExemptBefore(resource: string, call: number): number | undefined {
    const [tag = ''] = Object.keys(EXEMPTION);
    return this.#lastLook(
      SHOW_TAGS,
      (look) =>
        look.number < call &&
        showsTagsOf(resource, look) &&
        contentOf(look.state, resource)?.tags[tag] === undefined,
    )?.number;
  }

  /** Tells whether the last look before this call at the resource's tags showed an exemption. */
  showsExempt(resource: string, call: number): boolean {
    const [tag = ''] = Object.keys(EXEMPTION);
    const last = this.#lastLook(SHOW_TAGS, (look) => look.number < call && showsTagsOf(resource, look));
    return last !== undefined && contentOf(last.state, resource)?.tags[tag] !== undefined;
  }

  /** The keys as they were listed, with when each was used as that was looked up. */
  #keysSeen(name: string, user: User, number: number): User['keys'] | undefined {
    const listed = this.#near(name, 'ListAccessKeys', [name], number, NEAR)?.state.users[name]?.keys;
    if (listed === undefined) return undefined;
    const ids = user.keys.map(({ id }) => id);
    const used = this.#near(name, 'GetAccessKeyLastUsed', ids, number, NEAR)?.state.users[name]?.keys ?? [];
    return listed.map((key) => {
      const { lastUsed = key.lastUsed } = used.find(({ id }) => id === key.id) ?? {};
      return { ...key, lastUsed };
    });
  }

  /** A document is started for what the rule's look showed: AWS gives it no condition. */
  #seenByRunbook(resource: string, now: AwsState, number: number): AwsState | undefined {
    const look = this.#lastLook(
      ['DescribeClusters', 'DescribeTrails'],
      ({ input, state }) =>
        (input.includes(resource) || !/ClusterIdentifier|trailNameList/.test(input)) &&
        contentOf(state, resource) !== undefined,
    );
    if (look === undefined || this.callsAbout([resource], look.number, number) > NEAR_OF_RUNBOOK)
      return undefined;
    if (look.number < (this.#lastWrites.get(resource) ?? 0)) return undefined;
    this.#usedOld = look.isOld;
    this.#used.push(look.state);
    const { clusters, trails } = look.state;
    return {
      ...now,
      clusters: withEntry(now.clusters, resource, clusters[resource]),
      trails: withEntry(now.trails, resource, trails[resource]),
    };
  }

  #lastLook(operations: readonly string[], isMeant: (look: Look) => boolean): Look | undefined {
    return this.#calls.findLast(
      (call): call is Look => !call.isWrite && operations.includes(call.operation) && isMeant(call),
    );
  }

  #near(
    resource: string,
    operation: string,
    names: readonly string[],
    number: number,
    near: number,
  ): Look | undefined {
    const look = this.#lastLook(
      [operation],
      ({ input, number: at }) => at < number && names.some((name) => input.includes(name)),
    );
    if (look === undefined || this.callsAbout([resource, ...names], look.number, number) > near)
      return undefined;
    if (look.number < (this.#lastWrites.get(resource) ?? 0)) return undefined;
    this.#usedOld = look.isOld;
    this.#used.push(look.state);
    return look;
  }
}

/** A resource's content, whatever its kind. */
export function contentOf(state: AwsState, resource: string): { readonly tags: Tags } | undefined {
  const { groups, acls, buckets, users, databases, vpcs, clusters, trails } = state;
  const vpc = vpcs[resource];
  return (
    groups[resource] ??
    acls[resource] ??
    buckets[resource] ??
    users[resource] ??
    databases[resource] ??
    clusters[resource] ??
    trails[resource] ??
    (vpc === undefined ? undefined : { ...vpc, tags: vpc.tags ?? {} })
  );
}

/** A resource as text, without what an undo cannot give back: the ids of rules, the order of rules and shares. */
export function onlyOf(state: AwsState, resource: string): string {
  return [textOf(state, resource), ...runsOf(state, resource)].join(' ');
}

/** A resource as reads show it: of a cluster, also what AWS is at. */
export function shownOf(state: AwsState, resource: string): string {
  return [onlyOf(state, resource), JSON.stringify(state.clusters[resource] ?? null)].join(' ');
}

/** The executions that were started for a resource, whether it is still there or not. */
function runsOf(state: AwsState, resource: string): string[] {
  return executionsOf(state, resource).map(([, { clientToken }]) => clientToken);
}

function textOf(state: AwsState, resource: string): string {
  const group = state.groups[resource];
  const database = state.databases[resource];
  if (database !== undefined) {
    const snapshots = database.snapshots.map((each) => ({
      ...each,
      sharedWith: [...each.sharedWith].sort(),
    }));
    return JSON.stringify({ ...database, snapshots });
  }
  const cluster = state.clusters[resource];
  if (cluster !== undefined) {
    // AWS takes minutes for what it was asked for, which an undo does not wait for.
    const { isPublic, pending, tags } = cluster;
    return JSON.stringify({ isPublic: pending?.isPublic ?? isPublic, tags });
  }
  if (group === undefined) return JSON.stringify(contentOf(state, resource) ?? null);
  const rules = group.rules.map(({ protocol, fromPort, toPort, source, description, tags }) =>
    JSON.stringify([protocol, fromPort, toPort, source, description, Object.entries(tags).sort()]),
  );
  return JSON.stringify({ ...group, rules: rules.sort() });
}
