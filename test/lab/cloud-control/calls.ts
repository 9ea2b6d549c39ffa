import type { AwsCall } from '../aws-proxy/index.ts';
import { describe, ec2Requirement } from '../permissions/ec2.ts';
import { onQueue } from '../permissions/product-calls.ts';
import {
  arnOf,
  type Calls,
  onOneOrAll,
  optionalText,
  type Requires,
  requirement,
  text,
} from '../permissions/requirement.ts';
import { bucketAction } from '../permissions/s3.ts';
import { handlers } from './handlers/index.ts';
import { schemaOf } from './model.ts';

/** Cloud Control's own actions are CloudFormation's, and take no resource. */
const ownAction: Requires = (call) => [requirement(call, `cloudformation:${call.operation}`, '*')];

/**
 * Reports whether a read handler does not use an action that its schema lists: IAM has no such action, or AWS's source does
 * not call it. https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds
 */
const isListedOnly = (type: string, action: string): boolean =>
  action === 'redshift:DescribeSnapshotCopyGrant' ||
  (type === 'AWS::RDS::DBInstance' && action.startsWith('ec2:'));
/** Actions that take no resource. */
const ON_ALL = /^(ec2:Describe|redshift:DescribeClusterDbRevisions$)/;

/** The resource of an action of a type's handler. */
function resourceOf(call: AwsCall, action: string, type: string, identifier: string): string {
  const [service = ''] = action.split(':');
  if (ON_ALL.test(action)) return '*';
  if (action === 'redshift:GetResourcePolicy') return arnOf(call, service, 'namespace:*');
  if (service === 's3') return `arn:aws:s3:::${identifier}`;
  const kinds: Readonly<Record<string, string>> = {
    dynamodb: `table/${identifier}`,
    kms: `key/${identifier}`,
    rds: `${type === 'AWS::RDS::DBCluster' ? 'cluster' : 'db'}:${identifier}`,
    redshift: `cluster:${identifier}`,
    sqs: identifier.split('/').at(-1) ?? '',
  };
  return arnOf(call, service, kinds[service] ?? '*');
}

/** Reads with every permission that the published schema lists for the type's read handler. */
const read: Requires = (call) => {
  const [type = '', identifier = ''] = [optionalText(call, 'TypeName'), optionalText(call, 'Identifier')];
  const actions = handlers.has(type) ? schemaOf(type).readActions : [];
  return [
    requirement(call, 'cloudformation:GetResource', '*'),
    ...actions
      .filter((action) => !isListedOnly(type, action))
      .map((action) => requirement(call, action, resourceOf(call, action, type, identifier))),
  ];
};

const onTable: Requires = (call) => [
  requirement(
    call,
    `dynamodb:${call.operation}`,
    arnOf(call, 'dynamodb', `table/${text(call, 'TableName')}`),
  ),
];
const onKey: Requires = (call) => [
  requirement(call, `kms:${call.operation}`, arnOf(call, 'kms', `key/${text(call, 'KeyId')}`)),
];

/**
 * Requirements of Cloud Control's calls, and of those that its handlers make with the caller's session.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudcontrolapi.html
 */
export const cloudControlCalls: Calls = {
  'cloudcontrolapi:GetResource': read,
  'cloudcontrolapi:UpdateResource': ownAction,
  'cloudcontrolapi:GetResourceRequestStatus': ownAction,
  'cloudcontrolapi:CancelResourceRequest': ownAction,
  'cloudcontrolapi:ListResources': ownAction,
  // AWS finds out the stack.
  'cloudformation:DescribeStackResources': (call) => [
    requirement(call, 'cloudformation:DescribeStackResources', arnOf(call, 'cloudformation', 'stack/shop/1')),
  ],

  'rds:ModifyDBInstance': onOneOrAll('db', 'DBInstanceIdentifier'),
  'rds:ModifyDBCluster': onOneOrAll('cluster', 'DBClusterIdentifier'),

  'dynamodb:DescribeTable': onTable,
  'dynamodb:DescribeContinuousBackups': onTable,
  'dynamodb:UpdateContinuousBackups': onTable,
  'dynamodb:ListTagsOfResource': (call) => [
    requirement(call, 'dynamodb:ListTagsOfResource', text(call, 'ResourceArn')),
  ],

  'kms:DescribeKey': onKey,
  'kms:GetKeyRotationStatus': onKey,
  'kms:GetKeyPolicy': onKey,
  'kms:ListResourceTags': onKey,
  'kms:EnableKeyRotation': onKey,
  'kms:DisableKeyRotation': onKey,

  'ec2:ModifySubnetAttribute': (call) => [
    ec2Requirement(call, 'ModifySubnetAttribute', `subnet/${text(call, 'SubnetId')}`),
  ],
  'ec2:GetEbsEncryptionByDefault': describe,
  'ec2:EnableEbsEncryptionByDefault': describe,
  'sqs:GetQueueAttributes': onQueue('sqs:GetQueueAttributes'),
  'sqs:ListQueueTags': onQueue('sqs:ListQueueTags'),
  'sqs:SetQueueAttributes': onQueue('sqs:SetQueueAttributes'),

  's3:GetBucketVersioning': bucketAction('GetBucketVersioning'),
  's3:PutBucketVersioning': bucketAction('PutBucketVersioning'),
};
