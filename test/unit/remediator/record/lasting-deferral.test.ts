import { beforeEach, expect, test } from 'vitest';
import { findingNoticeSchema } from '../../../../lambdas/model/finding-notice.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import {
  ACCOUNT,
  accountSettingsOf,
  jobOf,
  RemediatorInMemory,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const DAY = 86_400_000;

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'], other: ['AKIA-2'] });
  remediator.table.holds.push({
    name: { account: ACCOUNT, region: 'global', resource: 'deploy', rule: '*' },
    reason: 'the auditors look at it',
    by: 'Ada',
  });
});

/** Polls daily. @returns the day of each notice, and what was counted each day */
async function pollDays(days: number) {
  const told: number[] = [];
  const deferrals = [];
  for (let day = 0; day < days; day += 1) {
    const before = remediator.notices.length;
    const asOf = new Date(remediator.now).toISOString();
    const job: Job = { ...jobOf('deploy', 'other'), poll: { ...jobOf().poll, asOf } };
    deferrals.push((await remediator.attempt(job)).deferrals);
    if (remediator.notices.length > before) told.push(day);
    remediator.now += DAY;
  }
  return { told, deferrals };
}

test('what is deferred for more than 14 days is told once a week', async () => {
  const { told } = await pollDays(31);

  expect(told).toEqual([15, 22, 29]);
  const [notice] = remediator.notices.map((each) => findingNoticeSchema.parse(each));
  expect(notice).toMatchObject({
    kind: 'lasting_deferral',
    account: ACCOUNT,
    findings: [{ resource: 'deploy', since: '2026-06-30T12:00:00.000Z' }],
    words: expect.stringMatching(
      /^deferred for more than 14 days: deploy\. The oldest, deploy, since 2026-06-30T12:00:00.000Z: deploy is held for all rules by Ada/,
    ),
  });
});

test('the number of days is a setting', async () => {
  remediator.settings = settingsOf({ allRules: accountSettingsOf({ deferred_days: 3 }) });

  const { told } = await pollDays(6);

  expect(told).toEqual([4]);
});

test('the oldest is counted in days, and those that last', async () => {
  remediator.settings = settingsOf({ allRules: accountSettingsOf({ deferred_days: 3 }) });

  const { deferrals } = await pollDays(6);

  expect(deferrals).toEqual([
    { oldestDays: 0, lasting: 0 },
    { oldestDays: 1, lasting: 0 },
    { oldestDays: 2, lasting: 0 },
    { oldestDays: 3, lasting: 0 },
    { oldestDays: 4, lasting: 1 },
    { oldestDays: 5, lasting: 1 },
  ]);
});

test('what was remediated meanwhile is deferred anew', async () => {
  await pollDays(10);
  const holds = remediator.table.holds.splice(0);
  await pollDays(1);
  remediator.account.users.get('deploy')?.set('AKIA-1', 'Active');
  remediator.table.holds.push(...holds);

  const { told } = await pollDays(16);

  expect(told).toEqual([15]);
});
