import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { explanationSchema } from '../../../../cli/commands/explain/result.ts';
import { MODULE_VERSION } from '../../../../lambdas/model/module-version.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { lineOf, PRODUCTION, pollAt, putPoll, SSH } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, NAME, SmallAws } from '../support/small-aws.ts';

let aws: SmallAws;
const FIX = pollAt('2026-11-20T10:00:00Z');
const LAST = pollAt('2026-11-24T11:30:00Z');
const applied: Outcome['applied'] = [
  {
    change: { kind: 'sg.revoke', resource: 'sg-01234567' },
    line: '- ingress tcp 22 from 0.0.0.0/0',
    appliedAt: '2026-11-20T10:00:01Z',
    requestIds: ['request-1'],
  },
];
const GROUP = 'sg-01234567';
const finding = { rule: SSH, account: PRODUCTION, region: HOME, resource: GROUP };

/** A group that was fixed once and is open again: the last poll failed on it. */
function fill(item: Readonly<Record<string, unknown>> = {}): void {
  aws.putSettings(SSH, { mode: 'enforce', poll_minutes: 60 });
  aws.schedules.set(SSH, { ScheduleExpression: 'rate(1 hour)', State: 'ENABLED' });
  const [fixed = ''] = putPoll(aws, FIX, [
    lineOf(FIX, GROUP, { outcome: 'remediated', mode: 'enforce', applied }),
  ]);
  const [failed = ''] = putPoll(aws, LAST, [
    lineOf(LAST, GROUP, { outcome: 'failed', reason: 'AccessDenied: no', mode: 'enforce' }),
  ]);
  aws.put({
    pk: `finding#${PRODUCTION}#${HOME}#${GROUP}`,
    sk: SSH,
    version: 1,
    expiresAt: 9e9,
    ...finding,
    outcome: 'failed',
    reason: 'AccessDenied: no',
    since: LAST.asOf,
    firstSeen: FIX.asOf,
    lastSeen: LAST.asOf,
    attempts: 2,
    changes: [
      { outcome: 'remediated', at: '2026-11-20T10:00:02Z', poll: FIX, evidence: fixed },
      { outcome: 'failed', at: LAST.asOf, poll: LAST, evidence: failed },
    ],
    ...item,
  });
}

beforeEach(async () => {
  aws = await SmallAws.start();
});
afterEach(() => aws[Symbol.asyncDispose]());

const explained = async (...argv: string[]) => {
  const { code, out } = await runCli(aws, ['explain', ...argv, '--json']);
  expect(code).toBe(0);
  return explanationSchema.parse(JSON.parse(out));
};

test('shows everything that is known about a finding', async () => {
  fill();

  const { findings, is_ours } = await explained(GROUP);

  expect(is_ours).toBe(true);
  expect(findings).toEqual([
    {
      ...finding,
      state: {
        outcome: 'failed',
        reason: 'AccessDenied: no',
        since: LAST.asOf,
        first_seen: FIX.asOf,
        last_seen: LAST.asOf,
        attempts: 2,
      },
      source: { ...finding, failingSince: '2026-11-12T12:00:00Z' },
      settings: {
        mode: 'enforce',
        because: [`mode for rule ${SSH} is enforce`],
        method: 'api',
        limits: { per_account_per_hour: 50, per_rule_per_hour: 200 },
        breaker: { changes: 5, failed_percent: 50 },
        options: {},
        defaults: ['method', 'maintenance_window', 'limits', 'breaker', 'options'],
        versions: { rule: 'v1', accounts: 'v1' },
      },
      against: [],
      next_poll: {
        at: '2026-11-24T12:30:00.000Z',
        schedule: 'rate(1 hour)',
        does: 'It reads the resource, and fixes it if it still violates the rule and no tag exempts it.',
      },
      history: [
        {
          outcome: 'remediated',
          at: '2026-11-20T10:00:02Z',
          session: `netskope.${SSH}@1795168800`,
          changes: [
            {
              line: '- ingress tcp 22 from 0.0.0.0/0',
              at: '2026-11-20T10:00:01Z',
              request_ids: ['request-1'],
              found: false,
            },
          ],
          unconfirmed: [],
          evidence: expect.stringContaining('outcomes/date=2026-11-20/'),
        },
        expect.objectContaining({ outcome: 'failed', reason: 'AccessDenied: no', changes: [] }),
      ],
    },
  ]);
});

