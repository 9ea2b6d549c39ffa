import { beforeEach, describe, expect, test } from 'vitest';
import { type Finding, findingKey } from '../../../../lambdas/model/finding.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import { denied, unavailable } from '../support/iam-account.ts';
import { Killed } from '../support/lifeline.ts';
import {
  ACCOUNT,
  findingOf,
  jobOf,
  RemediatorInMemory,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const HOUR = 3_600_000;
const FINDING: Finding = findingOf('deploy');

let remediator: RemediatorInMemory;

beforeEach(() => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
  remediator.settings = settingsOf({ poll_minutes: 60 });
  remediator.account.fault = () => denied;
});

/** Runs the next hourly poll, which reports the user. @returns whether the account was called, and the outcome */
async function poll(hours = 1) {
  remediator.now += hours * HOUR;
  const calls = remediator.account.calls.length;
  const asOf = new Date(remediator.now).toISOString();
  const job: Job = { ...jobOf('deploy'), poll: { ...jobOf('deploy').poll, asOf } };
  await remediator.attempt(job);
  const outcome = [...remediator.outcomes.values()].at(-1);
  return { isAttempted: remediator.account.calls.length > calls, outcome };
}

const backOff = () => remediator.table.findings.get(findingKey(FINDING))?.backOff;

async function pollHours(hours: number): Promise<number[]> {
  const attempted: number[] = [];
  for (let hour = 1; hour <= hours; hour += 1) if ((await poll()).isAttempted) attempted.push(hour);
  return attempted;
}

describe('a finding that fails', () => {
  test('is attempted again after an hour, four, a day, and then daily', async () => {
    const attempted = await pollHours(80);

    expect(attempted).toEqual([1, 2, 6, 30, 54, 78]);
    expect(remediator.account.sessions).toHaveLength(6);
  });

  test('remains failed in the meantime, and says why, until when, and how to change it', async () => {
    await poll();
    await poll();
    const { outcome, isAttempted } = await poll();

    expect(isAttempted).toBe(false);
    expect(outcome).toMatchObject({ outcome: 'failed', gate: 'back_off', willRetry: true, applied: [] });
    expect(outcome?.reason).toMatch(
      /^not attempted at this poll, because it has failed 2 times in a row, most recently at 2026-06-30T14:00:00.000Z: ".*AccessDenied.*"\. The next attempt is at the poll nearest to 2026-06-30T18:00:00.000Z, or sooner if its settings or the module's version change, or if an operator requests it: cspm-remediation retry deploy --account 111122223333 --region global$/,
    );
  });

  test('is published once, not for every attempt', async () => {
    await pollHours(80);

    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['failed']);
  });

  test('does not stop a job that changed something before its function was killed', async () => {
    remediator.account.fault = () => undefined;
    const first = jobOf('deploy');
    const changed = () => remediator.account.changed.length;
    const onStep = () => {
      if (changed() > 0) throw new Killed('the function was ended');
    };
    await remediator.attempt(first, { onStep }).catch(() => undefined);
    remediator.account.fault = () => denied;
    await poll();
    const failed = backOff();
    remediator.account.fault = () => undefined;

    await remediator.attempt(first, { number: 2 });

    const outcome = [...remediator.outcomes.values()].find(({ poll: { asOf } }) => asOf === first.poll.asOf);
    expect(failed).toBeDefined();
    expect(changed()).toBe(1);
    expect(outcome).toMatchObject({ applied: { length: 1 } });
    expect(outcome).not.toHaveProperty('gate');
  });

  test('starts from the beginning after a success', async () => {
    await pollHours(2);
    remediator.account.fault = () => undefined;
    await poll(4);
    const afterFix = backOff();
    remediator.account.users.get('deploy')?.set('AKIA-1', 'Active');
    remediator.account.fault = () => denied;
    await poll(25);

    expect(afterFix).toBeUndefined();
    expect(backOff()?.failures).toBe(1);
  });

  test.each([
    ['settings of its rule', { rule: 'rule-2', accounts: 'accounts-1' }],
    ['account settings', { rule: 'rule-1', accounts: 'accounts-2' }],
  ])('is attempted at once with new %s, and starts from the beginning', async (_, versions) => {
    await pollHours(6);
    remediator.settings = settingsOf({ versions });

    const { isAttempted } = await poll();

    expect(isAttempted).toBe(true);
    expect(backOff()?.failures).toBe(1);
  });

  test('is attempted at once with a new version of the module', async () => {
    await pollHours(6);
    const known = remediator.table.findings.get(findingKey(FINDING));
    const failures = backOff();
    if (known === undefined || failures === undefined) throw new Error('it is not known');
    remediator.table.findings.set(findingKey(FINDING), {
      ...known,
      backOff: { ...failures, module: '0.0.9' },
    });

    expect((await poll()).isAttempted).toBe(true);
    expect(backOff()?.failures).toBe(1);
  });

  test.each([
    ['it', { region: 'global', resource: 'deploy' }],
    ['its region', { region: 'global', resource: '*' }],
    ['its account', { region: '*', resource: '*' }],
  ])('is attempted at once, but only once, if an operator requests a retry of %s', async (_, place) => {
    await pollHours(6);
    const at = new Date(remediator.now + 60_000).toISOString();
    const name = { account: ACCOUNT, ...place };
    remediator.table.retries.push({ name, at, by: 'Ada', reason: 'the policy is repaired' });

    expect(await pollHours(6)).toEqual([1, 2, 6]);
  });

  test('is not attempted because of a retry from before its last failure, or of one that cannot be parsed', async () => {
    await pollHours(6);
    const name = { account: ACCOUNT, region: 'global', resource: 'deploy' };
    const at = new Date(remediator.now - 60_000).toISOString();
    remediator.table.retries.push({ name, at, by: 'Ada', reason: 'early' });
    remediator.table.retries.push({ name, problem: 'at: Invalid ISO datetime' });

    const { isAttempted, outcome } = await poll();

    expect(isAttempted).toBe(false);
    expect(outcome?.reason).toContain('/ retry cannot be parsed: at: Invalid ISO datetime)');
  });

  test('reads retries only while it waits, with one read per job', async () => {
    const questions = () =>
      remediator.operatorQuestions.filter(({ names: { retries = [] } }) => retries.length > 0).length;
    const users = Array.from({ length: 25 }, (_, index) => `user-${index}`);
    for (const user of users) remediator.account.users.set(user, new Map([['AKIA', 'Active']]));
    const job = (seconds: number): Job => ({
      ...jobOf(...users),
      poll: { ...jobOf().poll, asOf: new Date(remediator.now + 1000 * seconds).toISOString() },
    });

    await remediator.attempt(job(1));
    const first = questions();
    await remediator.attempt(job(2));

    expect([first, questions()]).toEqual([0, 1]);
  });
});

