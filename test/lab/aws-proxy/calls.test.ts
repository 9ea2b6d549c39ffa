import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as ec2 from '@aws-sdk/client-ec2';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as rds from '@aws-sdk/client-rds';
import * as redshift from '@aws-sdk/client-redshift';
import * as s3 from '@aws-sdk/client-s3';
import * as s3Control from '@aws-sdk/client-s3-control';
import * as scheduler from '@aws-sdk/client-scheduler';
import * as secrets from '@aws-sdk/client-secrets-manager';
import * as sqs from '@aws-sdk/client-sqs';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { cbor } from '@smithy/core/cbor';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { s3ControlEndpoint } from '../local-aws/account-hosts.ts';
import { type ScriptedAws, scriptedAws } from '../scripted-aws/scripted-aws.ts';
import { ACCOUNT, REGION, through } from './clients.ts';
import { type AwsProxy, countCalls, type ProxiedCall, startAwsProxy } from './index.ts';

let upstream: ScriptedAws;
let proxy: AwsProxy;

beforeEach(async () => {
  // No client gets a valid answer: only the requests matter here.
  upstream = await scriptedAws(() => ({ status: 400, body: '{}' }));
  proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
});
afterEach(async () => {
  await proxy.stop();
  await upstream[Symbol.asyncDispose]();
});

async function recorded(send: Promise<unknown>): Promise<ProxiedCall> {
  await send.catch(() => {});
  const [call] = proxy.calls;
  if (call === undefined) throw new Error('the proxy received no call');
  return call;
}

type Send = () => Promise<unknown>;
const Bucket = 'logs-example';

