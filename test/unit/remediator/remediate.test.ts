import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { EXEMPTION_TAG } from '../../../lambdas/model/exemption-tag.ts';
import { type Job, jobId } from '../../../lambdas/model/job.ts';
import type { MaintenanceWindow } from '../../../lambdas/model/maintenance-window.ts';
import { type Outcome, outcomeSchema } from '../../../lambdas/model/outcome.ts';
import type { Exemption, Mode } from '../../../lambdas/model/settings.ts';
import type { JobResult } from '../../../lambdas/remediator/job-result.ts';
import { rule } from '../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { type Answer, queryError, scriptedAws, xmlAnswer } from '../../lab/scripted-aws/scripted-aws.ts';
import { denied, type Fault, unavailable } from './support/iam-account.ts';
import {
  ACCOUNT,
  awsError,
  findingOf,
  jobOf,
  ONE_AT_FIRST,
  RemediatorInMemory,
  RULE,
  settingsOf,
} from './support/remediator-in-memory.ts';

const exemption = {
  account: '*',
  region: '*',
  resource: 'deploy',
  reason: 'rotated by hand',
  owner: 'team-a',
  expires: '2026-12-31',
};

/** A window that is closed when the remediator's clock begins, on a Tuesday at noon, UTC. */
const shut: MaintenanceWindow = { days: ['TUE'], start: '13:00', end: '14:00', time_zone: 'UTC' };

const keysOf = (changes: readonly { readonly change: object }[]): unknown[] =>
  changes.map(({ change }) => ('key' in change ? change.key : undefined));

/** Checks that the key of `deploy` is planned with read permissions only, and nothing is changed. */
function expectOnlyPlanned(remediator: RemediatorInMemory): void {
  expect(keysOf(remediator.outcome('deploy')?.plan ?? [])).toEqual(['old']);
  expect(remediator.account.sessions.map(({ permissions }) => permissions)).toEqual([rule.permissions.read]);
  expect(remediator.account.changed).toEqual([]);
}

describe('a finding', () => {
  test('is fixed, read back, and recorded, with what was seen, planned, and applied', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2', 'new'] });

    const result = await remediator.attempt(jobOf('deploy'));

    const outcome = remediator.outcome('deploy');
    expect(result).toMatchObject({ unfinished: [], failures: [], outcomes: [outcome] });
    expect(outcomeSchema.parse(outcome)).toEqual(outcome);
    expect(outcome).toMatchObject({
      version: 1,
      poll: { source: 'netskope', rule: RULE, asOf: '2026-06-30T11:00:00Z' },
      finding: findingOf('deploy'),
      outcome: 'remediated',
      mode: 'enforce',
      seen: { keys: [{ id: 'old1' }, { id: 'old2' }] },
      startedAt: '2026-06-30T12:00:00.000Z',
      finishedAt: '2026-06-30T12:00:00.000Z',
    });
    expect(outcome).not.toHaveProperty('reason');
    expect(outcome).not.toHaveProperty('earlierPlan');
    expect(outcome?.plan.map(({ line }) => line)).toEqual([
      '~ access key old1 of deploy: Active -> Inactive (created 2025-01-01, never used)',
      '~ access key old2 of deploy: Active -> Inactive (created 2025-01-01, never used)',
    ]);
    expect(outcome?.applied).toEqual([
      {
        line: outcome?.plan[0]?.line,
        change: outcome?.plan[0]?.change,
        appliedAt: '2026-06-30T12:00:00.000Z',
        // The look before the write, and the write.
        requestIds: [expect.stringMatching(/^request-\d+$/), expect.stringMatching(/^request-\d+$/)],
      },
      {
        line: outcome?.plan[1]?.line,
        change: outcome?.plan[1]?.change,
        appliedAt: '2026-06-30T12:00:00.000Z',
        // The look before the write, and the write.
        requestIds: [expect.stringMatching(/^request-\d+$/), expect.stringMatching(/^request-\d+$/)],
      },
    ]);
    expect(remediator.account.changed).toEqual(['deploy/old1', 'deploy/old2']);
    expect(remediator.published).toEqual([outcome]);
  });

  test('is compliant, gone, or left in part, and each is recorded with its reason', async () => {
    const remediator = new RemediatorInMemory({ fine: ['new'] });

    await remediator.attempt(jobOf('fine', 'missing', 'not/a/user'));

    expect(remediator.names).toEqual({ fine: 'compliant', missing: 'gone', 'not/a/user': 'failed' });
    expect(remediator.outcome('missing')?.reason).toBe('missing no longer exists');
    expect(remediator.outcome('not/a/user')).toMatchObject({
      willRetry: false,
      reason: expect.stringContaining('resource "not/a/user": expected the name of an IAM user'),
    });
    expect(remediator.account.calls.map(({ user }) => user)).not.toContain('not/a/user');
    expect(remediator.journals.size).toBe(0);
  });

  test('causes one AssumeRole, with the permissions that the rule needs and no others', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });

    await remediator.attempt(jobOf('a', 'b'));

    expect(remediator.account.sessions).toEqual([
      {
        account: ACCOUNT,
        region: 'eu-central-1',
        name: `netskope.${RULE}@1782817200`,
        maker: jobId(jobOf('a', 'b')),
        inAnyRegion: true,
        permissions: [...rule.permissions.read, ...rule.permissions.write],
      },
    ]);
  });

  test('is planned with the same lines and values in dry run, with permissions that can change nothing', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
    remediator.settings = settingsOf({ mode: 'dry_run' });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'planned', mode: 'dry_run', applied: [] });
    expect(keysOf(remediator.outcome('deploy')?.plan ?? [])).toEqual(['old1', 'old2']);
    expect(remediator.account.sessions.map(({ permissions }) => permissions)).toEqual([
      rule.permissions.read,
    ]);
    expect(remediator.account.operations()).not.toContain('UpdateAccessKey');
    expect(remediator.journals.size).toBe(0);
  });

  test('the mode of an account has precedence over that of the rule', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ mode: 'enforce', mode_by_account: { [ACCOUNT]: 'dry_run' } });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.names).toEqual({ deploy: 'planned' });
  });

  test.each([
    ['enforce', 'dry_run', 'planned'],
    ['dry_run', 'enforce', 'planned'],
    ['enforce', 'off', 'not_applicable'],
    ['off', 'enforce', 'not_applicable'],
  ] as const)('mode %s, at most %s by its message: %s', async (mode, atMost, expected) => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ mode });

    await remediator.attempt({ ...jobOf('deploy'), atMost });

    expect(remediator.names).toEqual({ deploy: expected });
    expect(remediator.account.changed).toEqual([]);
  });

  test('if the rule is off, AWS is not called', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ mode: 'off' });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'not_applicable',
      mode: 'off',
      reason: `rule ${RULE} is off for account ${ACCOUNT} until its settings are changed: mode for rule ${RULE} is off`,
    });
    expect(remediator.account.sessions).toEqual([]);
  });

  test('in an account that the settings no longer include, no role is assumed, even for a change that was begun', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
    remediator.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await remediator.attempt(jobOf('deploy'));
    const before = remediator.account.sessions.length;
    remediator.settings = settingsOf({ mode: 'off', mode_by_account: { '999999999999': 'enforce' } });

    await remediator.attempt(jobOf('deploy'), { number: 2 });

    expect(remediator.account.sessions).toHaveLength(before);
    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining("The rule's settings do not include the account"),
    });
    expect(remediator.outcome('deploy')?.applied).toHaveLength(1);
  });

  test('if it is exempt by the settings, its resource is not read, but others are', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1'], other: ['old2'] });
    remediator.settings = settingsOf({ exemptions: [exemption] });

    await remediator.attempt(jobOf('deploy', 'other'));

    expect(remediator.names).toEqual({ deploy: 'exempt', other: 'remediated' });
    expect(remediator.outcome('deploy')?.reason).toBe(
      "rotated by hand (team-a, until 2026-12-31); to end it earlier, remove it from the rule's exemptions",
    );
    expect(remediator.account.calls).not.toContainEqual(expect.objectContaining({ user: 'deploy' }));
  });

  test('an expired exemption no longer counts, and is reported', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.tags.set('deploy', { [EXEMPTION_TAG]: 'migration until 2026-06-28' });
    remediator.settings = settingsOf({ exemptions: [{ ...exemption, expires: '2026-06-29' }] });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'remediated',
      endedExemptions: [
        'rotated by hand (team-a), ended on 2026-06-29',
        'migration (tag), ended on 2026-06-28',
      ],
    });
  });

  test('is exempt by a tag', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.tags.set('deploy', { [EXEMPTION_TAG]: 'migration until 2026-06-30' });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'exempt',
      reason:
        "migration (tag, until 2026-06-30); to end it earlier, remove the resource's tag cspm-auto-remediation:exempt",
      seen: { keys: [{ id: 'old' }] },
    });
    expect(remediator.account.changed).toEqual([]);
  });

  test('with a tag that cannot be parsed, nothing is changed, and the reason says so', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.tags.set('deploy', { [EXEMPTION_TAG]: 'please leave' });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringContaining(`tag ${EXEMPTION_TAG} is "please leave": expected`),
    });
    expect(remediator.account.changed).toEqual([]);
  });
});

