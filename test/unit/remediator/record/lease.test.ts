import { expect, test } from 'vitest';
import { jobId } from '../../../../lambdas/model/job.ts';
import { awsError, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

const HOLDER = 'another attempt';

/** A lease that another attempt holds. */
function hold(
  remediator: RemediatorInMemory,
  until: number,
  state: 'held' | 'released' | 'done' = 'held',
): void {
  const job = jobOf('deploy');
  remediator.table.leases.set(jobId(job), { state, holder: HOLDER, until, poll: job.poll });
}

test('a job that another attempt is processing is left to it', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  hold(remediator, remediator.now + 1);

  const attempt = remediator.attempt(jobOf('deploy'), { number: 2, last: true });

  await expect(attempt).rejects.toMatchObject({
    name: 'LeaseHeldError',
    message: expect.stringContaining('another attempt is working on it, until'),
  });
  expect(remediator.account.calls).toEqual([]);
  expect([...remediator.outcomes]).toEqual([]);
  expect(remediator.table.leases.get(jobId(jobOf('deploy')))?.holder).toBe(HOLDER);
});

test('the lease of a dead function expires, and the next attempt takes over', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  hold(remediator, remediator.now - 1);

  await remediator.attempt(jobOf('deploy'), { number: 2 });

  expect(remediator.names).toEqual({ deploy: 'remediated' });
  expect(remediator.table.leases.get(jobId(jobOf('deploy')))?.state).toBe('done');
});

test('a lease lasts longer than the function that holds it', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  const remaining = 250_000;
  const begun = remediator.now;

  // What does not depend on the lease is read in parallel.
  await remediator.attempt(jobOf('deploy'), { steps: 6, remainingMilliseconds: () => remaining });

  expect(remediator.table.leases.get(jobId(jobOf('deploy')))?.until).toBeGreaterThan(begun + remaining);
});

/** Traces that a finished job leaves, except its events. */
const leftBy = ({ outcomes, table, account }: RemediatorInMemory) =>
  structuredClone([[...outcomes], [...table.findings], account.calls]);

test('a second message of a finished job does nothing', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  await remediator.attempt(jobOf('deploy'));
  const before = [leftBy(remediator), structuredClone(remediator.published)];

  const result = await remediator.attempt(jobOf('deploy'));

  expect(result).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
  expect([leftBy(remediator), remediator.published]).toEqual(before);
});

test('a second delivery of its message only sends the same events again, and a third one does nothing', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  await remediator.attempt(jobOf('deploy'));
  const before = leftBy(remediator);
  const [event] = remediator.published;

  const second = await remediator.attempt(jobOf('deploy'), { number: 2 });
  const third = await remediator.attempt(jobOf('deploy'), { number: 3 });

  expect(second).toMatchObject({ unfinished: [], failures: [] });
  expect(third).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
  expect(leftBy(remediator)).toEqual(before);
  expect(remediator.published).toEqual([event, event]);
});

test('an attempt that leaves work releases the job', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  remediator.fault = (port) => (port === 'publish' ? awsError('InternalException', 500) : undefined);

  await remediator.attempt(jobOf('deploy'));

  expect(remediator.table.leases.get(jobId(jobOf('deploy')))?.state).toBe('released');
});

test.each(['takeLease', 'recall'] as const)(
  'while the table cannot be read (%s), nothing is changed and nothing is lost',
  async (broken) => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    const error = awsError('ProvisionedThroughputExceededException', 400);
    remediator.fault = (port) => (port === broken ? error : undefined);

    const first = await remediator.attempt(jobOf('deploy'));
    const last = await remediator.attempt(jobOf('deploy'), { number: 2, last: true });

    expect([first, last].map(({ unfinished }) => unfinished[0]?.error)).toEqual([error, error]);
    expect(remediator.account.changed).toEqual([]);
    expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'failed', deadLetter: true });
  },
);

test('an attempt whose job was taken over reports it, and does not change the other attempt’s lease', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  remediator.account.fault = () => {
    hold(remediator, remediator.now + 100_000);
    return undefined;
  };

  const { failures } = await remediator.attempt(jobOf('deploy'));

  expect(failures).toMatchObject([{ name: 'LeaseHeldError' }]);
  expect(remediator.table.leases.get(jobId(jobOf('deploy')))).toMatchObject({
    holder: HOLDER,
    state: 'held',
  });
});

test.each([
  ['', 0],
  [', and whose clock is behind,', -600_000],
])('an attempt that is suspended for longer than its lease%s begins no further change', async (_, behind) => {
  const keys = ['one', 'two', 'three'];
  let stoppedAt = 0;
  for (let hasStopped = true; hasStopped; ) {
    const remediator = new RemediatorInMemory({ deploy: keys });
    let step = 0;
    let stop: Promise<void> | undefined;
    let changedByOther = 0;
    stoppedAt += 1;
    const meanwhile = async (): Promise<void> => {
      remediator.now += 600_000;
      await remediator.attempt(jobOf('deploy'), { number: 2 });
      changedByOther = remediator.account.changed.length;
      remediator.now += behind;
    };

    const first = remediator.attempt(jobOf('deploy'), {
      // Its parallel calls are suspended together.
      onStep: () => {
        step += 1;
        if (step === stoppedAt) stop = meanwhile();
        return stop;
      },
    });
    await first.catch((error: unknown) => expect(error).toMatchObject({ name: 'LeaseHeldError' }));
    hasStopped = stop !== undefined;
    await remediator.attempt(jobOf('deploy'), { number: 3 }).catch(() => undefined);
    await remediator.workOffLater();

    expect(remediator.outcome('deploy')?.outcome, `stopped at step ${stoppedAt}`).toBe('remediated');
    expect(new Set(remediator.outcome('deploy')?.applied.map(({ line }) => line)).size).toBe(keys.length);
    expect([...remediator.objects.values()].flat()).toHaveLength(1);
    // A call that was about to be sent cannot be stopped.
    if (hasStopped) expect(remediator.account.changed.length - changedByOther).toBeLessThanOrEqual(1);
  }
  expect(stoppedAt).toBeGreaterThan(20);
});

test('the recorded start is before the first change, even if the clock of the first attempt is ahead', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['one', 'two'] });
  let changes = 0;
  remediator.account.fault = ({ operation }) => {
    if (operation !== 'UpdateAccessKey') return undefined;
    changes += 1;
    return changes === 2 ? { code: 'ServiceUnavailable', status: 503 } : undefined;
  };
  remediator.now += 300_000;
  await remediator.attempt(jobOf('deploy'));
  remediator.now -= 290_000;
  remediator.table.leases.clear();
  remediator.account.fault = () => undefined;

  await remediator.attempt(jobOf('deploy'), { number: 2 });

  const { startedAt = '', applied = [] } = remediator.outcome('deploy') ?? {};
  expect(applied).toHaveLength(2);
  expect(applied.filter(({ appliedAt }) => appliedAt < startedAt)).toEqual([]);
});
