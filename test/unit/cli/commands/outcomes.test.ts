import { afterEach, beforeEach, expect, test } from 'vitest';
import { outcomesSchema } from '../../../../cli/commands/outcomes/result.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { lineOf, PRODUCTION, pollAt, putPoll, putUndo, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, SmallAws } from '../support/small-aws.ts';

let aws: SmallAws;
let keys: readonly string[];
const FIRST = pollAt('2026-11-24T09:00:00Z');
const SECOND = pollAt('2026-11-24T10:00:00Z');
const THIRD = pollAt('2026-11-24T11:00:00Z');
const applied: Outcome['applied'] = [
  {
    change: { kind: 'sg.revoke', resource: 'sg-1' },
    line: '- ingress tcp 22 from 0.0.0.0/0',
    appliedAt: '2026-11-24T11:00:01Z',
    requestIds: ['request-1'],
  },
];

beforeEach(async () => {
  aws = await SmallAws.start();
  putPoll(aws, pollAt('2026-11-22T09:00:00Z'), [lineOf(pollAt('2026-11-22T09:00:00Z'), 'sg-1')]);
  putPoll(aws, FIRST, [
    lineOf(FIRST, 'sg-1'),
    lineOf(FIRST, 'web-2', { account: STAGING, region: 'us-east-1' }),
  ]);
  putPoll(aws, SECOND, [lineOf(SECOND, 'sg-1')]);
  keys = putPoll(aws, THIRD, [
    lineOf(THIRD, 'sg-1', {
      outcome: 'remediated',
      mode: 'enforce',
      applied,
      finishedAt: '2026-11-24T11:00:02Z',
    }),
    lineOf(THIRD, 'sg-3', { outcome: 'failed', reason: 'AccessDenied: no' }),
  ]);
});
afterEach(() => aws[Symbol.asyncDispose]());

const rowsFor = async (...argv: string[]) => {
  const { code, out } = await runCli(aws, ['outcomes', ...argv, '--json']);
  expect(code).toBe(0);
  return outcomesSchema.parse(JSON.parse(out)).outcomes;
};

test('consecutive polls with the same outcome share a row, and changes are listed', async () => {
  const rows = await rowsFor();

  expect(rows).toEqual([
    expect.objectContaining({
      resource: 'web-2',
      outcome: 'planned',
      polls: 1,
      account: STAGING,
      region: 'us-east-1',
    }),
    expect.objectContaining({
      resource: 'sg-1',
      outcome: 'planned',
      polls: 2,
      first_at: FIRST.asOf,
      at: SECOND.asOf,
    }),
    expect.objectContaining({ resource: 'sg-3', outcome: 'failed', reason: 'AccessDenied: no' }),
    {
      at: '2026-11-24T11:00:02Z',
      first_at: '2026-11-24T11:00:02Z',
      polls: 1,
      rule: SSH,
      account: PRODUCTION,
      region: HOME,
      resource: 'sg-1',
      outcome: 'remediated',
      mode: 'enforce',
      changes: ['- ingress tcp 22 from 0.0.0.0/0'],
      request_ids: ['request-1'],
      session: `netskope.${SSH}@1795518000`,
      evidence: keys[0],
    },
  ]);
});

test('an unconfirmed change has its own row', async () => {
  const [change] = applied;
  const unconfirmed = [{ change: { kind: 'sg.revoke', resource: 'sg-5' }, line: change?.line ?? '' }];
  const polls = ['2026-11-24T11:10:00Z', '2026-11-24T11:20:00Z'].map((at) => pollAt(at));
  for (const [index, poll] of polls.entries()) {
    const more = index === 0 ? { unconfirmed } : {};
    putPoll(aws, poll, [lineOf(poll, 'sg-5', { outcome: 'failed', reason: 'look', ...more })]);
  }

  const rows = await rowsFor('--resource', 'sg-5');

  expect(rows.map(({ unconfirmed: of }) => of)).toEqual([[change?.line], undefined]);
});