test.each<[string, string, Record<string, unknown>, boolean, Send]>([
  [
    'ec2',
    'RevokeSecurityGroupIngress',
    { GroupId: 'sg-1', 'SecurityGroupRuleId.1': 'sgr-1', 'SecurityGroupRuleId.2': 'sgr-2' },
    true,
    () =>
      new ec2.EC2Client(through(proxy)).send(
        new ec2.RevokeSecurityGroupIngressCommand({
          GroupId: 'sg-1',
          SecurityGroupRuleIds: ['sgr-1', 'sgr-2'],
        }),
      ),
  ],
  [
    'ec2',
    'CreateNetworkAclEntry',
    { DryRun: 'true', RuleNumber: '7' },
    false,
    () =>
      new ec2.EC2Client(through(proxy)).send(
        new ec2.CreateNetworkAclEntryCommand({
          DryRun: true,
          NetworkAclId: 'acl-1',
          RuleNumber: 7,
          Egress: false,
          Protocol: '-1',
          RuleAction: 'deny',
        }),
      ),
  ],
  [
    'iam',
    'UpdateAccessKey',
    { UserName: 'jürgen & co', Status: 'Inactive' },
    true,
    () =>
      new iam.IAMClient(through(proxy)).send(
        new iam.UpdateAccessKeyCommand({ UserName: 'jürgen & co', AccessKeyId: 'AKIA1', Status: 'Inactive' }),
      ),
  ],
  [
    'sts',
    'AssumeRole',
    { RoleSessionName: 'session', Policy: '{"a":1}' },
    false,
    () =>
      new sts.STSClient(through(proxy)).send(
        new sts.AssumeRoleCommand({
          RoleArn: 'arn:aws:iam::111122223333:role/r',
          RoleSessionName: 'session',
          Policy: '{"a":1}',
        }),
      ),
  ],
  [
    'rds',
    'DescribeDBSnapshots',
    { SnapshotType: 'manual' },
    false,
    () =>
      new rds.RDSClient(through(proxy)).send(new rds.DescribeDBSnapshotsCommand({ SnapshotType: 'manual' })),
  ],
  [
    'redshift',
    'ModifyCluster',
    { ClusterIdentifier: 'c', PubliclyAccessible: 'false' },
    true,
    () =>
      new redshift.RedshiftClient(through(proxy)).send(
        new redshift.ModifyClusterCommand({ ClusterIdentifier: 'c', PubliclyAccessible: false }),
      ),
  ],
  [
    'ssm',
    'GetParametersByPath',
    { Path: '/x/', Recursive: true },
    false,
    () =>
      new ssm.SSMClient(through(proxy)).send(
        new ssm.GetParametersByPathCommand({ Path: '/x/', Recursive: true }),
      ),
  ],
  [
    'secretsmanager',
    'GetSecretValue',
    { SecretId: 's' },
    false,
    () =>
      new secrets.SecretsManagerClient(through(proxy)).send(
        new secrets.GetSecretValueCommand({ SecretId: 's' }),
      ),
  ],
  [
    'sqs',
    'SendMessageBatch',
    { QueueUrl: 'http://localhost:1/1/q', Entries: [{ Id: '1', MessageBody: '{}' }] },
    true,
    () =>
      new sqs.SQSClient({ ...through(proxy), useQueueUrlAsEndpoint: false }).send(
        new sqs.SendMessageBatchCommand({
          QueueUrl: 'http://localhost:1/1/q',
          Entries: [{ Id: '1', MessageBody: '{}' }],
        }),
      ),
  ],
  [
    'events',
    'PutEvents',
    { Entries: [{ Source: 's' }] },
    true,
    () =>
      new events.EventBridgeClient(through(proxy)).send(
        new events.PutEventsCommand({ Entries: [{ Source: 's' }] }),
      ),
  ],
  [
    'logs',
    'CreateLogGroup',
    { logGroupName: 'g' },
    true,
    () =>
      new logs.CloudWatchLogsClient(through(proxy)).send(
        new logs.CreateLogGroupCommand({ logGroupName: 'g' }),
      ),
  ],
  [
    'cloudtrail',
    'UpdateTrail',
    { Name: 't', EnableLogFileValidation: true },
    true,
    () =>
      new cloudtrail.CloudTrailClient(through(proxy)).send(
        new cloudtrail.UpdateTrailCommand({ Name: 't', EnableLogFileValidation: true }),
      ),
  ],
  [
    'lambda',
    'Invoke',
    { FunctionName: 'arn:aws:lambda:eu-central-1:111122223333:function:f', event: 1 },
    true,
    () =>
      new lambda.LambdaClient(through(proxy)).send(
        new lambda.InvokeCommand({
          FunctionName: 'arn:aws:lambda:eu-central-1:111122223333:function:f',
          Payload: '{"event":1}',
        }),
      ),
  ],
  [
    'lambda',
    'GetEventSourceMapping',
    { UUID: 'u' },
    false,
    () =>
      new lambda.LambdaClient(through(proxy)).send(new lambda.GetEventSourceMappingCommand({ UUID: 'u' })),
  ],
  [
    'scheduler',
    'GetSchedule',
    { Name: 'n', groupName: 'g' },
    false,
    () =>
      new scheduler.SchedulerClient(through(proxy)).send(
        new scheduler.GetScheduleCommand({ Name: 'n', GroupName: 'g' }),
      ),
  ],
])('a call of %s %s is read correctly', async (service, operation, parameters, isWrite, send) => {
  const call = await recorded(send());

  expect(call).toMatchObject({
    number: 1,
    service,
    operation,
    region: REGION,
    accessKeyId: ACCOUNT,
    principal: { account: ACCOUNT },
    parameters,
    isWrite,
    status: 400,
  });
});

