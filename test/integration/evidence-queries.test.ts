import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomeSchema } from '../../lambdas/model/outcome.ts';
import { proveCompleteness } from '../../scripts/audit/completeness.ts';
import { Evidence } from '../../scripts/audit/evidence.ts';
import { type Deployed, type Harness, startHarness } from './harness/harness.ts';
import { redrive } from './harness/job-service.ts';
import { makeViolation } from './harness/violations.ts';

const RULE = 's3-bucket-public';
const page = await readFile(path.resolve(import.meta.dirname, '../../docs/evidence.md'), 'utf8');

/** The SQL under a heading of docs/evidence.md that is for DuckDB, or for both engines. */
function sqlUnder(heading: string): string {
  const [, section = ''] = page.split(new RegExp(`^##+ ${heading}$`, 'm'));
  const sql = /```sql(?: duckdb)?\n([\s\S]*?)```/.exec(section)?.[1];
  if (sql === undefined) throw new Error(`docs/evidence.md has no SQL under "${heading}"`);
  return sql;
}

let harness: Harness;
let deployed: Deployed;
let folder: string;
let lastPoll: string;
let duckdb: DuckDBConnection;
/** The buckets of the polls below, and one whose job was returned from the dead-letter queue. */
let [fixed, failing, exempt, redriven] = ['', '', '', ''];

beforeAll(async () => {
  harness = await startHarness();
  folder = await mkdtemp(path.join(tmpdir(), 'evidence-'));
  const account = harness.account();
  const items = [];
  for (let number = 0; number < 4; number += 1)
    items.push(await makeViolation(harness.endpoint, RULE, account));
  [fixed = '', failing = '', exempt = '', redriven = ''] = items.map(({ resource_id }) =>
    String(resource_id),
  );
  const exemption = {
    account,
    region: '*',
    resource: exempt,
    reason: 'web site',
    owner: 'web',
    expires: '2999-12-31',
  };
  deployed = await harness.deploy({ rules: { [RULE]: { mode: 'enforce', exemptions: [exemption] } } });
  // Twice: a bucket that cannot be changed fails in both polls.
  harness.proxy.inject({ service: 's3', operation: 'PutPublicAccessBlock', text: failing, effect: 'denied' });
  await deployed.run(RULE, items.slice(0, 3));
  await deployed.run(RULE, items.slice(0, 3));
  const fault = harness.proxy.inject({ service: 'sts', operation: 'AssumeRole', effect: 'unavailable' });
  const { summary } = await deployed.run(RULE, items.slice(3));
  lastPoll = summary.poll.asOf;
  fault.remove();
  await redrive(deployed.product, deployed.product.homeRegion);
  await deployed.work();
  await download(folder);
  duckdb = await queriesOf(folder);
});

/** Creates the documented views on a copy of the outcomes. */
async function queriesOf(copy: string): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(sqlUnder('Query a copy with DuckDB').replace("'outcomes/", `'${copy}/outcomes/`));
  return connection;
}

afterAll(async () => {
  duckdb.closeSync();
  await harness[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The bytes of each object of outcomes, by key. */
async function outcomeObjects(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { product } = deployed;
  const client = new S3Client(product.client(product.homeRegion));
  const objects = new Map<string, Uint8Array>();
  const pages = paginateListObjectsV2({ client }, { Bucket: product.bucket, Prefix: 'outcomes/' });
  for await (const { Contents = [] } of pages) {
    for (const { Key = '' } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: product.bucket, Key }));
      objects.set(Key, (await Body?.transformToByteArray()) ?? new Uint8Array());
    }
  }
  return objects;
}

