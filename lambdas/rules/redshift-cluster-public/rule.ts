import type { Cluster } from '@aws-sdk/client-redshift';
import { tagMap } from '../../aws/tags.ts';
import type { RedshiftClusterPublicAccessSet } from '../../changes/redshift-cluster/public-access-set.ts';
import { isGoing, readClusters } from '../../changes/redshift-cluster/read.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts } from './facts.ts';

type Seen = {
  publiclyAccessible: true;
  status: string;
  vpc: string | null;
  /** The Elastic IP address, if the cluster has one of the account. */
  elasticIp?: string;
};

function judge(identifier: string, cluster: Cluster): Inspection<Seen> {
  const status = cluster.ClusterStatus ?? 'unknown';
  if (isGoing(status)) return { state: 'gone' };
  // ModifyCluster has been called, by this product or someone else, and AWS is still making the change.
  if (cluster.PendingModifiedValues?.PubliclyAccessible === false) {
    return {
      state: 'busy',
      reason: `cluster ${identifier} is being made private (status ${status}), which takes AWS several minutes`,
    };
  }
  if (cluster.PubliclyAccessible !== true) return { state: 'compliant' };
  // Paused, resizing or being modified, for example: ModifyCluster would fail with InvalidClusterState.
  if (status !== 'available') {
    return {
      state: 'busy',
      reason: `cluster ${identifier} is ${status}: AWS changes a cluster only while it is available`,
    };
  }
  const seen = { publiclyAccessible: true, status, vpc: cluster.VpcId ?? null } as const;
  const tags = tagMap(cluster.Tags);
  const elasticIp = cluster.ElasticIpStatus?.ElasticIp ?? '';
  if (elasticIp === '') return { state: 'violation', seen, tags };
  const note = `the cluster has the Elastic IP address ${elasticIp}: after an undo, check that it still has it`;
  return { state: 'violation', seen: { ...seen, elasticIp }, tags, notes: [note] };
}

export const rule = defineRule<Seen, Record<string, never>>(facts, {
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
