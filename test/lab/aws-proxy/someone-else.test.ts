import { CreateVpcCommand, DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ScriptedAws, scriptedAws } from '../scripted-aws/scripted-aws.ts';
import { errorOf, through } from './clients.ts';
import { type AwsProxy, laggingReads, startAwsProxy } from './index.ts';

/** The ids of the VPCs upstream. */
let vpcs: string[];
let upstream: ScriptedAws;
let proxy: AwsProxy;

beforeEach(async () => {
  vpcs = ['vpc-1'];
  upstream = await scriptedAws(({ form }) => {
    const wanted = form.get('VpcId.1');
    const items = vpcs
      .filter((id) => wanted === null || id === wanted)
      .map((id) => `<item><vpcId>${id}</vpcId></item>`);
    return form.get('Action') === 'CreateVpc'
      ? { status: 200, body: '<CreateVpcResponse/>' }
      : {
          status: 200,
          body: `<DescribeVpcsResponse><vpcSet>${items.join('')}</vpcSet></DescribeVpcsResponse>`,
        };
  });
  proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
});
afterEach(async () => {
  vi.useRealTimers();
  await proxy.stop();
  await upstream[Symbol.asyncDispose]();
});

const ec2 = () => new EC2Client(through(proxy));

async function seen(VpcIds?: string[]): Promise<(string | undefined)[]> {
  const { Vpcs = [] } = await ec2().send(new DescribeVpcsCommand(VpcIds === undefined ? {} : { VpcIds }));
  return Vpcs.map(({ VpcId }) => VpcId);
}

describe('someone else acts between two calls', () => {
  test('before the second matching call, once, and the call waits for it', async () => {
    const injection = proxy.inject({
      operation: 'DescribeVpcs',
      skip: 1,
      times: 1,
      effect: {
        before: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          vpcs = [...vpcs, `vpc-${vpcs.length + 1}`];
        },
      },
    });

    const answers = [await seen(), await seen(), await seen()];

    expect(answers).toEqual([['vpc-1'], ['vpc-1', 'vpc-2'], ['vpc-1', 'vpc-2']]);
    expect(injection.hits).toBe(1);
  });

  test('other calls pass, and the act receives the call that follows it', async () => {
    const operations: string[] = [];
    const injection = proxy.inject({
      isWrite: true,
      effect: {
        before: async ({ operation }) => {
          operations.push(operation);
        },
      },
    });

    await seen();
    await ec2().send(new CreateVpcCommand({}));

    expect(operations).toEqual(['CreateVpc']);
    expect(injection.hits).toBe(1);
  });

  test('an act that fails is not hidden: the caller receives its error', async () => {
    proxy.inject({
      effect: {
        before: async () => {
          throw new Error('the group was not there');
        },
      },
    });

    const error = await errorOf(seen());

    expect(error).toMatchObject({ name: 'AwsProxyError', message: 'Error: the group was not there' });
  });
});

describe('lagging reads', () => {
  test('return what they returned before, for a number of reads', async () => {
    const reads = laggingReads({ operation: 'DescribeVpcs' });
    proxy.inject(reads.fault);
    await seen();
    vpcs = [];

    reads.lag({ times: 2 });

    expect([await seen(), await seen(), await seen()]).toEqual([['vpc-1'], ['vpc-1'], []]);
    expect(reads.hits).toBe(2);
  });

  test('return what they returned before, for a duration', async () => {
    const reads = laggingReads({ operation: 'DescribeVpcs' });
    proxy.inject(reads.fault);
    await seen();
    vpcs = [];
    vi.useFakeTimers({ toFake: ['Date'] });

    reads.lag({ milliseconds: 60_000 });
    const within = await seen();
    vi.setSystemTime(Date.now() + 60_000);
    const after = await seen();

    expect([within, after]).toEqual([['vpc-1'], []]);
  });

  test('may return the oldest state that was read, and catch up', async () => {
    const reads = laggingReads({ operation: 'DescribeVpcs' });
    proxy.inject(reads.fault);
    await seen();
    vpcs = ['vpc-2'];
    await seen();
    vpcs = ['vpc-3'];

    reads.lag({ times: 9 }, 'first');
    const old = await seen();
    reads.lag({ times: 9 });
    const newer = await seen();
    reads.catchUp();
    const now = await seen();

    expect([old, newer, now]).toEqual([['vpc-1'], ['vpc-2'], ['vpc-3']]);
  });

  test('return the current state if there was no such read before', async () => {
    const reads = laggingReads({ operation: 'DescribeVpcs' });
    proxy.inject(reads.fault);
    await seen();
    vpcs = ['vpc-1', 'vpc-2'];

    reads.lag({ times: 9 });

    expect(await seen(['vpc-2'])).toEqual(['vpc-2']);
    expect(reads.hits).toBe(0);
  });
});
