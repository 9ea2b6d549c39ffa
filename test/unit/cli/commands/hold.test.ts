import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holdSchema } from '../../../../cli/commands/hold/result.ts';
import { releaseSchema } from '../../../../cli/commands/release/result.ts';
import { retrySchema } from '../../../../cli/commands/retry/result.ts';
import { lineOf, PRODUCTION, pollAt, putFinding, putPoll, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, SmallAws } from '../support/small-aws.ts';

const GROUP = 'sg-01234567';
const BY = 'arn:aws:sts::111111111111:assumed-role/operator/ada';
const POLL = pollAt('2026-11-24T11:30:00Z');

let aws: SmallAws;
beforeEach(async () => {
  aws = await SmallAws.start();
  putPoll(aws, POLL, [lineOf(POLL, GROUP), lineOf(POLL, 'sg-89abcdef', { account: STAGING })]);
  putFinding(aws, { resource: GROUP, outcome: 'planned' });
});
afterEach(() => aws[Symbol.asyncDispose]());

describe('hold', () => {
  test('holds a resource by its id after confirmation; status lists the hold, and release removes it', async () => {
    const held = await runCli(aws, ['hold', GROUP, '--reason', 'incident', '--until', '2026-12-31'], {
      typed: 'yes',
    });
    const status = await runCli(aws, ['status', '--json']);
    const released = await runCli(aws, ['release', GROUP, '--yes', '--json']);

    expect(held).toMatchObject({
      code: 0,
      out: `Held: ${GROUP} in ${PRODUCTION} ${HOME}, for all rules, until 2026-12-31.\n`,
    });
    expect(held.error).toMatch(
      /Hold sg-01234567 in 222222222222 eu-central-1, for all rules, until 2026-12-31: incident\n- security-group-ssh-open: currently planned\nDo you want to hold it\?/,
    );
    expect(JSON.parse(status.out).holds).toEqual([
      {
        account: PRODUCTION,
        region: HOME,
        resource: GROUP,
        rule: '*',
        by: BY,
        reason: 'incident',
        until: '2026-12-31',
      },
    ]);
    expect(releaseSchema.parse(JSON.parse(released.out))).toEqual({
      account: PRODUCTION,
      region: HOME,
      resource: GROUP,
      rule: '*',
    });
    expect(aws.item(`hold#${PRODUCTION}#${HOME}#${GROUP}`, '*')).toBeUndefined();
    expect(JSON.parse((await runCli(aws, ['status', '--json'])).out).holds).toEqual([]);
  });

  test('holds an account for one rule', async () => {
    const { out } = await runCli(aws, [
      'hold',
      '--account',
      STAGING,
      '--rule',
      SSH,
      '--reason',
      'migration',
      '--yes',
      '--json',
    ]);

    expect(holdSchema.parse(JSON.parse(out))).toEqual({
      account: STAGING,
      region: '*',
      resource: '*',
      rule: SSH,
      by: BY,
      reason: 'migration',
    });
    expect(aws.item(`hold#${STAGING}#*#*`, SSH)).toMatchObject({ version: 1, reason: 'migration', by: BY });

    const released = await runCli(aws, ['release', '--account', STAGING, '--rule', SSH, '--yes']);

    expect(released.out).toMatch(/^Released: everything in 333333333333, for security-group-ssh-open\./);
    expect(aws.item(`hold#${STAGING}#*#*`, SSH)).toBeUndefined();
  });

  test('holds a snapshot, which no finding names, in the given place', async () => {
    const argv = ['hold', 'nightly', '--account', STAGING, '--region', HOME, '--reason', 'needed', '--yes'];

    expect(await runCli(aws, argv)).toMatchObject({ code: 0 });
    expect(aws.item(`hold#${STAGING}#${HOME}#nightly`, '*')).toBeDefined();
  });

  test('holds a trail once, for all regions with findings of it', async () => {
    const trail = `arn:aws:cloudtrail:${HOME}:${PRODUCTION}:trail/audit`;
    const held = await runCli(aws, ['hold', trail, '--reason', 'x', '--yes']);
    const status = await runCli(aws, ['status', '--json']);
    const released = await runCli(aws, ['release', trail, '--region', 'us-east-1', '--yes']);

    expect(held).toMatchObject({
      code: 0,
      out: `Held: ${trail} in ${PRODUCTION}, for all rules, until it is released.\n`,
    });
    expect(JSON.parse(status.out).holds).toMatchObject([
      { account: PRODUCTION, region: '*', resource: trail, rule: '*' },
    ]);
    expect(released).toMatchObject({ code: 0 });
    expect(aws.item(`hold#${PRODUCTION}#*#${trail}`, '*')).toBeUndefined();
  });

  test('holds an IAM user in the region global', async () => {
    const argv = [
      'hold',
      `arn:aws:iam::${STAGING}:user/team/robot.ci`,
      '--rule',
      'iam-access-key-unrotated',
      '--reason',
      'x',
      '--yes',
    ];

    expect(await runCli(aws, argv)).toMatchObject({ code: 0 });
    expect(aws.item(`hold#${STAGING}#global#robot.ci`, 'iam-access-key-unrotated')).toBeDefined();
  });

  test.each<[string, string[], number, RegExp, string | undefined]>([
    [
      'there is no terminal',
      [GROUP, '--reason', 'x'],
      8,
      /There is no terminal for the question: add --yes/,
      undefined,
    ],
    ['the answer is not yes', [GROUP, '--reason', 'x'], 8, /nothing was done/, 'y'],
    ['a reason is missing', [GROUP], 2, /required option '--reason <text>' not specified/, undefined],
    [
      'the last day is over',
      [GROUP, '--reason', 'x', '--until', '2026-11-01'],
      2,
      /--until 2026-11-01 is in the past: expected today or a later date/,
      undefined,
    ],
    [
      'the last day is malformed',
      [GROUP, '--reason', 'x', '--until', 'soon'],
      2,
      /until: expected the last day/,
      undefined,
    ],
    [
      'neither a resource nor an account is given',
      ['--reason', 'x'],
      2,
      /expected the id or the ARN of a resource, or --account/,
      undefined,
    ],
    [
      'the rule is unknown',
      ['--account', STAGING, '--rule', 's3-buckets-public', '--reason', 'x', '--yes'],
      2,
      /unknown rule "s3-buckets-public": expected one of .*s3-bucket-public/,
      undefined,
    ],
    [
      'the resource is unknown',
      ['sg-ffffffff', '--reason', 'x'],
      3,
      /there are no findings of sg-ffffffff: add --account/,
      undefined,
    ],
  ])('nothing is held where %s', async (_, argv, code, words, typed) => {
    const ran = await runCli(aws, ['hold', ...argv], typed === undefined ? {} : { typed });

    expect(ran.code).toBe(code);
    expect(ran.error).toMatch(words);
    expect([...aws.items.keys()].filter((key) => key.includes('hold'))).toEqual([]);
  });

  test('asks for the place of a resource that is in two places', async () => {
    putFinding(aws, { resource: GROUP, account: STAGING, outcome: 'planned' });

    const { code, error } = await runCli(aws, ['hold', GROUP, '--reason', 'x', '--yes']);

    expect(code).toBe(2);
    expect(error).toMatch(/in several places \(222222222222 eu-central-1, 333333333333 eu-central-1\)/);
  });
});

test('release reports that there is no hold', async () => {
  const { code, error } = await runCli(aws, ['release', GROUP, '--yes']);

  expect(code).toBe(3);
  expect(error).toMatch(/there is no hold on .*: cspm-remediation status lists all holds/);
});

test('retry writes the time before which failures no longer count', async () => {
  putFinding(aws, { resource: GROUP, outcome: 'failed', reason: 'AccessDenied' });

  const { out, error } = await runCli(aws, ['retry', GROUP, '--reason', 'role repaired', '--yes', '--json']);

  expect(error).toContain(`- ${SSH}: currently failed, AccessDenied`);
  const said = { at: '2026-11-24T12:00:00.000Z', by: BY, reason: 'role repaired' };
  expect(retrySchema.parse(JSON.parse(out))).toEqual({
    account: PRODUCTION,
    region: HOME,
    resource: GROUP,
    ...said,
  });
  expect(aws.item(`retry#${PRODUCTION}#${HOME}#${GROUP}`, 'retry')).toMatchObject({ version: 1, ...said });
});
