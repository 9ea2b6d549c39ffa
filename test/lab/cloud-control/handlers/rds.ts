import {
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  ModifyDBClusterCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { z } from 'zod';
import { changedTo, type Handler, orGone, present } from '../handler.ts';

const bool = z.boolean().optional().parse;

export const dbInstance: Handler = {
  type: 'AWS::RDS::DBInstance',
  read: (settings, DBInstanceIdentifier) =>
    orGone(['DBInstanceNotFoundFault', 'DBInstanceNotFound'], async () => {
      const { DBInstances: [it] = [] } = await new RDSClient(settings).send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier }),
      );
      if (it === undefined) return undefined;
      return present({
        DBInstanceIdentifier: it.DBInstanceIdentifier,
        DBInstanceArn: it.DBInstanceArn,
        DBInstanceClass: it.DBInstanceClass,
        DBInstanceStatus: it.DBInstanceStatus,
        Engine: it.Engine,
        AllocatedStorage: it.AllocatedStorage === undefined ? undefined : String(it.AllocatedStorage),
        PubliclyAccessible: it.PubliclyAccessible ?? false,
        DeletionProtection: it.DeletionProtection ?? false,
        CopyTagsToSnapshot: it.CopyTagsToSnapshot ?? false,
        EnableIAMDatabaseAuthentication: it.IAMDatabaseAuthenticationEnabled ?? false,
        Tags: it.TagList ?? [],
      });
    }),
  async update(settings, DBInstanceIdentifier, after, before) {
    await new RDSClient(settings).send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier,
        ApplyImmediately: true,
        PubliclyAccessible: changedTo('PubliclyAccessible', after, before, bool),
        DeletionProtection: changedTo('DeletionProtection', after, before, bool),
        CopyTagsToSnapshot: changedTo('CopyTagsToSnapshot', after, before, bool),
        EnableIAMDatabaseAuthentication: changedTo('EnableIAMDatabaseAuthentication', after, before, bool),
      }),
    );
  },
  async list(settings) {
    const { DBInstances = [] } = await new RDSClient(settings).send(new DescribeDBInstancesCommand({}));
    return DBInstances.flatMap(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier);
  },
};

export const dbCluster: Handler = {
  type: 'AWS::RDS::DBCluster',
  read: (settings, DBClusterIdentifier) =>
    orGone(['DBClusterNotFoundFault'], async () => {
      const { DBClusters: [it] = [] } = await new RDSClient(settings).send(
        new DescribeDBClustersCommand({ DBClusterIdentifier }),
      );
      if (it === undefined) return undefined;
      return present({
        DBClusterIdentifier: it.DBClusterIdentifier,
        DBClusterArn: it.DBClusterArn,
        Engine: it.Engine,
        DeletionProtection: it.DeletionProtection ?? false,
        CopyTagsToSnapshot: it.CopyTagsToSnapshot ?? false,
        EnableIAMDatabaseAuthentication: it.IAMDatabaseAuthenticationEnabled ?? false,
        Tags: it.TagList ?? [],
      });
    }),
  async update(settings, DBClusterIdentifier, after, before) {
    await new RDSClient(settings).send(
      new ModifyDBClusterCommand({
        DBClusterIdentifier,
        ApplyImmediately: true,
        DeletionProtection: changedTo('DeletionProtection', after, before, bool),
        CopyTagsToSnapshot: changedTo('CopyTagsToSnapshot', after, before, bool),
        EnableIAMDatabaseAuthentication: changedTo('EnableIAMDatabaseAuthentication', after, before, bool),
      }),
    );
  },
  async list(settings) {
    const { DBClusters = [] } = await new RDSClient(settings).send(new DescribeDBClustersCommand({}));
    return DBClusters.flatMap(({ DBClusterIdentifier = '' }) => DBClusterIdentifier);
  },
};
