import { execFile } from 'node:child_process';
import path from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PollTally } from '../../lambdas/collector/poll-tally.ts';
import { scheduleRecordKey } from '../../lambdas/collector/schedule-records.ts';
import { pollSummaryKey } from '../../lambdas/model/poll-summary.ts';
import { proveCompleteness, type Question } from '../../scripts/audit/completeness.ts';
import { Evidence } from '../../scripts/audit/evidence.ts';
import { type Deployed, type Harness, startHarness } from './harness/harness.ts';
import { itemOf, makeViolation } from './harness/violations.ts';

const RULE = 's3-bucket-public';

let harness: Harness;
let deployed: Deployed;
let s3: S3Client;
let evidence: Evidence;
let question: Question;
beforeAll(async () => {
  harness = await startHarness();
  deployed = await harness.deploy({ rules: { [RULE]: { mode: 'dry_run' } } });
  const account = harness.account();
  const items = [
    await makeViolation(harness.endpoint, RULE, account),
    await makeViolation(harness.endpoint, RULE, account),
    // A malformed item.
    itemOf(RULE, { account_id: account, resource_id: 'arn:aws:iam::1:root' }),
  ];
  await deployed.run(RULE, items);
  const { summary } = await deployed.run(RULE, items);
  const { asOf } = summary.poll;
  s3 = new S3Client(deployed.product.client(deployed.product.homeRegion));
  evidence = new Evidence(s3, deployed.product.bucket);
  question = {
    month: asOf.slice(0, 7),
    now: new Date(Date.parse(asOf) + 1_000),
    schedule: 'rate(1 hour)',
    timeZone: 'UTC',
  };
});
afterAll(() => harness[Symbol.asyncDispose]());

test('a month without gaps in which every finding has an outcome is complete', async () => {
  const proof = await proveCompleteness(evidence, question);

  expect(proof).toMatchObject({
    complete: true,
    rules: [
      {
        rule: RULE,
        polls: { done: 2, missing: 0, gaps: [] },
        findings: { in: 4, out: 4 },
        unprocessable: { in: 2, out: 2 },
        deadLetters: 0,
        mismatches: [],
      },
    ],
  });
});

test('polls that are overdue are listed, but not those that may still arrive', async () => {
  const later = new Date(question.now.getTime() + 5.6 * 3_600_000);

  const { complete, rules } = await proveCompleteness(evidence, { ...question, now: later });

  expect(complete).toBe(false);
  expect(rules).toMatchObject([{ polls: { done: 2, missing: 4 }, mismatches: [] }]);
});

test('without schedule records, the named rules are expected for the whole month', async () => {
  const named = 'security-group-ssh-open';
  const now = new Date(Date.UTC(2025, 1, 3));

  const asked = { ...question, month: '2025-02', now, schedules: { [named]: 'rate(1 hour)' } };
  const { complete, rules, notShown } = await proveCompleteness(evidence, asked);

  expect(complete).toBe(false);
  expect(rules).toMatchObject([
    { rule: RULE },
    { rule: named, polls: { expected: [{ from: '2025-02-01T00:00:00.000Z' }], done: 0, missing: 46 } },
  ]);
  expect(notShown).toContainEqual(expect.stringContaining('--schedule'));
});

