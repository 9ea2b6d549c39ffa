import { describe, expect, test } from 'vitest';
import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import { type Job, jobId } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import {
  awsError,
  findingOf,
  jobOf,
  RemediatorInMemory,
  settingsOf,
} from '../support/remediator-in-memory.ts';

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

/** The same job, sent by another run of the collector. */
const repeated = (job: Job): Job => ({ ...job, run: 'another run' });

test.each([1, 2])(
  'a message of a repeated poll, delivery %i, does nothing if the job is finished',
  async (number) => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    await remediator.attempt(jobOf('deploy'));
    const before = [leftBy(remediator), structuredClone(remediator.published)];

    const result = await remediator.attempt(repeated(jobOf('deploy')), { number });

    expect(result).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
    expect([leftBy(remediator), remediator.published]).toEqual(before);
  },
);

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

describe('a job of findings whose outcomes the table knows', () => {
  const again: Job = { ...jobOf('deploy'), poll: { ...jobOf().poll, asOf: '2026-06-30T12:00:00Z' } };

  /** A remediator that only plans, after a first poll of the finding. */
  async function polledOnce(): Promise<RemediatorInMemory> {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ mode: 'dry_run' });
    await remediator.attempt(jobOf('deploy'));
    return remediator;
  }

  test('takes the lease and announces its evidence, which also shows that it has ended', async () => {
    const remediator = await polledOnce();
    const writes: string[] = [];
    remediator.fault = (port) => {
      if (/^(takeLease|endLease|writeDone|writeOutcomes)$/.test(port)) writes.push(port);
      return undefined;
    };

    const { outcomes, failures } = await remediator.attempt(again);

    expect(outcomes).toMatchObject([{ outcome: 'planned' }]);
    expect(failures).toEqual([]);
    expect(writes).toEqual(['takeLease', 'writeDone', 'writeOutcomes']);
  });

  test('is done for a message of a repeated poll, which does not wait until the lease expires', async () => {
    const remediator = await polledOnce();
    await remediator.attempt(again);
    const before = [leftBy(remediator), structuredClone(remediator.published)];

    const result = await remediator.attempt(repeated(again));

    expect(remediator.table.leases.get(jobId(again))?.state).toBe('held');
    expect(result).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
    expect([leftBy(remediator), remediator.published]).toEqual(before);
  });

  test('is done for a message of a repeated poll after the lease has expired, and counted once', async () => {
    const remediator = await polledOnce();
    await remediator.attempt(again);
    remediator.now += 400_000;

    const results = [
      await remediator.attempt(repeated(again)),
      await remediator.attempt(repeated(again), { number: 2 }),
    ];

    expect(results.map(({ outcomes }) => outcomes)).toEqual([[], []]);
    expect(remediator.table.leases.get(jobId(again))).toMatchObject({ state: 'held' });
    // The lease still belongs to the job's own message, which may have events left to send.
    const { outcomes } = await remediator.attempt(again, { number: 2 });
    expect(outcomes).toMatchObject([{ outcome: 'planned' }]);
  });

  test('sends its events again if its own message is delivered again, which then ends the lease', async () => {
    const remediator = await polledOnce();
    await remediator.attempt(again);
    remediator.now += 400_000;

    const { outcomes, failures } = await remediator.attempt(again, { number: 2 });

    expect(outcomes).toMatchObject([{ outcome: 'planned' }]);
    expect(failures).toEqual([]);
    expect([...remediator.objects.keys()].filter((key) => key.includes(jobId(again)))).toHaveLength(1);
    expect(remediator.table.leases.get(jobId(again))?.state).toBe('done');
  });

  test('is released if its events could not be sent, and the next delivery sends them', async () => {
    const remediator = await polledOnce();
    remediator.fault = (port) => (port === 'publish' ? awsError('InternalException', 500) : undefined);
    const first = await remediator.attempt(again);
    const { state } = remediator.table.leases.get(jobId(again)) ?? {};
    remediator.fault = () => undefined;

    const second = await remediator.attempt(again, { number: 2 });

    expect(first.failures).toHaveLength(1);
    expect(state).toBe('released');
    expect(second).toMatchObject({ outcomes: [{ outcome: 'planned' }], failures: [] });
  });

  test('ends its lease if a further finding has a new outcome', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'], further: ['old'] });
    remediator.settings = settingsOf({ mode: 'dry_run' });
    await remediator.attempt(jobOf('deploy'));
    const both: Job = { ...again, findings: jobOf('deploy', 'further').findings };

    await remediator.attempt(both);

    expect(remediator.table.leases.get(jobId(both))?.state).toBe('recorded');
    expect(remediator.table.findings).toHaveLength(2);
  });
});

