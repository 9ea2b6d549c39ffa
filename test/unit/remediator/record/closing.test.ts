import { describe, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

/** A job that closes findings, for a poll an hour after that of `jobOf`. */
function closing(...users: readonly string[]): Job {
  const job = jobOf(...users);
  return { ...job, poll: { ...job.poll, asOf: '2026-06-30T12:00:00Z' }, closes: true };
}

test('a finding that the source no longer reports is closed, and nothing is read', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  await remediator.attempt(jobOf('deploy'));
  const calls = remediator.account.calls.length;

  await remediator.attempt(closing('deploy'));

  expect(remediator.account.calls).toHaveLength(calls);
  const [known] = remediator.table.findings.values();
  expect(known).toMatchObject({
    outcome: 'closed',
    reason: 'netskope no longer reported it at the poll of 2026-06-30T12:00:00Z: nothing to do',
    since: '2026-06-30T12:00:00Z',
    lastSeen: '2026-06-30T11:00:00Z',
  });
  expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['remediated', 'closed']);
  expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['remediated', 'closed']);
});

test('a finding that returns is open again, and its history continues', async () => {
  const remediator = new RemediatorInMemory({ fine: [] });
  await remediator.attempt(jobOf('fine'));
  await remediator.attempt(closing('fine'));
  const job = jobOf('fine');

  await remediator.attempt({ ...job, poll: { ...job.poll, asOf: '2026-06-30T13:00:00Z' } });

  const [known] = remediator.table.findings.values();
  expect(known).toMatchObject({
    outcome: 'compliant',
    since: '2026-06-30T13:00:00Z',
    firstSeen: '2026-06-30T11:00:00Z',
  });
  expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['compliant', 'closed', 'compliant']);
});

test('a forged message can only close a finding, which the next poll opens again', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });

  await remediator.attempt(closing('deploy'));

  expect(remediator.account.sessions).toEqual([]);
  expect(remediator.table.findings.size).toBe(0);
  expect(remediator.published).toEqual([]);
});

describe('a finding that the source itself is fixing', () => {
  const leaving: Job = { ...jobOf('deploy'), leaves: { deploy: 'Netskope is fixing it' }, run: 'first' };

  test('is deferred for that reason, and nothing is read', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });

    await remediator.attempt(leaving);
    const { poll } = leaving;
    await remediator.attempt({ ...leaving, poll: { ...poll, asOf: '2026-06-30T12:00:00Z' } });

    expect(remediator.account.calls).toEqual([]);
    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'deferred',
      reason: 'Netskope is fixing it',
      willRetry: true,
    });
    expect(remediator.published).toHaveLength(1);
  });

  test.each(['first', 'second'])(
    'has one line if the poll is repeated with another result; that job is %s',
    async (place) => {
      const remediator = new RemediatorInMemory({ deploy: ['old'] });
      const looking: Job = { ...jobOf('deploy'), run: 'second' };

      for (const job of place === 'first' ? [looking, leaving] : [leaving, looking])
        await remediator.attempt(job);

      const outcomes = [...remediator.objects.values()].flat().map(({ outcome }) => outcome);
      expect(outcomes).toEqual([place === 'first' ? 'remediated' : 'deferred']);
    },
  );
});
