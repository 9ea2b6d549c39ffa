import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import type { Job } from '../../../lambdas/model/job.ts';
import type { MaintenanceWindow } from '../../../lambdas/model/maintenance-window.ts';
import { type Outcome, outcomeSchema } from '../../../lambdas/model/outcome.ts';
import type { Exemption, Mode } from '../../../lambdas/model/settings.ts';
import { EXEMPTION_TAG } from '../../../lambdas/remediator/exemptions.ts';
import type { JobResult } from '../../../lambdas/remediator/job-result.ts';
import { rule } from '../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { type Answer, queryError, scriptedAws, xmlAnswer } from '../../lab/scripted-aws/scripted-aws.ts';
import { denied, type Fault, unavailable } from './support/iam-account.ts';
import { ACCOUNT, awsError, findingOf, jobOf, RULE, settingsOf, World } from './support/world.ts';

const exemption = {
  account: '*',
  region: '*',
  resource: 'deploy',
  reason: 'rotated by hand',
  owner: 'team-a',
  expires: '2026-12-31',
};

/** Not open when the world's clock begins, on a Tuesday at noon, UTC. */
const shut: MaintenanceWindow = { days: ['TUE'], start: '13:00', end: '14:00', time_zone: 'UTC' };

const keysOf = (changes: readonly { readonly change: object }[]): unknown[] =>
  changes.map(({ change }) => ('key' in change ? change.key : undefined));

describe('what becomes of a finding', () => {
  test('is cured, read back and recorded, with what was seen, planned and applied', async () => {
    const world = new World({ deploy: ['old1', 'old2', 'new'] });

    const result = await world.attempt(jobOf('deploy'));

    const outcome = world.outcome('deploy');
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
    expect(world.account.changed).toEqual(['deploy/old1', 'deploy/old2']);
    expect(world.published).toEqual([outcome]);
  });

  test('is compliant, gone or left in part, and each is told with its reason', async () => {
    const world = new World({ fine: ['new'] });

    await world.attempt(jobOf('fine', 'missing', 'not/a/user'));

    expect(world.names).toEqual({ fine: 'compliant', missing: 'gone', 'not/a/user': 'failed' });
    expect(world.outcome('missing')?.reason).toBe('missing does not exist any more');
    expect(world.outcome('not/a/user')).toMatchObject({
      willRetry: false,
      reason: expect.stringContaining('resource "not/a/user": expected the name of an IAM user'),
    });
    expect(world.account.calls.map(({ user }) => user)).not.toContain('not/a/user');
    expect(world.journals.size).toBe(0);
  });

  test('the role is assumed once, for what the rule needs and nothing else', async () => {
    const world = new World({ a: ['old'], b: ['old'] });

    await world.attempt(jobOf('a', 'b'));

    expect(world.account.sessions).toEqual([
      {
        account: ACCOUNT,
        region: 'eu-central-1',
        name: `netskope.${RULE}@1782817200`,
        inAnyRegion: true,
        permissions: [...rule.permissions.read, ...rule.permissions.write],
      },
    ]);
  });

  test('the same words and values are planned in dry run, with permissions that can change nothing', async () => {
    const world = new World({ deploy: ['old1', 'old2'] });
    world.settings = settingsOf({ mode: 'dry_run' });

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')).toMatchObject({ outcome: 'planned', mode: 'dry_run', applied: [] });
    expect(keysOf(world.outcome('deploy')?.plan ?? [])).toEqual(['old1', 'old2']);
    expect(world.account.sessions.map(({ permissions }) => permissions)).toEqual([rule.permissions.read]);
    expect(world.account.operations()).not.toContain('UpdateAccessKey');
    expect(world.journals.size).toBe(0);
  });

  test('a mode for the account goes before the rule’s own', async () => {
    const world = new World({ deploy: ['old'] });
    world.settings = settingsOf({ mode: 'enforce', mode_by_account: { [ACCOUNT]: 'dry_run' } });

    await world.attempt(jobOf('deploy'));

    expect(world.names).toEqual({ deploy: 'planned' });
  });

  test.each([
    ['enforce', 'dry_run', 'planned'],
    ['dry_run', 'enforce', 'planned'],
    ['enforce', 'off', 'not_applicable'],
    ['off', 'enforce', 'not_applicable'],
  ] as const)('mode %s, at most %s by its message: %s', async (mode, atMost, expected) => {
    const world = new World({ deploy: ['old'] });
    world.settings = settingsOf({ mode });

    await world.attempt({ ...jobOf('deploy'), atMost });

    expect(world.names).toEqual({ deploy: expected });
    expect(world.account.changed).toEqual([]);
  });

  test('off: AWS is not even asked', async () => {
    const world = new World({ deploy: ['old'] });
    world.settings = settingsOf({ mode: 'off' });

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'not_applicable',
      mode: 'off',
      reason: `rule ${RULE} is off for account ${ACCOUNT}`,
    });
    expect(world.account.sessions).toEqual([]);
  });

  test('an account that the settings no longer name: no role is assumed, even for what was begun', async () => {
    const world = new World({ deploy: ['old1', 'old2'] });
    world.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await world.attempt(jobOf('deploy'));
    const before = world.account.sessions.length;
    world.settings = settingsOf({ mode: 'off', mode_by_account: { '999999999999': 'enforce' } });

    await world.attempt(jobOf('deploy'), { number: 2 });

    expect(world.account.sessions).toHaveLength(before);
    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('not among the accounts that its settings name'),
    });
    expect(world.outcome('deploy')?.applied).toHaveLength(1);
  });

  test('exempt by settings: its resource is not read, others are', async () => {
    const world = new World({ deploy: ['old1'], other: ['old2'] });
    world.settings = settingsOf({ exemptions: [exemption] });

    await world.attempt(jobOf('deploy', 'other'));

    expect(world.names).toEqual({ deploy: 'exempt', other: 'remediated' });
    expect(world.outcome('deploy')?.reason).toBe('rotated by hand (team-a, until 2026-12-31)');
    expect(world.account.calls).not.toContainEqual(expect.objectContaining({ user: 'deploy' }));
  });

  test('an exemption that has ended no longer counts, and is reported', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.tags.set('deploy', { [EXEMPTION_TAG]: 'migration until 2026-06-28' });
    world.settings = settingsOf({ exemptions: [{ ...exemption, expires: '2026-06-29' }] });

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'remediated',
      endedExemptions: [
        'rotated by hand (team-a), ended on 2026-06-29',
        'migration (tag), ended on 2026-06-28',
      ],
    });
  });

  test('exempt by its tag', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.tags.set('deploy', { [EXEMPTION_TAG]: 'migration until 2026-06-30' });

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'exempt',
      reason: 'migration (tag, until 2026-06-30)',
      seen: { keys: [{ id: 'old' }] },
    });
    expect(world.account.changed).toEqual([]);
  });

  test('a tag that nobody understands: nothing is changed, and that is said', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.tags.set('deploy', { [EXEMPTION_TAG]: 'please leave' });

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringContaining(`tag ${EXEMPTION_TAG} is "please leave": expected`),
    });
    expect(world.account.changed).toEqual([]);
  });
});

