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

test('a plan is separate evidence; nothing is changed, published, or recorded in the table', async () => {
  const result = await remediator.attempt(planOf('deploy', 'robot'));

  expect(result.outcomes.map(({ outcome }) => outcome)).toEqual(['planned', 'planned']);
  expect([...remediator.objects.keys()]).toEqual([expect.stringMatching(/^plans\/outcomes\/date=/)]);
  expect(remediator.account.changed).toEqual([]);
  expect(remediator.published).toEqual([]);
  expect(remediator.table.findings.size).toBe(0);
});

test('a poll of the same time that enforces is a different one, and is not affected', async () => {
  await remediator.attempt(planOf('deploy'));
  await remediator.attempt(jobOf('deploy'));

  expect(remediator.account.changed).toHaveLength(1);
  expect([...remediator.objects.keys()]).toEqual([
    expect.stringMatching(/^plans\/outcomes\//),
    expect.stringMatching(/^outcomes\//),
  ]);
});

test('a finding that has failed and waits for its next attempt is planned, and continues to wait', async () => {
  remediator.account.fault = () => denied;
  await remediator.attempt(jobOf('deploy'));
  const before = structuredClone([...remediator.table.findings]);
  remediator.account.fault = () => undefined;

  const { outcomes } = await remediator.attempt(planOf('deploy'));

  expect(outcomes).toMatchObject([{ outcome: 'planned', plan: [{}] }]);
  expect([...remediator.table.findings]).toEqual(before);
});

test('an account without the role is not reported', async () => {
  remediator.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);

  const { outcomes } = await remediator.attempt(planOf('deploy'));

  expect(outcomes).toMatchObject([{ outcome: 'failed', gate: 'role' }]);
  expect(remediator.rolesMissing).toEqual([]);
});

test('its sessions can be identified by their names', () => {
  expect(pollId({ ...POLL, plans: true })).toBe(`${pollId(POLL)}+plan`);
});

test.each([
  ['without its mode', { atMost: undefined }],
  ['that enforces', { atMost: 'enforce' }],
  ['that closes', { closes: true }],
  ['that continues another', { continues: { job: '0'.repeat(64), look: 1 } }],
])('a job of such a poll %s is not valid', (_, more) => {
  expect(jobSchema.safeParse(planOf('deploy')).success).toBe(true);
  expect(jobSchema.safeParse({ ...planOf('deploy'), ...more }).success).toBe(false);
});

test('a rule that is off is also off in a plan', async () => {
  remediator.settings = settingsOf({ mode: 'enforce', excluded_accounts: [ACCOUNT] });

  const { outcomes } = await remediator.attempt(planOf('deploy'));

  expect(outcomes).toMatchObject([{ outcome: 'not_applicable' }]);
});
