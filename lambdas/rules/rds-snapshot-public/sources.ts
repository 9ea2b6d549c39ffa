import type { AwsSession } from '../../aws/session.ts';
import type { SnapshotKind } from '../../changes/rds-snapshot/shares.ts';
import {
  type Candidate,
  type Database,
  listClusterSnapshots,
  listInstanceSnapshots,
  readClusters,
  readInstances,
} from './read.ts';

/** A name by which snapshots are found, and the instance or cluster that has it now. */
export interface Source {
  readonly of: SnapshotKind;
  readonly identifier: string;
  readonly now: Database | undefined;
}

/**
 * Reads the instances and clusters with these names. A finding names an instance; if it belongs to a cluster, the
 * cluster is included.
 */
export async function readSources(
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
  const sourceOf = (of: SnapshotKind, identifier: string): Source => ({
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

/** Lists the snapshots of instances that had these names, and the snapshots of all clusters. */
export async function listNamed(session: AwsSession, ids: readonly string[]): Promise<Candidate[]> {
  const lists = await Promise.all([
    listInstanceSnapshots(session, 'db-instance-id', ids),
    listClusterSnapshots(session),
  ]);
  return lists.flat();
}

/** Returns the resource ids of the instances among the sources. */
export function instanceIds(sources: readonly Source[]): string[] {
  return sources.flatMap(({ of, now }) => (of === 'instance' ? (now?.resourceId ?? []) : []));
}

/** Lists the snapshots of instances by resource id, under whatever name they were created. */
export function listByResourceId(session: AwsSession, ids: readonly string[]): Promise<Candidate[]> {
  return listInstanceSnapshots(session, 'dbi-resource-id', ids);
}

/**
 * Reports whether a snapshot was created from the instance or cluster that has the name now, or from one that had it
 * then.
 */
export function isNamedBy(
  { of, source, sourceResourceId }: Candidate,
  { of: kind, identifier, now }: Source,
): boolean {
  if (of !== kind) return false;
  return source === identifier || (now?.resourceId !== undefined && sourceResourceId === now.resourceId);
}

/** Selects the snapshots of the sources. */
export function ofSources<C extends Candidate>(candidates: readonly C[], sources: readonly Source[]): C[] {
  return candidates.filter((candidate) => sources.some((source) => isNamedBy(candidate, source)));
}