describe('a maintenance window', () => {
  const open: MaintenanceWindow = { ...shut, start: '11:00', end: '12:30' };

  test('outside the window, the plan is recorded, and the credentials cannot change anything', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ maintenance_window: shut });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'deferred',
      mode: 'enforce',
      willRetry: true,
      reason: `${RULE} changes nothing outside its maintenance window, 13:00 to 14:00 UTC on TUE: the finding waits for the first poll after 2026-06-30T13:00:00.000Z; to fix it sooner, change maintenance_window in the rule's settings`,
      seen: { keys: [{ id: 'old' }] },
      applied: [],
    });
    expectOnlyPlanned(remediator);
  });

  test('within the window, the rule is enforced', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ maintenance_window: open });

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.names).toEqual({ deploy: 'remediated' });
  });

  test('if it closes between two findings, the second one is not changed', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    remediator.settings = settingsOf({
      maintenance_window: { ...open, end: '12:03' },
      breaker: ONE_AT_FIRST,
    });
    remediator.account.fault = ({ operation }) => {
      if (operation === 'UpdateAccessKey') remediator.now += 240_000;
      return undefined;
    };

    await remediator.attempt(jobOf('a', 'b'));

    expect(remediator.names).toEqual({ a: 'remediated', b: 'deferred' });
    expect(remediator.account.changed).toEqual(['a/old']);
  });

  test('does not affect a dry run, or an account for which the rule is off', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settingsOf({ mode: 'dry_run', maintenance_window: shut });
    await remediator.attempt(jobOf('deploy'));
    const other = new RemediatorInMemory({ deploy: ['old'] });
    other.settings = settingsOf({ mode_by_account: { [ACCOUNT]: 'off' }, maintenance_window: shut });
    await other.attempt(jobOf('deploy'));

    expect(remediator.names).toEqual({ deploy: 'planned' });
    expect(other.names).toEqual({ deploy: 'not_applicable' });
  });
});