describe('rules that are switched on or off during the month', () => {
  const ON = 'redshift-cluster-public';
  const OFF = 'security-group-ssh-open';
  const MONTH = '2026-02';
  const at = (day: number, hour: number, minute = 0) => new Date(Date.UTC(2026, 1, day, hour, minute));
  const put = (Key: string, value: unknown) =>
    s3.send(new PutObjectCommand({ Bucket: deployed.product.bucket, Key, Body: JSON.stringify(value) }));
  const keys: string[] = [];

  /** Records the schedules as the collector would. */
  async function note(moment: Date, schedules: Readonly<Record<string, string>>): Promise<void> {
    const record = { version: 1, at: moment.toISOString(), schedules, timeZone: 'UTC' };
    keys.push(scheduleRecordKey(record.at));
    await put(scheduleRecordKey(record.at), record);
  }

  /** A poll without findings. */
  async function poll(rule: string, moment: Date): Promise<void> {
    const tally = new PollTally({ source: 'netskope', rule, asOf: moment.toISOString() }, [], moment);
    const key = pollSummaryKey({ source: 'netskope', rule, asOf: moment.toISOString() });
    keys.push(key);
    await put(key, tally.summary(moment));
  }

  beforeAll(async () => {
    const daily = 'rate(1 day)';
    await note(at(-1, 0), { [OFF]: daily });
    await note(at(4, 12), { [OFF]: daily });
    // One rule is removed, another one added.
    await note(at(5, 0), { [ON]: daily });
    await note(at(9, 0), { [ON]: daily });
    for (const day of [0, 1, 2, 3, 4]) await poll(OFF, at(day, 6));
    for (const day of [6, 7, 8, 9]) await poll(ON, at(day, 0));
  });
  afterAll(async () => {
    for (const Key of keys) await s3.send(new DeleteObjectCommand({ Bucket: deployed.product.bucket, Key }));
  });
  const proofOf = () => proveCompleteness(evidence, { ...question, month: MONTH, now: at(9, 12) });

  test('are expected while they were on, according to the collector, and the month is complete', async () => {
    const { complete, rules, switches } = await proofOf();

    expect(complete).toBe(true);
    const expected = (rule: string) => rules.find((each) => each.rule === rule)?.polls;
    const daily = { schedule: 'rate(1 day)', timeZone: 'UTC' };
    expect(expected(OFF)).toMatchObject({
      expected: [{ ...daily, from: at(1, 0).toISOString(), until: at(4, 12).toISOString() }],
      missing: 0,
    });
    expect(expected(ON)).toMatchObject({
      expected: [{ ...daily, from: at(5, 0).toISOString(), until: at(9, 10, 30).toISOString() }],
      missing: 0,
    });
    // A rule that was never on during this month.
    expect(expected(RULE)).toMatchObject({ expected: [], done: 0, missing: 0 });
    const window = { from: at(4, 12).toISOString(), until: at(5, 0).toISOString() };
    expect(switches).toEqual([
      { rule: ON, ...window },
      { rule: OFF, ...window },
    ]);
  });

  test('a poll that is missing while its rule was on is reported as missing', async () => {
    const lost = [pollSummaryKey({ source: 'netskope', rule: OFF, asOf: at(3, 6).toISOString() })];
    for (const Key of lost) await s3.send(new DeleteObjectCommand({ Bucket: deployed.product.bucket, Key }));

    const { complete, rules } = await proofOf();

    expect(complete).toBe(false);
    expect(rules.find(({ rule }) => rule === OFF)?.polls).toMatchObject({
      missing: 1,
      gaps: [{ from: at(3, 6).toISOString(), polls: 1 }],
    });
  });
});

test("the auditor's command lists what is missing, exits with 1 and keeps its proof", async () => {
  const Bucket = deployed.product.bucket;
  const { Contents: [lost] = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket, Prefix: 'outcomes/', MaxKeys: 1 }),
  );
  await s3.send(new DeleteObjectCommand({ Bucket, Key: lost?.Key ?? '' }));

  const { code, stdout } = await audit('--month', question.month, '--bucket', Bucket, '--keep');

  expect(code).toBe(1);
  const proof: unknown = JSON.parse(stdout);
  expect(proof).toMatchObject({
    complete: false,
    rules: [{ findings: { in: 4, out: 2 }, mismatches: [{ what: 'findings', in: 2, out: 0 }] }],
  });
  const kept: string[] = [];
  for await (const key of evidence.keys(`audits/${question.month}/`)) kept.push(key);
  expect(await Promise.all(kept.map((key) => evidence.json(key)))).toEqual([proof]);
});

test('names a missing or invalid option, and exits with 2', async () => {
  expect(await audit('--month', '2026-13', '--bucket', '')).toEqual({
    code: 2,
    stdout: '',
    stderr:
      '--month 2026-13: expected a month, such as 2026-11\n--bucket is empty: expected the name of the evidence bucket\n',
  });
});

function audit(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = path.resolve(import.meta.dirname, '../../scripts/audit.ts');
  const { account, homeRegion } = deployed.product;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: harness.endpoint,
    AWS_ACCESS_KEY_ID: account,
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: homeRegion,
    NODE_NO_WARNINGS: '1',
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
