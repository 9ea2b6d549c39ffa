import type { Cluster } from '@aws-sdk/client-redshift';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';

/** Maximum number of clusters in a page of DescribeClusters. */
const CLUSTERS_PER_PAGE = 100;

/**
 * Reads clusters. The API accepts one identifier or none. For more than one, the clusters of the region are read page
 * by page until all requested ones are found, which takes fewer calls.
 * @returns those that exist, by identifier
 */
export async function readClusters(
  session: AwsSession,
  identifiers: readonly string[],
): Promise<Map<string, Cluster>> {
  const { paginateDescribeClusters, RedshiftClient } = await import('../../aws/redshift.ts');
  const clusters = new Map<string, Cluster>();
  const wanted = new Set(identifiers);
  const [only] = identifiers;
  const pages = paginateDescribeClusters(
    { client: session.client(RedshiftClient), pageSize: CLUSTERS_PER_PAGE },
    wanted.size === 1 && only !== undefined ? { ClusterIdentifier: only } : {},
  );
  try {
    for await (const page of pages) {
      for (const cluster of page.Clusters ?? []) {
        const { ClusterIdentifier: identifier = '' } = cluster;
        if (wanted.has(identifier)) clusters.set(identifier, cluster);
      }
      if (clusters.size === wanted.size) break;
    }
  } catch (error) {
    if (!isAwsError(error, 'ClusterNotFoundFault')) throw error;
  }
  return clusters;
}

/** Checks whether AWS is deleting a cluster that has this status. */
export const isGoing = (status: string): boolean => status === 'deleting' || status === 'final-snapshot';

/** Reads one cluster, batched with other reads. Returns undefined if it does not exist. */
export const readCluster = sharedRead(readClusters);