describe('a maintenance window', () => {
  const open: MaintenanceWindow = { ...shut, start: '11:00', end: '12:30' };

  test('outside it what would be done is recorded, and the credentials can’t change anything', async () => {
    const world = new World({ deploy: ['old'] });
    world.settings = settingsOf({ maintenance_window: shut });

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'deferred',
      mode: 'enforce',
      willRetry: true,
      reason: `${RULE} changes nothing outside its maintenance window, 13:00 to 14:00 UTC on TUE`,
      seen: { keys: [{ id: 'old' }] },
      applied: [],
    });
    expect(keysOf(world.outcome('deploy')?.plan ?? [])).toEqual(['old']);
    expect(world.account.sessions.map(({ permissions }) => permissions)).toEqual([rule.permissions.read]);
    expect(world.account.changed).toEqual([]);
  });

  test('within it the rule is in force', async () => {
    const world = new World({ deploy: ['old'] });
    world.settings = settingsOf({ maintenance_window: open });

    await world.attempt(jobOf('deploy'));

    expect(world.names).toEqual({ deploy: 'remediated' });
  });

  test('when it closes between two findings the second is not touched', async () => {
    const world = new World({ a: ['old'], b: ['old'] });
    world.settings = settingsOf({ maintenance_window: { ...open, end: '12:03' } });
    world.account.fault = ({ operation }) => {
      if (operation === 'UpdateAccessKey') world.now += 240_000;
      return undefined;
    };

    await world.attempt(jobOf('a', 'b'));

    expect(world.names).toEqual({ a: 'remediated', b: 'deferred' });
    expect(world.account.changed).toEqual(['a/old']);
  });

  test('does not concern a dry run, nor an account that the rule is off for', async () => {
    const world = new World({ deploy: ['old'] });
    world.settings = settingsOf({ mode: 'dry_run', maintenance_window: shut });
    await world.attempt(jobOf('deploy'));
    const other = new World({ deploy: ['old'] });
    other.settings = settingsOf({ mode_by_account: { [ACCOUNT]: 'off' }, maintenance_window: shut });
    await other.attempt(jobOf('deploy'));

    expect(world.names).toEqual({ deploy: 'planned' });
    expect(other.names).toEqual({ deploy: 'not_applicable' });
  });
});