describe('pause', () => {
  test.each(['all', RULE, `security-group-ssh-open, ${RULE}`])('%s: the plan is recorded', async (pause) => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.pause = pause;

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      reason: expect.stringContaining('paused in eu-central-1'),
      seen: { keys: [{ id: 'old' }] },
      applied: [],
    });
    expectOnlyPlanned(remediator);
  });

  test('is effective between two findings: the first is fixed, the second is not changed', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'], c: ['old'] });
    remediator.settings = settingsOf({ breaker: ONE_AT_FIRST });
    remediator.account.fault = ({ operation }) => {
      if (operation === 'UpdateAccessKey') remediator.pause = 'all';
      return undefined;
    };

    await remediator.attempt(jobOf('a', 'b', 'c'));

    expect(remediator.names).toEqual({ a: 'remediated', b: 'deferred', c: 'deferred' });
    expect(remediator.account.changed).toEqual(['a/old']);
  });

  test('does not affect another rule, or a dry run', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.pause = 's3-bucket-public';
    await remediator.attempt(jobOf('deploy'));
    const other = new RemediatorInMemory({ deploy: ['old'] });
    other.pause = 'all';
    other.settings = settingsOf({ mode: 'dry_run' });
    await other.attempt(jobOf('deploy'));

    expect(remediator.names).toEqual({ deploy: 'remediated' });
    expect(other.names).toEqual({ deploy: 'planned' });
  });

  test('with a value that cannot be parsed stops everything, with an error in the log', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.pause = 'stop!';

    const { settingsError } = await remediator.attempt(jobOf('deploy'));

    expect(settingsError).toBeInstanceOf(SettingsError);
    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringContaining('in pause "stop!"'),
    });
    expect(remediator.account.changed).toEqual([]);
  });

  test.each([
    { error: new SettingsError('parameter /x/pause is gone'), name: 'failed', isUnfinished: false },
    { error: awsError('ThrottlingException', 400), name: undefined, isUnfinished: true },
  ])(
    'that cannot be read between two findings ($error.name) stops the rest',
    async ({ error, name, isUnfinished }) => {
      const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
      remediator.settings = settingsOf({ breaker: ONE_AT_FIRST });
      remediator.fault = (port) =>
        port === 'pause' && remediator.account.changed.length > 0 ? error : undefined;

      const { unfinished } = await remediator.attempt(jobOf('a', 'b'));

      expect(remediator.outcome('a')?.outcome).toBe('remediated');
      expect(remediator.outcome('b')?.outcome).toBe(name);
      expect(unfinished).toHaveLength(isUnfinished ? 1 : 0);
      expect(remediator.account.changed).toEqual(['a/old']);
    },
  );
});

describe('settings', () => {
  test('that are invalid: every finding has failed, and nothing is read or changed', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    const error = new SettingsError('settings of x: they are not JSON');
    remediator.fault = (port) => (port === 'settings' ? error : undefined);

    const result = await remediator.attempt(jobOf('a', 'b'));

    expect(result).toMatchObject({ settingsError: error, unfinished: [] });
    expect(remediator.names).toEqual({ a: 'failed', b: 'failed' });
    expect(remediator.outcome('a')).toMatchObject({ willRetry: true, reason: error.message });
    expect(remediator.account.sessions).toEqual([]);
  });

  test('with options that the rule does not have: the same', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'] });
    remediator.settings = settingsOf({ options: { max_age_days: 'ninety' } });

    const { settingsError } = await remediator.attempt(jobOf('a'));

    expect(settingsError?.message).toMatch(/^settings of iam-access-key-unrotated: options: max_age_days: /);
    expect(remediator.names).toEqual({ a: 'failed' });
    expect(remediator.account.sessions).toEqual([]);
  });

  test('that AWS does not return now: all findings wait for the next attempt', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'] });
    const error = awsError('ThrottlingException', 400);
    remediator.fault = (port) => (port === 'settings' ? error : undefined);

    const { unfinished } = await remediator.attempt(jobOf('a', 'b'));

    expect(unfinished.map((each) => each.error)).toEqual([error, error]);
    expect(remediator.outcomes.size).toBe(0);
  });
});

describe('the target role', () => {
  test('denied: every finding has failed, and the reason says what to do', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'] });
    remediator.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);

    const { unfinished } = await remediator.attempt(jobOf('a', 'b'));

    expect(unfinished).toEqual([]);
    expect(remediator.names).toEqual({ a: 'failed', b: 'failed' });
    expect(remediator.outcome('a')?.reason).toBe(
      `the target role in account ${ACCOUNT} cannot be assumed: it is missing there, or does not trust this remediator (name, external id, organization), or the settings do not include the account; deploy modules/target in that account. AccessDenied: AccessDenied by fault (request request-0)`,
    );
  });

  test('denied: the account is reported, once per job; an error of the report is a failure of the job', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    const denied = awsError('AccessDenied', 403);
    remediator.fault = (port) => (port === 'session' ? denied : undefined);
    await remediator.attempt(jobOf('a', 'b'));
    const lost = awsError('InternalError', 500);
    remediator.fault = (port) =>
      port === 'session' ? denied : port === 'reportRoleMissing' ? lost : undefined;

    const second = await remediator.attempt({
      ...jobOf('c'),
      poll: { ...jobOf('c').poll, asOf: '2026-06-30T13:00:00Z' },
    });

    expect(remediator.rolesMissing).toEqual([{ account: ACCOUNT, region: jobOf('a').region, rule: RULE }]);
    expect(second.failures).toEqual([lost]);
  });

  test('refused for a reason on our side: the account is not reported', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'] });
    remediator.fault = (port) =>
      port === 'session' ? awsError('MalformedPolicyDocumentException', 400) : undefined;

    await remediator.attempt(jobOf('a'));

    expect(remediator.outcome('a')?.reason).not.toContain('modules/target');
    expect(remediator.outcome('a')?.reason).toContain('MalformedPolicyDocumentException');
  });

  test('throttled: all findings wait for the next attempt', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'] });
    remediator.fault = (port) => (port === 'session' ? awsError('Throttling', 400) : undefined);

    const { unfinished } = await remediator.attempt(jobOf('a'));

    expect(unfinished).toHaveLength(1);
    expect(remediator.outcomes.size).toBe(0);
  });
});

