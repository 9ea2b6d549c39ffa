import { expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { jobOf, World } from '../support/world.ts';

/** A job that closes findings, of a poll an hour after that of `jobOf`. */
function closing(...users: readonly string[]): Job {
  const job = jobOf(...users);
  return { ...job, poll: { ...job.poll, asOf: '2026-06-30T12:00:00Z' }, closes: true };
}

test('a finding that the source no longer gives is closed, and nothing is looked at', async () => {
  const world = new World({ deploy: ['old'] });
  await world.attempt(jobOf('deploy'));
  const calls = world.account.calls.length;

  await world.attempt(closing('deploy'));

  expect(world.account.calls).toHaveLength(calls);
  const [known] = world.table.findings.values();
  expect(known).toMatchObject({
    outcome: 'closed',
    reason: 'netskope no longer gives it, at the poll of 2026-06-30T12:00:00Z',
    since: '2026-06-30T12:00:00Z',
    lastSeen: '2026-06-30T11:00:00Z',
  });
  expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['remediated', 'closed']);
  expect(world.published.map(({ outcome }) => outcome)).toEqual(['remediated', 'closed']);
});

test('one that comes back is open again, and its history goes on', async () => {
  const world = new World({ fine: [] });
  await world.attempt(jobOf('fine'));
  await world.attempt(closing('fine'));
  const job = jobOf('fine');

  await world.attempt({ ...job, poll: { ...job.poll, asOf: '2026-06-30T13:00:00Z' } });

  const [known] = world.table.findings.values();
  expect(known).toMatchObject({
    outcome: 'compliant',
    since: '2026-06-30T13:00:00Z',
    firstSeen: '2026-06-30T11:00:00Z',
  });
  expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['compliant', 'closed', 'compliant']);
});

test('a forged message can close what the next poll opens again, and no more', async () => {
  const world = new World({ deploy: ['old'] });

  await world.attempt(closing('deploy'));

  expect(world.account.sessions).toEqual([]);
  expect(world.table.findings.size).toBe(0);
  expect(world.published).toEqual([]);
});
