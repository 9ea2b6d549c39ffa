import { perSession } from '../../aws/per-session.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';
import type { SnapshotKind } from '../../changes/rds-snapshot/shares.ts';
import type { RdsSnapshotSharesChange } from '../../changes/rds-snapshot/shares-change.ts';
import { exemptionTagOf, isExemptByTag, withExemptionOf } from '../../model/exemption-tag.ts';
import { defineRule } from '../rule.ts';
import { facts } from './facts.ts';
import {
  type Candidate,
  type Database,
  listAgain,
  onceEach,
  type PublicSnapshot,
  readClusters,
  readInstances,
  readPublic,
  sharesReader,
} from './read.ts';
import {
  instanceIds,
  isNamedBy,
  listByResourceId,
  listNamed,
  ofSources,
  readSources,
  type Source,
} from './sources.ts';

/** A public snapshot. A type, not an interface, so that it is assignable to JSON. */
type Snapshot = { id: string; of: SnapshotKind; status: string; sharedWith: string[] };
type Seen = { publicSnapshots: Snapshot[] };

/** A type, not an interface, so that it is JSON. */
type Inspected =
  | { state: 'compliant'; notes?: string[] }
  | { state: 'violation'; seen: Seen; tags: Record<string, string>; notes: string[]; isExemptInParts?: true };

/**
 * Reads the existing instances and clusters from which public snapshots were created, by resource id. One that has been
 * renamed still owns its snapshots.
 */
async function readOwners(
  session: AwsSession,
  snapshots: readonly PublicSnapshot[],
  sources: readonly Source[],
): Promise<ReadonlyMap<string, Database>> {
  const known = new Set(sources.flatMap(({ now }) => now?.resourceId ?? []));
  const unknown = (kind: SnapshotKind): string[] => [
    ...new Set(
      snapshots
        .filter(({ of }) => of === kind)
        .flatMap(({ sourceResourceId: id }) => (id === undefined || known.has(id) ? [] : [id])),
    ),
  ];
  const [instances, clusters] = await Promise.all([
    readInstances(session, 'dbi-resource-id', unknown('instance')),
    readClusters(session, 'db-cluster-resource-id', unknown('cluster')),
  ]);
  const databases = [...instances, ...clusters, ...sources.flatMap(({ now }) => now ?? [])];
  return new Map(
    databases.flatMap((database) =>
      database.resourceId === undefined ? [] : [[database.resourceId, database] as const],
    ),
  );
}

/** Selects a resource's public snapshots to fix, and explains in notes why others are not changed. */
function judge(
  sources: readonly Source[],
  snapshots: readonly PublicSnapshot[],
  owners: ReadonlyMap<string, Database>,
  now: Date,
): Inspected {
  const notes: string[] = [];
  const exempt: PublicSnapshot[] = [];
  const unmarked: PublicSnapshot[] = [];
  for (const snapshot of snapshots) {
    const source = sources.find((each) => isNamedBy(snapshot, each));
    if (source === undefined) continue;
    const owner = owners.get(snapshot.sourceResourceId ?? '');
    if (owner !== undefined && owner.identifier !== source.identifier) {
      notes.push(
        `public snapshot ${snapshot.id} is not changed: it was created from ${snapshot.of} ${owner.identifier}, which was then named ${snapshot.source}`,
      );
      continue;
    }
    const { reason, malformed } = exemptionTagOf(snapshot.tags, now);
    if (reason === undefined && malformed === undefined) unmarked.push(snapshot);
    else {
      exempt.push(snapshot);
      notes.push(`public snapshot ${snapshot.id} is not changed: ${reason ?? malformed}`);
    }
  }
  if (unmarked.length === 0 && exempt.length === 0)
    return { state: 'compliant', ...(notes.length > 0 && { notes }) };

  const tagsOfEach = sources.map((source) => source.now?.tags ?? {});
  const all = Object.assign({}, ...tagsOfEach.toReversed());
  const exempting = tagsOfEach.find((each) => isExemptByTag(each, now));
  const own = exempting === undefined ? all : withExemptionOf(exempting, all);
  const isExempt = unmarked.length === 0;
  const publicSnapshots = inOrder(isExempt ? exempt : unmarked);
  // If no snapshot remains to be fixed, the tag of a snapshot exempts the finding.
  const tags = isExempt ? withExemptionOf(exempt[0]?.tags ?? {}, own) : own;
  const seen = { publicSnapshots };
  return { state: 'violation', seen, tags, notes, ...(isExempt && { isExemptInParts: true as const }) };
}

