import { beforeEach, expect, test } from 'vitest';
import { jobSchema, pollId } from '../../../lambdas/model/job.ts';
import { denied } from './support/iam-account.ts';
import { ACCOUNT, awsError, jobOf, RemediatorInMemory, settingsOf } from './support/remediator-in-memory.ts';

const { poll: POLL } = jobOf('deploy');

/** A job of a poll that only plans. */
const planOf = (...users: readonly string[]) => ({
  ...jobOf(...users),
  poll: { ...POLL, plans: true as const },
  atMost: 'dry_run' as const,
});

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory({ deploy: ['old'], robot: ['old'] });
  remediator.settings = settingsOf({ mode: 'enforce' });
});

test('a plan is evidence of its own; nothing is changed, told or remembered', async () => {
  const result = await remediator.attempt(planOf('deploy', 'robot'));

  expect(result.outcomes.map(({ outcome }) => outcome)).toEqual(['planned', 'planned']);
  expect([...remediator.objects.keys()]).toEqual([expect.stringMatching(/^plans\/outcomes\/date=/)]);
  expect(remediator.account.changed).toEqual([]);
  expect(remediator.published).toEqual([]);
  expect(remediator.table.findings.size).toBe(0);
});

test('the poll of the same moment that enforces is another, and does its work', async () => {
  await remediator.attempt(planOf('deploy'));
  await remediator.attempt(jobOf('deploy'));

  expect(remediator.account.changed).toHaveLength(1);
  expect([...remediator.objects.keys()]).toEqual([
    expect.stringMatching(/^plans\/outcomes\//),
    expect.stringMatching(/^outcomes\//),
  ]);
});

test('what has failed, and waits for its next attempt, is planned; it goes on waiting', async () => {
  remediator.account.fault = () => denied;
  await remediator.attempt(jobOf('deploy'));
  const before = structuredClone([...remediator.table.findings]);
  remediator.account.fault = () => undefined;

  const { outcomes } = await remediator.attempt(planOf('deploy'));

  expect(outcomes).toMatchObject([{ outcome: 'planned', plan: [{}] }]);
  expect([...remediator.table.findings]).toEqual(before);
});

test('of an account without the role nobody is told', async () => {
  remediator.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);

  const { outcomes } = await remediator.attempt(planOf('deploy'));

  expect(outcomes).toMatchObject([{ outcome: 'failed', gate: 'role' }]);
  expect(remediator.rolesMissing).toEqual([]);
});

test('its sessions are known by their name', () => {
  expect(pollId({ ...POLL, plans: true })).toBe(`${pollId(POLL)}+plan`);
});

test.each([
  ['without its mode', { atMost: undefined }],
  ['that enforces', { atMost: 'enforce' }],
  ['that closes', { closes: true }],
  ['that goes on with another', { continues: { job: '0'.repeat(64), look: 1 } }],
])('a job of such a poll %s is no job', (_, more) => {
  expect(jobSchema.safeParse(planOf('deploy')).success).toBe(true);
  expect(jobSchema.safeParse({ ...planOf('deploy'), ...more }).success).toBe(false);
});

test('a rule that is off is off in a plan, too', async () => {
  remediator.settings = settingsOf({ mode: 'enforce', excluded_accounts: [ACCOUNT] });

  const { outcomes } = await remediator.attempt(planOf('deploy'));

  expect(outcomes).toMatchObject([{ outcome: 'not_applicable' }]);
});
