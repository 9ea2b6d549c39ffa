import { DescribeClustersCommand, ModifyClusterCommand, RedshiftClient } from '@aws-sdk/client-redshift';
import { z } from 'zod';
import { changedTo, type Handler, orGone, present } from '../handler.ts';

const bool = z.boolean().optional().parse;

export const redshiftCluster: Handler = {
  type: 'AWS::Redshift::Cluster',
  read: (settings, ClusterIdentifier) =>
    orGone(['ClusterNotFoundFault', 'ClusterNotFound'], async () => {
      const { Clusters: [it] = [] } = await new RedshiftClient(settings).send(
        new DescribeClustersCommand({ ClusterIdentifier }),
      );
      if (it === undefined) return undefined;
      return present({
        ClusterIdentifier: it.ClusterIdentifier,
        ClusterType: (it.NumberOfNodes ?? 1) > 1 ? 'multi-node' : 'single-node',
        NodeType: it.NodeType,
        DBName: it.DBName ?? 'dev',
        MasterUsername: it.MasterUsername,
        AllowVersionUpgrade: it.AllowVersionUpgrade ?? true,
        EnhancedVpcRouting: it.EnhancedVpcRouting ?? false,
        Tags: it.Tags ?? [],
      });
    }),
  async update(settings, ClusterIdentifier, after, before) {
    await new RedshiftClient(settings).send(
      new ModifyClusterCommand({
        ClusterIdentifier,
        AllowVersionUpgrade: changedTo('AllowVersionUpgrade', after, before, bool),
        EnhancedVpcRouting: changedTo('EnhancedVpcRouting', after, before, bool),
      }),
    );
  },
  async list(settings) {
    const { Clusters = [] } = await new RedshiftClient(settings).send(new DescribeClustersCommand({}));
    return Clusters.flatMap(({ ClusterIdentifier = '' }) => ClusterIdentifier);
  },
};
