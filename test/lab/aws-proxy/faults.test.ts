import {
  CreateVpcCommand,
  DescribeVpcsCommand,
  EC2Client,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListAccessKeysCommand, ListUsersCommand } from '@aws-sdk/client-iam';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { cbor } from '@smithy/core/cbor';
import { ConfiguredRetryStrategy, isThrottlingError, isTransientError } from '@smithy/core/retry';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type ScriptedAws, scriptedAws } from '../scripted-aws/scripted-aws.ts';
import { ATTEMPTS, errorOf, through } from './clients.ts';
import {
  type AwsProxy,
  agedAccessKeys,
  awsError,
  bodyText,
  type Effect,
  type Fault,
  seededChance,
  startAwsProxy,
  withBody,
} from './index.ts';

const EMPTY_ANSWERS: Readonly<Record<string, string>> = {
  DescribeVpcs: '<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>',
  CreateVpc: '<CreateVpcResponse/>',
  RevokeSecurityGroupIngress: '<RevokeSecurityGroupIngressResponse/>',
  ListUsers: '<ListUsersResponse><ListUsersResult><Users/></ListUsersResult></ListUsersResponse>',
};

let answer: Answer | undefined;
let upstream: ScriptedAws;
let proxy: AwsProxy;

beforeEach(async () => {
  answer = undefined;
  upstream = await scriptedAws(
    ({ form }) => answer ?? { status: 200, body: EMPTY_ANSWERS[form.get('Action') ?? ''] ?? '{}' },
  );
  proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
});
afterEach(async () => {
  await proxy.stop();
  await upstream[Symbol.asyncDispose]();
});

const ec2 = () => new EC2Client(through(proxy));
const describeVpcs = () => ec2().send(new DescribeVpcsCommand({}));

const CLIENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  ec2: describeVpcs,
  iam: () => new IAMClient(through(proxy)).send(new ListUsersCommand({})),
  s3: () => new S3Client(through(proxy)).send(new GetObjectCommand({ Bucket: 'b', Key: 'k' })),
  ssm: () => new SSMClient(through(proxy)).send(new GetParameterCommand({ Name: 'n' })),
  sqs: () =>
    new SQSClient({ ...through(proxy), useQueueUrlAsEndpoint: false }).send(
      new SendMessageCommand({ QueueUrl: 'http://localhost:1/1/q', MessageBody: '{}' }),
    ),
  lambda: () => new LambdaClient(through(proxy)).send(new GetFunctionCommand({ FunctionName: 'f' })),
  scheduler: () => new SchedulerClient(through(proxy)).send(new GetScheduleCommand({ Name: 'n' })),
};