test('shows where each setting comes from', async () => {
  fill();
  aws.putSettings(SSH, {
    mode: 'enforce',
    poll_minutes: 60,
    limits: { per_account_per_hour: 5, per_rule_per_hour: 200 },
    options: { replacement_cidrs: ['10.0.0.0/8'] },
  });

  const { findings } = await explained(GROUP);
  const { out } = await runCli(aws, ['explain', GROUP], { width: 200 });

  expect(findings).toMatchObject([{ settings: { defaults: ['method', 'maintenance_window', 'breaker'] } }]);
  expect(out).toContain(`- mode enforce: mode for rule ${SSH} is enforce\n`);
  expect(out).toContain('- fixed by direct calls (the default)\n');
  expect(out).toContain(
    `- at most 5 changes per hour in an account, 200 in total (from rules/${SSH}.json)\n`,
  );
  expect(out).toContain(`- options {"replacement_cidrs":["10.0.0.0/8"]} (from rules/${SSH}.json)\n`);
});

test.each([
  `arn:aws:ec2:${HOME}:${PRODUCTION}:security-group/${GROUP}`,
  `${SSH}#${PRODUCTION}#${HOME}#${GROUP}`,
])('it is found by %s', async (asked) => {
  fill();

  expect((await explained(asked)).findings).toMatchObject([finding]);
});

test.each<[string[], number]>([
  [['--rule', SSH, '--account', PRODUCTION, '--region', HOME], 1],
  [['--rule', 's3-bucket-public'], 0],
  [['--account', '333333333333'], 0],
  [['--region', 'us-east-1'], 0],
])('searches only the requested places: %j', async (argv, number) => {
  fill();

  expect((await explained(GROUP, ...argv)).findings).toHaveLength(number);
});

test('prints sections with folded lines', async () => {
  fill();

  const { out } = await runCli(aws, ['explain', GROUP], { width: 100 });

  expect(out).toContain('STATE\n- failed since 2026-11-24 11:30 UTC: AccessDenied: no');
  expect(out).toContain('- failing since: 2026-11-12T12:00:00Z');
  expect(out).toContain('changed: - ingress tcp 22 from 0.0.0.0/0 at 2026-11-20 10:00, requests request-1');
  expect(out).toContain('NEXT POLL at 2026-11-24 12:30 UTC (rate(1 hour))');
  for (const line of out.split('\n'))
    if (!line.includes('outcomes/')) expect(line.length).toBeLessThanOrEqual(100);
});

const ago = (minutes: number): string =>
  new Date(Date.UTC(2026, 10, 24, 12) - minutes * 60_000).toISOString();