describe('what does not count as a failure', () => {
  test('throttling and timeouts, after which the job becomes a dead letter', async () => {
    remediator.account.fault = () => unavailable;
    remediator.now += HOUR;
    await remediator.attempt(jobOf('deploy'), { number: 5, last: true });

    expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'failed', deadLetter: true });
    expect(backOff()).toBeUndefined();
  });

  test('settings that cannot be read, and a resource that AWS is changing', async () => {
    remediator.account.fault = () => denied;
    await poll();
    const once = backOff();
    remediator.pause = 'everything';
    await poll();

    expect(once?.failures).toBe(1);
    expect(backOff()).toEqual(once);
  });

  test('a missing role, which concerns the account', async () => {
    const { openSession } = remediator;
    remediator.openSession = () => {
      throw Object.assign(new Error('not authorized'), {
        name: 'AccessDenied',
        $fault: 'client',
        $metadata: { httpStatusCode: 403 },
      });
    };
    const lost = await poll();
    remediator.openSession = openSession;
    remediator.account.fault = () => undefined;
    const found = await poll();

    expect(lost.outcome).toMatchObject({ outcome: 'failed', gate: 'role' });
    expect(backOff()).toBeUndefined();
    expect(found.outcome).toMatchObject({ outcome: 'remediated' });
  });
});

test('an item from before failures were counted is read, and its finding is attempted', async () => {
  await poll();
  const known = remediator.table.findings.get(findingKey(FINDING));
  if (known === undefined) throw new Error('it is not known');
  const { backOff: _, ...old } = known;
  remediator.table.findings.set(findingKey(FINDING), old);

  expect((await poll()).isAttempted).toBe(true);
});

test('an exemption tag that cannot be parsed does not start a back-off: it is effective as soon as it is corrected', async () => {
  remediator.account.fault = () => undefined;
  remediator.account.tags.set('deploy', { 'cspm-auto-remediation:exempt': 'for ever' });
  const first = await poll();
  const second = await poll();
  remediator.account.tags.set('deploy', { 'cspm-auto-remediation:exempt': 'a robot until 2099-12-31' });

  const repaired = await poll();

  expect([first, second].map(({ outcome }) => [outcome?.outcome, outcome?.gate])).toEqual([
    ['failed', 'exemption'],
    ['failed', 'exemption'],
  ]);
  expect([second, repaired].map(({ isAttempted }) => isAttempted)).toEqual([true, true]);
  expect(repaired.outcome?.outcome).toBe('exempt');
});