describe('pause', () => {
  test.each(['all', RULE, `security-group-ssh-open, ${RULE}`])(
    '%s: what would be done is recorded',
    async (pause) => {
      const world = new World({ deploy: ['old'] });
      world.pause = pause;

      await world.attempt(jobOf('deploy'));

      expect(world.outcome('deploy')).toMatchObject({
        outcome: 'deferred',
        willRetry: true,
        reason: expect.stringContaining('paused in eu-central-1'),
        seen: { keys: [{ id: 'old' }] },
        applied: [],
      });
      expect(keysOf(world.outcome('deploy')?.plan ?? [])).toEqual(['old']);
      expect(world.account.sessions.map(({ permissions }) => permissions)).toEqual([rule.permissions.read]);
      expect(world.account.changed).toEqual([]);
    },
  );

  test('holds between two findings: the first is cured, the second is not touched', async () => {
    const world = new World({ a: ['old'], b: ['old'], c: ['old'] });
    world.account.fault = ({ operation }) => {
      if (operation === 'UpdateAccessKey') world.pause = 'all';
      return undefined;
    };

    await world.attempt(jobOf('a', 'b', 'c'));

    expect(world.names).toEqual({ a: 'remediated', b: 'deferred', c: 'deferred' });
    expect(world.account.changed).toEqual(['a/old']);
  });

  test('does not concern another rule, nor a dry run', async () => {
    const world = new World({ deploy: ['old'] });
    world.pause = 's3-bucket-public';
    await world.attempt(jobOf('deploy'));
    const other = new World({ deploy: ['old'] });
    other.pause = 'all';
    other.settings = settingsOf({ mode: 'dry_run' });
    await other.attempt(jobOf('deploy'));

    expect(world.names).toEqual({ deploy: 'remediated' });
    expect(other.names).toEqual({ deploy: 'planned' });
  });

  test('a value that nobody understands stops everything, loudly', async () => {
    const world = new World({ deploy: ['old'] });
    world.pause = 'stop!';

    const { settingsError } = await world.attempt(jobOf('deploy'));

    expect(settingsError).toBeInstanceOf(SettingsError);
    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringContaining('pause is "stop!"'),
    });
    expect(world.account.changed).toEqual([]);
  });

  test.each([
    { error: new SettingsError('parameter /x/pause is gone'), name: 'failed', isUnfinished: false },
    { error: awsError('ThrottlingException', 400), name: undefined, isUnfinished: true },
  ])(
    'that can’t be read between two findings ($error.name) stops what is left',
    async ({ error, name, isUnfinished }) => {
      const world = new World({ a: ['old'], b: ['old'] });
      world.fault = (port) => (port === 'pause' && world.account.changed.length > 0 ? error : undefined);

      const { unfinished } = await world.attempt(jobOf('a', 'b'));

      expect(world.outcome('a')?.outcome).toBe('remediated');
      expect(world.outcome('b')?.outcome).toBe(name);
      expect(unfinished).toHaveLength(isUnfinished ? 1 : 0);
      expect(world.account.changed).toEqual(['a/old']);
    },
  );
});

describe('settings', () => {
  test('that can’t be used: every finding has failed, nothing is asked or changed', async () => {
    const world = new World({ a: ['old'], b: ['old'] });
    const error = new SettingsError('settings of x: they are not JSON');
    world.fault = (port) => (port === 'settings' ? error : undefined);

    const result = await world.attempt(jobOf('a', 'b'));

    expect(result).toMatchObject({ settingsError: error, unfinished: [] });
    expect(world.names).toEqual({ a: 'failed', b: 'failed' });
    expect(world.outcome('a')).toMatchObject({ willRetry: true, reason: error.message });
    expect(world.account.sessions).toEqual([]);
  });

  test('with options that are none of the rule’s, too', async () => {
    const world = new World({ a: ['old'] });
    world.settings = settingsOf({ options: { max_age_days: 'ninety' } });

    const { settingsError } = await world.attempt(jobOf('a'));

    expect(settingsError?.message).toMatch(/^settings of iam-access-key-unrotated: options: max_age_days: /);
    expect(world.names).toEqual({ a: 'failed' });
    expect(world.account.sessions).toEqual([]);
  });

  test('that AWS does not give just now: all findings wait for the next attempt', async () => {
    const world = new World({ a: ['old'] });
    const error = awsError('ThrottlingException', 400);
    world.fault = (port) => (port === 'settings' ? error : undefined);

    const { unfinished } = await world.attempt(jobOf('a', 'b'));

    expect(unfinished.map((each) => each.error)).toEqual([error, error]);
    expect(world.outcomes.size).toBe(0);
  });
});

describe('the target role', () => {
  test('denied: every finding has failed, and it is said what to do', async () => {
    const world = new World({ a: ['old'] });
    world.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);

    const { unfinished } = await world.attempt(jobOf('a', 'b'));

    expect(unfinished).toEqual([]);
    expect(world.names).toEqual({ a: 'failed', b: 'failed' });
    expect(world.outcome('a')?.reason).toBe(
      `the target role in account ${ACCOUNT} can't be assumed: it is missing there, or does not trust this remediator (name, external id, organization), or the settings do not name the account; deploy modules/target in that account. AccessDenied: AccessDenied by fault (request request-0)`,
    );
  });

  test('denied: the account is reported, once per job; a report that fails is one of the job’s failures', async () => {
    const world = new World({ a: ['old'], b: ['old'] });
    const denied = awsError('AccessDenied', 403);
    world.fault = (port) => (port === 'session' ? denied : undefined);
    await world.attempt(jobOf('a', 'b'));
    const lost = awsError('InternalError', 500);
    world.fault = (port) => (port === 'session' ? denied : port === 'reportRoleMissing' ? lost : undefined);

    const second = await world.attempt({
      ...jobOf('c'),
      poll: { ...jobOf('c').poll, asOf: '2026-06-30T13:00:00Z' },
    });

    expect(world.rolesMissing).toEqual([{ account: ACCOUNT, region: jobOf('a').region, rule: RULE }]);
    expect(second.failures).toEqual([lost]);
  });

  test('refused for a reason of ours: it is not blamed on the account', async () => {
    const world = new World({ a: ['old'] });
    world.fault = (port) =>
      port === 'session' ? awsError('MalformedPolicyDocumentException', 400) : undefined;

    await world.attempt(jobOf('a'));

    expect(world.outcome('a')?.reason).not.toContain('modules/target');
    expect(world.outcome('a')?.reason).toContain('MalformedPolicyDocumentException');
  });

  test('throttled: all findings wait for the next attempt', async () => {
    const world = new World({ a: ['old'] });
    world.fault = (port) => (port === 'session' ? awsError('Throttling', 400) : undefined);

    const { unfinished } = await world.attempt(jobOf('a'));

    expect(unfinished).toHaveLength(1);
    expect(world.outcomes.size).toBe(0);
  });
});