describe('reading', () => {
  test('one resource that AWS refuses to return does not affect the others', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'], c: ['old'] });
    remediator.account.fault = ({ user }) => (user === 'b' ? denied : undefined);

    const { unfinished } = await remediator.attempt(jobOf('a', 'b', 'c'));

    expect(unfinished).toEqual([]);
    expect(remediator.names).toEqual({ a: 'remediated', b: 'failed', c: 'remediated' });
    expect(remediator.outcome('b')).toMatchObject({
      willRetry: true,
      reason: expect.stringMatching(/^AccessDenied: .*\(request request-\d+\)$/),
    });
  });

  test('while AWS throttles, resources are not read one by one', async () => {
    const users = Array.from({ length: 10 }, (_, index) => `u${index}`);
    const remediator = new RemediatorInMemory(Object.fromEntries(users.map((user) => [user, ['old']])));
    remediator.account.fault = () => ({ code: 'Throttling' });

    const { unfinished } = await remediator.attempt(jobOf(...users));

    expect(unfinished).toHaveLength(10);
    expect(remediator.account.calls.length).toBeLessThanOrEqual(10);
    expect(remediator.account.changed).toEqual([]);
  });
});

describe('applying', () => {
  test('a change that is refused ends the plan: the outcome lists what was applied before it', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2', 'old3'], other: ['old'] });
    remediator.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? denied : undefined;

    const { unfinished } = await remediator.attempt(jobOf('deploy', 'other'));

    const outcome = remediator.outcome('deploy');
    expect(unfinished).toEqual([]);
    expect(outcome).toMatchObject({ outcome: 'failed', willRetry: true });
    expect(outcome?.reason).toMatch(/^AccessDenied: by fault/);
    expect(keysOf(outcome?.plan ?? [])).toEqual(['old1', 'old2', 'old3']);
    expect(keysOf(outcome?.applied ?? [])).toEqual(['old1']);
    expect(remediator.account.changed).toEqual(['deploy/old1', 'other/old']);
    expect(remediator.outcome('other')?.outcome).toBe('remediated');
  });

  test.each<Fault>([unavailable, 'cut', 'lost', { code: 'Throttling' }])(
    'a call that fails with %j in between: the next attempt finishes, and the outcome lists everything that was applied',
    async (fault) => {
      const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
      remediator.account.fault = ({ operation, key }) =>
        operation === 'UpdateAccessKey' && key === 'old2' ? fault : undefined;

      const first = await remediator.attempt(jobOf('deploy'));
      remediator.account.fault = () => undefined;
      const second = await remediator.attempt(jobOf('deploy'), { number: 2 });
      await remediator.workOffLater();

      expect(first.unfinished.map(({ applied }) => keysOf(applied))).toEqual([['old1']]);
      expect(first.outcomes).toEqual([]);
      expect(second.unfinished).toEqual([]);
      expect(remediator.outcome('deploy')?.outcome).toBe('remediated');
      const { plan = [], earlierPlan = plan, applied = [] } = remediator.outcome('deploy') ?? {};
      expect(keysOf(earlierPlan)).toEqual(['old1', 'old2']);
      expect(keysOf(applied)).toEqual(['old1', 'old2']);
      expect(applied.map(({ found }) => found)).toEqual([undefined, fault === 'lost' ? true : undefined]);
      expect(remediator.account.oldKeys('deploy')).toEqual([]);
      expect(remediator.published).toHaveLength(1);
    },
  );

  test('a resource that still reads as a violation is checked again, and nothing more is changed', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'no effect' : undefined);

    const first = await remediator.attempt(jobOf('deploy'));
    const second = await remediator.attempt(remediator.lastLook);
    remediator.account.users.get('deploy')?.set('old', 'Inactive');
    const third = await remediator.attempt(remediator.lastLook);

    const reason = 'AWS accepted the changes, but its reads of deploy do not show them yet';
    expect([first, second].map(({ inProgress }) => inProgress)).toMatchObject([[{ reason }], [{ reason }]]);
    expect([first, second, third].flatMap(({ outcomes }) => outcomes)).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { key: 'old' } }] },
    ]);
    expect(remediator.account.operations().filter((name) => name === 'UpdateAccessKey')).toHaveLength(1);
  });

  test('a resource that still reads as a violation after an hour has failed, with what was applied', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'no effect' : undefined);

    await remediator.attempt(jobOf('deploy'));
    remediator.now += 3_600_000;
    await remediator.attempt(remediator.lastLook);

    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringContaining('still violates the rule when it is read back'),
    });
    expect(keysOf(remediator.outcome('deploy')?.applied ?? [])).toEqual(['old']);
  });

  test('a read that shows the state before the change is repeated', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    let reads = 0;
    remediator.account.fault = ({ operation }) => {
      if (operation === 'ListAccessKeys') reads += 1;
      return operation === 'UpdateAccessKey' ? 'no effect' : undefined;
    };
    const started = remediator.now;
    const attempt = remediator.attempt(jobOf('deploy'), {
      remainingMilliseconds: () => {
        // By then the plan is made; AWS shows the change from the fourth read on: the third is the first after it.
        remediator.account.fault = ({ operation }) => {
          if (operation === 'ListAccessKeys') reads += 1;
          if (operation === 'ListAccessKeys' && reads === 4) {
            remediator.account.users.get('deploy')?.set('old', 'Inactive');
          }
          return operation === 'UpdateAccessKey' ? 'no effect' : undefined;
        };
        return 300_000;
      },
    });

    await attempt;

    expect(remediator.names).toEqual({ deploy: 'remediated' });
    expect(reads).toBe(4);
    expect(remediator.now).toBeGreaterThan(started);
  });

  test('a resource that cannot be read back now is left to the next attempt, which finds it fixed', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = () => (remediator.account.changed.length > 0 ? unavailable : undefined);

    const first = await remediator.attempt(jobOf('deploy'));
    remediator.account.fault = () => undefined;
    await remediator.attempt(jobOf('deploy'), { number: 2 });

    expect(first.unfinished).toHaveLength(1);
    expect(remediator.outcome('deploy')).toMatchObject({
      outcome: 'remediated',
      reason: expect.stringContaining('an earlier attempt at this job planned these changes'),
    });
    expect(keysOf(remediator.outcome('deploy')?.applied ?? [])).toEqual(['old']);
    expect(remediator.account.changed).toEqual(['deploy/old']);
  });

  test('a resource that AWS refuses to return after the change has failed, and the reason says that it was changed', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = () => (remediator.account.changed.length > 0 ? denied : undefined);

    await remediator.attempt(jobOf('deploy'));

    expect(remediator.outcome('deploy')?.outcome).toBe('failed');
    expect(remediator.outcome('deploy')?.reason).toMatch(
      /^the changes were made, but the resource could not be read back: AccessDenied/,
    );
  });

  test('nothing more is changed without enough time left', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    remediator.settings = settingsOf({ breaker: ONE_AT_FIRST });

    const first = await remediator.attempt(jobOf('a', 'b'), {
      remainingMilliseconds: () => (remediator.account.changed.length > 0 ? 20_000 : 60_000),
    });
    const second = await remediator.attempt(jobOf('a', 'b'), { number: 2 });

    expect(first.unfinished.map(({ finding }) => finding.resource)).toEqual(['b']);
    expect(String(first.unfinished[0]?.error)).toContain('the function had 20 s left');
    expect(first.outcomes.map(({ finding }) => finding.resource)).toEqual(['a']);
    expect(second.outcomes.map(({ finding }) => finding.resource)).toEqual(['b']);
    expect(remediator.names).toEqual({ a: 'remediated', b: 'remediated' });
  });
});

