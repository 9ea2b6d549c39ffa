import { beforeEach, expect, test } from 'vitest';
import { UnreadableItemError } from '../../../../lambdas/model/errors.ts';
import type { RoleMissingEvent } from '../../../../lambdas/model/role-missing.ts';
import { MissingRoles } from '../../../../lambdas/remediator/record/missing-roles.ts';
import { ItemsInMemory } from '../../support/items-in-memory.ts';

/** A probe that is irrelevant here. */
const PROBE = { rule: 'rule', poll: 'netskope.rule@1', job: 'job' };
const HOUR = 3_600_000;
const NOW = Date.parse('2026-06-30T12:00:00Z');

let table: ItemsInMemory;
let published: RoleMissingEvent[];
let now: number;
let fault: Error | undefined;

beforeEach(() => {
  table = new ItemsInMemory();
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
  return new MissingRoles(table, publish, { now: () => now, sleep: async () => {} });
}

const missing = (account: number, rule = 's3-bucket-public', region = 'eu-central-1') => ({
  account: String(account).padStart(12, '0'),
  region,
  rule,
});

test('50 accounts, ten rules, four regions, and six hourly polls: one notification per account', async () => {
  const accounts = Array.from({ length: 50 }, (_, account) => account);
  const regions = ['eu-central-1', 'eu-west-1', 'us-east-1', 'us-west-2'];

  for (let poll = 0; poll < 6; poll += 1) {
    for (let rule = 0; rule < 10; rule += 1) {
      await Promise.all(
        regions.flatMap((region) =>
          accounts.map((account) => remediator().report(missing(account, `rule-${rule}`, region), PROBE)),
        ),
      );
    }
    now += HOUR;
  }

  const reported = published.map(({ account }) => account);
  expect(reported.toSorted()).toEqual(accounts.map((account) => missing(account).account));
  expect(new Set(published.map(({ since }) => since))).toEqual(new Set(['2026-06-30T12:00:00.000Z']));
});

test('a role that a StackSet creates within the hour is not reported', async () => {
  await remediator().report(missing(1), PROBE);
  now += HOUR - 1;
  await remediator().report(missing(1), PROBE);

  expect(published).toEqual([]);
});

test('an account that the event bus did not accept is reported by the next job', async () => {
  await remediator().report(missing(1), PROBE);
  now += HOUR;
  fault = new Error('no bus');
  const refused = remediator().report(missing(1), PROBE);
  await expect(refused).rejects.toThrow('no bus');
  fault = undefined;

  await remediator().report(missing(1), PROBE);
  await remediator().report(missing(1), PROBE);

  expect(published).toHaveLength(1);
});

test('an account whose report was interrupted is reported later, once', async () => {
  await remediator().report(missing(1), PROBE);
  now += HOUR;
  const killed = new MissingRoles(table, () => new Promise(() => {}), {
    now: () => now,
    sleep: async () => {},
  });
  void killed.report(missing(1), PROBE);
  await new Promise((resolve) => setImmediate(resolve));
  await remediator().report(missing(1), PROBE);
  const withinItsLife = published.length;
  now += 900_001;

  await Promise.all([remediator().report(missing(1), PROBE), remediator().report(missing(1), PROBE)]);
  await remediator().claimProbe(missing(1).account, { ...PROBE, poll: 'netskope.rule@2' });
  now += 900_001;
  await remediator().report(missing(1), PROBE);

  expect([withinItsLife, published.length]).toEqual([0, 1]);
});

test('a report that another job claims a check beside is sent once', async () => {
  await remediator().report(missing(1), PROBE);
  now += HOUR;
  const slow = new MissingRoles(
    table,
    async (event) => {
      published.push(event);
      await remediator().claimProbe(event.account, { ...PROBE, poll: 'netskope.rule@2' });
    },
    { now: () => now, sleep: async () => {} },
  );
  await slow.report(missing(1), PROBE);
  now += 900_001;

  await remediator().report(missing(1), PROBE);

  expect(published).toHaveLength(1);
});

test('an account is forgotten after a week, and reported again if the role is still missing', async () => {
  await remediator().report(missing(1), PROBE);
  now += HOUR;
  await remediator().report(missing(1), PROBE);
  // DynamoDB may not have deleted the item.
  now += 7 * 24 * HOUR + 1000;

  await remediator().report(missing(1), PROBE);
  now += HOUR;
  await remediator().report(missing(1), PROBE);

  expect(published).toHaveLength(2);
});

test('a write that the SDK sends twice results in one report', async () => {
  const putIf = table.putIf.bind(table);
  // The first call is not answered.
  table.putIf = async (write) => {
    await putIf(write);
    return putIf(write);
  };
  await remediator().report(missing(1), PROBE);
  now += HOUR;

  await remediator().report(missing(1), PROBE);
  await remediator().report(missing(1), PROBE);

  expect(published).toHaveLength(1);
});

test('an item of a newer version is neither read nor overwritten', async () => {
  await remediator().report(missing(1), PROBE);
  const [item] = table.items;
  const newer = { pk: String(item?.['pk']), sk: String(item?.['sk']), version: 2 };
  await table.putIf({
    item: newer,
    condition: { expression: '#version = :one', names: { '#version': 'version' }, values: { ':one': 1 } },
  });
  now += HOUR;

  const report = remediator().report(missing(1), PROBE);

  await expect(report).rejects.toThrow(UnreadableItemError);
  expect(table.items).toEqual([newer]);
});

test('one job of a poll checks whether the role is back, each time it is delivered', async () => {
  await remediator().report(missing(1), { rule: 'rule', poll: 'poll-1', job: 'a' });
  const claim = (poll: string, job: string) =>
    remediator().claimProbe(missing(1).account, { rule: 'rule', poll, job });

  const same = [await claim('poll-1', 'a'), await claim('poll-1', 'b')];
  const next = await Promise.all(['b', 'c', 'd', 'e', 'f', 'g'].map((job) => claim('poll-2', job)));
  const winner = ['b', 'c', 'd', 'e', 'f', 'g'][next.indexOf(true)] ?? '';

  expect(same).toEqual([true, false]);
  expect(next.filter((mayLook) => mayLook)).toHaveLength(1);
  expect(await claim('poll-2', winner)).toBe(true);
});

test('an account whose role is back is forgotten, and every job may assume the role', async () => {
  await remediator().report(missing(1), { rule: 'rule', poll: 'poll-1', job: 'a' });
  await remediator().forget(missing(1).account);

  const may = ['b', 'c'].map((job) =>
    remediator().claimProbe(missing(1).account, { rule: 'rule', poll: 'poll-2', job }),
  );

  expect(await Promise.all(may)).toEqual([true, true]);
});

test('an account that polls check is not forgotten, and is reported once per week', async () => {
  for (let hour = 0; hour <= 24 * 15; hour += 1) {
    const probe = { rule: 'rule', poll: `poll-${hour}`, job: 'a' };
    await remediator().claimProbe(missing(1).account, probe);
    await remediator().report(missing(1), probe);
    now += HOUR;
  }

  expect(published.map(({ since }) => since)).toEqual(
    Array.from({ length: 3 }, () => '2026-06-30T12:00:00.000Z'),
  );
});

test('interleaved polls of several rules each check once', async () => {
  await remediator().report(missing(1), { rule: 'a', poll: 'a@0', job: '1' });
  const claim = (rule: string, job: string) =>
    remediator().claimProbe(missing(1).account, { rule, poll: `${rule}@1`, job });

  const claims = [await claim('a', '1'), await claim('b', '1'), await claim('a', '2'), await claim('b', '2')];

  expect(claims).toEqual([true, true, false, false]);
});
