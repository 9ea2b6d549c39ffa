import type { AwsSession } from '../../aws/session.ts';
import type { RdsSnapshotSharesChange } from '../../changes/rds-snapshot/shares-change.ts';
import { EXEMPTION_TAG, exemptionTagOf } from '../../model/exemption-tag.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts } from './facts.ts';
import {
  type Candidate,
  type Database,
  type Kind,
  listClusterSnapshots,
  listInstanceSnapshots,
  type PublicSnapshot,
  readClusters,
  readInstances,
  readPublic,
} from './read.ts';

/** A type, not an interface, so that it is JSON. */
type Snapshot = { id: string; of: Kind; status: string; sharedWith: string[] };
type Seen = { publicSnapshots: Snapshot[] };

/** A name that snapshots are looked for by, with what has this name now. */
interface Source {
  readonly of: Kind;
  readonly identifier: string;
  readonly now: Database | undefined;
}

/** The instances and clusters of these names. A finding names an instance; where that is one of a cluster, the cluster counts too. */
async function readSources(
  session: AwsSession,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Source[]>> {
  const [instances, named] = await Promise.all([
    readInstances(session, 'db-instance-id', ids),
    readClusters(session, 'db-cluster-id', ids),
  ]);
  const further = new Set(instances.flatMap(({ cluster }) => cluster ?? []));
  for (const id of ids) further.delete(id);
  const clusters = [...named, ...(await readClusters(session, 'db-cluster-id', [...further]))];
  const sourceOf = (of: Kind, identifier: string): Source => ({
    of,
    identifier,
    now: (of === 'instance' ? instances : clusters).find((database) => database.identifier === identifier),
  });
  return new Map(
    ids.map((id) => {
      const instance = sourceOf('instance', id);
      return [id, [instance, sourceOf('cluster', instance.now?.cluster ?? id)]];
    }),
  );
}

/** The snapshots of instances that had these names, and of all clusters. */
async function listNamed(session: AwsSession, ids: readonly string[]): Promise<Candidate[]> {
  const lists = await Promise.all([
    listInstanceSnapshots(session, 'db-instance-id', ids),
    listClusterSnapshots(session),
  ]);
  return lists.flat();
}

/** Adds the snapshots of instances that had another name when these were made, and takes those of the sources. */
async function listCandidates(
  session: AwsSession,
  sources: readonly Source[],
  named: readonly Candidate[],
): Promise<Candidate[]> {
  const instances = sources.filter(({ of }) => of === 'instance');
  const resourceIds = instances.flatMap(({ now }) => now?.resourceId ?? []);
  const byResourceId = await listInstanceSnapshots(session, 'dbi-resource-id', resourceIds);
  const ofInstances = [...named.filter(({ of }) => of === 'instance'), ...byResourceId];
  const each = new Map(ofInstances.map((candidate) => [candidate.id, candidate]));
  const candidates = [...each.values(), ...named.filter(({ of }) => of === 'cluster')];
  return candidates.filter((candidate) => sources.some((source) => isNamedBy(candidate, source)));
}

/** Reports whether the snapshot was made of what has the name now, or of something that had the name then. */
function isNamedBy(
  { of, source, sourceResourceId }: Candidate,
  { of: kind, identifier, now }: Source,
): boolean {
  if (of !== kind) return false;
  return source === identifier || (now?.resourceId !== undefined && sourceResourceId === now.resourceId);
}

/**
 * Reads which of the instances and clusters that public snapshots were made of exist, by resource id: one that had
 * the name and was renamed keeps its snapshots.
 */
async function readOwners(
  session: AwsSession,
  snapshots: readonly PublicSnapshot[],
  sources: readonly Source[],
): Promise<ReadonlyMap<string, Database>> {
  const known = new Set(sources.flatMap(({ now }) => now?.resourceId ?? []));
  const unknown = (kind: Kind): string[] => [
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

/** One resource's public snapshots, sorted into those to fix and those to leave, with the words for the latter. */
function judge(
  sources: readonly Source[],
  snapshots: readonly PublicSnapshot[],
  owners: ReadonlyMap<string, Database>,
  now: Date,
): Inspection<Seen> {
  const notes: string[] = [];
  const exempt: PublicSnapshot[] = [];
  const unmarked: PublicSnapshot[] = [];
  for (const snapshot of snapshots) {
    const source = sources.find((each) => isNamedBy(snapshot, each));
    if (source === undefined) continue;
    const owner = owners.get(snapshot.sourceResourceId ?? '');
    if (owner !== undefined && owner.identifier !== source.identifier) {
      notes.push(
        `public snapshot ${snapshot.id} is left: it was made of ${snapshot.of} ${owner.identifier}, which was called ${snapshot.source} then`,
      );
      continue;
    }
    const { reason, malformed } = exemptionTagOf(snapshot.tags, now);
    if (reason === undefined && malformed === undefined) unmarked.push(snapshot);
    else {
      exempt.push(snapshot);
      notes.push(`public snapshot ${snapshot.id} is left: ${reason ?? malformed}`);
    }
  }
  if (unmarked.length === 0 && exempt.length === 0)
    return { state: 'compliant', ...(notes.length > 0 && { notes }) };

  const tags = Object.assign({}, ...sources.toReversed().map((source) => source.now?.tags ?? {}));
  // Nothing is left to fix: the tag of a snapshot speaks for the finding.
  const [first] = exempt;
  if (unmarked.length === 0 && first !== undefined) tags[EXEMPTION_TAG] = first.tags[EXEMPTION_TAG];
  return {
    state: 'violation',
    seen: { publicSnapshots: inOrder(unmarked.length > 0 ? unmarked : exempt) },
    tags,
    notes,
  };
}

/** Sorts snapshots: those that AWS can change just now come first. */
function inOrder(snapshots: readonly PublicSnapshot[]): Snapshot[] {
  return snapshots
    .map(({ id, of, status, sharedWith }) => ({ id, of, status, sharedWith }))
    .sort((one, other) => Number(one.status !== 'available') - Number(other.status !== 'available'));
}

/**
 * Manual snapshots of a DB instance, and of the cluster that it is in, that every AWS account may restore. Automated
 * snapshots and those of AWS Backup can't be public. Snapshots belong to an instance or cluster by its resource id, so
 * they are found under its new name when it was renamed. They outlive it: a name that nothing has now is looked for all
 * the same.
 */
export const rule = defineRule<Seen, Record<string, never>>(facts, {
  async inspect(session, resources) {
    // RDS keeps identifiers in lower case, whatever it was asked with.
    const ids = [...new Set(resources.map((resource) => resource.toLowerCase()))];
    const [sourcesOf, named] = await Promise.all([readSources(session, ids), listNamed(session, ids)]);
    const sources = [...sourcesOf.values()].flat();
    const snapshots = await readPublic(session, await listCandidates(session, sources, named));
    const owners = await readOwners(session, snapshots, sources);
    return new Map(
      resources.map((resource) => [
        resource,
        judge(sourcesOf.get(resource.toLowerCase()) ?? [], snapshots, owners, session.now()),
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