const Key = 'outcomes/a b/c%2Fd.json';
test.each<[string, Record<string, unknown>, boolean, (client: s3.S3Client) => Promise<unknown>]>([
  ['ListBuckets', {}, false, (client) => client.send(new s3.ListBucketsCommand({}))],
  ['CreateBucket', { Bucket }, true, (client) => client.send(new s3.CreateBucketCommand({ Bucket }))],
  ['DeleteBucket', { Bucket }, true, (client) => client.send(new s3.DeleteBucketCommand({ Bucket }))],
  ['HeadBucket', { Bucket }, false, (client) => client.send(new s3.HeadBucketCommand({ Bucket }))],
  [
    'GetPublicAccessBlock',
    { Bucket },
    false,
    (client) => client.send(new s3.GetPublicAccessBlockCommand({ Bucket })),
  ],
  [
    'PutPublicAccessBlock',
    { Bucket },
    true,
    (client) =>
      client.send(new s3.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: {} })),
  ],
  [
    'DeletePublicAccessBlock',
    { Bucket },
    true,
    (client) => client.send(new s3.DeletePublicAccessBlockCommand({ Bucket })),
  ],
  ['GetBucketAcl', { Bucket }, false, (client) => client.send(new s3.GetBucketAclCommand({ Bucket }))],
  [
    'PutBucketAcl',
    { Bucket },
    true,
    (client) => client.send(new s3.PutBucketAclCommand({ Bucket, ACL: 'private' })),
  ],
  [
    'GetBucketPolicyStatus',
    { Bucket },
    false,
    (client) => client.send(new s3.GetBucketPolicyStatusCommand({ Bucket })),
  ],
  [
    'PutBucketPolicy',
    { Bucket },
    true,
    (client) => client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy: '{}' })),
  ],
  [
    'GetBucketTagging',
    { Bucket },
    false,
    (client) => client.send(new s3.GetBucketTaggingCommand({ Bucket })),
  ],
  [
    'GetBucketLocation',
    { Bucket },
    false,
    (client) => client.send(new s3.GetBucketLocationCommand({ Bucket })),
  ],
  [
    'ListObjectsV2',
    { Bucket, prefix: 'a/' },
    false,
    (client) => client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'a/' })),
  ],
  ['GetObject', { Bucket, Key }, false, (client) => client.send(new s3.GetObjectCommand({ Bucket, Key }))],
  [
    'PutObject',
    { Bucket, Key },
    true,
    (client) => client.send(new s3.PutObjectCommand({ Bucket, Key, Body: '{}' })),
  ],
  ['HeadObject', { Bucket, Key }, false, (client) => client.send(new s3.HeadObjectCommand({ Bucket, Key }))],
  [
    'DeleteObject',
    { Bucket, Key },
    true,
    (client) => client.send(new s3.DeleteObjectCommand({ Bucket, Key })),
  ],
])('a call of s3 %s is read by its method, path and query', async (operation, parameters, isWrite, send) => {
  const call = await recorded(send(new s3.S3Client(through(proxy))));

  expect(call).toMatchObject({ service: 's3', operation, parameters, isWrite, region: REGION });
});

test.each<
  [string, Record<string, unknown>, boolean, (client: s3Control.S3ControlClient) => Promise<unknown>]
>([
  [
    'ListAccessPoints',
    { bucket: Bucket },
    false,
    (client) => client.send(new s3Control.ListAccessPointsCommand({ AccountId: ACCOUNT, Bucket })),
  ],
  [
    'CreateAccessPoint',
    { Name: 'web' },
    true,
    (client) =>
      client.send(new s3Control.CreateAccessPointCommand({ AccountId: ACCOUNT, Bucket, Name: 'web' })),
  ],
  [
    'PutAccessPointPolicy',
    { Name: 'web' },
    true,
    (client) =>
      client.send(
        new s3Control.PutAccessPointPolicyCommand({ AccountId: ACCOUNT, Name: 'web', Policy: '{}' }),
      ),
  ],
  [
    'GetAccessPointPolicyStatus',
    { Name: 'web' },
    false,
    (client) =>
      client.send(new s3Control.GetAccessPointPolicyStatusCommand({ AccountId: ACCOUNT, Name: 'web' })),
  ],
])('a call of S3 Control, %s, is recognized by its path', async (operation, parameters, isWrite, send) => {
  const endpoint = s3ControlEndpoint(proxy.endpoint);

  const call = await recorded(send(new s3Control.S3ControlClient({ ...through(proxy), endpoint })));

  expect(call).toMatchObject({ service: 's3', operation, parameters, isWrite, region: REGION });
});

