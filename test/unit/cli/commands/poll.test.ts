import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planSchema } from '../../../../cli/commands/plan/result.ts';
import { pollsSchema } from '../../../../cli/commands/poll/result.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { lineOf, PRODUCTION, pollAt, putPoll, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { deployment, HOME, NAME, SmallAws } from '../support/small-aws.ts';

const NOW_POLL = pollAt('2026-11-24T12:00:00Z');
const input = {
  rule: SSH,
  scheduled_time: '<aws.scheduler.scheduled-time>',
  netskope_rule_names: ['Renamed'],
};

let aws: SmallAws;
let events: unknown[];
beforeEach(async () => {
  aws = await SmallAws.start();
  events = [];
  aws.schedules.set(SSH, { ScheduleExpression: 'rate(1 hour)', Target: { Input: JSON.stringify(input) } });
});
afterEach(() => aws[Symbol.asyncDispose]());

/** Makes the collector answer with a poll whose jobs are already done. */
function answer(lines: readonly Outcome[], waiting = 0, poll = NOW_POLL): void {
  aws.invoke = (event) => {
    events.push(event);
    putPoll(aws, poll, lines, waiting);
    return { value: { poll, findings: lines.length + waiting } };
  };
}

describe('poll', () => {
  test('starts a poll at the current time, with the input of the schedule', async () => {
    answer([lineOf(NOW_POLL, 'sg-1')]);

    const { code, out } = await runCli(aws, ['poll', SSH, '--json']);

    expect(code).toBe(0);
    expect(events).toEqual([{ ...input, scheduled_time: 'now' }]);
    expect(pollsSchema.parse(JSON.parse(out))).toEqual({
      polls: [
        {
          rule: SSH,
          as_of: NOW_POLL.asOf,
          session: `netskope.${SSH}@1795521600`,
          findings: 1,
          skipped: 0,
          left_to_source: 0,
          unprocessable: 0,
        },
      ],
    });
  });

  test('lists all outcomes with --wait', async () => {
    answer([
      lineOf(NOW_POLL, 'sg-1', { outcome: 'remediated' }),
      lineOf(NOW_POLL, 'sg-2', { outcome: 'failed', reason: 'no' }),
    ]);

    const { code, out } = await runCli(aws, ['poll', '--wait'], { width: 140 });

    expect(code).toBe(0);
    expect(out).toMatch(/^security-group-ssh-open +2 +1 remediated, 1 failed$/m);
    expect(out).toMatch(/sg-2 +failed +no$/m);
  });

  test('reports findings without an outcome at the end of the wait', async () => {
    answer([lineOf(NOW_POLL, 'sg-1')], 2);

    const { code, out } = await runCli(aws, ['poll', '--wait', '--timeout', '0m', '--json']);

    expect(code).toBe(7);
    expect(JSON.parse(out).polls).toMatchObject([{ outcomes: { planned: 1 }, without_outcome: 2 }]);
  });

  test.each<[string, string[]]>([
    ['a poll', ['poll', SSH]],
    ['a plan', ['plan', SSH]],
    ['the coverage', ['coverage']],
  ])('says that the collector is of another version if its answer cannot be read: %s', async (_, argv) => {
    aws.invoke = () => ({ value: { started: true } });

    const { code, out, error } = await runCli(aws, argv);

    expect(code).toBe(7);
    expect(`${out}${error}`).toMatch(
      /this version of cspm-remediation cannot read the answer of \S+-collector \(\w+: Invalid input.*\): use the version that came with the deployed module/,
    );
    expect(error).not.toContain('    at ');
  });

  test("reports a failed poll with the collector's message, and does not delay the others", async () => {
    aws.schedules.set('s3-bucket-public', {
      Target: { Input: JSON.stringify({ rule: 's3-bucket-public' }) },
    });
    aws.parameters.set(
      `${HOME} /${NAME}/deployment`,
      JSON.stringify({ ...deployment, rules: [SSH, 's3-bucket-public'] }),
    );
    answer([]);
    const { invoke } = aws;
    aws.invoke = (event) =>
      JSON.stringify(event).includes('s3-')
        ? { error: 'Unhandled', value: { errorMessage: 'refused the API token; put a valid token there' } }
        : invoke(event);

    const { code, out } = await runCli(aws, ['poll']);

    expect(code).toBe(7);
    expect(out).toMatch(/^s3-bucket-public +- +cspm-auto-remediation-collector: refused the API token/m);
    expect(out).toMatch(/^security-group-ssh-open +0/m);
  });

  test('names a rule that is not polled', async () => {
    const { code, out } = await runCli(aws, ['poll', 'iam-access-key-unrotated']);

    expect(code).toBe(7);
    expect(out).toMatch(/is not polled: it is off for every account, or not among the rules/);
  });
});

