import { z } from 'zod';
import { sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation, reading, writing } from './operation.ts';
import { type Cluster, withEntry } from './state.ts';

/** Time that AWS takes to make a cluster private, or public. */
const WORK_MILLISECONDS = 240_000;

const describeSchema = z.looseObject({ ClusterIdentifier: z.string().optional() });
/** Strict, so that no other change goes unnoticed. */
const modifySchema = z.strictObject({ ClusterIdentifier: z.string(), PubliclyAccessible: z.boolean() });

/** State of a cluster at a given time, with changes that AWS has finished by then. */
export function clusterAt(cluster: Cluster, now: number): Cluster {
  const { pending, unavailable = null } = cluster;
  if (unavailable !== null && unavailable.until <= now) {
    return clusterAt({ ...cluster, unavailable: null }, now);
  }
  if (pending === null || pending.until > now) return cluster;
  return { ...cluster, isPublic: pending.isPublic, pending: null };
}

/** ClusterStatus, as DescribeClusters returns it. */
export function clusterStatus({ pending, unavailable = null }: Cluster): string {
  return unavailable?.status ?? (pending === null ? 'available' : 'modifying');
}

/** A cluster after a request to make it public or private, which takes AWS minutes. */
export function withPublicAccess(cluster: Cluster, isPublic: boolean, now: number): Cluster {
  return { ...cluster, pending: { isPublic, until: now + WORK_MILLISECONDS } };
}

function noCluster(id: string): AwsModelError {
  return new AwsModelError('ClusterNotFoundFault', `Cluster ${id} not found.`, 404);
}

/** Amazon Redshift. https://docs.aws.amazon.com/redshift/latest/APIReference/ */
export const clusterOperations: Readonly<Record<string, Operation>> = {
  DescribeClusters: reading((input, state, { now }) => {
    const { ClusterIdentifier: only } = describeSchema.parse(input);
    if (only !== undefined && state.clusters[only] === undefined) throw noCluster(only);
    return {
      Clusters: Object.entries(state.clusters)
        .filter(([id]) => only === undefined || id === only)
        .map(([id, stored]) => {
          const cluster = clusterAt(stored, now);
          const { isPublic, pending, tags } = cluster;
          return {
            ClusterIdentifier: id,
            ClusterStatus: clusterStatus(cluster),
            PubliclyAccessible: isPublic,
            ...(pending !== null && { PendingModifiedValues: { PubliclyAccessible: pending.isPublic } }),
            VpcId: 'vpc-0123abcd',
            Tags: sdkTags(tags),
          };
        }),
    };
  }),
  ModifyCluster: writing((input, state, { now }) => {
    const { ClusterIdentifier: id, PubliclyAccessible: isPublic } = modifySchema.parse(input);
    const stored = state.clusters[id];
    if (stored === undefined) throw noCluster(id);
    const cluster = clusterAt(stored, now);
    const status = clusterStatus(cluster);
    if (status !== 'available') {
      throw new AwsModelError('InvalidClusterStateFault', `Cluster ${id} is ${status}.`);
    }
    if (cluster.isPublic === isPublic) return state;
    return { ...state, clusters: withEntry(state.clusters, id, withPublicAccess(cluster, isPublic, now)) };
  }),
};