describe('errors that every service has are sent in its own form, and its client recognizes them', () => {
  const expected: Readonly<
    Record<string, Readonly<Record<'throttle' | 'unavailable' | 'internal' | 'denied', [string, number]>>>
  > = {
    ec2: {
      throttle: ['RequestLimitExceeded', 503],
      unavailable: ['Unavailable', 503],
      internal: ['InternalError', 500],
      denied: ['UnauthorizedOperation', 403],
    },
    iam: {
      throttle: ['Throttling', 400],
      unavailable: ['ServiceUnavailable', 503],
      internal: ['InternalFailure', 500],
      denied: ['AccessDenied', 403],
    },
    s3: {
      throttle: ['SlowDown', 503],
      unavailable: ['ServiceUnavailable', 503],
      internal: ['InternalError', 500],
      denied: ['AccessDenied', 403],
    },
    ssm: {
      throttle: ['ThrottlingException', 400],
      unavailable: ['ServiceUnavailable', 503],
      internal: ['InternalFailure', 500],
      denied: ['AccessDeniedException', 400],
    },
    sqs: {
      throttle: ['ThrottlingException', 400],
      unavailable: ['ServiceUnavailable', 503],
      internal: ['InternalFailure', 500],
      denied: ['AccessDeniedException', 400],
    },
    lambda: {
      throttle: ['TooManyRequestsException', 429],
      unavailable: ['ServiceUnavailable', 503],
      internal: ['ServiceException', 500],
      denied: ['AccessDeniedException', 403],
    },
    scheduler: {
      throttle: ['ThrottlingException', 429],
      unavailable: ['ServiceUnavailable', 503],
      internal: ['InternalFailure', 500],
      denied: ['AccessDeniedException', 403],
    },
  };

  test.each(Object.keys(CLIENTS))('%s', async (service) => {
    const send = CLIENTS[service] ?? describeVpcs;
    for (const effect of ['throttle', 'unavailable', 'internal', 'denied'] as const) {
      proxy.clear();
      const injection = proxy.inject({ service, effect });

      const error = await errorOf(send());

      injection.remove();
      const [code, status] = expected[service]?.[effect] ?? [];
      expect({ effect, name: error.name, status: error.$metadata?.httpStatusCode }).toEqual({
        effect,
        name: code,
        status,
      });
      expect(isThrottlingError(error)).toBe(effect === 'throttle');
      const isRetried = effect !== 'denied';
      expect(error.$metadata?.attempts).toBe(isRetried ? ATTEMPTS : 1);
      expect(injection.hits).toBe(isRetried ? ATTEMPTS : 1);
      expect(proxy.calls.at(-1)).toMatchObject({ status, errorCode: code, faulted: true });
      expect(proxy.calls.at(-1)?.requestId).toBeDefined();
    }
    expect(upstream.calls).toEqual([]);
  });

  test('an answer to HEAD only has its status', async () => {
    proxy.inject({ service: 's3', effect: 'denied' });

    const error = await errorOf(new S3Client(through(proxy)).send(new HeadBucketCommand({ Bucket: 'b' })));

    expect(error.$metadata?.httpStatusCode).toBe(403);
  });

  test('by CBOR', async () => {
    proxy.inject({ service: 'monitoring', effect: 'throttle' });

    const response = await fetch(
      `${proxy.endpoint}/service/GraniteServiceVersion20100801/operation/PutMetricData`,
      {
        method: 'POST',
        headers: {
          'smithy-protocol': 'rpc-v2-cbor',
          authorization:
            'AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-central-1/monitoring/aws4_request',
        },
        body: Buffer.from(cbor.serialize({})),
      },
    );

    const body: unknown = cbor.deserialize(Buffer.from(await response.arrayBuffer()));
    expect(response.status).toBe(400);
    expect(response.headers.get('smithy-protocol')).toBe('rpc-v2-cbor');
    expect(body).toMatchObject({ __type: 'ThrottlingException' });
    expect(proxy.calls[0]).toMatchObject({ errorCode: 'ThrottlingException' });
  });
});

test.each(Object.keys(CLIENTS))('any error can be given to %s', async (service) => {
  proxy.inject({ service, effect: { error: 'Odd.Code', status: 409, message: 'a <b> & "c"' } });

  const error = await errorOf((CLIENTS[service] ?? describeVpcs)());

  expect(error.name).toBe('Odd.Code');
  expect(error.message).toBe('a <b> & "c"');
  expect(error.$metadata?.httpStatusCode).toBe(409);
});

test.each<[Effect, number]>([
  ['cut-before', 0],
  ['cut-after', 1],
])('%s cuts the connection, and the SDK retries', async (effect, served) => {
  proxy.inject({ times: 1, effect });

  const result = await describeVpcs();

  expect(result.$metadata.attempts).toBe(2);
  expect(upstream.calls).toHaveLength(served + 1);
  expect(proxy.calls.map(({ status }) => status)).toEqual([0, 200]);
});

test('a connection that is always cut ends in a connection error', async () => {
  proxy.inject({ effect: 'cut-before' });

  const error = await errorOf(describeVpcs());

  expect(isTransientError(error)).toBe(true);
  expect(proxy.calls).toHaveLength(ATTEMPTS);
});