describe('plan', () => {
  const PLAN = { ...NOW_POLL, plans: true as const };
  const change = (line: string) => ({ change: { kind: 'k', resource: 'sg-1' }, line });
  const lines = [
    lineOf(PLAN, 'sg-1', {
      plan: [
        change(
          '- ingress tcp 22 from 0.0.0.0/0 (sgr-0123456789abcdef0, "open to the world since the beginning of time")',
        ),
        change('+ ingress tcp 23-443 from 0.0.0.0/0'),
      ],
    }),
    lineOf(PLAN, 'sg-2', { outcome: 'exempt', reason: 'bastion host (tag, until 2099-12-31)' }),
    lineOf(PLAN, 'sg-3', { account: STAGING, region: 'us-east-1', plan: [change('~ ingress tcp 22')] }),
    lineOf(PLAN, 'sg-4', {
      account: STAGING,
      region: 'us-east-1',
      outcome: 'failed',
      reason: 'AccessDenied',
    }),
  ];

  test('requests a dry run, and groups the plan by account and region', async () => {
    aws.putSettings(SSH, { mode: 'dry_run', mode_by_account: { [PRODUCTION]: 'enforce' } });
    answer(lines, 0, PLAN);

    const { code, out } = await runCli(aws, ['plan'], { width: 80 });

    expect(code).toBe(0);
    expect(events).toEqual([{ ...input, scheduled_time: 'now', at_most: 'dry_run' }]);
    expect(out).toBe(`222222222222, eu-central-1

  # sg-1: security-group-ssh-open would change it (now enforce)
      - ingress tcp 22 from 0.0.0.0/0 (sgr-0123456789abcdef0, "open to the
        world since the beginning of time")
      + ingress tcp 23-443 from 0.0.0.0/0

333333333333, us-east-1

  # sg-3: security-group-ssh-open would change it (now dry_run)
      ~ ingress tcp 22

  # sg-4: security-group-ssh-open: failed: AccessDenied

Plan: 3 changes to 2 resources in 2 accounts. Not changed: 1 exempt, 1 failed.
`);
  });

  test('prints everything as JSON, with counts', async () => {
    answer(lines, 0, PLAN);

    const { out } = await runCli(aws, ['plan', SSH, '--json']);

    const plan = planSchema.parse(JSON.parse(out));
    expect(plan.counts).toEqual({
      resources: 2,
      changes: 3,
      accounts: 2,
      outcomes: { planned: 2, exempt: 1, failed: 1 },
    });
    expect(plan.findings.map(({ resource }) => resource)).toEqual(['sg-1', 'sg-2', 'sg-3', 'sg-4']);
    expect(plan.findings[0]?.evidence).toMatch(/^plans\/outcomes\//);
  });

  test('shows one account, including what would not be changed', async () => {
    answer(lines, 0, PLAN);

    const { out } = await runCli(aws, ['plan', '--account', PRODUCTION, '--all']);

    expect(out).toContain('# sg-2: security-group-ssh-open: exempt: bastion host');
    expect(out).not.toContain('sg-3');
  });

  test('says if a plan has no changes, and if it is incomplete', async () => {
    answer([lines[1] ?? lineOf(PLAN, 'x')], 1, PLAN);

    const { code, out } = await runCli(aws, ['plan', '--timeout', '0m']);

    expect(code).toBe(7);
    expect(out).toContain('- security-group-ssh-open: 1 finding without an outcome yet');
    expect(out).toContain('Plan: enforcement would change nothing. Not changed: 1 exempt.');
  });
});
