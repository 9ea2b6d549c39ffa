import { z } from 'zod';
import type { AwsCall } from '../aws-proxy/index.ts';
import { operatorCalls } from './operator-calls.ts';
import {
  arnOf,
  type Calls,
  onNothing,
  optionalText,
  type Requires,
  requestTags,
  requirement,
  text,
  texts,
} from './requirement.ts';
import { onBucket, ownerOf } from './s3.ts';
import { tableCalls } from './table-calls.ts';

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
const objectCalls: Calls = {
  /**
   * Requires permission to list, too, because S3 only reveals to those who may list the bucket that an object is missing.
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
   */
  async 's3:GetObject'(call, state) {
    const key = text(call, 'Key');
    const asked = [await onBucket(call, state, 'GetObject', key)];
    if (!(await state.objectExists(await ownerOf(call, state), text(call, 'Bucket'), key))) {
      asked.push(await onBucket(call, state, 'ListBucket'));
    }
    return asked;
  },
  's3:ListObjectsV2': async (call, state) => [await onBucket(call, state, 'ListBucket')],
  's3:DeleteObject': async (call, state) => [await onBucket(call, state, 'DeleteObject', text(call, 'Key'))],
  async 's3:PutObject'(call, state) {
    const key = text(call, 'Key');
    const { 'x-amz-tagging': tagging, 'x-amz-acl': acl, 'if-none-match': ifNoneMatch } = call.headers;
    const conditions = typeof ifNoneMatch === 'string' ? { 's3:if-none-match': ifNoneMatch } : {};
    return [
      await onBucket(call, state, 'PutObject', key, conditions),
      ...(tagging === undefined ? [] : [await onBucket(call, state, 'PutObjectTagging', key)]),
      ...(acl === undefined ? [] : [await onBucket(call, state, 'PutObjectAcl', key)]),
    ];
  },
};

/** The requirement of an action on the queue in a call's URL. */
export const onQueue =
  (action: string): Requires =>
  (call) => {
    const [, account = '', name = ''] = new URL(text(call, 'QueueUrl')).pathname.split('/');
    return [requirement(call, action, arnOf(call, 'sqs', name, { account }))];
  };

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html */
const sqsCalls: Calls = {
  'sqs:GetQueueUrl'(call) {
    const account = optionalText(call, 'QueueOwnerAWSAccountId') ?? call.principal.account;
    return [requirement(call, 'sqs:GetQueueUrl', arnOf(call, 'sqs', text(call, 'QueueName'), { account }))];
  },
  // A document of the customer.
  'sqs:TagQueue': onQueue('sqs:TagQueue'),
  'sqs:UntagQueue': onQueue('sqs:UntagQueue'),
  'sqs:SendMessage': onQueue('sqs:SendMessage'),
  'sqs:SendMessageBatch': onQueue('sqs:SendMessage'),
  'sqs:ChangeMessageVisibility': onQueue('sqs:ChangeMessageVisibility'),
  'sqs:DeleteMessage': onQueue('sqs:DeleteMessage'),
  'sqs:ReceiveMessage': onQueue('sqs:ReceiveMessage'),
};

