import { afterEach, beforeEach, expect, test } from 'vitest';
import { statusSchema } from '../../../../cli/commands/status/result.ts';
import { MODULE_VERSION } from '../../../../lambdas/model/module-version.ts';
import { lineOf, PRODUCTION, pollAt, putPoll, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, NAME, SmallAws } from '../support/small-aws.ts';

let aws: SmallAws;
beforeEach(async () => {
  aws = await SmallAws.start();
});
afterEach(() => aws[Symbol.asyncDispose]());

const POLL = pollAt('2026-11-24T11:40:00Z');
const SLOT = Math.floor(Date.parse('2026-11-24T11:50:00Z') / 300_000);

/** Two accounts with three findings that have outcomes and one that waits; a breaker, a hold, a pause, an alarm, and dead letters. */
function fill(): void {
  aws.putSettings(SSH, { mode: 'enforce', mode_by_account: { [STAGING]: 'dry_run' } });
  putPoll(
    aws,
    POLL,
    [
      lineOf(POLL, 'sg-1', { outcome: 'failed', reason: 'denied' }),
      lineOf(POLL, 'sg-2', { outcome: 'remediated' }),
      lineOf(POLL, 'sg-3', { outcome: 'planned', account: STAGING, region: 'us-east-1' }),
    ],
    1,
  );
  aws.put({ pk: `count#${SSH}#all`, sk: 'changes', version: 1, total: 9, born: 'b', [`slot-${SLOT}`]: 3 });
  aws.put({
    pk: `trip#${SSH}#${PRODUCTION}`,
    sk: 'breaker',
    version: 1,
    expiresAt: 9e9,
    writer: 'w',
    results: [],
    opened: { at: '2026-11-24T11:00:00Z', changes: 6, failed: 3, reasons: ['AccessDenied'] },
  });
  const hold = { account: PRODUCTION, region: HOME, resource: 'sg-1', rule: '*' };
  aws.put({ pk: 'holds', sk: Object.values(hold).join('#'), version: 1, ...hold });
  aws.put({ pk: `hold#${PRODUCTION}#${HOME}#sg-1`, sk: '*', version: 1, by: 'ada', reason: 'incident' });
  aws.parameters.set(`us-east-1 /${NAME}/pause`, 'all');
  aws.queues.set(`us-east-1 ${NAME}-jobs-dead-letters.fifo`, ['a letter']);
  const StateValue = 'ALARM';
  aws.alarms.set('us-east-1', [
    { AlarmName: `${NAME}-jobs-dead-letters`, AlarmDescription: 'Jobs failed. See there.', StateValue },
    { AlarmName: `${NAME}-oldest-job`, AlarmDescription: 'Old.', StateValue: 'OK' },
  ]);
  aws.alarms.set(HOME, [
    { AlarmName: `${NAME}-jobs-waiting`, AlarmDescription: 'Jobs wait.', AlarmRule: 'ALARM(a)', StateValue },
    { AlarmName: `${NAME}-jobs-dead-letters`, AlarmDescription: 'Jobs failed. See there.', StateValue },
  ]);
}

test('shows the state of each rule and region, in the documented schema', async () => {
  fill();

  const { code, out } = await runCli(aws, ['status', '--json']);

  expect(code).toBe(0);
  expect(statusSchema.parse(JSON.parse(out))).toEqual({
    at: '2026-11-24T12:00:00.000Z',
    name: NAME,
    account: '111111111111',
    home_region: HOME,
    module: MODULE_VERSION,
    rules: [
      {
        rule: SSH,
        modes: { enforce: 1, dry_run: 1 },
        last_poll: {
          as_of: POLL.asOf,
          finished_at: POLL.asOf,
          findings: 4,
          unprocessable: 0,
          left_to_source: 0,
        },
        outcomes: { failed: 1, remediated: 1, planned: 1 },
        without_outcome: 1,
        oldest: {
          account: PRODUCTION,
          region: HOME,
          resource: 'sg-1',
          outcome: 'failed',
          since: '2026-11-12T12:00:00Z',
        },
        changes: { counted: 3, most: 200 },
        breakers: [
          {
            account: PRODUCTION,
            since: '2026-11-24T11:00:00Z',
            changes: 6,
            failed: 3,
            reasons: ['AccessDenied'],
          },
        ],
        paused: [{ region: 'us-east-1' }],
        held: 1,
      },
    ],
    regions: [
      { region: HOME, pause: 'none', jobs: 0, jobs_delayed: 0, dead_letters: 0, delayed_dead_letters: 0 },
      {
        region: 'us-east-1',
        pause: 'all',
        jobs: 0,
        jobs_delayed: 0,
        dead_letters: 1,
        delayed_dead_letters: 0,
      },
    ],
    polls_dead_letters: 0,
    holds: [
      { account: PRODUCTION, region: HOME, resource: 'sg-1', rule: '*', by: 'ada', reason: 'incident' },
    ],
    alarms: [
      { region: HOME, name: 'jobs-dead-letters', says: 'Jobs failed. See there.' },
      { region: HOME, name: 'jobs-waiting', says: 'Jobs wait.' },
      { region: 'us-east-1', name: 'jobs-dead-letters', says: 'Jobs failed. See there.' },
    ],
  });
});

