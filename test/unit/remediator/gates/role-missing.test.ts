import { beforeEach, expect, test } from 'vitest';
import { type Job, jobId, pollId } from '../../../../lambdas/model/job.ts';
import { type AccountItem, accountKey } from '../../../../lambdas/model/table-items.ts';
import { ACCOUNT, awsError, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

let remediator: RemediatorInMemory;

const missing = (): AccountItem => ({
  ...accountKey(ACCOUNT),
  version: 1,
  expiresAt: remediator.now / 1000 + 86_400,
  account: ACCOUNT,
  since: '2026-06-30T09:00:00.000Z',
  state: 'noticed',
  writer: 'w',
});

beforeEach(() => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
});

test('in an account with the role, nothing but the role is requested', async () => {
  await remediator.attempt(jobOf('deploy'));

  expect(remediator.probes).toEqual([]);
  expect(remediator.names).toEqual({ deploy: 'remediated' });
});

test('while the role is missing, the job that may check requests it, and continues if it is back', async () => {
  remediator.table.account = missing();
  const job: Job = jobOf('deploy');

  await remediator.attempt(job);

  expect(remediator.probes).toEqual([{ rule: job.poll.rule, poll: pollId(job.poll), job: jobId(job) }]);
  expect(remediator.names).toEqual({ deploy: 'remediated' });
  expect(remediator.table.account).toBeUndefined();
});

test('the other jobs of the poll request nothing, and say why', async () => {
  remediator.table.account = missing();
  remediator.mayProbe = false;

  const { isRoleMissing } = await remediator.attempt(jobOf('deploy'));

  expect(isRoleMissing).toBe(true);
  expect(remediator.account.sessions).toEqual([]);
  expect(remediator.rolesMissing).toEqual([]);
  expect(remediator.outcome('deploy')).toMatchObject({
    outcome: 'failed',
    gate: 'role',
    willRetry: true,
    reason:
      'the target role in account 111122223333 has not been assumable since 2026-06-30T09:00:00.000Z, so nothing is done there. Each poll checks once whether the role is back. If so, all findings are processed. Deploy modules/target in that account, or add it to excluded_accounts',
  });
});

test('a role that is still missing is reported by the job that checked, and its findings are published once', async () => {
  remediator.table.account = missing();
  remediator.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);
  await remediator.attempt(jobOf('deploy'));
  remediator.mayProbe = false;
  const later: Job = { ...jobOf('deploy'), poll: { ...jobOf().poll, asOf: '2026-06-30T13:00:00Z' } };
  await remediator.attempt(later);

  expect(remediator.rolesMissing).toHaveLength(1);
  expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['failed']);
});

test('an expired item that DynamoDB has not deleted yet no longer counts', async () => {
  remediator.table.account = { ...missing(), expiresAt: remediator.now / 1000 - 1 };

  await remediator.attempt(jobOf('deploy'));

  expect(remediator.probes).toEqual([]);
  expect(remediator.names).toEqual({ deploy: 'remediated' });
});
