import { z } from 'zod';
import type { AwsCall } from '../aws-proxy/index.ts';
import { ec2Calls } from './ec2-calls.ts';
import {
  arnOf,
  type Facts,
  optionalText,
  type Requirement,
  type Requires,
  requestTags,
  requirement,
  text,
  texts,
} from './requirement.ts';
import { s3Calls } from './s3-calls.ts';

/** A call that the map does not know: nobody can say whether AWS would allow it. */
export class UnknownCallError extends Error {
  override name = 'UnknownCallError' as const;
}

/** An action of the operation's own name that takes no resource. */
const onNothing: Requires = (call) => [requirement(call, `${call.service}:${call.operation}`, '*')];

const onUser: Requires = async (call, facts) => [
  requirement(
    call,
    `iam:${call.operation}`,
    await facts.userArn(call.principal.account, text(call, 'UserName')),
  ),
];

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html */
const iamCalls: Readonly<Record<string, Requires>> = {
  ListAccessKeys: onUser,
  ListUserTags: onUser,
  UpdateAccessKey: onUser,
  async GetAccessKeyLastUsed(call, facts) {
    const { account } = call.principal;
    const user = await facts.userOfAccessKey(account, text(call, 'AccessKeyId'));
    const arn =
      user === undefined ? arnOf(call, 'iam', 'user/*', { region: '' }) : await facts.userArn(account, user);
    return [requirement(call, 'iam:GetAccessKeyLastUsed', arn)];
  },
};

