import type { AwsSession } from '../../aws/session.ts';
import type { ResourceModel } from './read.ts';

type Reader = (session: AwsSession, identifier: string) => Promise<readonly string[]>;

/** Returns the names of the values that are set. In an answer about pending modifications, these are pending. */
const namesOf = (values: object | undefined): string[] =>
  Object.entries(values ?? {}).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [name],
  );

/**
 * Readers of modifications that wait for a maintenance window or a reboot, by type. The handlers of RDS use
 * `ApplyImmediately`, which also applies these, and reboot an instance with a pending parameter group, regardless of
 * what the update changes. https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds
 */
export const pendingReaders: Readonly<Record<string, Reader>> = {
  async 'AWS::RDS::DBInstance'(session, DBInstanceIdentifier) {
    const { DescribeDBInstancesCommand, RDSClient } = await import('../../aws/rds.ts');
    const { DBInstances: [instance] = [] } = await session
      .client(RDSClient)
      .send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
    const groups = (instance?.DBParameterGroups ?? []).filter(
      ({ ParameterApplyStatus }) => ParameterApplyStatus === 'pending-reboot',
    );
    return [
      ...namesOf(instance?.PendingModifiedValues),
      ...groups.map(
        ({ DBParameterGroupName = '' }) => `a reboot for the parameter group ${DBParameterGroupName}`,
      ),
    ];
  },
  async 'AWS::RDS::DBCluster'(session, DBClusterIdentifier) {
    const { DescribeDBClustersCommand, RDSClient } = await import('../../aws/rds.ts');
    const { DBClusters: [cluster] = [] } = await session
      .client(RDSClient)
      .send(new DescribeDBClustersCommand({ DBClusterIdentifier }));
    return namesOf(cluster?.PendingModifiedValues);
  },
  async 'AWS::Redshift::Cluster'(session, ClusterIdentifier) {
    const { DescribeClustersCommand, RedshiftClient } = await import('../../aws/redshift.ts');
    const { Clusters: [cluster] = [] } = await session
      .client(RedshiftClient)
      .send(new DescribeClustersCommand({ ClusterIdentifier }));
    return namesOf(cluster?.PendingModifiedValues);
  },
};

/**
 * Finds pending modifications that AWS would apply together with any update of a resource.
 * @param own the names of properties whose pending modification is known to be ours
 * @returns a description; undefined if nothing is pending, or the type has no pending modifications
 */
export async function pendingOf(
  session: AwsSession,
  { type, identifier }: ResourceModel,
  own: readonly string[] = [],
): Promise<string | undefined> {
  const all = (await pendingReaders[type]?.(session, identifier)) ?? [];
  const pending = all.filter((name) => !own.includes(name));
  if (pending.length === 0) return undefined;
  return `other modifications are pending (${pending.join(', ')}), and AWS would apply them together with this fix: apply or cancel them first`;
}