describe('reading', () => {
  test('one resource that AWS refuses to show does not cost the others', async () => {
    const world = new World({ a: ['old'], b: ['old'], c: ['old'] });
    world.account.fault = ({ user }) => (user === 'b' ? denied : undefined);

    const { unfinished } = await world.attempt(jobOf('a', 'b', 'c'));

    expect(unfinished).toEqual([]);
    expect(world.names).toEqual({ a: 'remediated', b: 'failed', c: 'remediated' });
    expect(world.outcome('b')).toMatchObject({
      willRetry: true,
      reason: expect.stringMatching(/^AccessDenied: .*\(request request-\d+\)$/),
    });
  });

  test('while AWS throttles, resources are not asked for one by one', async () => {
    const users = Array.from({ length: 10 }, (_, index) => `u${index}`);
    const world = new World(Object.fromEntries(users.map((user) => [user, ['old']])));
    world.account.fault = () => ({ code: 'Throttling' });

    const { unfinished } = await world.attempt(jobOf(...users));

    expect(unfinished).toHaveLength(10);
    expect(world.account.calls.length).toBeLessThanOrEqual(10);
    expect(world.account.changed).toEqual([]);
  });
});

describe('applying', () => {
  test('a change that is refused ends the plan: what was applied before it is in the outcome', async () => {
    const world = new World({ deploy: ['old1', 'old2', 'old3'], other: ['old'] });
    world.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? denied : undefined;

    const { unfinished } = await world.attempt(jobOf('deploy', 'other'));

    const outcome = world.outcome('deploy');
    expect(unfinished).toEqual([]);
    expect(outcome).toMatchObject({ outcome: 'failed', willRetry: true });
    expect(outcome?.reason).toMatch(/^AccessDenied: by fault/);
    expect(keysOf(outcome?.plan ?? [])).toEqual(['old1', 'old2', 'old3']);
    expect(keysOf(outcome?.applied ?? [])).toEqual(['old1']);
    expect(world.account.changed).toEqual(['deploy/old1', 'other/old']);
    expect(world.outcome('other')?.outcome).toBe('remediated');
  });

  test.each<Fault>([unavailable, 'cut', 'lost', { code: 'Throttling' }])(
    'a call that fails with %j on the way: the next attempt finishes, and the outcome has all that was applied',
    async (fault) => {
      const world = new World({ deploy: ['old1', 'old2'] });
      world.account.fault = ({ operation, key }) =>
        operation === 'UpdateAccessKey' && key === 'old2' ? fault : undefined;

      const first = await world.attempt(jobOf('deploy'));
      world.account.fault = () => undefined;
      const second = await world.attempt(jobOf('deploy'), { number: 2 });

      expect(first.unfinished.map(({ applied }) => keysOf(applied))).toEqual([['old1']]);
      expect(first.outcomes).toEqual([]);
      expect(second.unfinished).toEqual([]);
      expect(world.outcome('deploy')?.outcome).toBe('remediated');
      const { plan = [], earlierPlan = plan, applied = [] } = world.outcome('deploy') ?? {};
      expect(keysOf(earlierPlan)).toEqual(['old1', 'old2']);
      expect(keysOf(applied)).toEqual(['old1', 'old2']);
      expect(applied.map(({ found }) => found)).toEqual([undefined, fault === 'lost' ? true : undefined]);
      expect(world.account.oldKeys('deploy')).toEqual([]);
      expect(world.published).toHaveLength(1);
    },
  );

  test('what reads back as a violation is looked at again, and nothing more is changed', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'no effect' : undefined);

    const first = await world.attempt(jobOf('deploy'));
    const second = await world.attempt(world.lastLook);
    world.account.users.get('deploy')?.set('old', 'Inactive');
    const third = await world.attempt(world.lastLook);

    const reason = 'AWS accepted the changes, but its reads of deploy do not show them yet';
    expect([first, second].map(({ inProgress }) => inProgress)).toMatchObject([[{ reason }], [{ reason }]]);
    expect([first, second, third].flatMap(({ outcomes }) => outcomes)).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { key: 'old' } }] },
    ]);
    expect(world.account.operations().filter((name) => name === 'UpdateAccessKey')).toHaveLength(1);
  });

  test('what reads back as a violation for an hour has failed, with what was applied', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'no effect' : undefined);

    await world.attempt(jobOf('deploy'));
    world.now += 3_600_000;
    await world.attempt(world.lastLook);

    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringContaining('still violates the rule when it is read back'),
    });
    expect(keysOf(world.outcome('deploy')?.applied ?? [])).toEqual(['old']);
  });

  test('a read that shows the state before the change is done again', async () => {
    const world = new World({ deploy: ['old'] });
    let reads = 0;
    world.account.fault = ({ operation }) => {
      if (operation === 'ListAccessKeys') reads += 1;
      return operation === 'UpdateAccessKey' ? 'no effect' : undefined;
    };
    const started = world.now;
    const attempt = world.attempt(jobOf('deploy'), {
      remainingMilliseconds: () => {
        // By then the plan is made; AWS shows the change from the fourth read on: the third is the first after it.
        world.account.fault = ({ operation }) => {
          if (operation === 'ListAccessKeys') reads += 1;
          if (operation === 'ListAccessKeys' && reads === 4) {
            world.account.users.get('deploy')?.set('old', 'Inactive');
          }
          return operation === 'UpdateAccessKey' ? 'no effect' : undefined;
        };
        return 300_000;
      },
    });

    await attempt;

    expect(world.names).toEqual({ deploy: 'remediated' });
    expect(reads).toBe(4);
    expect(world.now).toBeGreaterThan(started);
  });

  test('what can’t be read back now is put back; the next attempt finds it done', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.fault = () => (world.account.changed.length > 0 ? unavailable : undefined);

    const first = await world.attempt(jobOf('deploy'));
    world.account.fault = () => undefined;
    await world.attempt(jobOf('deploy'), { number: 2 });

    expect(first.unfinished).toHaveLength(1);
    expect(world.outcome('deploy')).toMatchObject({
      outcome: 'remediated',
      reason: expect.stringContaining('an earlier attempt at this job planned these changes'),
    });
    expect(keysOf(world.outcome('deploy')?.applied ?? [])).toEqual(['old']);
    expect(world.account.changed).toEqual(['deploy/old']);
  });

  test('what AWS refuses to show after the change has failed, and it is said that it was changed', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.fault = () => (world.account.changed.length > 0 ? denied : undefined);

    await world.attempt(jobOf('deploy'));

    expect(world.outcome('deploy')?.outcome).toBe('failed');
    expect(world.outcome('deploy')?.reason).toMatch(
      /^the changes were made, but the resource could not be read back: AccessDenied/,
    );
  });

  test('without enough time left nothing more is changed', async () => {
    const world = new World({ a: ['old'], b: ['old'] });

    const first = await world.attempt(jobOf('a', 'b'), {
      remainingMilliseconds: () => (world.account.changed.length > 0 ? 20_000 : 60_000),
    });
    const second = await world.attempt(jobOf('a', 'b'), { number: 2 });

    expect(first.unfinished.map(({ finding }) => finding.resource)).toEqual(['b']);
    expect(String(first.unfinished[0]?.error)).toContain('the function had 20 s left');
    expect(first.outcomes.map(({ finding }) => finding.resource)).toEqual(['a']);
    expect(second.outcomes.map(({ finding }) => finding.resource)).toEqual(['b']);
    expect(world.names).toEqual({ a: 'remediated', b: 'remediated' });
  });
});

