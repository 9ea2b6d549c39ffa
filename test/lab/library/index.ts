import {
  CreateTableCommand,
  DescribeContinuousBackupsCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import {
  CreateSubnetCommand,
  CreateVolumeCommand,
  DescribeSubnetsCommand,
  DisableEbsEncryptionByDefaultCommand,
  EC2Client,
  GetEbsEncryptionByDefaultCommand,
  ModifySubnetAttributeCommand,
} from '@aws-sdk/client-ec2';
import { CreateKeyCommand, GetKeyRotationStatusCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  type DBCluster,
  type DBInstance,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import {
  type Cluster,
  CreateClusterCommand,
  DescribeClustersCommand,
  RedshiftClient,
} from '@aws-sdk/client-redshift';
import {
  DeletePublicAccessBlockCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { given } from '../rules/check.ts';
import type { Site } from '../rules/lab-rule.ts';

/** The lab's own knowledge of a rule of the library: how to violate it, and how to check that directly in AWS. */
export interface LibraryCase {
  /** @returns the new resource's id in a finding */
  make(site: Site): Promise<string>;
  isViolated(site: Site, resource: string): Promise<boolean>;
}

const instance = (violation: Partial<DBInstance>, isViolated: (it: DBInstance) => boolean): LibraryCase => ({
  async make({ builder, region, name }) {
    const { PubliclyAccessible } = violation;
    await new RDSClient(builder.settings(region)).send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: name,
        DBInstanceClass: 'db.t3.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'master',
        MasterUserPassword: 'Passw0rd',
        PubliclyAccessible,
      }),
    );
    return name;
  },
  async isViolated({ builder, region }, DBInstanceIdentifier) {
    const { DBInstances: [it] = [] } = await new RDSClient(builder.settings(region)).send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier }),
    );
    return isViolated(given(it, 'DBInstance'));
  },
});

const cluster = (isViolated: (it: DBCluster) => boolean): LibraryCase => ({
  async make({ builder, region, name }) {
    const { DBCluster } = await new RDSClient(builder.settings(region)).send(
      new CreateDBClusterCommand({
        DBClusterIdentifier: name,
        Engine: 'aurora-postgresql',
        MasterUsername: 'master',
        MasterUserPassword: 'Passw0rd',
      }),
    );
    return given(DBCluster?.DBClusterArn, 'DBClusterArn');
  },
  async isViolated({ builder, region }, arn) {
    const { DBClusters: [it] = [] } = await new RDSClient(builder.settings(region)).send(
      new DescribeDBClustersCommand({ DBClusterIdentifier: arn.split(':').at(-1) }),
    );
    return isViolated(given(it, 'DBCluster'));
  },
});

const warehouse = (
  violation: { readonly AllowVersionUpgrade?: boolean },
  isViolated: (it: Cluster) => boolean,
): LibraryCase => ({
  async make({ builder, region, name }) {
    const client = new RedshiftClient(builder.settings(region));
    await client.send(
      new CreateClusterCommand({
        ClusterIdentifier: name,
        NodeType: 'ra3.large',
        MasterUsername: 'master',
        MasterUserPassword: 'Passw0rd',
        ClusterType: 'single-node',
        ...violation,
      }),
    );
    // In the local AWS, it is available from the second read on.
    await client.send(new DescribeClustersCommand({ ClusterIdentifier: name }));
    return name;
  },
  async isViolated({ builder, region }, ClusterIdentifier) {
    const { Clusters: [it] = [] } = await new RedshiftClient(builder.settings(region)).send(
      new DescribeClustersCommand({ ClusterIdentifier }),
    );
    return isViolated(given(it, 'Cluster'));
  },
});

const s3 = ({ builder, region }: Site): S3Client =>
  new S3Client({ ...builder.settings(region), forcePathStyle: true });

const makeBucket: LibraryCase['make'] = async (site) => {
  const Bucket = await site.builder.privateBucket(site.region, `library-${site.name}`);
  // AWS enables all of it for new buckets.
  await s3(site).send(new DeletePublicAccessBlockCommand({ Bucket }));
  return Bucket;
};

