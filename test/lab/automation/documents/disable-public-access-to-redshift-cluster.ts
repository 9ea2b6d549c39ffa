import {
  type Cluster,
  DescribeClustersCommand,
  ModifyClusterCommand,
  RedshiftClient,
} from '@aws-sdk/client-redshift';
import {
  AssertionFailed,
  type AutomationDocument,
  ROLE_PARAMETER,
  requiredRole,
  type StepContext,
  unless,
} from '../document.ts';

async function describe({ parameters, client }: StepContext): Promise<Cluster | undefined> {
  const { Clusters = [] } = await client(RedshiftClient).send(
    new DescribeClustersCommand({ ClusterIdentifier: parameters['ClusterIdentifier'] }),
  );
  return Clusters[0];
}

/** https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-disable-redshift-public-access.html */
export const disablePublicAccessToRedshiftCluster: AutomationDocument = {
  name: 'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster',
  description: 'Makes a cluster not publicly accessible.',
  parameters: {
    ClusterIdentifier: {
      description: 'The identifier of the cluster.',
      refuses: unless(/^[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)$/),
    },
    [ROLE_PARAMETER]: requiredRole,
  },
  isAvailableIn: () => true,
  steps: () => [
    {
      name: 'DisablePubliclyAccessible',
      action: 'aws:executeAwsApi',
      api: 'ModifyCluster',
      async run({ parameters, client }) {
        await client(RedshiftClient).send(
          new ModifyClusterCommand({
            ClusterIdentifier: parameters['ClusterIdentifier'],
            PubliclyAccessible: false,
          }),
        );
        return 'done';
      },
    },
    {
      name: 'WaitForClusterAvailability',
      action: 'aws:waitForAwsResourceProperty',
      api: 'DescribeClusters',
      async run(context) {
        const cluster = await describe(context);
        return cluster?.ClusterStatus === 'available' ? 'done' : 'again';
      },
    },
    {
      name: 'VerifyPubliclyAccessible',
      action: 'aws:assertAwsResourceProperty',
      api: 'DescribeClusters',
      async run(context) {
        const cluster = await describe(context);
        if (cluster?.PubliclyAccessible === false) return 'done';
        throw new AssertionFailed(
          `PubliclyAccessible of ${context.parameters['ClusterIdentifier']} is not false`,
        );
      },
    },
  ],
};