/** Copies the outcomes from the evidence bucket, as `aws s3 sync` does. */
async function download(copy: string): Promise<void> {
  for (const [key, bytes] of await outcomeObjects()) {
    const file = path.join(copy, key);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

async function rowsOf(sql: string, on = duckdb): Promise<readonly Record<string, unknown>[]> {
  return (await on.runAndReadAll(sql)).getRowObjectsJson();
}

test('what was changed in the last week', async () => {
  const rows = await rowsOf(sqlUnder('What was changed in the last week'));

  expect(rows).toMatchObject([
    {
      rule: RULE,
      account: harness.account(),
      resource: fixed,
      line: expect.stringContaining('public access block'),
    },
    { resource: redriven },
  ]);
});

test('what has been failing longest', async () => {
  const rows = await rowsOf(sqlUnder('What has been failing longest'));

  expect(rows).toMatchObject([
    { rule: RULE, resource: failing, reason: expect.stringContaining('AccessDenied') },
  ]);
});

test('mean time to remediate, by rule', async () => {
  const rows = await rowsOf(sqlUnder('Mean time to remediate, by rule'));

  expect(rows).toMatchObject([{ rule: RULE, remediated: '2', mean_minutes: expect.any(Number) }]);
});

test('who is exempt, until when', async () => {
  const rows = await rowsOf(sqlUnder('Who is exempt, until when'));

  expect(rows).toMatchObject([
    {
      resource: exempt,
      exempt_until: '2999-12-31',
      reason: expect.stringContaining('web site (web, until 2999-12-31)'),
    },
  ]);
});

test('everything about one resource', async () => {
  const sql = sqlUnder('Everything about one resource').replace('website-222222222222', fixed);

  const rows = await rowsOf(sql);

  expect(rows.map(({ outcome }) => outcome)).toEqual(['remediated', 'awaiting_scan']);
});

describe('the line that replaces another one counts for a job that returned from the dead-letter queue', () => {
  const later = (moment: string, milliseconds: number): string =>
    new Date(Date.parse(moment) + milliseconds).toISOString();

  /** Sets the end of the replacing line relative to that of the replaced one, as a function with such a clock would. */
  async function finishAt(clock: (replaced: string) => string): Promise<void> {
    const { product } = deployed;
    const client = new S3Client(product.client(product.homeRegion));
    const lines = [...(await outcomeObjects())].flatMap(([key, bytes]) =>
      gunzipSync(bytes)
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ key, line: outcomeSchema.parse(JSON.parse(line)) })),
    );
    const [replacing, ...others] = lines.filter(({ line }) => line.replaces !== undefined);
    const replaced = lines.find(({ key }) => key === replacing?.line.replaces);
    if (replacing === undefined || replaced === undefined) throw new Error('no line replaces another');
    expect([replacing.line, replaced.line].map(({ finding }) => finding.resource)).toEqual([
      redriven,
      redriven,
    ]);
    expect(others).toEqual([]);
    const line = { ...replacing.line, finishedAt: clock(replaced.line.finishedAt) };
    await client.send(
      new PutObjectCommand({
        Bucket: product.bucket,
        Key: replacing.key,
        Body: gzipSync(`${JSON.stringify(line)}\n`),
      }),
    );
  }

  test.each([
    ['when its clock is right', (replaced: string) => later(replaced, 60_000)],
    ['when both end at the same time', (replaced: string) => replaced],
    ['when its clock was ten minutes slow', (replaced: string) => later(replaced, -600_000)],
  ])('%s', async (_, clock) => {
    await finishAt(clock);
    const copy = await mkdtemp(path.join(folder, 'copy-'));
    await download(copy);
    const queries = await queriesOf(copy);
    const { product } = deployed;
    const evidence = new Evidence(new S3Client(product.client(product.homeRegion)), product.bucket);
    const now = new Date(Date.parse(lastPoll) + 1_000);
    const question = { now, month: lastPoll.slice(0, 7), schedule: 'rate(1 hour)', timeZone: 'UTC' };

    const rows = await rowsOf(`SELECT outcome FROM outcomes WHERE resource = '${redriven}'`, queries);
    const changes = await rowsOf(`SELECT line FROM changes WHERE resource = '${redriven}'`, queries);
    const { rules } = await proveCompleteness(evidence, question);
    queries.closeSync();

    expect(rows).toEqual([{ outcome: 'remediated' }]);
    expect(changes).toHaveLength(1);
    expect(rules).toMatchObject([{ findings: { in: 7, out: 7 }, deadLetters: 0 }]);
  });
});