describe('a resource that AWS is changing', () => {
  const cluster = (fields: string): Answer =>
    xmlAnswer(
      `<DescribeClustersResponse><DescribeClustersResult><Clusters><Cluster><ClusterIdentifier>warehouse</ClusterIdentifier>${fields}</Cluster></Clusters></DescribeClustersResult></DescribeClustersResponse>`,
    );
  const open = '<ClusterStatus>available</ClusterStatus><PubliclyAccessible>true</PubliclyAccessible>';
  const paused = '<ClusterStatus>paused</ClusterStatus><PubliclyAccessible>true</PubliclyAccessible>';
  const closing = `${open}<PendingModifiedValues><PubliclyAccessible>false</PubliclyAccessible></PendingModifiedValues>`;
  const modified = xmlAnswer('<ModifyClusterResponse><ModifyClusterResult/></ModifyClusterResponse>');
  const rule = 'redshift-cluster-public';
  const finding = { rule, account: ACCOUNT, region: 'eu-central-1', resource: 'warehouse' };
  const job: Job = { ...jobOf(), poll: { ...jobOf().poll, rule }, findings: [finding] };

  test.each<[string, Answer, Answer, string]>([
    ['before', cluster(paused), modified, 'cluster warehouse is paused'],
    ['while it is changed', cluster(open), queryError('InvalidClusterState'), 'warehouse'],
    ['gone while it is changed', cluster(open), queryError('ClusterNotFound', 404), 'no longer exists'],
  ])('%s: its finding waits for the next poll', async (when, seen, answered, reason) => {
    let isGone = false;
    await using aws = await scriptedAws(({ form }) => {
      if (form.get('Action') === 'DescribeClusters') {
        return isGone ? queryError('ClusterNotFound', 404) : seen;
      }
      isGone = when.startsWith('gone');
      return answered;
    });
    const remediator = new RemediatorInMemory();
    remediator.settings = settingsOf({ rule });
    remediator.openSession = ({ account, region }) =>
      testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1 });

    const { outcomes, unfinished } = await remediator.attempt(job);

    expect(unfinished).toEqual([]);
    expect(outcomes).toMatchObject([
      { outcome: when.startsWith('gone') ? 'gone' : 'deferred', reason: expect.stringContaining(reason) },
    ]);
    expect(outcomes[0]?.applied).toEqual([]);
  });

  test('after our change: follow-up jobs check it, and the last one lists everything that was done', async () => {
    let state = cluster(open);
    await using aws = await scriptedAws(({ form }) => {
      if (form.get('Action') === 'DescribeClusters') return state;
      state = cluster(closing);
      return modified;
    });
    const remediator = new RemediatorInMemory();
    remediator.settings = settingsOf({ rule });
    remediator.openSession = ({ account, region }, now) =>
      testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1, now: () => new Date(now()) });

    const begun = await remediator.attempt(job);
    const [firstLook] = remediator.later;
    const stillAt = await remediator.attempt(firstLook?.job ?? job);
    const [, secondLook] = remediator.later;
    state = cluster('<ClusterStatus>available</ClusterStatus><PubliclyAccessible>false</PubliclyAccessible>');
    const done = await remediator.attempt(secondLook?.job ?? job);

    expect([begun, stillAt].map(({ outcomes }) => outcomes)).toEqual([[], []]);
    expect([begun, stillAt, done].map(({ inProgress }) => inProgress.length)).toEqual([1, 1, 0]);
    expect(remediator.later.map(({ delaySeconds }) => delaySeconds)).toEqual([15, 30]);
    expect(done.outcomes).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { kind: 'redshift-cluster-public-access-set' } }] },
    ]);
    expect(remediator.inProgress.size).toBe(0);
    const changes = aws.calls.filter(({ form }) => form.get('Action') === 'ModifyCluster');
    expect(changes).toHaveLength(1);
  });

  test('a change that is not complete after hours has failed, with what was changed', async () => {
    await using aws = await scriptedAws(({ form }) =>
      form.get('Action') === 'DescribeClusters' ? cluster(isModified ? closing : open) : modify(),
    );
    let isModified = false;
    const modify = (): Answer => {
      isModified = true;
      return modified;
    };
    const remediator = new RemediatorInMemory();
    remediator.settings = settingsOf({ rule });
    remediator.openSession = ({ account, region }, now) =>
      testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1, now: () => new Date(now()) });

    await remediator.attempt(job);
    const [look] = remediator.later;
    remediator.now += 3 * 3_600_000;
    const { outcomes } = await remediator.attempt(look?.job ?? job);

    expect(outcomes).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('being made private') },
    ]);
    expect(outcomes[0]?.applied).toHaveLength(1);
    expect(remediator.later).toHaveLength(1);
  });
});