const onTrail: Requires = (call) => {
  const name = text(call, 'Name');
  const arn = name.startsWith('arn:') ? name : arnOf(call, 'cloudtrail', `trail/${name}`);
  return [requirement(call, `cloudtrail:${call.operation}`, arn)];
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html */
const cloudTrailCalls: Readonly<Record<string, Requires>> = {
  DescribeTrails: onNothing,
  ListTags: (call) =>
    texts(call, 'ResourceIdList').map((arn) => requirement(call, 'cloudtrail:ListTags', arn)),
  GetTrail: onTrail,
  UpdateTrail: onTrail,
};

/** The form in which CloudWatch Logs asks about a log group, but for its tags: so its denials name it. */
const logGroup = (call: AwsCall): string =>
  arnOf(call, 'logs', `log-group:${text(call, 'logGroupName')}:log-stream:`);

const tagsSchema = z.record(z.string(), z.string());

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html */
const logsCalls: Readonly<Record<string, Requires>> = {
  CreateLogGroup(call) {
    const { tags } = call.parameters;
    const asked = tags === undefined ? {} : requestTags(tagsSchema.parse(tags));
    const untailed = arnOf(call, 'logs', `log-group:${text(call, 'logGroupName')}`);
    return [
      requirement(call, 'logs:CreateLogGroup', logGroup(call), asked),
      ...(tags === undefined ? [] : [requirement(call, 'logs:TagResource', untailed, asked)]),
    ];
  },
  PutRetentionPolicy: (call) => [requirement(call, 'logs:PutRetentionPolicy', logGroup(call))],
  DescribeLogGroups: onNothing,
  ListTagsForResource: (call) => [
    requirement(call, 'logs:ListTagsForResource', text(call, 'resourceArn').replace(/:\*$/, '')),
  ],
};

/** An action of the operation's own name, on one resource or, where the call names none, on all of its kind. */
const onOneOrAll =
  (kind: string, parameter: string): Requires =>
  (call) => [
    requirement(
      call,
      `${call.service}:${call.operation}`,
      arnOf(call, call.service, `${kind}:${optionalText(call, parameter) ?? '*'}`),
    ),
  ];

/** Snapshots, and what they were made of where the call names it as a parameter. A filter narrows nothing here. */
const onSnapshots =
  (kind: string, parameter: string, sourceKind: string, sourceParameter: string): Requires =>
  (call) => {
    const source = optionalText(call, sourceParameter);
    const action = `rds:${call.operation}`;
    return [
      requirement(call, action, arnOf(call, 'rds', `${kind}:${optionalText(call, parameter) ?? '*'}`)),
      ...(source === undefined
        ? []
        : [requirement(call, action, arnOf(call, 'rds', `${sourceKind}:${source}`))]),
    ];
  };

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html */
const rdsCalls: Readonly<Record<string, Requires>> = {
  DescribeDBInstances: onOneOrAll('db', 'DBInstanceIdentifier'),
  DescribeDBClusters: onOneOrAll('cluster', 'DBClusterIdentifier'),
  DescribeDBSnapshots: onSnapshots('snapshot', 'DBSnapshotIdentifier', 'db', 'DBInstanceIdentifier'),
  DescribeDBClusterSnapshots: onSnapshots(
    'cluster-snapshot',
    'DBClusterSnapshotIdentifier',
    'cluster',
    'DBClusterIdentifier',
  ),
  DescribeDBSnapshotAttributes: onOneOrAll('snapshot', 'DBSnapshotIdentifier'),
  ModifyDBSnapshotAttribute: onOneOrAll('snapshot', 'DBSnapshotIdentifier'),
  DescribeDBClusterSnapshotAttributes: onOneOrAll('cluster-snapshot', 'DBClusterSnapshotIdentifier'),
  ModifyDBClusterSnapshotAttribute: onOneOrAll('cluster-snapshot', 'DBClusterSnapshotIdentifier'),
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshift.html */
const redshiftCalls: Readonly<Record<string, Requires>> = {
  DescribeClusters: onOneOrAll('cluster', 'ClusterIdentifier'),
  ModifyCluster: onOneOrAll('cluster', 'ClusterIdentifier'),
};

const onQueue =
  (action: string): Requires =>
  (call) => {
    const [, account = '', name = ''] = new URL(text(call, 'QueueUrl')).pathname.split('/');
    return [requirement(call, action, arnOf(call, 'sqs', name, { account }))];
  };

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html */
const sqsCalls: Readonly<Record<string, Requires>> = {
  GetQueueUrl(call) {
    const account = optionalText(call, 'QueueOwnerAWSAccountId') ?? call.principal.account;
    return [requirement(call, 'sqs:GetQueueUrl', arnOf(call, 'sqs', text(call, 'QueueName'), { account }))];
  },
  SendMessage: onQueue('sqs:SendMessage'),
  SendMessageBatch: onQueue('sqs:SendMessage'),
  ChangeMessageVisibility: onQueue('sqs:ChangeMessageVisibility'),
};

const parameterArn = (call: AwsCall, name: string): string =>
  name.startsWith('arn:') ? name : arnOf(call, 'ssm', `parameter/${name.replace(/^\//, '')}`);

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html */
const ssmCalls: Readonly<Record<string, Requires>> = {
  GetParametersByPath: (call) => [
    requirement(call, 'ssm:GetParametersByPath', parameterArn(call, text(call, 'Path')), {
      'ssm:Recursive': String(call.parameters['Recursive'] === true),
    }),
  ],
  GetParameter: (call) => [requirement(call, 'ssm:GetParameter', parameterArn(call, text(call, 'Name')))],
  GetParameters: (call) =>
    texts(call, 'Names').map((name) => requirement(call, 'ssm:GetParameters', parameterArn(call, name))),

  /** The role that an execution works as is passed by who starts it. */
  StartAutomationExecution(call) {
    const name = text(call, 'DocumentName');
    // AWS's own documents are in no account.
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
      requirement(call, 'ssm:StartAutomationExecution', arnOf(call, 'ssm', `document/${name}`, place), asked),
      requirement(call, 'ssm:StartAutomationExecution', executions, asked),
      ...(tags.length === 0 ? [] : [requirement(call, 'ssm:AddTagsToResource', executions, asked)]),
      ...roles.map((role) =>
        requirement(call, 'iam:PassRole', role, { 'iam:PassedToService': 'ssm.amazonaws.com' }),
      ),
    ];
  },
  GetAutomationExecution: (call) => [
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

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html */
const eventsCalls: Readonly<Record<string, Requires>> = {
  PutEvents(call) {
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

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html */
const secretsManagerCalls: Readonly<Record<string, Requires>> = {
  GetSecretValue(call) {
    const id = text(call, 'SecretId');
    // Six random characters end a secret's ARN: by its name alone it can't be told.
    if (!id.startsWith('arn:')) throw new Error(`secret ${id} is named without its ARN`);
    return [requirement(call, 'secretsmanager:GetSecretValue', id, { 'secretsmanager:SecretId': id })];
  },
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html */
const stsCalls: Readonly<Record<string, Requires>> = {
  AssumeRole(call) {
    const externalId = optionalText(call, 'ExternalId');
    return [
      requirement(call, 'sts:AssumeRole', text(call, 'RoleArn'), {
        'sts:RoleSessionName': text(call, 'RoleSessionName'),
        ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
      }),
    ];
  },
  // No policy is asked.
  GetCallerIdentity: () => [],
};

const calls: Readonly<Record<string, Readonly<Record<string, Requires>>>> = {
  cloudtrail: cloudTrailCalls,
  ec2: ec2Calls,
  events: eventsCalls,
  iam: iamCalls,
  logs: logsCalls,
  rds: rdsCalls,
  redshift: redshiftCalls,
  s3: s3Calls,
  secretsmanager: secretsManagerCalls,
  sqs: sqsCalls,
  ssm: ssmCalls,
  sts: stsCalls,
};

/** The calls that are known: `ec2:CreateFlowLogs`. */
export const knownCalls: readonly string[] = Object.entries(calls).flatMap(([service, operations]) =>
  Object.keys(operations).map((operation) => `${service}:${operation}`),
);

/**
 * The actions that AWS asks about before it carries out a call, in the order in which it does, as the Service
 * Authorization Reference and the API's own pages have it.
 * @throws UnknownCallError for a call that the map does not know
 */
export async function requirementsOf(call: AwsCall, facts: Facts): Promise<readonly Requirement[]> {
  const requires = calls[call.service]?.[call.operation];
  if (requires === undefined) {
    throw new UnknownCallError(
      `unknown call ${call.service}:${call.operation} by ${call.principal.arn ?? call.principal.account}: what it asks for must be entered in the map of test/lab/permissions`,
    );
  }
  return requires(call, facts);
}
