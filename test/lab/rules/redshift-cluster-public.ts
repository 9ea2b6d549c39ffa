import { paginateDescribeClusters, RedshiftClient } from '@aws-sdk/client-redshift';
import { type Calls, onOneOrAll } from '../permissions/requirement.ts';
import { type Check, given, tenantTags, type Verdict } from './check.ts';
import { defineLabRule } from './lab-rule.ts';
import { bestPractice } from './netskope-words.ts';

const redshiftClusters: Check = {
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

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshift.html */
const calls: Calls = {
  'redshift:DescribeClusters': onOneOrAll('cluster', 'ClusterIdentifier'),
  'redshift:ModifyCluster': onOneOrAll('cluster', 'ClusterIdentifier'),
};

export const labRule = defineLabRule({
  code: 'BPR-1-9',
  words: {
    rule_name: 'Access permissions and authorizations: Ensure Redshift Clusters are not Publicly accessible',
    severity: 'High',
    resource_type: 'RedshiftCluster',
    resource_category: 'Database',
    ...bestPractice('4', 'PR.AC', 'Access permissions and authorizations are managed'),
  },
  ids: ['warehouse', 'warehouse-2'],
  notIds: [
    'Warehouse',
    'warehouse-',
    'ware--house',
    'arn:aws:redshift:eu-central-1:111122223333:cluster:warehouse',
  ],
  hasRunbook: true,
  check: redshiftClusters,
  calls,
  options: {},
  scenarios: [
    { name: 'a cluster', make: ({ builder, region, name }) => builder.publicRedshiftCluster(region, name) },
  ],
});