describe('evidence', () => {
  test('if the journal cannot be written, nothing is changed', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'], fine: [] });
    const error = awsError('AccessDenied', 403);
    remediator.fault = (port) => (port === 'writeJournal' ? error : undefined);

    const result = await remediator.attempt(jobOf('deploy', 'fine'));

    expect(remediator.account.changed).toEqual([]);
    expect(result.unfinished).toMatchObject([{ finding: { resource: 'deploy' }, error }]);
    expect(remediator.names).toEqual({ fine: 'compliant' });
  });

  test('if the journal cannot be read, nothing is done, and it is not overwritten', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
    remediator.account.fault = ({ key }) => (key === 'old2' ? unavailable : undefined);
    remediator.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await remediator.attempt(jobOf('deploy'));
    const before = structuredClone([...remediator.journals]);
    remediator.fault = (port) => (port === 'readJournal' ? awsError('InternalError', 500) : undefined);

    const { unfinished } = await remediator.attempt(jobOf('deploy'), { number: 2 });

    expect(unfinished).toHaveLength(1);
    expect([...remediator.journals]).toEqual(before);
    expect(remediator.account.sessions).toHaveLength(1);
  });

  test('outcomes that cannot be written are written by the next attempt', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    let writes = 0;
    remediator.fault = (port) =>
      port === 'writeOutcomes' && ++writes === 1 ? awsError('InternalError', 500) : undefined;

    const first = await remediator.attempt(jobOf('a', 'b'));
    const second = await remediator.attempt(jobOf('a', 'b'), { number: 2 });

    expect(first.unfinished.map(({ finding }) => finding.resource)).toEqual(['a', 'b']);
    expect(first.outcomes).toEqual([]);
    expect(second.outcomes.map(({ finding }) => finding.resource)).toEqual(['a', 'b']);
    expect(remediator.names).toEqual({ a: 'remediated', b: 'remediated' });
    expect(keysOf(remediator.outcome('a')?.applied ?? [])).toEqual(['old']);
    expect(remediator.account.changed).toEqual(['a/old', 'b/old']);
  });

  test('the same job twice: the changes remain in the record', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'], fine: [] });
    await remediator.attempt(jobOf('deploy', 'fine'));
    const before = structuredClone([...remediator.outcomes]);

    await remediator.attempt(jobOf('deploy', 'fine'));

    expect([...remediator.outcomes]).toEqual(before);
    expect(remediator.account.changed).toEqual(['deploy/old']);
  });

  test('a second job of the same poll does not overwrite the changes of the first one, and does not publish them twice', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    await remediator.attempt(jobOf('deploy'));
    const before = structuredClone([...remediator.outcomes]);

    const { outcomes } = await remediator.attempt({ ...jobOf('deploy'), chunk: 1 });

    expect([...remediator.outcomes]).toEqual(before);
    expect(outcomes).toEqual([]);
    expect(remediator.published).toHaveLength(1);
  });

  test('what a later attempt plans in addition is in the journal before it is changed', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1'] });
    remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'cut' : undefined);
    await remediator.attempt(jobOf('deploy'));
    remediator.account.users.get('deploy')?.set('old2', 'Active');
    remediator.account.fault = () => undefined;

    // The attempt ended after both keys were changed, before any of this was written.
    const steps = await stepsUntil(remediator, ['deploy'], () => remediator.account.changed.length === 2);
    await remediator.attempt(jobOf('deploy'), { number: 2, steps });
    await remediator.attempt(jobOf('deploy'), { number: 3 });
    await remediator.workOffLater();

    expect(remediator.account.changed).toEqual(['deploy/old1', 'deploy/old2']);
    expect(remediator.outcome('deploy')?.outcome).toBe('remediated');
    expect(keysOf(remediator.outcome('deploy')?.applied ?? [])).toEqual(['old1', 'old2']);
  });
});

/** Counts the steps of an attempt until a condition is met, on a copy of the remediator. */
async function stepsUntil(
  remediator: RemediatorInMemory,
  users: readonly string[],
  isSo: () => boolean,
): Promise<number> {
  const { account } = remediator;
  const before = { users: structuredClone(account.users), changed: [...account.changed] };
  const journals = structuredClone([...remediator.journals]);
  for (let steps = 1; ; steps++) {
    await remediator.attempt(jobOf(...users), { number: 2, steps });
    const isDone = isSo();
    account.users.clear();
    for (const [user, keys] of before.users) account.users.set(user, new Map(keys));
    account.changed.splice(0, Number.POSITIVE_INFINITY, ...before.changed);
    remediator.journals.clear();
    for (const [id, journal] of journals) remediator.journals.set(id, journal);
    if (isDone) return steps;
  }
}