describe('a resource that AWS is at', () => {
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
    [
      'gone while it is changed',
      cluster(open),
      queryError('ClusterNotFound', 404),
      'does not exist any more',
    ],
  ])('%s: what comes of it waits for the next poll', async (when, seen, answered, reason) => {
    let isGone = false;
    await using aws = await scriptedAws(({ form }) => {
      if (form.get('Action') === 'DescribeClusters') {
        return isGone ? queryError('ClusterNotFound', 404) : seen;
      }
      isGone = when.startsWith('gone');
      return answered;
    });
    const world = new World();
    world.settings = settingsOf({ rule });
    world.openSession = ({ account, region }) =>
      testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1 });

    const { outcomes, unfinished } = await world.attempt(job);

    expect(unfinished).toEqual([]);
    expect(outcomes).toMatchObject([
      { outcome: when.startsWith('gone') ? 'gone' : 'deferred', reason: expect.stringContaining(reason) },
    ]);
    expect(outcomes[0]?.applied).toEqual([]);
  });

  test('after: further jobs look at it, and the last tells all that was done', async () => {
    let state = cluster(open);
    await using aws = await scriptedAws(({ form }) => {
      if (form.get('Action') === 'DescribeClusters') return state;
      state = cluster(closing);
      return modified;
    });
    const world = new World();
    world.settings = settingsOf({ rule });
    world.openSession = ({ account, region }) =>
      testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1 });

    const begun = await world.attempt(job);
    const [firstLook] = world.later;
    const stillAt = await world.attempt(firstLook?.job ?? job);
    const [, secondLook] = world.later;
    state = cluster('<ClusterStatus>available</ClusterStatus><PubliclyAccessible>false</PubliclyAccessible>');
    const done = await world.attempt(secondLook?.job ?? job);

    expect([begun.outcomes, stillAt.outcomes]).toEqual([[], []]);
    expect([begun.inProgress.length, stillAt.inProgress.length, done.inProgress.length]).toEqual([1, 1, 0]);
    expect(world.later.map(({ delaySeconds }) => delaySeconds)).toEqual([15, 30]);
    expect(done.outcomes).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { kind: 'redshift-cluster-public-access-set' } }] },
    ]);
    expect(world.inProgress.size).toBe(0);
    const changes = aws.calls.filter(({ form }) => form.get('Action') === 'ModifyCluster');
    expect(changes).toHaveLength(1);
  });

  test('what is not done after hours has failed, with what was changed', async () => {
    await using aws = await scriptedAws(({ form }) =>
      form.get('Action') === 'DescribeClusters' ? cluster(isModified ? closing : open) : modify(),
    );
    let isModified = false;
    const modify = (): Answer => {
      isModified = true;
      return modified;
    };
    const world = new World();
    world.settings = settingsOf({ rule });
    world.openSession = ({ account, region }, now) =>
      testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1, now: () => new Date(now()) });

    await world.attempt(job);
    const [look] = world.later;
    world.now += 3 * 3_600_000;
    const { outcomes } = await world.attempt(look?.job ?? job);

    expect(outcomes).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('being made private') },
    ]);
    expect(outcomes[0]?.applied).toHaveLength(1);
    expect(world.later).toHaveLength(1);
  });
});

