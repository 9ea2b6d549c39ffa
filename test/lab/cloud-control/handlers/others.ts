import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  UpdateContinuousBackupsCommand,
} from '@aws-sdk/client-dynamodb';
import { DescribeSubnetsCommand, EC2Client, ModifySubnetAttributeCommand } from '@aws-sdk/client-ec2';
import {
  DescribeKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyRotationCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListKeysCommand,
  ListResourceTagsCommand,
} from '@aws-sdk/client-kms';
import { z } from 'zod';
import { changedTo, type Handler, orGone, present } from '../handler.ts';

const recovery = z.object({ PointInTimeRecoveryEnabled: z.boolean() });

export const table: Handler = {
  type: 'AWS::DynamoDB::Table',
  read: (settings, TableName) =>
    orGone(['ResourceNotFoundException'], async () => {
      const client = new DynamoDBClient(settings);
      const { Table: it } = await client.send(new DescribeTableCommand({ TableName }));
      const { ContinuousBackupsDescription: backups } = await client.send(
        new DescribeContinuousBackupsCommand({ TableName }),
      );
      const { Tags } = await client.send(new ListTagsOfResourceCommand({ ResourceArn: it?.TableArn }));
      const status = backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
      return present({
        TableName,
        Arn: it?.TableArn,
        KeySchema: it?.KeySchema,
        AttributeDefinitions: it?.AttributeDefinitions,
        BillingMode: it?.BillingModeSummary?.BillingMode,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: status === 'ENABLED' },
        Tags,
      });
    }),
  async update(settings, TableName, after) {
    const { PointInTimeRecoveryEnabled } = recovery.parse(after['PointInTimeRecoverySpecification']);
    await new DynamoDBClient(settings).send(
      new UpdateContinuousBackupsCommand({
        TableName,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled },
      }),
    );
  },
  async list(settings) {
    return (await new DynamoDBClient(settings).send(new ListTablesCommand({}))).TableNames ?? [];
  },
};

export const key: Handler = {
  type: 'AWS::KMS::Key',
  read: (settings, KeyId) =>
    orGone(['NotFoundException'], async () => {
      const client = new KMSClient(settings);
      const { KeyMetadata: it } = await client.send(new DescribeKeyCommand({ KeyId }));
      const { KeyRotationEnabled } = await client.send(new GetKeyRotationStatusCommand({ KeyId }));
      const { Policy = '{}' } = await client.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
      const { Tags = [] } = await client.send(new ListResourceTagsCommand({ KeyId }));
      return present({
        KeyId: it?.KeyId,
        Arn: it?.Arn,
        Enabled: it?.Enabled,
        Description: it?.Description,
        KeyPolicy: JSON.parse(Policy),
        EnableKeyRotation: KeyRotationEnabled ?? false,
        Tags: Tags.map(({ TagKey, TagValue }) => ({ Key: TagKey, Value: TagValue })),
      });
    }),
  async update(settings, KeyId, after, before) {
    const rotates = changedTo('EnableKeyRotation', after, before, z.boolean().parse);
    if (rotates === undefined) return;
    const client = new KMSClient(settings);
    await (rotates
      ? client.send(new EnableKeyRotationCommand({ KeyId }))
      : client.send(new DisableKeyRotationCommand({ KeyId })));
  },
  async list(settings) {
    const { Keys = [] } = await new KMSClient(settings).send(new ListKeysCommand({}));
    return Keys.flatMap(({ KeyId = '' }) => KeyId);
  },
};

export const subnet: Handler = {
  type: 'AWS::EC2::Subnet',
  read: (settings, SubnetId) =>
    orGone(['InvalidSubnetID.NotFound'], async () => {
      const { Subnets: [it] = [] } = await new EC2Client(settings).send(
        new DescribeSubnetsCommand({ SubnetIds: [SubnetId] }),
      );
      if (it === undefined) return undefined;
      return present({
        SubnetId: it.SubnetId,
        VpcId: it.VpcId,
        CidrBlock: it.CidrBlock,
        MapPublicIpOnLaunch: it.MapPublicIpOnLaunch ?? false,
        Tags: it.Tags ?? [],
      });
    }),
  async update(settings, SubnetId, after, before) {
    const Value = changedTo('MapPublicIpOnLaunch', after, before, z.boolean().parse);
    if (Value === undefined) return;
    await new EC2Client(settings).send(
      new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value } }),
    );
  },
  async list(settings) {
    const { Subnets = [] } = await new EC2Client(settings).send(new DescribeSubnetsCommand({}));
    return Subnets.flatMap(({ SubnetId = '' }) => SubnetId);
  },
};
