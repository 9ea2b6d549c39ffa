import { once } from 'node:events';
import { request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { actionsOf, answerByAction, calledActions, listed } from './called-actions.ts';
import {
  type Answer,
  ec2Error,
  jsonAnswer,
  queryError,
  type ReceivedCall,
  type ScriptedAws,
  type Silence,
  scriptedAws,
  xmlAnswer,
} from './scripted-aws.ts';

let aws: ScriptedAws;
let answer: (call: ReceivedCall) => Answer | Silence;

beforeEach(async () => {
  answer = () => xmlAnswer('<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>');
  aws = await scriptedAws((call) => answer(call));
});
afterEach(async () => {
  await aws[Symbol.asyncDispose]();
});

const settings = () => ({
  endpoint: aws.endpoint,
  region: 'eu-central-1',
  maxAttempts: 1,
  credentials: { accessKeyId: '111122223333', secretAccessKey: 'test' },
});
const describeVpcs = () =>
  new EC2Client(settings()).send(
    new DescribeVpcsCommand({ Filters: [{ Name: 'vpc-id', Values: ['vpc-1', 'vpc-2'] }] }),
  );

describe('an SDK client', () => {
  test('receives the answer, and its call is recorded with its form', async () => {
    const { Vpcs } = await describeVpcs();

    expect(Vpcs).toEqual([]);
    const [call] = aws.calls;
    expect(call?.form.get('Action')).toBe('DescribeVpcs');
    expect(call && listed(call, 'Filter.1.Value')).toEqual(['vpc-1', 'vpc-2']);
  });

  test.each([
    ['EC2', () => ec2Error('InvalidVpcID.NotFound'), () => describeVpcs(), 'InvalidVpcID.NotFound'],
    [
      'IAM',
      () => queryError('NoSuchEntity', 404),
      () => new IAMClient(settings()).send(new GetUserCommand({ UserName: 'ada' })),
      'NoSuchEntityException',
    ],
  ] as const)('of %s reads the error as AWS’s own', async (_service, error, send, name) => {
    answer = error;

    await expect(send()).rejects.toMatchObject({ name });
  });

  test('whose connection is cut receives no answer, but its call is recorded', async () => {
    answer = () => 'cut';

    await expect(describeVpcs()).rejects.toMatchObject({ code: 'ECONNRESET' });

    expect(aws.calls).toHaveLength(1);
  });

  test('that receives no answer waits on an open connection', async () => {
    answer = () => 'silent';
    const stopped = new AbortController();

    const sent = request(aws.endpoint, { signal: stopped.signal });
    const failed = once(sent, 'error');
    sent.end();
    await expect.poll(() => aws.calls.length).toBe(1);
    const open = await aws.connections();
    stopped.abort();
    await failed;

    expect(open).toBe(1);
  });
});

test('compressed requests are recorded as text, and objects that end in .gz are sent compressed', async () => {
  answer = () => ({ status: 200, body: 'line' });
  const headers = { 'content-type': 'application/gzip' };

  await fetch(`${aws.endpoint}/bucket/key`, { method: 'PUT', body: gzipSync('sent'), headers });
  const got = await fetch(`${aws.endpoint}/bucket/key.jsonl.gz`);

  expect(aws.calls[0]?.body).toBe('sent');
  expect(gunzipSync(Buffer.from(await got.arrayBuffer())).toString()).toBe('line');
});

describe('the action of a call', () => {
  test('depends on the service in the signature and the operation', async () => {
    await describeVpcs();

    expect(aws.calls.map(calledActions)).toEqual([['ec2:DescribeVpcs']]);
    expect(actionsOf([...aws.calls, ...aws.calls])).toEqual(['ec2:DescribeVpcs']);
  });

  test('is an error for unknown S3 operations', async () => {
    answer = () => ({ status: 200, body: '' });
    await new S3Client({ ...settings(), forcePathStyle: true }).send(new HeadBucketCommand({ Bucket: 'b' }));

    expect(() => aws.calls.map(calledActions)).toThrow(/no known action for HEAD/);
  });

  test('selects the answer; a call without a handler is refused by its name', async () => {
    answer = answerByAction({ 'logs:CreateLogGroup': () => jsonAnswer({}) });

    await expect(describeVpcs()).rejects.toThrow();

    const [call] = aws.calls;
    expect(call && answer(call)).toMatchObject({ body: expect.stringContaining('ec2:DescribeVpcs') });
  });
});
