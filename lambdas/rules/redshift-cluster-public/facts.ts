import { z } from 'zod';
import { defineFacts } from '../facts.ts';
import { documentPermissions } from '../runbook.ts';

const clusterArn = 'arn:${partition}:redshift:${region}:${account}:cluster:*';

const DOCUMENT = 'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster';

export const facts = defineFacts({
  id: 'redshift-cluster-public',
  title: 'Redshift clusters are not publicly accessible',
  legacyId: 'BPR-1-9',
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
      'Turns off public access to the cluster, which takes AWS several minutes. Clients that connect to its public address lose access. A cluster that is paused, being resized or being modified is `deferred`.',
    neverTouches: 'All other settings of the cluster, including its security groups.',
    undo: 'Makes the cluster publicly accessible again, which also takes AWS several minutes. AWS does not document that the cluster keeps its public IP address: if it had an Elastic IP address, the outcome names it, so that you can check it.',
  },
  permissions: {
    read: [{ actions: ['redshift:DescribeClusters'], resources: [clusterArn] }],
    write: [{ actions: ['redshift:ModifyCluster'], resources: [clusterArn] }],
    undo: [{ actions: ['redshift:DescribeClusters', 'redshift:ModifyCluster'], resources: [clusterArn] }],
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
        'Makes the cluster not publicly accessible, waits until it is available, and checks the result. This takes minutes, during which the finding is in progress.',
      limits: 'It fails if the cluster is not available when it begins.',
    },
  },
});