describe('evidence', () => {
  test('where the journal can’t be written nothing is changed', async () => {
    const world = new World({ deploy: ['old'], fine: [] });
    const error = awsError('AccessDenied', 403);
    world.fault = (port) => (port === 'writeJournal' ? error : undefined);

    const result = await world.attempt(jobOf('deploy', 'fine'));

    expect(world.account.changed).toEqual([]);
    expect(result.unfinished).toMatchObject([{ finding: { resource: 'deploy' }, error }]);
    expect(world.names).toEqual({ fine: 'compliant' });
  });

  test('where the journal can’t be read nothing is done, and nothing is written over it', async () => {
    const world = new World({ deploy: ['old1', 'old2'] });
    world.account.fault = ({ key }) => (key === 'old2' ? unavailable : undefined);
    world.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await world.attempt(jobOf('deploy'));
    const before = structuredClone([...world.journals]);
    world.fault = (port) => (port === 'readJournal' ? awsError('InternalError', 500) : undefined);

    const { unfinished } = await world.attempt(jobOf('deploy'), { number: 2 });

    expect(unfinished).toHaveLength(1);
    expect([...world.journals]).toEqual(before);
    expect(world.account.sessions).toHaveLength(1);
  });

  test('outcomes that can’t be written are made up for by the next attempt', async () => {
    const world = new World({ a: ['old'], b: ['old'] });
    let writes = 0;
    world.fault = (port) =>
      port === 'writeOutcomes' && ++writes === 1 ? awsError('InternalError', 500) : undefined;

    const first = await world.attempt(jobOf('a', 'b'));
    const second = await world.attempt(jobOf('a', 'b'), { number: 2 });

    expect(first.unfinished.map(({ finding }) => finding.resource)).toEqual(['a', 'b']);
    expect(first.outcomes).toEqual([]);
    expect(second.outcomes.map(({ finding }) => finding.resource)).toEqual(['a', 'b']);
    expect(world.names).toEqual({ a: 'remediated', b: 'remediated' });
    expect(keysOf(world.outcome('a')?.applied ?? [])).toEqual(['old']);
    expect(world.account.changed).toEqual(['a/old', 'b/old']);
  });

  test('the same job twice: what was changed stays on record', async () => {
    const world = new World({ deploy: ['old'], fine: [] });
    await world.attempt(jobOf('deploy', 'fine'));
    const before = structuredClone([...world.outcomes]);

    await world.attempt(jobOf('deploy', 'fine'));

    expect([...world.outcomes]).toEqual(before);
    expect(world.account.changed).toEqual(['deploy/old']);
  });

  test('a second job of the same poll does not write over what the first changed, nor tell it twice', async () => {
    const world = new World({ deploy: ['old'] });
    await world.attempt(jobOf('deploy'));
    const before = structuredClone([...world.outcomes]);

    const { outcomes } = await world.attempt({ ...jobOf('deploy'), chunk: 1 });

    expect([...world.outcomes]).toEqual(before);
    expect(outcomes).toEqual([]);
    expect(world.published).toHaveLength(1);
  });

  test('what a later attempt plans besides is in the journal before it is changed', async () => {
    const world = new World({ deploy: ['old1'] });
    world.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'cut' : undefined);
    await world.attempt(jobOf('deploy'));
    world.account.users.get('deploy')?.set('old2', 'Active');
    world.account.fault = () => undefined;

    // Ended after both keys were changed, before anything of it was written.
    const steps = await stepsUntil(world, ['deploy'], () => world.account.changed.length === 2);
    await world.attempt(jobOf('deploy'), { number: 2, steps });
    await world.attempt(jobOf('deploy'), { number: 3 });

    expect(world.account.changed).toEqual(['deploy/old1', 'deploy/old2']);
    expect(world.outcome('deploy')?.outcome).toBe('remediated');
    expect(keysOf(world.outcome('deploy')?.applied ?? [])).toEqual(['old1', 'old2']);
  });
});

