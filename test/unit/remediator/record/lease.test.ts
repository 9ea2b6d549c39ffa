import { expect, test } from 'vitest';
import { jobId } from '../../../../lambdas/model/job.ts';
import { awsError, jobOf, World } from '../support/world.ts';

const HOLDER = 'another attempt';

/** A lease that another attempt holds. */
function hold(world: World, until: number, state: 'held' | 'released' | 'done' = 'held'): void {
  const job = jobOf('deploy');
  world.table.leases.set(jobId(job), { state, holder: HOLDER, until, poll: job.poll });
}

test('a job that another attempt works on is left to it', async () => {
  const world = new World({ deploy: ['old'] });
  hold(world, world.now + 1);

  const attempt = world.attempt(jobOf('deploy'), { number: 2, last: true });

  await expect(attempt).rejects.toMatchObject({
    name: 'LeaseHeldError',
    message: expect.stringContaining('another attempt works on it, until'),
  });
  expect(world.account.calls).toEqual([]);
  expect([...world.outcomes]).toEqual([]);
  expect(world.table.leases.get(jobId(jobOf('deploy')))?.holder).toBe(HOLDER);
});

test('the lease of a dead function expires, and the next attempt takes over', async () => {
  const world = new World({ deploy: ['old'] });
  hold(world, world.now - 1);

  await world.attempt(jobOf('deploy'), { number: 2 });

  expect(world.names).toEqual({ deploy: 'remediated' });
  expect(world.table.leases.get(jobId(jobOf('deploy')))?.state).toBe('done');
});

test('a lease lasts longer than the function that holds it', async () => {
  const world = new World({ deploy: ['old'] });
  const remaining = 250_000;
  const begun = world.now;

  await world.attempt(jobOf('deploy'), { steps: 2, remainingMilliseconds: () => remaining });

  expect(world.table.leases.get(jobId(jobOf('deploy')))?.until).toBeGreaterThan(begun + remaining);
});

test('a second delivery of a job that is done does nothing', async () => {
  const world = new World({ deploy: ['old'] });
  await world.attempt(jobOf('deploy'));
  const before = structuredClone([[...world.outcomes], world.published, world.account.calls]);

  const result = await world.attempt(jobOf('deploy'), { number: 2 });

  expect(result).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
  expect([[...world.outcomes], world.published, world.account.calls]).toEqual(before);
});

test('an attempt that leaves something gives the job back', async () => {
  const world = new World({ deploy: ['old'] });
  world.fault = (port) => (port === 'publish' ? awsError('InternalException', 500) : undefined);

  await world.attempt(jobOf('deploy'));

  expect(world.table.leases.get(jobId(jobOf('deploy')))?.state).toBe('released');
});

test.each(['takeLease', 'recall'] as const)(
  'where the table can’t be asked (%s) nothing is changed and nothing is lost',
  async (broken) => {
    const world = new World({ deploy: ['old'] });
    const error = awsError('ProvisionedThroughputExceededException', 400);
    world.fault = (port) => (port === broken ? error : undefined);

    const first = await world.attempt(jobOf('deploy'));
    const last = await world.attempt(jobOf('deploy'), { number: 2, last: true });

    expect([first, last].map(({ unfinished }) => unfinished[0]?.error)).toEqual([error, error]);
    expect(world.account.changed).toEqual([]);
    expect(world.outcome('deploy')).toMatchObject({ outcome: 'failed', deadLetter: true });
  },
);

test('an attempt whose job was taken over says so, and leaves the other’s lease', async () => {
  const world = new World({ deploy: ['old'] });
  world.account.fault = () => {
    hold(world, world.now + 100_000);
    return undefined;
  };

  const { failures } = await world.attempt(jobOf('deploy'));

  expect(failures).toMatchObject([{ name: 'LeaseHeldError' }]);
  expect(world.table.leases.get(jobId(jobOf('deploy')))).toMatchObject({ holder: HOLDER, state: 'held' });
});

test.each([
  ['', 0],
  [', and whose clock is behind,', -600_000],
])(
  'an attempt that stops for longer than its lease%s makes no change that it had not begun',
  async (_, behind) => {
    const keys = ['one', 'two', 'three'];
    let stoppedAt = 0;
    for (let hasStopped = true; hasStopped; ) {
      const world = new World({ deploy: keys });
      let step = 0;
      let changedByOther = 0;
      hasStopped = false;
      stoppedAt += 1;

      const first = world.attempt(jobOf('deploy'), {
        onStep: async () => {
          step += 1;
          if (step !== stoppedAt) return;
          hasStopped = true;
          world.now += 600_000;
          await world.attempt(jobOf('deploy'), { number: 2 });
          changedByOther = world.account.changed.length;
          world.now += behind;
        },
      });
      await first.catch((error: unknown) => expect(error).toMatchObject({ name: 'LeaseHeldError' }));
      await world.attempt(jobOf('deploy'), { number: 3 }).catch(() => undefined);

      expect(world.outcome('deploy')?.outcome, `stopped at step ${stoppedAt}`).toBe('remediated');
      expect(new Set(world.outcome('deploy')?.applied.map(({ line }) => line)).size).toBe(keys.length);
      expect([...world.objects.values()].flat()).toHaveLength(1);
      // A call that was about to leave can't be called back.
      if (hasStopped) expect(world.account.changed.length - changedByOther).toBeLessThanOrEqual(1);
    }
    expect(stoppedAt).toBeGreaterThan(20);
  },
);
