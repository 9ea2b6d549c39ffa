import { paginateDescribeClusters, RedshiftClient } from '@aws-sdk/client-redshift';
import { type Check, given, tenantTags, type Verdict } from './verdict.ts';

export const redshiftClusters: Check = {
  reads: 'Redshift clusters',
  rules: ['BPR-1-9'],
  async run(place) {
    const verdicts: Verdict[] = [];
    for await (const page of paginateDescribeClusters({ client: new RedshiftClient(place.settings()) }, {})) {
      for (const cluster of page.Clusters ?? []) {
        const resource = given(cluster.ClusterIdentifier, 'ClusterIdentifier');
        verdicts.push({
          rule: 'BPR-1-9',
          resource,
          name: resource,
          region: place.region,
          violated: cluster.PubliclyAccessible === true,
          tags: tenantTags(cluster.Tags),
        });
      }
    }
    return verdicts;
  },
};