test('an error may come after the call has taken effect', async () => {
  proxy.inject({ times: 1, effect: { error: 'InternalError', status: 500, afterEffect: true } });

  const error = await errorOf(
    new EC2Client({ ...through(proxy), retryStrategy: new ConfiguredRetryStrategy(1) }).send(
      new CreateVpcCommand({}),
    ),
  );

  expect(error.name).toBe('InternalError');
  expect(upstream.calls).toHaveLength(1);
});

describe('a fault affects', () => {
  const sent = async () => {
    await new EC2Client(through(proxy, '444455556666', 'us-east-1'))
      .send(new DescribeVpcsCommand({}))
      .catch(() => {});
    await new EC2Client(through(proxy)).send(new CreateVpcCommand({})).catch(() => {});
    await new EC2Client(through(proxy))
      .send(new RevokeSecurityGroupIngressCommand({ GroupId: 'sg-1', SecurityGroupRuleIds: ['sgr-9'] }))
      .catch(() => {});
    await new S3Client(through(proxy))
      .send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
      .catch(() => {});
    return proxy.calls.filter(({ faulted }) => faulted).map(({ operation }) => operation);
  };

  test.each<[string, Omit<Fault, 'effect'>, string[]]>([
    ['every call', {}, ['DescribeVpcs', 'CreateVpc', 'RevokeSecurityGroupIngress', 'GetObject']],
    ['calls of a service', { service: 'ec2' }, ['DescribeVpcs', 'CreateVpc', 'RevokeSecurityGroupIngress']],
    ['an operation', { operation: 'CreateVpc' }, ['CreateVpc']],
    ['calls that an account signs', { account: '444455556666' }, ['DescribeVpcs']],
    ['a region', { region: 'us-east-1' }, ['DescribeVpcs']],
    ['calls that name a resource in their parameters', { text: 'sgr-9' }, ['RevokeSecurityGroupIngress']],
    ['calls that name a resource in their path', { text: 'bucket/key' }, ['GetObject']],
    ['calls that may change something', { isWrite: true }, ['CreateVpc', 'RevokeSecurityGroupIngress']],
    ['calls that a test chooses', { when: ({ number }) => number === 2 }, ['CreateVpc']],
    ['several calls after others', { skip: 1, times: 2 }, ['CreateVpc', 'RevokeSecurityGroupIngress']],
    ['calls that meet all conditions', { service: 'ec2', isWrite: false }, ['DescribeVpcs']],
    ['nothing else', { service: 'ec2', operation: 'GetObject' }, []],
  ])('%s', async (_, conditions, operations) => {
    const injection = proxy.inject({ ...conditions, effect: 'denied' });

    const met = await sent();

    expect(met).toEqual(operations);
    expect(injection.hits).toBe(operations.length);
  });

  test('nothing once it is removed', async () => {
    proxy.inject({ effect: 'denied' }).remove();

    expect(await sent()).toEqual([]);
  });
});

test('latency is added to every call, and delays in addition', async () => {
  proxy.latencyMilliseconds = 40;
  proxy.inject({ service: 'ec2', effect: { delayMilliseconds: 30 } });

  await describeVpcs();
  await CLIENTS['iam']?.();

  const [delayed, plain] = proxy.calls.map(({ durationMilliseconds }) => durationMilliseconds);
  // A timer may fire a millisecond early by the clock of this measurement.
  expect(delayed).toBeGreaterThanOrEqual(69);
  expect(plain).toBeGreaterThanOrEqual(39);
});

test('an answer can be rewritten, also after a delay', async () => {
  answer = {
    status: 200,
    body: '<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>',
  };
  proxy.inject({ effect: { delayMilliseconds: 1 } });
  proxy.inject({
    effect: { rewrite: (given) => withBody(given, bodyText(given).replace('vpc-1', 'vpc-22')) },
  });

  const { Vpcs } = await describeVpcs();

  expect(Vpcs?.map(({ VpcId }) => VpcId)).toEqual(['vpc-22']);
});