describe('publishing', () => {
  test('outcomes that the event bus does not accept are published by the next attempt, once', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'], fine: [] });
    const error = awsError('InternalException', 500);
    remediator.fault = (port) => (port === 'publish' ? error : undefined);

    const first = await remediator.attempt(jobOf('deploy', 'fine'));
    remediator.fault = () => undefined;
    const second = await remediator.attempt(jobOf('deploy', 'fine'), { number: 2 });

    expect(first).toMatchObject({ unfinished: [], failures: [error] });
    expect(second).toMatchObject({ unfinished: [], failures: [] });
    expect(remediator.published.map(({ finding, outcome }) => [finding.resource, outcome]).sort()).toEqual([
      ['deploy', 'remediated'],
      ['fine', 'compliant'],
    ]);
    expect(remediator.account.changed).toEqual(['deploy/old']);
  });

  test('an attempt after one with unfinished findings does not publish the other findings’ outcomes again', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    remediator.account.fault = ({ operation, user }) =>
      operation === 'UpdateAccessKey' && user === 'b' ? unavailable : undefined;
    await remediator.attempt(jobOf('a', 'b'));
    remediator.account.fault = () => undefined;

    await remediator.attempt(jobOf('a', 'b'), { number: 2 });

    expect(remediator.published.map(({ finding }) => finding.resource)).toEqual(['a', 'b']);
  });
});

describe('the last attempt', () => {
  test('gives every finding an outcome, with everything that was applied in any attempt', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
    remediator.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await remediator.attempt(jobOf('deploy', 'other'));
    remediator.fault = (port) => (port === 'settings' ? awsError('ThrottlingException', 400) : undefined);

    const { unfinished } = await remediator.attempt(jobOf('deploy', 'other'), { number: 2, last: true });

    expect(unfinished.map(({ finding }) => finding.resource)).toEqual(['deploy']);
    expect(remediator.names).toEqual({ deploy: 'failed', other: 'gone' });
    expect(remediator.outcome('deploy')).toMatchObject({
      deadLetter: true,
      willRetry: true,
      reason: expect.stringMatching(
        /^not finished after 2 attempts, so the job is in the dead-letter queue.*ThrottlingException/,
      ),
    });
    expect(keysOf(remediator.outcome('deploy')?.applied ?? [])).toEqual(['old1']);
    expect(keysOf(remediator.outcome('deploy')?.earlierPlan ?? [])).toEqual(['old1', 'old2']);
  });

  test('a redrive, which counts attempts from 1 again, replaces the outcome and keeps what was applied', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
    remediator.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await remediator.attempt(jobOf('deploy'), { last: true });
    const given = remediator.outcome('deploy');
    remediator.account.fault = () => undefined;

    await remediator.attempt(jobOf('deploy'), { number: 1 });

    expect(given).toMatchObject({ outcome: 'failed', deadLetter: true });
    expect(remediator.outcome('deploy')?.outcome).toBe('remediated');
    expect(remediator.outcome('deploy')).not.toHaveProperty('deadLetter');
    expect(keysOf(remediator.outcome('deploy')?.applied ?? [])).toEqual(['old1', 'old2']);
    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['failed', 'remediated']);
  });

  test('a redrive leaves finished findings unchanged, and does not publish them again', async () => {
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    remediator.account.fault = ({ operation, user }) =>
      operation === 'UpdateAccessKey' && user === 'b' ? unavailable : undefined;
    await remediator.attempt(jobOf('a', 'b'), { last: true });
    const before = structuredClone(remediator.outcome('a'));
    remediator.account.fault = () => undefined;

    const { outcomes } = await remediator.attempt(jobOf('a', 'b'), { number: 1 });

    expect(outcomes.map(({ finding }) => finding.resource)).toEqual(['b']);
    expect(remediator.outcome('a')).toEqual(before);
    expect(remediator.published.map(({ finding, outcome }) => [finding.resource, outcome])).toEqual([
      ['a', 'remediated'],
      ['b', 'failed'],
      ['b', 'remediated'],
    ]);
  });

  test('the result of a redrive is published in the end, even if the bus did not accept it at first', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = () => unavailable;
    await remediator.attempt(jobOf('deploy'), { last: true });
    remediator.account.fault = () => undefined;
    remediator.fault = (port) => (port === 'publish' ? awsError('InternalException', 500) : undefined);
    await remediator.attempt(jobOf('deploy'), { number: 1 });
    remediator.fault = () => undefined;

    await remediator.attempt(jobOf('deploy'), { number: 2 });

    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['failed', 'remediated']);
  });

  test('a redrive after an attempt that changed something and was interrupted reports these changes', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    const steps = await stepsUntil(remediator, ['deploy'], () => remediator.account.changed.length === 1);
    await remediator.attempt(jobOf('deploy'), { number: 5, last: true, steps });

    await remediator.attempt(jobOf('deploy'), { number: 1 });
    await remediator.workOffLater();

    expect(remediator.outcome('deploy')?.outcome).toBe('remediated');
    expect(remediator.outcome('deploy')?.applied).toMatchObject([{ change: { key: 'old' }, found: true }]);
  });
});

