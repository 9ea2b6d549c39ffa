import { z } from 'zod';
import type { RedshiftClusterPublicAccessSet } from '../changes/redshift-cluster-public-access-set.ts';
import { tagMap } from '../shared/tags.ts';
import { defineRule, type Inspection } from './rule.ts';

type Seen = { publiclyAccessible: true; status: string; vpc: string | null };

const clusterArn = 'arn:${partition}:redshift:${region}:${account}:cluster:*';

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
  permissions: {
    read: [{ actions: ['redshift:DescribeClusters'], resources: [clusterArn] }],
    write: [{ actions: ['redshift:ModifyCluster'], resources: [clusterArn] }],
    undo: [{ actions: ['redshift:ModifyCluster'], resources: [clusterArn] }],
  },

  async inspect(session, resources) {
    const { paginateDescribeClusters, RedshiftClient } = await import('../aws/redshift.ts');
    const client = session.client(RedshiftClient);
    const wanted = new Set(resources);
    // The API takes one identifier or none: reading all is fewer calls, and a missing cluster costs no error.
    const inspections = new Map<string, Inspection<Seen>>(
      resources.map((resource) => [resource, { state: 'gone' }]),
    );
    for await (const { Clusters = [] } of paginateDescribeClusters({ client, pageSize: 100 }, {})) {
      for (const cluster of Clusters) {
        const identifier = cluster.ClusterIdentifier ?? '';
        if (!wanted.has(identifier)) continue;
        const status = cluster.ClusterStatus ?? 'unknown';
        const tags = tagMap(cluster.Tags);
        if (status === 'deleting' || status === 'final-snapshot') {
          inspections.set(identifier, { state: 'gone' });
        } else if (cluster.PendingModifiedValues?.PubliclyAccessible === false) {
          inspections.set(identifier, {
            state: 'busy',
            reason: `cluster ${identifier} is being made private (status ${status}); AWS takes minutes for it`,
          });
        } else if (cluster.PubliclyAccessible !== true) {
          inspections.set(identifier, { state: 'compliant' });
        } else if (status !== 'available') {
          // Paused, resizing, being modified …: ModifyCluster would answer InvalidClusterState.
          inspections.set(identifier, {
            state: 'busy',
            reason: `cluster ${identifier} is ${status}: AWS changes a cluster only while it is available`,
          });
        } else {
          inspections.set(identifier, {
            state: 'violation',
            seen: { publiclyAccessible: true, status, vpc: cluster.VpcId ?? null },
            tags,
          });
        }
      }
    }
    return inspections;
  },

  plan(resource): readonly RedshiftClusterPublicAccessSet[] {
    return [{ kind: 'redshift-cluster-public-access-set', resource, before: true, after: false }];
  },
});