test('access keys are aged by their id or their user, and others are unchanged', async () => {
  const created = new Date(Date.now() - 3_600_000).toISOString();
  const keys: [string, string][] = [
    ['AKIA1', 'alice'],
    ['AKIA2', 'alice'],
    ['AKIA3', 'bob'],
  ];
  const members = keys.map(
    ([key, user]) =>
      `<member><UserName>${user}</UserName><AccessKeyId>${key}</AccessKeyId><Status>Active</Status><CreateDate>${created}</CreateDate></member>`,
  );
  answer = {
    status: 200,
    body: `<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>${members.join('')}</AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>`,
  };
  proxy.inject(agedAccessKeys({ alice: 100, AKIA2: 20 }));

  const { AccessKeyMetadata = [] } = await new IAMClient(through(proxy)).send(new ListAccessKeysCommand({}));

  const days = AccessKeyMetadata.map(({ AccessKeyId, CreateDate }) => [
    AccessKeyId,
    Math.round((Date.now() - (CreateDate?.getTime() ?? 0)) / 86_400_000),
  ]);
  expect(days).toEqual([
    ['AKIA1', 100],
    ['AKIA2', 20],
    ['AKIA3', 0],
  ]);
});

test('a function can answer a call instead of the service, unless a fault has', async () => {
  const seen: string[] = [];
  const interception = proxy.intercept(async (call) => {
    seen.push(call.operation);
    return call.operation === 'DescribeVpcs' ? awsError(call, 'Judged') : undefined;
  });

  const judged = await errorOf(describeVpcs());
  await ec2().send(new CreateVpcCommand({}));
  proxy.inject({ times: 1, effect: 'denied' });
  const denied = await errorOf(describeVpcs());
  interception.remove();
  await describeVpcs();

  expect([judged.name, denied.name]).toEqual(['Judged', 'UnauthorizedOperation']);
  expect(seen).toEqual(['DescribeVpcs', 'CreateVpc']);
  expect(upstream.calls.map(({ form }) => form.get('Action'))).toEqual(['CreateVpc', 'DescribeVpcs']);
});

describe('errors in the proxy are reported to the caller, once', () => {
  test('an error in a rewrite', async () => {
    proxy.inject({
      effect: {
        rewrite: () => {
          throw new TypeError('no such member');
        },
      },
    });

    const error = await errorOf(describeVpcs());

    expect(error.name).toBe('AwsProxyError');
    expect(error.message).toBe('TypeError: no such member');
    expect(proxy.calls).toHaveLength(1);
  });

  test('a service that does not answer', async () => {
    await upstream[Symbol.asyncDispose]();

    const error = await errorOf(describeVpcs());

    expect(error.name).toBe('AwsProxyError');
    expect(error.message).toContain('ECONNREFUSED');
    upstream = await scriptedAws(() => 'cut');
  });
});

describe('seededChance', () => {
  const draws = (seed: number, probability: number, count: number) =>
    Array.from({ length: count }, seededChance(seed, probability));

  test('is the same for the same seed, never true at 0 and always at 1', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, probability) => {
        expect(draws(seed, probability, 50)).toEqual(draws(seed, probability, 50));
        expect(draws(seed, 0, 50)).not.toContain(true);
        expect(draws(seed, 1, 50)).not.toContain(false);
      }),
    );
  });

  test('is true about as often as requested', () => {
    const hits = draws(1, 0.25, 10_000).filter(Boolean).length;

    expect(hits).toBeGreaterThan(2300);
    expect(hits).toBeLessThan(2700);
  });

  test('differs for another seed', () => {
    expect(draws(1, 0.5, 50)).not.toEqual(draws(2, 0.5, 50));
  });
});