describe('a redrive of a job whose last delivery was interrupted', () => {
  const job: Job = { ...jobOf('deploy'), run: 'a run' };

  test.each([
    ['enforce', 1],
    ['dry_run', 1],
    // The deliveries before it did not get as far as taking the lease.
    ['enforce', 5],
  ] as const)(
    'after its findings were recorded, and before its event was sent, sends it (%s, delivery %i)',
    async (mode, number) => {
      const remediator = new RemediatorInMemory({ deploy: ['old'] });
      remediator.settings = settingsOf({ mode });
      let isRecorded = false;
      remediator.fault = (port) => {
        if (isRecorded || port === 'publish') return new Error('the function was ended');
        isRecorded = port === 'endLease';
        return undefined;
      };
      await remediator.attempt(job, { number, last: true });
      remediator.fault = () => undefined;
      const before = structuredClone(remediator.published);
      const { state } = remediator.table.leases.get(jobId(job)) ?? {};
      remediator.now += 2_000_000;

      const ofOther = await remediator.attempt(repeated(job));
      const redriven = await remediator.attempt(job);
      const again = await remediator.attempt(job);

      expect([before, state]).toEqual([[], 'recorded']);
      expect(ofOther.outcomes).toEqual([]);
      expect(redriven).toMatchObject({ outcomes: [{ finding: findingOf('deploy') }], failures: [] });
      expect(again.outcomes).toEqual([]);
      expect(remediator.published).toEqual([remediator.outcome('deploy')]);
    },
  );

  test('sends nothing again if the job was done', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    await remediator.attempt(job);
    await remediator.attempt(job, { number: 2 });
    const before = structuredClone(remediator.published);

    await remediator.attempt(job);

    expect(remediator.published).toEqual(before);
  });
});

describe('while another attempt holds the lease, a message', () => {
  const job = jobOf('deploy');
  const key = outcomesKey(job.poll, jobId(job), 1);

  /** A remediator whose job has the lease of another attempt, and the outcomes that this attempt has written. */
  async function heldWith(change: (outcome: Outcome) => Outcome): Promise<RemediatorInMemory> {
    const remediator = new RemediatorInMemory({ deploy: [] });
    await remediator.attempt(job);
    hold(remediator, remediator.now + 1);
    const outcomes = remediator.objects.get(key) ?? [];
    expect(outcomes).toHaveLength(1);
    remediator.objects.set(key, outcomes.map(change));
    return remediator;
  }

  test('of another run is done if the evidence has a final outcome of each finding, and nothing was changed', async () => {
    const remediator = await heldWith((outcome) => outcome);

    expect(await remediator.attempt(repeated(job))).toMatchObject({
      outcomes: [],
      unfinished: [],
      failures: [],
    });
  });

  const change = { kind: 'k', resource: 'deploy', before: null };
  const applied = [{ change, line: '~ deploy', appliedAt: '2026-06-30T11:00:00Z', requestIds: [] }];
  const unconfirmed = [{ change, line: '~ deploy' }];
  test.each<[string, (outcome: Outcome) => Outcome]>([
    ['something was changed', (outcome) => ({ ...outcome, applied })],
    ['something may have been changed', (outcome) => ({ ...outcome, unconfirmed })],
    ['an outcome is not the final one', (outcome) => ({ ...outcome, stillOpen: true })],
    [
      'a finding has no outcome',
      (outcome) => ({ ...outcome, finding: { ...outcome.finding, resource: 'other' } }),
    ],
  ])('of another run waits if %s', async (_, changed) => {
    const remediator = await heldWith(changed);

    await expect(remediator.attempt(repeated(job))).rejects.toMatchObject({ name: 'LeaseHeldError' });
  });

  test('of another run waits if there is no evidence yet, or it cannot be read', async () => {
    const remediator = await heldWith((outcome) => outcome);
    remediator.fault = (port) => (port === 'readOutcomes' ? awsError('AccessDenied', 403) : undefined);
    await expect(remediator.attempt(repeated(job))).rejects.toMatchObject({ name: 'LeaseHeldError' });
    remediator.fault = () => undefined;
    hold(remediator, remediator.now + 1);
    remediator.objects.clear();

    await expect(remediator.attempt(repeated(job))).rejects.toMatchObject({ name: 'LeaseHeldError' });
  });

  test.each([1, 2])(
    'of the same run waits, because its events may not have been sent (delivery %i)',
    async (number) => {
      const remediator = await heldWith((outcome) => outcome);

      await expect(remediator.attempt(job, { number })).rejects.toMatchObject({ name: 'LeaseHeldError' });
    },
  );
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
