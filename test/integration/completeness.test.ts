import { execFile } from 'node:child_process';
import path from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
    // Nobody understands it.
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
    scheduleOf: () => 'rate(1 hour)',
    timeZone: 'UTC',
  };
});
afterAll(() => harness[Symbol.asyncDispose]());

test('a month without gaps, whose findings all have outcomes, is complete', async () => {
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

test('polls that were due and not done are named, but those that may still come', async () => {
  const later = new Date(question.now.getTime() + 5.6 * 3_600_000);

  const { complete, rules } = await proveCompleteness(evidence, { ...question, now: later });

  expect(complete).toBe(false);
  expect(rules).toMatchObject([{ polls: { done: 2, missing: 4 }, mismatches: [] }]);
});

test('rules that were never polled are expected: since the mark of their look, or all along where they are named', async () => {
  const marked = 'redshift-cluster-public';
  const named = 'security-group-ssh-open';
  const now = new Date(Date.UTC(2026, 1, 3));
  const mark = { version: 1, at: '2026-02-02T12:00:00Z' };
  const Key = `polls/${marked}/last.json`;
  const Bucket = deployed.product.bucket;
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(mark) }));

  const asked = { ...question, month: '2026-02', now, rules: [named] };
  const { complete, rules, notShown } = await proveCompleteness(evidence, asked);

  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  expect(complete).toBe(false);
  expect(rules).toMatchObject([
    { rule: marked, polls: { expectedSince: '2026-02-02T12:00:00.000Z', done: 0, missing: 10 } },
    { rule: RULE },
    { rule: named, polls: { expectedSince: '2026-02-01T00:00:00.000Z', done: 0, missing: 46 } },
  ]);
  expect(notShown).toContainEqual(expect.stringContaining('--schedule'));
});

test('an auditor’s command says what is missing, ends with 1, and keeps its proof', async () => {
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

function audit(...args: readonly string[]): Promise<{ code: number; stdout: string }> {
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
    execFile(process.execPath, [script, ...args], { env }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout });
    });
  });
}