/** Cases by the rule's id. */
export const libraryCases: Readonly<Record<string, LibraryCase>> = {
  'dynamodb-table-recovery': {
    async make({ builder, region, name }) {
      await new DynamoDBClient(builder.settings(region)).send(
        new CreateTableCommand({
          TableName: name,
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      );
      return name;
    },
    async isViolated({ builder, region }, TableName) {
      const { ContinuousBackupsDescription: it } = await new DynamoDBClient(builder.settings(region)).send(
        new DescribeContinuousBackupsCommand({ TableName }),
      );
      return it?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus !== 'ENABLED';
    },
  },
  'ebs-default-encryption': {
    async make({ builder, region }) {
      const client = new EC2Client(builder.settings(region));
      await client.send(new DisableEbsEncryptionByDefaultCommand({}));
      const { VolumeId } = await client.send(
        new CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1 }),
      );
      return given(VolumeId, 'VolumeId');
    },
    async isViolated({ builder, region }) {
      const { EbsEncryptionByDefault } = await new EC2Client(builder.settings(region)).send(
        new GetEbsEncryptionByDefaultCommand({}),
      );
      return EbsEncryptionByDefault !== true;
    },
  },
  'ec2-subnet-public-ip': {
    async make({ builder, region }) {
      const client = new EC2Client(builder.settings(region));
      const { Subnet } = await client.send(
        new CreateSubnetCommand({ VpcId: await builder.vpc(region), CidrBlock: '10.1.2.0/24' }),
      );
      const SubnetId = given(Subnet?.SubnetId, 'SubnetId');
      await client.send(new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: true } }));
      return SubnetId;
    },
    async isViolated({ builder, region }, SubnetId) {
      const { Subnets = [] } = await new EC2Client(builder.settings(region)).send(
        new DescribeSubnetsCommand({ SubnetIds: [SubnetId] }),
      );
      return Subnets[0]?.MapPublicIpOnLaunch === true;
    },
  },
  'kms-key-rotation': {
    async make({ builder, region }) {
      const root = `arn:aws:iam::${builder.account}:root`;
      const owner = { Effect: 'Allow', Principal: { AWS: root }, Action: 'kms:*', Resource: '*' };
      const { KeyMetadata } = await new KMSClient(builder.settings(region)).send(
        new CreateKeyCommand({ Policy: JSON.stringify({ Version: '2012-10-17', Statement: [owner] }) }),
      );
      return given(KeyMetadata?.KeyId, 'KeyId');
    },
    async isViolated({ builder, region }, KeyId) {
      const { KeyRotationEnabled } = await new KMSClient(builder.settings(region)).send(
        new GetKeyRotationStatusCommand({ KeyId }),
      );
      return KeyRotationEnabled !== true;
    },
  },
  'rds-cluster-copy-tags': cluster(({ CopyTagsToSnapshot }) => CopyTagsToSnapshot !== true),
  'rds-cluster-deletion-protection': cluster(({ DeletionProtection }) => DeletionProtection !== true),
  'rds-instance-copy-tags': instance({}, ({ CopyTagsToSnapshot }) => CopyTagsToSnapshot !== true),
  'rds-instance-deletion-protection': instance({}, ({ DeletionProtection }) => DeletionProtection !== true),
  'rds-instance-iam-authentication': instance(
    {},
    ({ IAMDatabaseAuthenticationEnabled }) => IAMDatabaseAuthenticationEnabled !== true,
  ),
  'rds-instance-public': instance(
    { PubliclyAccessible: true },
    ({ PubliclyAccessible }) => PubliclyAccessible === true,
  ),
  'redshift-cluster-enhanced-routing': warehouse({}, ({ EnhancedVpcRouting }) => EnhancedVpcRouting !== true),
  'redshift-cluster-version-upgrade': warehouse(
    { AllowVersionUpgrade: false },
    ({ AllowVersionUpgrade }) => AllowVersionUpgrade !== true,
  ),
  's3-bucket-public-access-block': {
    make: makeBucket,
    async isViolated(site, Bucket) {
      const block = await s3(site)
        .send(new GetPublicAccessBlockCommand({ Bucket }))
        .then(
          ({ PublicAccessBlockConfiguration }) => PublicAccessBlockConfiguration,
          () => undefined,
        );
      return ![
        block?.BlockPublicAcls,
        block?.BlockPublicPolicy,
        block?.IgnorePublicAcls,
        block?.RestrictPublicBuckets,
      ].every((setting) => setting === true);
    },
  },
  'sqs-queue-encryption': {
    async make({ builder, region, name }) {
      await new SQSClient(builder.settings(region)).send(
        new CreateQueueCommand({ QueueName: name, Attributes: { SqsManagedSseEnabled: 'false' } }),
      );
      return name;
    },
    async isViolated({ builder, region }, name) {
      const settings = builder.settings(region);
      const { Attributes } = await new SQSClient(settings).send(
        new GetQueueAttributesCommand({
          QueueUrl: `${settings.endpoint}/${builder.account}/${name}`,
          AttributeNames: ['SqsManagedSseEnabled'],
        }),
      );
      return Attributes?.['SqsManagedSseEnabled'] !== 'true';
    },
  },
  's3-bucket-versioning': {
    make: makeBucket,
    isViolated: async (site, Bucket) =>
      (await s3(site).send(new GetBucketVersioningCommand({ Bucket }))).Status !== 'Enabled',
  },
};