/** After how many steps of an attempt something is so, tried on a copy of the world. */
async function stepsUntil(world: World, users: readonly string[], isSo: () => boolean): Promise<number> {
  const { account } = world;
  const before = { users: structuredClone(account.users), changed: [...account.changed] };
  const journals = structuredClone([...world.journals]);
  for (let steps = 1; ; steps++) {
    await world.attempt(jobOf(...users), { number: 2, steps });
    const isDone = isSo();
    account.users.clear();
    for (const [user, keys] of before.users) account.users.set(user, new Map(keys));
    account.changed.splice(0, Number.POSITIVE_INFINITY, ...before.changed);
    world.journals.clear();
    for (const [id, journal] of journals) world.journals.set(id, journal);
    if (isDone) return steps;
  }
}

describe('telling', () => {
  test('what the event bus does not take is told by the next attempt, once', async () => {
    const world = new World({ deploy: ['old'], fine: [] });
    const error = awsError('InternalException', 500);
    world.fault = (port) => (port === 'publish' ? error : undefined);

    const first = await world.attempt(jobOf('deploy', 'fine'));
    world.fault = () => undefined;
    const second = await world.attempt(jobOf('deploy', 'fine'), { number: 2 });

    expect(first).toMatchObject({ unfinished: [], failures: [error] });
    expect(second).toMatchObject({ unfinished: [], failures: [] });
    expect(world.published.map(({ finding, outcome }) => [finding.resource, outcome]).sort()).toEqual([
      ['deploy', 'remediated'],
      ['fine', 'compliant'],
    ]);
    expect(world.account.changed).toEqual(['deploy/old']);
  });

  test('an attempt that follows one with unfinished findings does not tell the others’ outcomes again', async () => {
    const world = new World({ a: ['old'], b: ['old'] });
    world.account.fault = ({ operation, user }) =>
      operation === 'UpdateAccessKey' && user === 'b' ? unavailable : undefined;
    await world.attempt(jobOf('a', 'b'));
    world.account.fault = () => undefined;

    await world.attempt(jobOf('a', 'b'), { number: 2 });

    expect(world.published.map(({ finding }) => finding.resource)).toEqual(['a', 'b']);
  });
});

describe('the last attempt', () => {
  test('gives every finding an outcome, with all that was applied in any attempt', async () => {
    const world = new World({ deploy: ['old1', 'old2'] });
    world.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await world.attempt(jobOf('deploy', 'other'));
    world.fault = (port) => (port === 'settings' ? awsError('ThrottlingException', 400) : undefined);

    const { unfinished } = await world.attempt(jobOf('deploy', 'other'), { number: 2, last: true });

    expect(unfinished.map(({ finding }) => finding.resource)).toEqual(['deploy']);
    expect(world.names).toEqual({ deploy: 'failed', other: 'gone' });
    expect(world.outcome('deploy')).toMatchObject({
      deadLetter: true,
      willRetry: true,
      reason: expect.stringMatching(
        /^not finished in 2 attempts, so the job is in the dead-letter queue.*ThrottlingException/,
      ),
    });
    expect(keysOf(world.outcome('deploy')?.applied ?? [])).toEqual(['old1']);
    expect(keysOf(world.outcome('deploy')?.earlierPlan ?? [])).toEqual(['old1', 'old2']);
  });

  test('a redrive, which counts attempts from 1 again, takes the outcome’s place and keeps what was applied', async () => {
    const world = new World({ deploy: ['old1', 'old2'] });
    world.account.fault = ({ operation, key }) =>
      operation === 'UpdateAccessKey' && key === 'old2' ? unavailable : undefined;
    await world.attempt(jobOf('deploy'), { last: true });
    const given = world.outcome('deploy');
    world.account.fault = () => undefined;

    await world.attempt(jobOf('deploy'), { number: 1 });

    expect(given).toMatchObject({ outcome: 'failed', deadLetter: true });
    expect(world.outcome('deploy')?.outcome).toBe('remediated');
    expect(world.outcome('deploy')).not.toHaveProperty('deadLetter');
    expect(keysOf(world.outcome('deploy')?.applied ?? [])).toEqual(['old1', 'old2']);
    expect(world.published.map(({ outcome }) => outcome)).toEqual(['failed', 'remediated']);
  });

  test('a redrive leaves alone what was done before, and tells it no second time', async () => {
    const world = new World({ a: ['old'], b: ['old'] });
    world.account.fault = ({ operation, user }) =>
      operation === 'UpdateAccessKey' && user === 'b' ? unavailable : undefined;
    await world.attempt(jobOf('a', 'b'), { last: true });
    const before = structuredClone(world.outcome('a'));
    world.account.fault = () => undefined;

    const { outcomes } = await world.attempt(jobOf('a', 'b'), { number: 1 });

    expect(outcomes.map(({ finding }) => finding.resource)).toEqual(['b']);
    expect(world.outcome('a')).toEqual(before);
    expect(world.published.map(({ finding, outcome }) => [finding.resource, outcome])).toEqual([
      ['a', 'remediated'],
      ['b', 'failed'],
      ['b', 'remediated'],
    ]);
  });

  test('what a redrive finds out is told in the end, though the bus did not take it at first', async () => {
    const world = new World({ deploy: ['old'] });
    world.account.fault = () => unavailable;
    await world.attempt(jobOf('deploy'), { last: true });
    world.account.fault = () => undefined;
    world.fault = (port) => (port === 'publish' ? awsError('InternalException', 500) : undefined);
    await world.attempt(jobOf('deploy'), { number: 1 });
    world.fault = () => undefined;

    await world.attempt(jobOf('deploy'), { number: 2 });

    expect(world.published.map(({ outcome }) => outcome)).toEqual(['failed', 'remediated']);
  });

  test('a redrive of what was changed by an attempt that nobody heard of again says so', async () => {
    const world = new World({ deploy: ['old'] });
    const steps = await stepsUntil(world, ['deploy'], () => world.account.changed.length === 1);
    await world.attempt(jobOf('deploy'), { number: 5, last: true, steps });

    await world.attempt(jobOf('deploy'), { number: 1 });

    expect(world.outcome('deploy')?.outcome).toBe('remediated');
    expect(world.outcome('deploy')?.applied).toMatchObject([{ change: { key: 'old' }, found: true }]);
  });
});

