import { describe, ec2Requirement } from '../permissions/ec2.ts';
import { onQueue } from '../permissions/product-calls.ts';
import {
  arnOf,
  type Calls,
  onOneOrAll,
  type Requires,
  requirement,
  text,
} from '../permissions/requirement.ts';
import { bucketAction } from '../permissions/s3.ts';

/** Cloud Control's own actions are CloudFormation's, and take no resource. */
const ownAction: Requires = (call) => [requirement(call, `cloudformation:${call.operation}`, '*')];

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
  'cloudcontrolapi:GetResource': ownAction,
  'cloudcontrolapi:UpdateResource': ownAction,
  'cloudcontrolapi:GetResourceRequestStatus': ownAction,
  'cloudcontrolapi:CancelResourceRequest': ownAction,
  'cloudcontrolapi:ListResources': ownAction,
  // Which stack it is, AWS finds out.
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
