import type { Cluster } from '@aws-sdk/client-redshift';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';

/** The most that DescribeClusters gives in a page. */
const CLUSTERS_PER_PAGE = 100;

/**
 * Reads clusters. The API takes one identifier or none: for more than one, reading all of the region is fewer calls, as far
 * as the page that has the last of them.
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

/** Reads one cluster, together with others; undefined where it does not exist. */
export const readCluster = sharedRead(readClusters);