describe('whatever happens', () => {
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

  function trouble(world: World, { setting: { pause, ...settings }, faults, portErrors }: Attempt): void {
    let calls = 0;
    let ports = 0;
    world.account.fault = () => faults[calls++];
    world.fault = () => portErrors[ports++];
    world.pause = pause;
    world.settings = settingsOf(settings);
  }

  function calm(world: World): void {
    world.account.fault = () => undefined;
    world.fault = () => undefined;
    world.pause = 'none';
    world.settings = settingsOf();
  }

  /** Delivers what was put off, until nothing is any more. */
  async function followUp(world: World): Promise<JobResult[]> {
    const results: JobResult[] = [];
    for (let next = world.later.shift(); next !== undefined; next = world.later.shift()) {
      world.now += next.delaySeconds * 1000;
      results.push(await world.attempt(next.job));
    }
    return results;
  }

  const resources = (list: readonly { readonly finding: { readonly resource: string } }[]): string[] =>
    list.map(({ finding }) => finding.resource).sort();

  test('no finding is lost or counted twice: each has an outcome or is unfinished', async () => {
    await fc.assert(
      fc.asyncProperty(users, fc.array(attempt, { minLength: 1, maxLength: 3 }), async (given, attempts) => {
        const world = new World(given);
        for (const [index, each] of attempts.entries()) {
          trouble(world, each);
          const last = index === attempts.length - 1;

          const { outcomes, unfinished, inProgress } = await world.attempt(jobOf(...names), {
            number: index + 1,
            last,
            remainingMilliseconds: () => each.seconds * 1000,
          });

          const done = resources(
            [...world.outcomes.values()].filter(({ deadLetter }) => deadLetter !== true),
          );
          const left = resources([...unfinished, ...inProgress]);
          expect([...new Set([...done, ...left])].sort()).toEqual(names);
          expect(new Set(resources(outcomes)).size).toBe(outcomes.length);
          const open = last ? resources(inProgress) : left;
          expect(resources(outcomes).filter((name) => open.includes(name))).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('however often attempts are cut off, no change is made that the outcome does not name', async () => {
    await fc.assert(
      fc.asyncProperty(users, fc.array(attempt, { maxLength: 4 }), async (given, attempts) => {
        const world = new World(given);
        for (const [index, each] of attempts.entries()) {
          trouble(world, each);
          await world.attempt(jobOf(...names), {
            number: index + 1,
            ...(each.steps !== null && { steps: each.steps }),
            remainingMilliseconds: () => each.seconds * 1000,
          });
        }
        calm(world);
        const number = attempts.length + 1;

        const results = [await world.attempt(jobOf(...names), { number }), ...(await followUp(world))];

        for (const { unfinished, failures } of results) {
          expect({ unfinished, failures }).toEqual({ unfinished: [], failures: [] });
        }
        expect(Object.keys(world.names).sort()).toEqual(names);
        for (const user of names) {
          const outcome = world.outcome(user);
          const known = [outcome?.plan, outcome?.earlierPlan, outcome?.applied].flatMap((changes) =>
            keysOf(changes ?? []),
          );
          const changed = world.account.changed.filter((change) => change.startsWith(`${user}/`));
          for (const change of changed) expect(known).toContain(change.split('/')[1]);
          // What is said to have been applied was.
          for (const key of keysOf(outcome?.applied ?? [])) {
            expect(world.account.calls).toContainEqual({ operation: 'UpdateAccessKey', user, key });
          }
          // Everyone was told the outcome that stands.
          expect(world.published.filter(({ finding }) => finding.resource === user).at(-1)).toEqual(outcome);
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
        const planned = new World(given);
        planned.settings = settingsOf({ mode: 'dry_run' });
        const enforced = new World(given);

        await planned.attempt(jobOf(...names));
        await enforced.attempt(jobOf(...names));

        const plans = (world: World, of: (outcome: Outcome) => readonly { line: string }[]) =>
          names.map((name) => {
            const outcome = world.outcome(name);
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
