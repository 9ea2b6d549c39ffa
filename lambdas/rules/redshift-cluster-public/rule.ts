import type { Cluster } from '@aws-sdk/client-redshift';
import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import type { RedshiftClusterPublicAccessSet } from '../../changes/redshift-cluster/public-access-set.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { documentPermissions } from '../runbook.ts';

type Seen = { publiclyAccessible: true; status: string; vpc: string | null };

/** The clusters of these identifiers that exist, as AWS describes them. */
async function readClusters(
  session: AwsSession,
  identifiers: readonly string[],
): Promise<Map<string, Cluster>> {
  const { paginateDescribeClusters, RedshiftClient } = await import('../../aws/redshift.ts');
  const clusters = new Map<string, Cluster>();
  const [only] = identifiers;
  // The API takes one identifier or none: for more than one, reading all is fewer calls.
  const pages = paginateDescribeClusters(
    { client: session.client(RedshiftClient), pageSize: CLUSTERS_PER_PAGE },
    identifiers.length === 1 && only !== undefined ? { ClusterIdentifier: only } : {},
  );
  try {
    for await (const page of pages) {
      for (const cluster of page.Clusters ?? []) clusters.set(cluster.ClusterIdentifier ?? '', cluster);
    }
  } catch (error) {
    if (!isAwsError(error, 'ClusterNotFoundFault')) throw error;
  }
  return clusters;
}

function judge(identifier: string, cluster: Cluster): Inspection<Seen> {
  const status = cluster.ClusterStatus ?? 'unknown';
  if (status === 'deleting' || status === 'final-snapshot') return { state: 'gone' };
  // ModifyCluster has been called, by us or by someone else, and AWS is at it.
  if (cluster.PendingModifiedValues?.PubliclyAccessible === false) {
    return {
      state: 'busy',
      reason: `cluster ${identifier} is being made private (status ${status}): AWS takes minutes for it`,
    };
  }
  if (cluster.PubliclyAccessible !== true) return { state: 'compliant' };
  // Paused, resizing, being modified …: ModifyCluster would answer InvalidClusterState.
  if (status !== 'available') {
    return {
      state: 'busy',
      reason: `cluster ${identifier} is ${status}: AWS changes a cluster only while it is available`,
    };
  }
  return {
    state: 'violation',
    seen: { publiclyAccessible: true, status, vpc: cluster.VpcId ?? null },
    tags: tagMap(cluster.Tags),
  };
}

/** The most that DescribeClusters gives in a page. */
const CLUSTERS_PER_PAGE = 100;

const clusterArn = 'arn:${partition}:redshift:${region}:${account}:cluster:*';

const DOCUMENT = 'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster';

export const rule = defineRule<Seen, Record<string, never>>({
  id: 'redshift-cluster-public',
  title: 'Redshift clusters are not publicly accessible',
  legacyId: 'BPR-1-9',
  netskopeRuleNames: [
    'Access permissions and authorizations: Ensure Redshift Clusters are not Publicly accessible',
  ],
  resourceType: 'AWS::Redshift::Cluster',
  scope: 'regional',
  severity: 'high',
  // https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html
  resourceId: z
    .string()
    .max(63)
    .regex(
      /^[a-z](?!.*--)[a-z0-9-]*(?<!-)$/,
      'expected a cluster identifier: 1 to 63 lower-case letters, digits and hyphens',
    ),
  options: z.strictObject({}),
  documentation: {
    control: 'Netskope best practice BPR-1-9',
    finds: 'Clusters that are publicly accessible.',
    changes:
      'Makes the cluster not publicly accessible. AWS takes minutes for it, and whoever reaches the cluster by its public address can no longer. A cluster that is paused, resized or modified just now is `deferred`.',
    neverTouches: 'Everything else of the cluster, its security groups among it.',
    undo: 'Makes the cluster publicly accessible again, which takes AWS minutes, too.',
  },
  permissions: {
    read: [{ actions: ['redshift:DescribeClusters'], resources: [clusterArn] }],
    write: [{ actions: ['redshift:ModifyCluster'], resources: [clusterArn] }],
    undo: [{ actions: ['redshift:ModifyCluster'], resources: [clusterArn] }],
  },

  runbook: {
    document: DOCUMENT,
    partitions: ['aws', 'aws-us-gov', 'aws-cn'],
    parameters: (resource) => ({ ClusterIdentifier: [resource] }),
    permissions: [
      { actions: ['redshift:DescribeClusters', 'redshift:ModifyCluster'], resources: [clusterArn] },
      ...documentPermissions(DOCUMENT),
    ],
    documentation: {
      reference:
        'https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-disable-redshift-public-access.html',
      closes:
        'Makes the cluster not publicly accessible, waits until it is available, and checks that it is not: for minutes, in which the finding is in progress.',
      limits: 'It fails where the cluster is not available when it begins.',
    },
  },

  async inspect(session, resources) {
    const clusters = await readClusters(session, resources);
    return new Map(
      resources.map((resource) => {
        const cluster = clusters.get(resource);
        return [resource, cluster === undefined ? { state: 'gone' } : judge(resource, cluster)];
      }),
    );
  },

  plan(resource): readonly RedshiftClusterPublicAccessSet[] {
    return [{ kind: 'redshift-cluster-public-access-set', resource, before: true, after: false }];
  },
});
