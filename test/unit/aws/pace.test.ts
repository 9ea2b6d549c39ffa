import { describe, expect, test } from 'vitest';
import {
  cloudTrailLookups,
  cloudTrailWrites,
  ec2Writes,
  type Pace,
  Pacer,
  paceOnceThrottled,
} from '../../../lambdas/aws/pace.ts';
import { changeKinds, paceOf } from '../../../lambdas/changes/index.ts';
import { documentedThrottles } from '../../lab/aws-proxy/index.ts';
import { proxiedCall } from '../../lab/aws-proxy/proxied-call.ts';

/** Creates a clock that advances only by sleeps. */
function fakeClock() {
  let now = 0;
  return {
    now: () => now,
    sleep: (milliseconds: number) => {
      now += milliseconds;
      return Promise.resolve();
    },
  };
}

/**
 * Counts the calls that AWS throttles when functions, one after the other, make changes as fast as their pacers allow.
 */
async function throttled(
  service: string,
  pace: Pace | undefined,
  { changes, calls = 1, functions = 1 }: { changes: number; calls?: number; functions?: number },
): Promise<number> {
  const clock = fakeClock();
  const throttle = documentedThrottles(clock.now);
  let count = 0;
  for (let number = 0; number < functions; number += 1) {
    const pacer = new Pacer(clock);
    for (let change = 0; change < changes; change += 1) {
      if (pace !== undefined) await pacer.turn('111122223333', pace, calls);
      for (let call = 0; call < calls; call += 1) {
        if ((await throttle(proxiedCall({ service, operation: 'Change', isWrite: true }))) !== undefined)
          count += 1;
      }
    }
  }
  return count;
}

describe('changes at full speed', () => {
  test.each([
    { what: '300 security groups', service: 'ec2', pace: ec2Writes, changes: 300 },
    { what: '40 network ACLs of 19 entries', service: 'ec2', pace: ec2Writes, changes: 40, calls: 19 },
    { what: 'network ACLs of 40 entries', service: 'ec2', pace: ec2Writes, changes: 5, calls: 40 },
    {
      what: 'a function that continues for another',
      service: 'ec2',
      pace: ec2Writes,
      changes: 60,
      functions: 2,
    },
    { what: '25 trails', service: 'cloudtrail', pace: cloudTrailWrites, changes: 25 },
  ])('are not throttled by AWS: $what', async ({ service, pace, ...load }) => {
    const paced = await throttled(service, pace, load);
    const unpaced = await throttled(service, undefined, load);

    expect(paced).toBe(0);
    expect(unpaced).toBeGreaterThan(0);
  });
});

test('every kind of change has the rate of its service', async () => {
  const paces = await Promise.all(changeKinds.map(async (kind) => [kind, await paceOf(kind)] as const));

  const quotas = Object.fromEntries(paces.map(([kind, pace]) => [kind, pace.quota]));
  expect(quotas).toEqual({
    'automation-execution-start': 'ssm',
    'cloud-control-properties-set': 'cloudcontrol',
    'cloudtrail-log-file-validation-set': 'cloudtrail',
    'flow-log-create': 'ec2',
    'flow-log-delete': 'ec2',
    'iam-access-key-status-set': 'iam',
    'log-group-create': 'cloudwatchlogs',
    'network-acl-entry-narrow': 'ec2',
    'network-acl-entry-restore': 'ec2',
    'rds-snapshot-shares-change': 'rds',
    'redshift-cluster-public-access-set': 'redshift',
    's3-public-access-block-set': 's3',
    'security-group-rule-shrink': 'ec2',
    'security-group-rule-widen': 'ec2',
    'security-group-rules-authorize': 'ec2',
    'security-group-rules-revoke': 'ec2',
  });
});

