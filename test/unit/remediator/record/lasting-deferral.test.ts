import { beforeEach, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { noticeSchema } from '../../../../lambdas/model/notice.ts';
import { releaseCommand, resumeCommand } from '../../../../lambdas/model/operator-commands.ts';
import { deferralNotices } from '../../../../lambdas/remediator/record/deferral-notices.ts';
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
    reason: 'the auditors are checking it',
    by: 'Ada',
  });
});

/** Runs daily polls. @returns the day of each notice, and the counts of each day */
async function pollDays(days: number) {
  const told: number[] = [];
  const deferrals = [];
  for (let day = 0; day < days; day += 1) {
    const before = remediator.heldBack.length;
    const asOf = new Date(remediator.now).toISOString();
    const job: Job = { ...jobOf('deploy', 'other'), poll: { ...jobOf().poll, asOf } };
    deferrals.push((await remediator.attempt(job)).deferrals);
    if (remediator.heldBack.length > before) told.push(day);
    remediator.now += DAY;
  }
  return { told, deferrals };
}

test('a finding that is deferred for more than 14 days is in a notice once per week', async () => {
  const { told } = await pollDays(31);

  expect(told).toEqual([15, 22, 29]);
  const [notice] = remediator.heldBack.map((each) => noticeSchema.parse(each));
  expect(notice).toMatchObject({
    kind: 'lasting_deferral',
    account: ACCOUNT,
    words: expect.stringMatching(
      /^at least 1 finding is deferred for more than 14 days\. The oldest of them is deploy in account \d+, deferred since 2026-06-30T12:00:00.000Z: deploy is held for all rules by Ada.* To list all: cspm-remediation outcomes --outcome deferred\./,
    ),
  });
});

test('the number of days is a setting', async () => {
  remediator.settings = settingsOf({ allRules: accountSettingsOf({ deferred_days: 3 }) });

  const { told } = await pollDays(6);

  expect(told).toEqual([4]);
});

test('the age of the oldest deferral is counted in days, and lasting ones are counted', async () => {
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

test('the count starts again after a finding was remediated', async () => {
  await pollDays(10);
  const holds = remediator.table.holds.splice(0);
  await pollDays(1);
  remediator.account.users.get('deploy')?.set('AKIA-1', 'Active');
  remediator.table.holds.push(...holds);

  const { told } = await pollDays(16);

  expect(told).toEqual([15]);
});

test('a pause is in a notice once per week, regardless of the number of jobs', async () => {
  remediator.table.holds.splice(0);
  remediator.pause = 'all';
  for (let day = 0; day < 23; day += 1) {
    const poll = { ...jobOf().poll, asOf: new Date(remediator.now).toISOString() };
    await remediator.attempt({ ...jobOf('deploy'), poll, chunk: 0 });
    await remediator.attempt({ ...jobOf('other'), poll, chunk: 1 });
    remediator.now += DAY;
  }

  expect(remediator.heldBack.map(({ kind }) => kind)).toEqual(['lasting_deferral', 'lasting_deferral']);
});

test('a notice that the event bus does not accept is published by the next job', async () => {
  await pollDays(15);
  remediator.fault = (port) => (port === 'publishNotice' ? new Error('no answer') : undefined);
  await pollDays(1);
  remediator.fault = () => undefined;

  await pollDays(1);

  expect(remediator.heldBack).toHaveLength(1);
});

const since = '2026-06-30T12:00:00.000Z';
const job = jobOf('deploy');
const context = { deferredDays: 14, now: Date.parse(since) + 15 * DAY };
const keysOf = (reason: string, gate: 'pause' | 'hold' | 'limit', of: Job = job) =>
  deferralNotices([{ resource: 'deploy', since, reason, gate }], { ...context, job: of }).map(
    ({ key }) => key,
  );
const otherRule: Job = { ...job, poll: { ...job.poll, rule: 'other-rule' }, account: '999999999999' };

test.each([
  ['pause', 'enforcement of a is paused: ', 'enforcement of b is paused: ', resumeCommand('eu-west-1')],
  [
    'hold',
    'held for this: ',
    'held for that: ',
    releaseCommand({ account: ACCOUNT, region: '*', resource: '*', rule: '*' }),
  ],
] as const)('a %s is one cause for all rules and accounts', (gate, one, other, command) => {
  expect(keysOf(`${one}${command}`, gate)).toEqual(keysOf(`${other}${command}`, gate, otherRule));
  expect(keysOf(`${one}${command}`, gate)).not.toEqual(keysOf(`${one}${command} --other`, gate));
});

test('anything else is a cause per rule', () => {
  expect(keysOf('3 of 3 are used', 'limit')).toEqual(keysOf('4 of 4 are used', 'limit'));
  expect(keysOf('3 of 3 are used', 'limit')).not.toEqual(keysOf('3 of 3 are used', 'limit', otherRule));
});

test('a notice says how many findings of the job have its cause', () => {
  const reason = 'the limit is reached';
  const due = ['deploy', 'other'].map((resource) => ({ resource, since, reason, gate: 'limit' as const }));

  const notices = deferralNotices([...due, { resource: 'third', since, reason }], { ...context, job });

  expect(notices.map(({ notice }) => notice.words.slice(0, 26))).toEqual([
    'at least 2 findings are de',
    'at least 1 finding is defe',
  ]);
});
