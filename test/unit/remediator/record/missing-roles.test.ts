import { beforeEach, expect, test } from 'vitest';
import type { WriteCondition } from '../../../../lambdas/aws/evidence-objects.ts';
import type { RoleMissingEvent } from '../../../../lambdas/model/role-missing.ts';
import { MissingRoles } from '../../../../lambdas/remediator/record/missing-roles.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-06-30T12:00:00Z');

/** A bucket with conditional writes. */
class Bucket {
  readonly objects = new Map<string, { text: string; etag: string }>();
  #writes = 0;

  async find(key: string) {
    await Promise.resolve();
    return this.objects.get(key);
  }

  async put(key: string, text: string, condition: WriteCondition = {}) {
    await Promise.resolve();
    const etag = this.objects.get(key)?.etag;
    const isRefused =
      'IfNoneMatch' in condition ? etag !== undefined : 'IfMatch' in condition && condition.IfMatch !== etag;
    if (isRefused) throw Object.assign(new Error('412'), { name: 'PreconditionFailed' });
    this.#writes += 1;
    const written = `"${this.#writes}"`;
    this.objects.set(key, { text, etag: written });
    return written;
  }
}

let bucket: Bucket;
let published: RoleMissingEvent[];
let now: number;
let fault: Error | undefined;

beforeEach(() => {
  bucket = new Bucket();
  published = [];
  now = NOW;
  fault = undefined;
});

/** The remediator of one region. */
function remediator() {
  const publish = async (event: RoleMissingEvent): Promise<void> => {
    if (fault !== undefined) throw fault;
    published.push(event);
  };
  return new MissingRoles(bucket, publish, { now: () => now, sleep: async () => {} });
}

const missing = (account: number, rule = 's3-bucket-public', region = 'eu-central-1') => ({
  account: String(account).padStart(12, '0'),
  region,
  rule,
});

test('300 accounts, ten rules, four regions and a day of hourly polls: one message per account', async () => {
  const accounts = Array.from({ length: 300 }, (_, account) => account);
  const regions = ['eu-central-1', 'eu-west-1', 'us-east-1', 'us-west-2'];

  for (let poll = 0; poll < 24; poll += 1) {
    for (let rule = 0; rule < 10; rule += 1) {
      await Promise.all(
        regions.flatMap((region) =>
          accounts.map((account) => remediator().report(missing(account, `rule-${rule}`, region))),
        ),
      );
    }
    now += HOUR;
  }

  const reported = published.map(({ account }) => account);
  expect(reported.toSorted()).toEqual(accounts.map((account) => missing(account).account));
  expect(new Set(published.map(({ since }) => since))).toEqual(new Set(['2026-06-30T12:00:00.000Z']));
});

test('a role that a StackSet makes within the hour is no message', async () => {
  await remediator().report(missing(1));
  now += HOUR - 1;
  await remediator().report(missing(1));

  expect(published).toEqual([]);
});

test('what the event bus does not take is reported by the next job', async () => {
  await remediator().report(missing(1));
  now += HOUR;
  fault = new Error('no bus');
  const refused = remediator().report(missing(1));
  await expect(refused).rejects.toThrow('no bus');
  fault = undefined;

  await remediator().report(missing(1));
  await remediator().report(missing(1));

  expect(published).toHaveLength(1);
});

test('once the bucket has forgotten it, what lasts is reported again', async () => {
  await remediator().report(missing(1));
  now += HOUR;
  await remediator().report(missing(1));
  bucket.objects.clear();

  await remediator().report(missing(1));
  now += HOUR;
  await remediator().report(missing(1));

  expect(published).toHaveLength(2);
});