/** Sorts snapshots so that those which AWS can change now come first. */
function inOrder(snapshots: readonly PublicSnapshot[]): Snapshot[] {
  return snapshots
    .map(({ id, of, status, sharedWith }) => ({ id, of, status, sharedWith }))
    .sort((one, other) => Number(one.status !== 'available') - Number(other.status !== 'available'));
}

/** The state from which resources are judged. */
interface Read {
  /** The sources of each resource, by its id in lower case. */
  readonly sourcesOf: ReadonlyMap<string, readonly Source[]>;
  readonly snapshots: readonly PublicSnapshot[];
}

const sourcesIn = ({ sourcesOf }: Read, resource: string): readonly Source[] =>
  sourcesOf.get(resource.toLowerCase()) ?? [];

/** Returns the identifiers as RDS stores them: in lower case, regardless of the case in requests. */
const asStored = (ids: readonly string[]): string[] => [...new Set(ids.map((id) => id.toLowerCase()))];

/** State of a resource, as a session has read it. */
interface Earlier {
  /** The resource ids of its instances. */
  readonly ids: readonly string[];
  /** Snapshots of the resource. */
  readonly snapshots: readonly Candidate[];
}

const readIn = perSession(() => new Map<string, Earlier>());

/**
 * Reads everything that resources are judged by: lists of snapshots by name, then by the resource ids of the instances
 * that have these names now, and the shares of all of them as soon as they are known. What the session knows from
 * earlier, such as from before a change, is listed and read again in one step.
 */
async function readAll(session: AwsSession, resources: readonly string[]): Promise<Read> {
  const names = asStored(resources);
  const earlier = names.flatMap((name) => readIn(session).get(name) ?? []);
  const knownIds = earlier.flatMap(({ ids }) => ids);
  const read = sharesReader(session);
  // If one is no longer listed, it does not matter whether it could be read.
  for (const snapshot of earlier.flatMap(({ snapshots }) => snapshots)) read(snapshot).catch(() => undefined);
  const [sourcesOf, named, known] = await Promise.all([
    readSources(session, names),
    listNamed(session, names),
    listByResourceId(session, knownIds),
  ]);
  const sources = [...sourcesOf.values()].flat();
  const newIds = instanceIds(sources).filter((id) => !knownIds.includes(id));
  const listed = ofSources(onceEach([...named, ...known]), sources);
  const [, further] = await Promise.all([readPublic(read, listed), listByResourceId(session, newIds)]);
  const all = onceEach([...listed, ...further]);
  for (const [name, some] of sourcesOf)
    readIn(session).set(name, { ids: instanceIds(some), snapshots: ofSources(all, some) });
  return { sourcesOf, snapshots: await readPublic(read, all) };
}

async function judgeEach(
  session: AwsSession,
  resources: readonly string[],
  read: Read,
): Promise<Map<string, Inspected>> {
  const owners = await readOwners(session, read.snapshots, [...read.sourcesOf.values()].flat());
  return new Map(
    resources.map((id) => [id, judge(sourcesIn(read, id), read.snapshots, owners, session.now())]),
  );
}

/**
 * Removes public access to manual snapshots of a DB instance and of its cluster. Automated snapshots and those of AWS
 * Backup can't be public. Snapshots belong to an instance or cluster by resource id, so those of a renamed one are
 * found under its new name. Snapshots outlive their instance, so they are also found by a name that no instance has
 * now.
 */
export const rule = defineRule<Seen, Record<string, never>>(facts, {
  async inspect(session, resources) {
    const read = await readAll(session, resources);
    // Each change reads its snapshot's shares itself. Snapshots that were made public in the meantime are not found.
    const again = sharedRead(async (_, some) => {
      const sources = some.flatMap((resource) => sourcesIn(read, resource));
      const known = ofSources(read.snapshots, sources);
      const [sourcesOf, snapshots] = await Promise.all([
        readSources(session, asStored(some)),
        listAgain(session, known),
      ]);
      return judgeEach(session, some, { sourcesOf, snapshots });
    });
    const inspections = await judgeEach(session, resources, read);
    return new Map(
      [...inspections].map(([resource, inspection]) => [
        resource,
        inspection.state === 'violation'
          ? { ...inspection, rest: { seen: inspection, again: () => again(session, resource) } }
          : inspection,
      ]),
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