test('a CBOR call is recognized by its path, and its parameters are read', async () => {
  const request = fetch(`${proxy.endpoint}/service/GraniteServiceVersion20100801/operation/PutMetricData`, {
    method: 'POST',
    headers: {
      'smithy-protocol': 'rpc-v2-cbor',
      'content-type': 'application/cbor',
      authorization: `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20260101/${REGION}/monitoring/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: Buffer.from(cbor.serialize({ Namespace: 'n' })),
  });

  const call = await recorded(request);

  expect(call).toMatchObject({
    service: 'monitoring',
    operation: 'PutMetricData',
    protocol: 'rpc-v2-cbor',
    parameters: { Namespace: 'n' },
  });
});

test('an unknown call is passed on as Unknown, with its method and path', async () => {
  const call = await recorded(fetch(`${proxy.endpoint}/_health?deep=1`, { method: 'PATCH' }));

  expect(call).toMatchObject({
    service: 'unknown',
    operation: 'Unknown',
    method: 'PATCH',
    path: '/_health?deep=1',
  });
  expect(upstream.calls).toMatchObject([{ method: 'PATCH', path: '/_health?deep=1' }]);
});

test('calls are counted by service and operation, and forgotten on request', async () => {
  const client = new s3.S3Client(through(proxy));
  for (const Bucket of ['a', 'b']) await client.send(new s3.HeadBucketCommand({ Bucket })).catch(() => {});
  await client.send(new s3.ListBucketsCommand({})).catch(() => {});

  const counted = countCalls(proxy.calls);
  proxy.clear();

  expect(counted).toEqual({ 's3:HeadBucket': 2, 's3:ListBuckets': 1 });
  expect(proxy.calls).toEqual([]);
});

describe('between client and service', () => {
  /** Returns what it received, byte by byte. */
  async function echo() {
    const requests: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        requests.push({ headers: request.headers, body });
        response.writeHead(200, { 'x-amzn-requestid': 'r-42', 'content-type': 'application/octet-stream' });
        response.end(body);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
    return {
      endpoint: `http://127.0.0.1:${address.port}`,
      requests,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    };
  }

  test('bodies of any size and content are unchanged, and so are Host and the request id', async () => {
    await using server = await echo();
    await using between = await startAwsProxy({ upstream: () => server.endpoint });
    const body = Buffer.alloc(3_000_001, Buffer.from([0, 255, 10, 195, 40]));

    const answer = await fetch(between.endpoint, { method: 'PUT', body, headers: { 'x-test': 'kept' } });

    const returned = Buffer.from(await answer.arrayBuffer());
    expect(returned.equals(body)).toBe(true);
    expect(answer.headers.get('content-length')).toBe(String(body.length));
    expect(server.requests[0]?.body.equals(body)).toBe(true);
    expect(server.requests[0]?.headers).toMatchObject({
      host: new URL(between.endpoint).host,
      'x-test': 'kept',
      'content-length': String(body.length),
    });
    // A compressed body could not be read on its way.
    expect(server.requests[0]?.headers).not.toHaveProperty('accept-encoding');
    expect(between.calls).toMatchObject([{ status: 200, requestId: 'r-42' }]);
  });

  test('many calls run side by side, each with its own answer', async () => {
    await using server = await echo();
    await using between = await startAwsProxy({ upstream: () => server.endpoint });
    const bodies = Array.from({ length: 50 }, (_, index) => `body ${index}`);

    const answers = await Promise.all(
      bodies.map(async (body) => (await fetch(between.endpoint, { method: 'POST', body })).text()),
    );

    expect(answers).toEqual(bodies);
    expect(between.calls.map(({ number }) => number).sort((a, b) => a - b)).toEqual(
      bodies.map((_, index) => index + 1),
    );
  });
});