describe('with random faults', () => {
  const names = ['u1', 'u2', 'u3', 'u4'];
  const users = fc.dictionary(
    fc.constantFrom(...names),
    fc.uniqueArray(fc.constantFrom('old1', 'old2', 'old3', 'new1'), { maxLength: 4 }),
  );
  const fault = fc.constantFrom<Fault | undefined>(
    undefined,
    undefined,
    undefined,
    undefined,
    'cut',
    'lost',
    'no effect',
    unavailable,
    denied,
    { code: 'Throttling' },
    { code: 'DeleteConflict', status: 409 },
  );
  const portError = fc.constantFrom<Error | undefined>(
    ...Array.from({ length: 12 }, () => undefined),
    awsError('ServiceUnavailable', 503),
    awsError('AccessDenied', 403),
    new TypeError('a bug'),
  );
  const setting = fc.record({
    mode: fc.constantFrom<Mode>('off', 'dry_run', 'enforce', 'enforce', 'enforce', 'enforce'),
    pause: fc.constantFrom('none', 'none', 'none', 'none', RULE),
    exemptions: fc.constantFrom<Exemption[]>([], [], [], [{ ...exemption, resource: 'u1' }]),
    maintenance_window: fc.constantFrom(undefined, undefined, undefined, shut),
  });
  const attempt = fc.record({
    setting,
    steps: fc.option(fc.integer({ min: 1, max: 90 })),
    faults: fc.array(fault, { maxLength: 40 }),
    portErrors: fc.array(portError, { maxLength: 40 }),
    seconds: fc.constantFrom(300, 300, 300, 10),
  });

  type Attempt = typeof attempt extends fc.Arbitrary<infer T> ? T : never;

  function trouble(
    remediator: RemediatorInMemory,
    { setting: { pause, ...settings }, faults, portErrors }: Attempt,
  ): void {
    let calls = 0;
    let ports = 0;
    remediator.account.fault = () => faults[calls++];
    remediator.fault = () => portErrors[ports++];
    remediator.pause = pause;
    remediator.settings = settingsOf(settings);
  }

  function calm(remediator: RemediatorInMemory): void {
    remediator.account.fault = () => undefined;
    remediator.fault = () => undefined;
    remediator.pause = 'none';
    remediator.settings = settingsOf();
  }

  /** Delivers delayed jobs until none is left. */
  async function followUp(remediator: RemediatorInMemory): Promise<JobResult[]> {
    const results: JobResult[] = [];
    for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
      remediator.now += next.delaySeconds * 1000;
      results.push(await remediator.attempt(next.job));
    }
    return results;
  }

  const resources = (list: readonly { readonly finding: { readonly resource: string } }[]): string[] =>
    list.map(({ finding }) => finding.resource).sort();

  /** Attempts at a job that was done at the first, whose second delivery cannot read everything. */
  const unreadAgain: [Record<string, string[]>, Attempt[]] = [
    {},
    [[], [...Array.from({ length: 6 }, () => undefined), awsError('AccessDenied', 403)], []].map(
      (portErrors) => ({
        setting: { mode: 'off', pause: 'none', exemptions: [], maintenance_window: undefined },
        steps: null,
        faults: [],
        portErrors,
        seconds: 300,
      }),
    ),
  ];

  test('no finding is lost or counted twice: each has an outcome, or is unfinished', async () => {
    await fc.assert(
      fc.asyncProperty(users, fc.array(attempt, { minLength: 1, maxLength: 3 }), async (given, attempts) => {
        const remediator = new RemediatorInMemory(given);
        for (const [index, each] of attempts.entries()) {
          trouble(remediator, each);
          const last = index === attempts.length - 1;

          const { outcomes, unfinished, inProgress } = await remediator.attempt(jobOf(...names), {
            number: index + 1,
            last,
            remainingMilliseconds: () => each.seconds * 1000,
          });

          const done = resources(
            [...remediator.outcomes.values()].filter(({ deadLetter }) => deadLetter !== true),
          );
          const left = resources([...unfinished, ...inProgress]);
          expect([...new Set([...done, ...left])].sort()).toEqual(names);
          expect(new Set(resources(outcomes)).size).toBe(outcomes.length);
          const open = last ? resources(inProgress) : left;
          expect(resources(outcomes).filter((name) => open.includes(name))).toEqual([]);
        }
      }),
      { numRuns: 60, examples: [unreadAgain] },
    );
  });

  test('no matter how often attempts are interrupted, the outcome lists every change that was made', async () => {
    await fc.assert(
      fc.asyncProperty(users, fc.array(attempt, { maxLength: 4 }), async (given, attempts) => {
        const remediator = new RemediatorInMemory(given);
        for (const [index, each] of attempts.entries()) {
          trouble(remediator, each);
          await remediator.attempt(jobOf(...names), {
            number: index + 1,
            ...(each.steps !== null && { steps: each.steps }),
            remainingMilliseconds: () => each.seconds * 1000,
          });
        }
        calm(remediator);
        const number = attempts.length + 1;

        const results = [
          await remediator.attempt(jobOf(...names), { number }),
          ...(await followUp(remediator)),
        ];

        for (const { unfinished, failures } of results) {
          expect({ unfinished, failures }).toEqual({ unfinished: [], failures: [] });
        }
        expect(Object.keys(remediator.names).sort()).toEqual(names);
        for (const user of names) {
          const outcome = remediator.outcome(user);
          const known = [outcome?.plan, outcome?.earlierPlan, outcome?.applied].flatMap((changes) =>
            keysOf(changes ?? []),
          );
          const changed = remediator.account.changed.filter((change) => change.startsWith(`${user}/`));
          for (const change of changed) expect(known).toContain(change.split('/')[1]);
          // Everything that is listed as applied was applied.
          for (const key of keysOf(outcome?.applied ?? [])) {
            expect(remediator.account.calls).toContainEqual({ operation: 'UpdateAccessKey', user, key });
          }
          // The outcome that no other one replaces was published.
          expect(remediator.published.filter(({ finding }) => finding.resource === user).at(-1)).toEqual(
            outcome,
          );
          const begun = Date.parse(outcome?.startedAt ?? '');
          for (const { appliedAt } of outcome?.applied ?? []) {
            expect(Date.parse(appliedAt)).toBeGreaterThanOrEqual(begun);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a dry run shows exactly the changes that enforcement then makes', async () => {
    await fc.assert(
      fc.asyncProperty(users, async (given) => {
        const planned = new RemediatorInMemory(given);
        planned.settings = settingsOf({ mode: 'dry_run' });
        const enforced = new RemediatorInMemory(given);

        await planned.attempt(jobOf(...names));
        await enforced.attempt(jobOf(...names));

        const plans = (
          remediator: RemediatorInMemory,
          of: (outcome: Outcome) => readonly { line: string }[],
        ) =>
          names.map((name) => {
            const outcome = remediator.outcome(name);
            return outcome === undefined ? [] : of(outcome).map(({ line }) => line);
          });
        expect(planned.account.changed).toEqual([]);
        expect(plans(planned, ({ plan }) => plan)).toEqual(plans(enforced, ({ applied }) => applied));
        expect(plans(planned, ({ plan }) => plan)).toEqual(plans(enforced, ({ plan }) => plan));
      }),
      { numRuns: 25 },
    );
  });
});
