import { describe, expect, test } from 'vitest';
import { jobId } from '../../../../lambdas/model/job.ts';
import { Killed } from '../support/lifeline.ts';
import { jobOf, RemediatorInMemory, sentAt } from '../support/remediator-in-memory.ts';

const job = jobOf('deploy');

/** A remediator whose table says that a poll is complete that began a given time after the job's poll. */
function withPoll(later: number): RemediatorInMemory {
  const remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
  remediator.table.sent = sentAt(new Date(Date.parse(job.poll.asOf) + later).toISOString());
  return remediator;
}

describe('a job of a poll that is older than the last complete one', () => {
  test('ends at once if it has begun nothing: its account is not called, and its finding has one outcome', async () => {
    const remediator = withPoll(3_600_000);

    const { unfinished, failures } = await remediator.attempt(job);

    expect([unfinished, failures]).toEqual([[], []]);
    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      reason: expect.stringMatching(/^superseded before work on it began: the poll of 20\S+Z is complete/),
    });
    expect(remediator.account.calls).toEqual([]);
    expect(remediator.table.leases.get(jobId(job))?.state).toBe('recorded');
  });

  test('is processed if there was an earlier attempt: a retry, a redrive', async () => {
    const remediator = withPoll(3_600_000);
    remediator.table.sent = undefined;
    const onStep = () => {
      if (remediator.account.calls.length > 0) throw new Killed('the function was ended');
    };
    await remediator.attempt(job, { onStep }).catch(() => undefined);
    remediator.table.sent = withPoll(3_600_000).table.sent;
    remediator.now += 3_600_000;

    // A redrive counts its attempts from 1.
    await remediator.attempt(job, { number: 1 });

    expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'remediated' });
  });

  test('is processed if it continues another job', async () => {
    const remediator = withPoll(3_600_000);

    await remediator.attempt({ ...job, continues: { job: '0'.repeat(64), look: 1 } });

    expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'remediated' });
  });

  test('is processed if it was requested and only plans', async () => {
    const remediator = withPoll(3_600_000);

    await remediator.attempt({ ...job, poll: { ...job.poll, plans: true }, atMost: 'dry_run' });

    expect([...remediator.outcomes.values()].map(({ outcome }) => outcome)).toEqual(['planned']);
  });
});

test.each([
  ['the same', 0],
  ['an older one', -3_600_000],
])('a job is processed if the last complete poll is %s', async (_, later) => {
  const remediator = withPoll(later);

  await remediator.attempt(job);

  expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'remediated' });
});
