import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Deployed, type Harness, startHarness } from './harness/harness.ts';
import { makeViolation } from './harness/violations.ts';

const RULE = 's3-bucket-public';
const page = await readFile(path.resolve(import.meta.dirname, '../../docs/evidence.md'), 'utf8');

/** The SQL under a heading of docs/evidence.md: what is for DuckDB or for both. */
function sqlUnder(heading: string): string {
  const [, section = ''] = page.split(new RegExp(`^##+ ${heading}$`, 'm'));
  const sql = /```sql(?: duckdb)?\n([\s\S]*?)```/.exec(section)?.[1];
  if (sql === undefined) throw new Error(`docs/evidence.md has no SQL under "${heading}"`);
  return sql;
}

let harness: Harness;
let folder: string;
let duckdb: DuckDBConnection;
/** The buckets of the polls below. */
let [fixed, failing, exempt] = ['', '', ''];

beforeAll(async () => {
  harness = await startHarness();
  folder = await mkdtemp(path.join(tmpdir(), 'evidence-'));
  const account = harness.account();
  const items = [];
  for (let number = 0; number < 3; number += 1)
    items.push(await makeViolation(harness.endpoint, RULE, account));
  [fixed = '', failing = '', exempt = ''] = items.map(({ resource_id }) => String(resource_id));
  const exemption = {
    account,
    region: '*',
    resource: exempt,
    reason: 'web site',
    owner: 'web',
    expires: '2999-12-31',
  };
  const deployed = await harness.deploy({ rules: { [RULE]: { mode: 'enforce', exemptions: [exemption] } } });
  // Twice: a bucket that may not be changed fails at both polls.
  harness.proxy.inject({ service: 's3', operation: 'PutPublicAccessBlock', text: failing, effect: 'denied' });
  await deployed.run(RULE, items);
  await deployed.run(RULE, items);
  await download(deployed);
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  const views = sqlUnder('Query a copy with DuckDB').replace("'outcomes/", `'${folder}/outcomes/`);
  await duckdb.run(views);
});
afterAll(async () => {
  duckdb.closeSync();
  await harness[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Copies the outcomes out of the evidence bucket, as `aws s3 sync` does. */
async function download({ product }: Deployed): Promise<void> {
  const client = new S3Client(product.client(product.homeRegion));
  const pages = paginateListObjectsV2({ client }, { Bucket: product.bucket, Prefix: 'outcomes/' });
  for await (const { Contents = [] } of pages) {
    for (const { Key = '' } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: product.bucket, Key }));
      const file = path.join(folder, Key);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, (await Body?.transformToByteArray()) ?? new Uint8Array());
    }
  }
}

async function rowsOf(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await duckdb.runAndReadAll(sql)).getRowObjectsJson();
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
  ]);
});

test('what is failing longest', async () => {
  const rows = await rowsOf(sqlUnder('What is failing longest'));

  expect(rows).toMatchObject([
    { rule: RULE, resource: failing, reason: expect.stringContaining('AccessDenied') },
  ]);
});

test('mean time to remediate, by rule', async () => {
  const rows = await rowsOf(sqlUnder('Mean time to remediate, by rule'));

  expect(rows).toMatchObject([{ rule: RULE, remediated: '1', mean_minutes: expect.any(Number) }]);
});

test('who is exempt, until when', async () => {
  const rows = await rowsOf(sqlUnder('Who is exempt, until when'));

  expect(rows).toMatchObject([
    { resource: exempt, exempt_until: '2999-12-31', reason: 'web site (web, until 2999-12-31)' },
  ]);
});

test('everything about one resource', async () => {
  const sql = sqlUnder('Everything about one resource').replace('website-222222222222', fixed);

  const rows = await rowsOf(sql);

  expect(rows.map(({ outcome }) => outcome)).toEqual(['remediated', 'awaiting_scan']);
});