const parameterArn = (call: AwsCall, name: string): string =>
  name.startsWith('arn:') ? name : arnOf(call, 'ssm', `parameter/${name.replace(/^\//, '')}`);

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html */
const ssmCalls: Calls = {
  'ssm:GetParametersByPath': (call) => [
    requirement(call, 'ssm:GetParametersByPath', parameterArn(call, text(call, 'Path')), {
      'ssm:Recursive': String(call.parameters['Recursive'] === true),
    }),
  ],
  'ssm:GetParameter': (call) => [
    requirement(call, 'ssm:GetParameter', parameterArn(call, text(call, 'Name'))),
  ],
  'ssm:PutParameter': (call) => [
    requirement(call, 'ssm:PutParameter', parameterArn(call, text(call, 'Name'))),
  ],
  'ssm:GetParameters': (call) =>
    texts(call, 'Names').map((name) => requirement(call, 'ssm:GetParameters', parameterArn(call, name))),

  /** The caller that starts an execution passes its role. */
  'ssm:StartAutomationExecution'(call) {
    const name = text(call, 'DocumentName');
    // AWS's own documents have no account.
    const place = name.startsWith('AWS') ? { account: '' } : {};
    const executions = arnOf(call, 'ssm', 'automation-execution/*');
    const tags = z
      .array(z.object({ Key: z.string(), Value: z.string() }))
      .parse(call.parameters['Tags'] ?? []);
    const asked = requestTags(Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])));
    const { AutomationAssumeRole: roles = [] } = z
      .record(z.string(), z.array(z.string()))
      .parse(call.parameters['Parameters'] ?? {});
    return [
      requirement(
        call,
        'ssm:StartAutomationExecution',
        // A document that another account shares is started by its ARN. Sharing is not an IAM policy: Automation checks it.
        name.startsWith('arn:') ? name : arnOf(call, 'ssm', `document/${name}`, place),
        asked,
        call.principal.account,
      ),
      requirement(call, 'ssm:StartAutomationExecution', executions, asked),
      ...(tags.length === 0 ? [] : [requirement(call, 'ssm:AddTagsToResource', executions, asked)]),
      ...roles.map((role) =>
        requirement(call, 'iam:PassRole', role, { 'iam:PassedToService': 'ssm.amazonaws.com' }),
      ),
    ];
  },
  'ssm:DescribeAutomationExecutions': (call) => [requirement(call, 'ssm:DescribeAutomationExecutions', '*')],
  'ssm:GetAutomationExecution': (call) => [
    requirement(
      call,
      'ssm:GetAutomationExecution',
      arnOf(call, 'ssm', `automation-execution/${text(call, 'AutomationExecutionId')}`),
    ),
  ],
};

const entriesSchema = z.array(
  z.looseObject({
    EventBusName: z.string().default('default'),
    Source: z.string().default(''),
    DetailType: z.string().default(''),
  }),
);

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonresourcegrouptaggingapi.html */
const taggingCalls: Calls = {
  'tagging:GetResources': (call) => [requirement(call, 'tag:GetResources', '*')],
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html */
const eventsCalls: Calls = {
  'events:PutEvents'(call) {
    const asked = entriesSchema
      .parse(call.parameters['Entries'])
      .map(({ EventBusName: bus, Source, DetailType }) =>
        requirement(
          call,
          'events:PutEvents',
          bus.startsWith('arn:') ? bus : arnOf(call, 'events', `event-bus/${bus}`),
          { 'events:source': Source, 'events:detail-type': DetailType },
        ),
      );
    return [...new Map(asked.map((each) => [JSON.stringify(each), each])).values()];
  },
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html */
const cloudTrailCalls: Calls = { 'cloudtrail:LookupEvents': onNothing };

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html */
const secretsManagerCalls: Calls = {
  'secretsmanager:GetSecretValue'(call) {
    const id = text(call, 'SecretId');
    // A secret's ARN ends with six random characters, so its name alone does not determine it.
    if (!id.startsWith('arn:')) throw new Error(`expected the ARN of secret ${id}`);
    return [requirement(call, 'secretsmanager:GetSecretValue', id, { 'secretsmanager:SecretId': id })];
  },
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html */
const stsCalls: Calls = {
  'sts:AssumeRole'(call) {
    const externalId = optionalText(call, 'ExternalId');
    return [
      requirement(call, 'sts:AssumeRole', text(call, 'RoleArn'), {
        'sts:RoleSessionName': text(call, 'RoleSessionName'),
        ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
      }),
    ];
  },
  // No policy is evaluated.
  'sts:GetCallerIdentity': () => [],
};

/** Calls of the product, independent of its rules: jobs, settings, evidence, findings, events, runbooks, roles. */
export const productCalls: Calls = {
  ...cloudTrailCalls,
  ...eventsCalls,
  ...objectCalls,
  ...operatorCalls,
  ...secretsManagerCalls,
  ...sqsCalls,
  ...ssmCalls,
  ...taggingCalls,
  ...stsCalls,
  ...tableCalls,
};