test("25 trails are updated one per second, which is CloudTrail's limit", async () => {
  const clock = fakeClock();
  const pacer = new Pacer(clock);
  const turns: number[] = [];

  for (let trail = 0; trail < 25; trail += 1) {
    await pacer.turn('111122223333', cloudTrailWrites);
    turns.push(clock.now());
  }

  expect(turns).toEqual(Array.from({ length: 25 }, (_, n) => n * 1_000));
});

test('CloudTrail events are looked up twice per second in each account', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(clock);
  const turns: number[] = [];

  for (let lookup = 0; lookup < 6; lookup += 1) {
    await pacer.turn('111122223333', cloudTrailLookups);
    turns.push(clock.now());
  }

  expect(turns).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500]);
});

test('turns that are requested at the same time are granted one after the other', async () => {
  const waits: number[] = [];
  const pacer = new Pacer({
    now: () => 0,
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
  });

  await Promise.all([1, 2, 3].map(() => pacer.turn('here', { quota: 'keys', perSecond: 2, burst: 1 })));

  expect(waits).toEqual([500, 1_000]);
});

test('each account and quota has its own bucket, which refills over time', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(clock);
  const keys: Pace = { quota: 'keys', perSecond: 1, burst: 1 };
  await pacer.turn('here', keys);
  const start = clock.now();

  await pacer.turn('there', keys);
  await pacer.turn('here', { ...keys, quota: 'others' });
  const others = clock.now();
  await clock.sleep(1_000);
  await pacer.turn('here', keys);

  expect([others - start, clock.now() - start]).toEqual([0, 1_000]);
});

describe('after AWS has throttled a call', () => {
  const keys: Pace = { quota: 'keys', perSecond: 10, burst: 5 };

  /** Returns the times at which calls get their turns, in milliseconds from now. */
  async function turns(pacer: Pacer, clock: ReturnType<typeof fakeClock>, pace: Pace, calls: number) {
    const start = clock.now();
    const times: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      await pacer.turn('here', pace);
      times.push(clock.now() - start);
    }
    return times;
  }

  test('further calls of the quota are half as fast, and without bursts', async () => {
    const clock = fakeClock();
    const pacer = new Pacer(clock);

    const before = await turns(pacer, clock, keys, 3);
    await clock.sleep(60_000);
    pacer.throttled('here', 'keys');
    const after = await turns(pacer, clock, keys, 3);

    expect(before).toEqual([0, 0, 0]);
    expect(after).toEqual([0, 200, 400]);
  });

  test('each further throttled call halves the rate, down to an eighth; calls of one burst count once', async () => {
    const clock = fakeClock();
    const pacer = new Pacer(clock);
    const gaps: number[] = [];

    for (let times = 0; times < 5; times += 1) {
      for (let call = 0; call < 5; call += 1) pacer.throttled('here', 'keys');
      await clock.sleep(1_000);
      const [, gap = 0] = await turns(pacer, clock, keys, 2);
      gaps.push(gap);
    }

    expect(gaps).toEqual([200, 400, 800, 800, 800]);
  });

  test('the rate recovers while no call is throttled', async () => {
    const clock = fakeClock();
    const pacer = new Pacer(clock);
    pacer.throttled('here', 'keys');

    await clock.sleep(10_000);

    expect(await turns(pacer, clock, keys, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  test('other accounts and other quotas keep their rate', async () => {
    const clock = fakeClock();
    const pacer = new Pacer(clock);
    pacer.throttled('there', 'keys');
    pacer.throttled('here', 'others');

    expect(await turns(pacer, clock, keys, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  test('calls without a documented rate are delayed, too', async () => {
    const clock = fakeClock();
    const pacer = new Pacer(clock);
    const assumed = paceOnceThrottled('keys');

    const before = await turns(pacer, clock, assumed, 50);
    pacer.throttled('here', 'keys');
    const after = await turns(pacer, clock, assumed, 3);

    expect(new Set(before)).toEqual(new Set([0]));
    expect(after).toEqual([0, 200, 400]);
  });
});
