import {
  CreateFlowLogsCommand,
  CreateSecurityGroupCommand,
  CreateVpcCommand,
  DeleteNetworkAclEntryCommand,
  DescribeNetworkAclsCommand,
  EC2Client,
  ReplaceNetworkAclEntryCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
} from '@aws-sdk/client-iam';
import {
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type LocalAws, prepareLocalAws, startLocalAws } from '../local-aws/index.ts';
import { type AwsProxy, agedAccessKeys, startAwsProxy } from './index.ts';

const ACCOUNT = '111111111111';
const TARGET = '222222222222';
const REGION = 'eu-central-1';

let aws: LocalAws;
let proxy: AwsProxy;

beforeAll(async () => {
  const installation = await prepareLocalAws(console.log);
  proxy = await startAwsProxy({ upstream: () => aws.endpoint });
  aws = await startLocalAws({ installation, functionEnvironment: { AWS_ENDPOINT_URL: proxy.endpoint } });
});
afterAll(async () => {
  await proxy.stop();
  await aws.stop();
});
beforeEach(() => proxy.clear());

function settings(accessKeyId = ACCOUNT) {
  return { endpoint: proxy.endpoint, region: REGION, credentials: { accessKeyId, secretAccessKey: 'test' } };
}

const trusting = (service: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
  });

async function errorName(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

test("a function's calls are its role's, with the role's path", async () => {
  const lambda = new LambdaClient(settings());
  const role = await new IAMClient(settings()).send(
    new CreateRoleCommand({
      RoleName: 'runs',
      Path: '/functions/',
      AssumeRolePolicyDocument: trusting('lambda.amazonaws.com'),
    }),
  );
  // Without an SDK in its zip, it signs as AWS documents, except for the signature, which the local AWS does not check.
  const code = `export const handler = async () => {
  const { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_REGION } = process.env;
  const credential = AWS_ACCESS_KEY_ID + '/20260101/' + AWS_REGION + '/sts/aws4_request';
  const answer = await fetch(AWS_ENDPOINT_URL, {
    method: 'POST',
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=' + credential, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
  });
  return answer.status;
};`;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'asks',
      Runtime: 'nodejs22.x',
      Role: z.string().parse(role.Role?.Arn),
      Handler: 'index.handler',
      Code: { ZipFile: zipSync({ 'index.mjs': strToU8(code) }) },
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20, minDelay: 1 }, { FunctionName: 'asks' });

  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'asks' }));

  expect(Buffer.from(Payload ?? []).toString()).toBe('200');
  const call = proxy.calls.find(({ operation }) => operation === 'GetCallerIdentity');
  expect(call).toMatchObject({
    service: 'sts',
    region: REGION,
    principal: {
      account: ACCOUNT,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/functions/runs`,
      sessionName: 'asks',
    },
  });
});

test("a session's calls belong to its account, with the session policy", async () => {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  });
  const { Credentials } = await new STSClient(settings()).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${TARGET}:role/path/target`,
      RoleSessionName: 'rule',
      Policy,
    }),
  );
  const {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
  } = z
    .object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string() })
    .parse(Credentials);

  const session = new STSClient({
    ...settings(),
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  });
  const identity = await session.send(new GetCallerIdentityCommand({}));

  expect(identity.Account).toBe(TARGET);
  expect(proxy.calls.at(-1)?.principal).toEqual({
    account: TARGET,
    arn: identity.Arn,
    roleArn: `arn:aws:iam::${TARGET}:role/path/target`,
    sessionName: 'rule',
    sessionPolicy: Policy,
    assumedBy: { account: ACCOUNT },
  });
});