test('reads each object only once', async () => {
  fill();

  await runCli(aws, ['status', '--json']);

  const read = aws.calls
    .filter(({ operation }) => operation === 's3.GetObject')
    .map(({ input }) => input['Key']);
  expect(read).toEqual([...new Set(read)]);
  expect(read).toContainEqual(expect.stringMatching(/^polls\//));
});

test('prints tables, and what prevents changes', async () => {
  fill();

  const { out } = await runCli(aws, ['status'], { width: 120 });

  expect(out).toMatch(/^RULE +MODE +LAST POLL +OLDEST +CHANGES\/H +FINDINGS$/m);
  expect(out).toMatch(
    /^security-group-ssh-open +enforce 1, dry_run 1 +20 min ago +12 d +3 of 200 +1 failed, 1 remediated/m,
  );
  expect(out).toMatch(/^us-east-1 +all +0 +0 +1$/m);
  expect(out).toContain(`cspm-remediation resume --breaker ${SSH} --account ${PRODUCTION}`);
  expect(out).toContain(`sg-1 in ${PRODUCTION} ${HOME}, for all rules: incident (ada)`);
  expect(out).toContain(
    '- jobs-dead-letters in eu-central-1, us-east-1: Jobs failed.\n- jobs-waiting in eu-central-1: Jobs wait.\n- What to do about each: docs/operations.md, "Alarms"',
  );
  for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

test('limits the status to one account in one region', async () => {
  fill();

  const { out } = await runCli(aws, ['status', SSH, '--account', STAGING, '--region', 'us-east-1', '--json']);

  expect(JSON.parse(out)).toMatchObject({
    rules: [
      {
        modes: { dry_run: 1 },
        outcomes: { planned: 1 },
        without_outcome: 0,
        changes: { counted: 0, most: 50 },
        breakers: [],
      },
    ],
    regions: [{ region: 'us-east-1' }],
  });
});

test('shows holds regardless of who wrote them, and counts the held findings per rule', async () => {
  fill();
  const hold = { version: 1, by: 'eve', reason: 'by hand' };
  const snapshot = { kind: 'rds.shares', resource: 'nightly' };
  putPoll(aws, POLL, [
    lineOf(POLL, 'sg-1'),
    lineOf(POLL, 'sg-2', { plan: [{ change: snapshot, line: '~ nightly' }] }),
    lineOf(POLL, 'sg-3', { account: STAGING, region: 'us-east-1' }),
    lineOf(POLL, 'sg-4', { account: STAGING }),
  ]);
  aws.put({ pk: `hold#${PRODUCTION}#${HOME}#nightly`, sk: '*', ...hold });
  aws.put({ pk: `hold#${STAGING}#us-east-1#*`, sk: SSH, ...hold });
  aws.put({ pk: `hold#${STAGING}#*#*`, sk: 's3-bucket-public', ...hold });

  const { out } = await runCli(aws, ['status', '--json']);
  const inRegion = await runCli(aws, ['status', '--account', STAGING, '--region', 'us-east-1', '--json']);
  const people = await runCli(aws, ['status'], { width: 120 });

  const { holds, rules } = statusSchema.parse(JSON.parse(out));
  const named = holds.map(({ account, region, resource, rule }) =>
    [account, region, resource, rule].join(' '),
  );
  expect(named.sort()).toEqual([
    `${PRODUCTION} ${HOME} nightly *`,
    `${PRODUCTION} ${HOME} sg-1 *`,
    `${STAGING} us-east-1 * ${SSH}`,
  ]);
  expect(rules).toMatchObject([{ held: 3 }]);
  expect(JSON.parse(inRegion.out)).toMatchObject({
    holds: [{ account: STAGING, region: 'us-east-1', by: 'eve' }],
    rules: [{ held: 1 }],
  });
  expect(people.out).toContain('3 held');
});

test.each<[string, string[], object[]]>([
  ['none', [], []],
  [SSH, [], [{ region: HOME }]],
  ['s3-bucket-public', [], []],
  [`account:${STAGING}`, [], [{ region: HOME, accounts: [STAGING] }]],
  [`account:${STAGING}`, ['--account', STAGING], [{ region: HOME }]],
  [`account:${STAGING}`, ['--account', PRODUCTION], []],
  ['what is this', [], [{ region: HOME }]],
])('the pause %s, asked with %j', async (pause, argv, expected) => {
  aws.putSettings(SSH, { mode: 'enforce' });
  aws.parameters.set(`${HOME} /${NAME}/pause`, pause);

  const { out } = await runCli(aws, ['status', '--region', HOME, ...argv, '--json']);

  expect(JSON.parse(out)).toMatchObject({ rules: [{ paused: expected }] });
});

test('works before the first poll, without a queue in a region, and with broken settings', async () => {
  aws.objects.set(`settings/rules/${SSH}.json`, 'not JSON');
  aws.queues.delete(`us-east-1 ${NAME}-jobs.fifo`);
  aws.parameters.delete(`us-east-1 /${NAME}/pause`);

  const { code, out } = await runCli(aws, ['status']);

  expect(code).toBe(0);
  expect(out).toMatch(/^security-group-ssh-open +settings unusable +never +- +- +paused in us-east-1$/m);
  expect(out).toMatch(/^us-east-1 +no parameter +no queue/m);
  expect(out).toMatch(/PROBLEMS\n- security-group-ssh-open: settings in rules\/.*they are not JSON/);
});