test.each<[string[], string[]]>([
  [
    ['--since', '90m'],
    ['sg-3', 'sg-1'],
  ],
  [
    ['--since', '2026-11-24T10:30:00Z'],
    ['sg-3', 'sg-1'],
  ],
  [
    ['--since', '3d', '--all', '--resource', 'sg-1'],
    ['sg-1', 'sg-1', 'sg-1', 'sg-1'],
  ],
  [
    ['--outcome', 'failed', 'remediated'],
    ['sg-3', 'sg-1'],
  ],
  [['--changed'], ['sg-1']],
  [['--resource', 'web-*'], ['web-2']],
  [['--account', STAGING], ['web-2']],
  [['--region', 'us-east-1'], ['web-2']],
  [['--rule', 'CIS-1-2-0-4-1', '--since', '30m'], []],
])('%j gives %j', async (argv, expected) => {
  expect((await rowsFor(...argv)).map(({ resource }) => resource)).toEqual(expected);
});

test('prints a table, or that there is nothing', async () => {
  const { out } = await runCli(aws, ['outcomes'], { width: 160 });
  const nothing = await runCli(aws, ['outcomes', '--since', '1m']);

  expect(out).toMatch(/^AT \(UTC\) +POLLS +RULE +ACCOUNT +REGION +RESOURCE +OUTCOME +CHANGES OR REASON$/m);
  expect(out).toMatch(/sg-1 +remediated +- ingress tcp 22 from 0\.0\.0\.0\/0$/m);
  expect(nothing.out).toBe('nothing since 2026-11-24 11:59 UTC\n');
});

test('an undo has its own row, with who requested it, and why', async () => {
  const undo = {
    request: { principal: 'AROAEXAMPLE:ada', id: '7c9f6a52-0f3c-4d57-9c07-3bd6a4a3b0aa' },
    by: 'ada',
    reason: 'incident 4711',
    undoes: keys[0] ?? '',
  };
  for (const [asOf, outcome] of [
    ['2026-11-24T11:10:00Z', 'undo_refused'],
    ['2026-11-24T11:20:00Z', 'undone'],
    ['2026-11-22T11:20:00Z', 'undone'],
  ] as const) {
    const poll = { ...pollAt(asOf), source: 'undo' as const };
    const line = lineOf(poll, 'sg-1', { outcome, undo, ...(outcome === 'undone' && { applied }) });
    putUndo(aws, line);
  }

  const rows = await rowsFor();
  const elsewhere = await rowsFor('--account', STAGING);
  const { out } = await runCli(aws, ['outcomes', '--outcome', 'undone'], { width: 160 });

  const undos = rows.filter((row) => row.undo !== undefined);
  expect(undos).toMatchObject([
    { resource: 'sg-1', outcome: 'undo_refused', polls: 1, undo: { by: 'ada', reason: 'incident 4711' } },
    { resource: 'sg-1', outcome: 'undone', session: `undo.${SSH}@1795519200`, request_ids: ['request-1'] },
  ]);
  expect(elsewhere.map(({ resource }) => resource)).toEqual(['web-2']);
  expect(out).toContain('(requested by ada: incident 4711)');
});

test('refuses a malformed time', async () => {
  const { code, error } = await runCli(aws, ['outcomes', '--since', 'yesterday']);

  expect(code).toBe(2);
  expect(error).toMatch(/since: expected a duration such as 30m, 24h or 7d, .*got yesterday/);
});

test.each(['2026-11-24T12:00:01Z', '2026-11-25', '2027-01-01T00:00:00+02:00'])(
  'refuses the time %s, which is in the future',
  async (time) => {
    const { code, error } = await runCli(aws, ['outcomes', '--since', time]);

    expect(code).toBe(2);
    expect(error).toContain(`since: ${time} is in the future: expected a time in the past`);
  },
);

test('control characters in names and tags of an account do not reach the terminal', async () => {
  const reason =
    '\u001b]52;c;ZXZpbA==\u0007site\u001b[2J\u009b31m\r, \u001b[31mred\u001b[39m (tag, until 2099-12-31)';
  const poll = pollAt('2026-11-24T11:30:00Z');
  putPoll(aws, poll, [lineOf(poll, 'sg-9', { outcome: 'exempt', reason })]);

  const { out } = await runCli(aws, ['outcomes']);
  const json = await runCli(aws, ['outcomes', '--json']);

  expect(out).toContain(
    '\ufffd]52;c;ZXZpbA==\ufffdsite\ufffd[2J\ufffd31m\ufffd, \u001b[31mred\u001b[39m (tag, until',
  );
  // The value is unchanged: JSON has escapes for all control characters.
  expect(json.out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(json.out).outcomes).toContainEqual(expect.objectContaining({ resource: 'sg-9', reason }));
});