test('large objects are returned as they were written, with keys that need escaping', async () => {
  const s3 = new S3Client(settings());
  const Body = Buffer.alloc(2_000_001, Buffer.from([0, 255, 13, 10]));
  const object = { Bucket: 'evidence', Key: 'outcomes/s3:::a b/c%2Fd.json' };
  await s3.send(
    new CreateBucketCommand({
      Bucket: 'evidence',
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );

  await s3.send(new PutObjectCommand({ ...object, Body }));
  const { Body: stream } = await s3.send(new GetObjectCommand(object));

  const returned = Buffer.from((await stream?.transformToByteArray()) ?? []);
  expect(returned.equals(Body)).toBe(true);
  expect(proxy.calls.at(-1)).toMatchObject({ operation: 'GetObject', parameters: object });
});

test('a long poll of a queue stays open until a message arrives, while other calls pass', async () => {
  const sqs = new SQSClient({ ...settings(), useQueueUrlAsEndpoint: false });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'long' }));
  const polling = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));

  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'here' }));

  expect((await polling).Messages?.map(({ Body }) => Body)).toEqual(['here']);
  // In order of arrival: the poll was open before its message was sent.
  const arrived = [...proxy.calls].sort((a, b) => a.number - b.number);
  expect(arrived.map(({ operation }) => operation)).toEqual(['CreateQueue', 'ReceiveMessage', 'SendMessage']);
});

test('access keys have the age that a test sets', async () => {
  const iam = new IAMClient(settings());
  await iam.send(new CreateUserCommand({ UserName: 'alice' }));
  await iam.send(new CreateAccessKeyCommand({ UserName: 'alice' }));
  const injection = proxy.inject(agedAccessKeys({ alice: 120 }));

  const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: 'alice' }));

  const days = AccessKeyMetadata.map(({ CreateDate }) =>
    Math.round((Date.now() - (CreateDate?.getTime() ?? 0)) / 86_400_000),
  );
  expect(days).toEqual([120]);
  expect(injection.hits).toBe(1);
  injection.remove();
});

test("the answer is AWS's where the local AWS is known to differ", async () => {
  const ec2 = new EC2Client(settings());
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const VpcId = z.string().parse(Vpc?.VpcId);
  const { NetworkAcls = [] } = await ec2.send(
    new DescribeNetworkAclsCommand({ Filters: [{ Name: 'vpc-id', Values: [VpcId] }] }),
  );
  const { GroupId } = await ec2.send(
    new CreateSecurityGroupCommand({ VpcId, GroupName: 'g', Description: 'g' }),
  );
  const entry = { NetworkAclId: NetworkAcls[0]?.NetworkAclId, RuleNumber: 77, Egress: false };
  await new S3Client(settings()).send(
    new CreateBucketCommand({
      Bucket: 'flow-logs',
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  const flowLog = (ClientToken: string) =>
    ec2.send(
      new CreateFlowLogsCommand({
        ClientToken,
        ResourceIds: [VpcId],
        ResourceType: 'VPC',
        TrafficType: 'ALL',
        LogDestinationType: 's3',
        LogDestination: 'arn:aws:s3:::flow-logs',
      }),
    );

  const deleted = await errorName(ec2.send(new DeleteNetworkAclEntryCommand(entry)));
  const replaced = await errorName(
    ec2.send(
      new ReplaceNetworkAclEntryCommand({
        ...entry,
        Protocol: '-1',
        RuleAction: 'allow',
        CidrBlock: '0.0.0.0/0',
      }),
    ),
  );
  const revoked = await errorName(
    ec2.send(
      new RevokeSecurityGroupIngressCommand({ GroupId, SecurityGroupRuleIds: ['sgr-0123456789abcdef0'] }),
    ),
  );
  const first = await flowLog('one');
  const again = await flowLog('one');
  const second = await flowLog('two');

  expect([deleted, replaced]).toEqual(Array(2).fill('InvalidNetworkAclEntry.NotFound'));
  expect(revoked).toBe('InvalidSecurityGroupRuleId.NotFound');
  expect(again.FlowLogIds).toEqual(first.FlowLogIds);
  expect(second).toMatchObject({
    FlowLogIds: [],
    Unsuccessful: [{ ResourceId: VpcId, Error: { Code: 'FlowLogAlreadyExists' } }],
  });
});
