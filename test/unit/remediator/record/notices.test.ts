import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientDefaults } from '../../../../lambdas/aws/client-defaults.ts';
import { FindingsTable } from '../../../../lambdas/aws/findings-table.ts';
import type { Notice } from '../../../../lambdas/model/notice.ts';
import { Notices } from '../../../../lambdas/remediator/record/notices.ts';
import { interceptSdk } from '../../../chaos/accounting/sdk.ts';
import { TableModel } from '../../../chaos/accounting/table.ts';

const HOUR = 3_600_000;
const key = { pk: 'count#s3-bucket-public#111122223333', sk: 'changes' };
const notice: Notice = {
  version: 1,
  kind: 'limit_reached',
  rule: 's3-bucket-public',
  account: '111122223333',
  region: 'eu-central-1',
  at: '2026-06-30T12:00:00Z',
  words: 'too many',
};

let now: number;
let restore: () => void;
let published: Notice[];
let publish: (told: Notice) => Promise<void>;
beforeEach(() => {
  const model = new TableModel();
  now = Date.parse(notice.at);
  published = [];
  publish = async (told) => {
    published.push(told);
  };
  restore = interceptSdk(async ({ operation, input }) =>
    operation === 'BatchGetItem' ? model.batchGet(input) : model.put(input),
  );
});
afterEach(() => restore());

const tell = () => {
  const table = new FindingsTable({ table: 't', region: 'eu-central-1', clientOptions: clientDefaults });
  const clock = { now: () => now, sleep: async () => {} };
  return new Notices(table, (told) => publish(told), clock).publish(notice, key, now - HOUR);
};

test('if jobs in several regions notice the same event, one publishes the notice', async () => {
  await Promise.all([tell(), tell(), tell()]);

  expect(published).toEqual([notice]);
});

test('it is published again when the last notice is too old', async () => {
  await tell();
  now += HOUR;
  await tell();
  const withinAnHour = published.length;
  now += 1;
  await tell();

  expect(withinAnHour).toBe(1);
  expect(published).toHaveLength(2);
});

test('a notice that could not be published is published by the next job', async () => {
  const refused = new Error('the bus does not answer');
  publish = async () => Promise.reject(refused);
  await expect(tell()).rejects.toBe(refused);
  publish = async (told) => {
    published.push(told);
  };

  await tell();
  await tell();

  expect(published).toEqual([notice]);
});

test('a notice whose function was killed before it was published is published later, by one job', async () => {
  // The function ends before the event is sent.
  publish = () => new Promise(() => {});
  void tell();
  await new Promise((resolve) => setImmediate(resolve));
  publish = async (told) => {
    published.push(told);
  };
  const withinItsLife = [...published];
  await tell();
  now += 900_001;

  await Promise.all([tell(), tell()]);
  now += 900_001;
  await tell();

  expect(withinItsLife).toEqual([]);
  expect(published).toEqual([notice]);
});