describe('what prevents a change', () => {
  test.each<[string, string, () => void, RegExp]>([
    [
      'dry_run',
      'in dry run',
      () => aws.putSettings(SSH, { mode: 'dry_run' }),
      /reads the resource and plans; it changes nothing/,
    ],
    [
      'off',
      'excluded_accounts for all rules includes the account',
      () =>
        aws.objects.set(
          'settings/accounts.json',
          aws.objects
            .get('settings/accounts.json')
            ?.replace('"excluded_accounts":[]', `"excluded_accounts":["${PRODUCTION}"]`) ?? '',
        ),
      /does not change the resource: the rule is off/,
    ],
    [
      'exempt',
      'web site (web team, until 2099-12-31)',
      () =>
        aws.putSettings(SSH, {
          mode: 'enforce',
          exemptions: [
            {
              account: '*',
              region: '*',
              resource: 'sg-*',
              reason: 'web site',
              owner: 'web team',
              expires: '2099-12-31',
            },
          ],
        }),
      /does not change the resource: exempt/,
    ],
    [
      'hold',
      'is held for all rules by ada: incident',
      () =>
        aws.put({ pk: `hold#${PRODUCTION}#${HOME}#*`, sk: '*', version: 1, by: 'ada', reason: 'incident' }),
      /does not change the resource: everything in 222222222222 eu-central-1 is held for all rules by ada/,
    ],
    [
      'role',
      'has not been assumable since',
      () =>
        aws.put({
          pk: `account#${PRODUCTION}`,
          sk: 'role',
          version: 1,
          expiresAt: 9e9,
          account: PRODUCTION,
          since: ago(90),
          state: 'noticed',
          writer: 'w',
        }),
      /does not change the resource/,
    ],
    [
      'pause',
      'paused in eu-central-1 (all)',
      () => aws.parameters.set(`${HOME} /${NAME}/pause`, 'all'),
      /plans, and defers the change/,
    ],
    [
      'settings',
      'unknown value "everything" in pause "everything"',
      () => aws.parameters.set(`${HOME} /${NAME}/pause`, 'everything'),
      /defers the change/,
    ],
    [
      'maintenance_window',
      'nothing is changed outside the maintenance window, 22:00 to 04:00 UTC on SAT',
      () =>
        aws.putSettings(SSH, {
          mode: 'enforce',
          maintenance_window: { days: ['SAT'], start: '22:00', end: '04:00', time_zone: 'UTC' },
        }),
      /defers the change/,
    ],
    [
      'breaker',
      '3 of 6 changes failed or were undone (denied)',
      () =>
        aws.put({
          pk: `trip#${SSH}#${PRODUCTION}`,
          sk: 'breaker',
          version: 1,
          expiresAt: 9e9,
          writer: 'w',
          results: [],
          opened: { at: ago(30), changes: 6, failed: 3, reasons: ['denied'] },
        }),
      /plans; it changes nothing/,
    ],
    [
      'limit',
      'per_account_per_hour is 50',
      () =>
        aws.put({
          pk: `count#${SSH}#${PRODUCTION}`,
          sk: 'changes',
          version: 1,
          total: 50,
          born: 'b',
          [`slot-${Math.floor(Date.parse(ago(5)) / 300_000)}`]: 50,
        }),
      /defers the change/,
    ],
    [
      'back_off',
      'it has failed once',
      () =>
        fill({
          backOff: {
            failures: 1,
            last: ago(10),
            settings: { rule: 'v1', accounts: 'v1' },
            module: MODULE_VERSION,
          },
        }),
      /does not change the resource: it has failed once/,
    ],
  ])('%s: %s', async (gate, says, put, does) => {
    fill();
    put();

    const { findings } = await explained(GROUP);

    expect(findings[0]?.against).toMatchObject([{ gate, says: expect.stringContaining(says) }]);
    expect(findings[0]?.next_poll.does).toMatch(does);
  });

  test('a hold on the resource that would be changed, if the finding names another one', async () => {
    fill();
    const plan = [{ change: { kind: 'sg.revoke', resource: 'sg-of-group' }, line: '- ingress tcp 22' }];
    putPoll(aws, LAST, [lineOf(LAST, GROUP, { outcome: 'deferred', reason: 'held', mode: 'enforce', plan })]);
    const hold = { version: 1, by: 'ada', reason: 'incident' };
    aws.put({ pk: `hold#${PRODUCTION}#${HOME}#sg-of-group`, sk: '*', ...hold });

    const { findings } = await explained(GROUP);

    const says = `sg-of-group in ${PRODUCTION} ${HOME} is held for all rules by ada: incident`;
    expect(findings).toMatchObject([{ against: [{ gate: 'hold', says }] }]);
  });

  test('a retry ends the wait after a failure', async () => {
    fill({
      backOff: {
        failures: 1,
        last: ago(10),
        settings: { rule: 'v1', accounts: 'v1' },
        module: MODULE_VERSION,
      },
    });
    aws.put({
      pk: `retry#${PRODUCTION}#*#*`,
      sk: 'retry',
      version: 1,
      at: ago(1),
      by: 'ada',
      reason: 'repaired',
    });

    expect((await explained(GROUP)).findings[0]?.against).toEqual([]);
  });
});

test('says if a resource was never changed, and what to search for in CloudTrail', async () => {
  fill();

  const { findings, is_ours, sessions } = await explained(
    `arn:aws:ec2:${HOME}:${PRODUCTION}:security-group/sg-89abcdef`,
  );
  const { out } = await runCli(aws, ['explain', 'sg-89abcdef', '--account', PRODUCTION]);

  expect({ findings, is_ours }).toEqual({ findings: [], is_ours: false });
  expect(sessions).toEqual({
    role: `${NAME}-remediation`,
    names: [`netskope.${SSH}@1795519800`],
    pattern: 'netskope.<rule>@<poll in epoch seconds>',
  });
  expect(out).toMatch(/there are no findings of this resource/);
  expect(out).toMatch(
    /NOT CHANGED BY THIS DEPLOYMENT\n- There is no record that this deployment changed sg-89abcdef\.\n- In CloudTrail/,
  );
});

test('shows changes to a resource that no finding names, such as a snapshot', async () => {
  fill();
  aws.put({
    pk: `finding#${PRODUCTION}#${HOME}#nightly`,
    sk: '#changed',
    version: 1,
    expiresAt: 9e9,
    account: PRODUCTION,
    region: HOME,
    resource: 'nightly',
    changes: [{ ...applied[0], rule: 'rds-snapshot-public' }],
  });

  const { changed_lately, is_ours } = await explained(`arn:aws:rds:${HOME}:${PRODUCTION}:snapshot:nightly`);

  expect(is_ours).toBe(true);
  expect(changed_lately).toMatchObject([
    { rule: 'rds-snapshot-public', line: '- ingress tcp 22 from 0.0.0.0/0' },
  ]);
});

test('refuses a resource id that no rule can have', async () => {
  const { code, error } = await runCli(aws, ['explain', 'what is this?']);

  expect(code).toBe(2);
  expect(error).toMatch(/no rule has findings with a resource id such as "what is this\?"/);
});
