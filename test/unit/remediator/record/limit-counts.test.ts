import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientDefaults } from '../../../../lambdas/aws/client-defaults.ts';
import { FindingsTable } from '../../../../lambdas/aws/findings-table.ts';
import { countKey, endOfSlot, slotOf } from '../../../../lambdas/model/count-item.ts';
import { LimitCounts } from '../../../../lambdas/remediator/record/limit-counts.ts';
import { Random } from '../../../chaos/accounting/random.ts';
import { interceptSdk, type SdkCall } from '../../../chaos/accounting/sdk.ts';
import { TableModel } from '../../../chaos/accounting/table.ts';
import { neverMoreThanTheLimit } from '../support/limit-property.ts';

const MINUTE = 60_000;
const counter = { rule: 's3-bucket-public', scope: '111122223333' };

let model: TableModel;
let restore: () => void;
/** True if an update is not answered, so that the SDK sends it again. */
let isSentTwice: boolean;
/** Does something after a call. */
let after: (call: SdkCall) => void;
beforeEach(() => {
  model = new TableModel();
  after = () => {};
  isSentTwice = false;
  restore = interceptSdk(async (call) => {
    const { operation, input } = call;
    if (operation === 'UpdateItem' && isSentTwice) model.update(input);
    const answer = operation === 'BatchGetItem' ? model.batchGet(input) : model.update(input);
    after(call);
    return answer;
  });
});
afterEach(() => restore());

const table = () => new FindingsTable({ table: 't', region: 'eu-central-1', clientOptions: clientDefaults });

let now = Date.parse('2026-06-30T12:00:00Z');
const counts = () => new LimitCounts(table(), { now: () => now, sleep: async () => {} });
const reserve = (changes: number, limit = 10, until = now) =>
  counts().reserve({
    counter,
    limit,
    until,
    choose: (left) => ({ changes: left >= changes ? changes : 0, findings: [] }),
    deferred: new Set(),
  });

test('there are never more changes than the limit within an hour, regardless of how jobs interleave', async () => {
  await neverMoreThanTheLimit(table, {
    runs: 150,
    turns: (seed) => {
      const random = new Random(seed);
      return async () => {
        for (let waits = random.between(0, 3); waits > 0; waits -= 1) await setImmediate();
      };
    },
  });
});

test('a reservation counts until an hour after the latest time of its changes', async () => {
  const start = now;
  const { reservation } = await reserve(10, 10, start + 14 * MINUTE);
  const end = endOfSlot(slotOf(start + 14 * MINUTE));

  now = end - 1;
  const before = await reserve(1);
  now = end;
  const later = await reserve(10);

  expect(reservation?.changes).toBe(10);
  expect(end).toBeGreaterThanOrEqual(start + 74 * MINUTE);
  expect(before).toEqual({ reservation: undefined, room: { left: 0, kept: 0, moreAt: end } });
  expect(later.reservation?.changes).toBe(10);
});

test('released room is available at once, and only once', async () => {
  const { reservation } = await reserve(10);
  if (reservation === undefined) throw new Error('nothing was reserved');

  await counts().release(reservation, 4);
  await counts().release(reservation, 4);

  expect((await reserve(5)).reservation).toBeUndefined();
  expect((await reserve(4)).reservation?.changes).toBe(4);
});

test('a reservation and a release that are not answered are made once', async () => {
  isSentTwice = true;
  const { reservation } = await reserve(10);
  if (reservation !== undefined) await counts().release(reservation, 4);

  isSentTwice = false;
  expect(reservation?.changes).toBe(10);
  expect((await reserve(5)).room.left).toBe(4);
});

test('an item that DynamoDB has deleted in the meantime starts again, and no condition on the old one is met', async () => {
  await reserve(10);
  now += 75 * MINUTE;
  const known = model.item(countKey(counter));
  let isDeleted = false;
  after = ({ operation }) => {
    if (operation !== 'BatchGetItem' || isDeleted) return;
    isDeleted = true;
    model.delete(countKey(counter));
  };

  const first = await reserve(10);
  const second = await reserve(10);

  expect(known).toMatchObject({ total: 10 });
  expect(first.reservation?.changes).toBe(10);
  expect(second.reservation).toBeUndefined();
});

test('old slots are removed from the item', async () => {
  await reserve(3);
  now += 4 * 60 * MINUTE;

  await reserve(1);

  const names = Object.keys(model.item(countKey(counter)) ?? {});
  expect(names.filter((name) => /^(slot|reserved)-/.test(name))).toHaveLength(2);
});

test('a counter of a newer version is not changed', async () => {
  await reserve(1);
  model.put({ Item: { pk: { S: countKey(counter).pk }, sk: { S: 'changes' }, version: { N: '2' } } });

  await expect(reserve(1)).rejects.toMatchObject({ name: 'UnreadableItemError' });
});

test('counters are read in one call, and reservations based on it respect each limit', async () => {
  const all = { ...counter, scope: 'all' };
  const operations: string[] = [];
  after = ({ operation }) => void operations.push(operation);
  await reserve(4);
  operations.length = 0;

  const found = await counts().read([counter, all]);
  const wish = (of: typeof counter) => ({
    counter: of,
    found,
    limit: 10,
    until: now,
    deferred: new Set<string>(),
    choose: (left: number) => ({ changes: Math.min(left, 8), findings: [] }),
  });
  // Another job comes in between.
  await reserve(4);
  const [one, other] = [await counts().reserve(wish(counter)), await counts().reserve(wish(all))];

  expect([one, other].map(({ reservation }) => reservation?.changes)).toEqual([2, 8]);
  expect(operations.filter((operation) => operation === 'BatchGetItem')).toHaveLength(2);
});

test('room is kept for findings that a limit deferred, and only they can use it', async () => {
  const asked: (readonly [left: number, kept: number])[] = [];
  const ask = (deferred: readonly string[], changes: number) =>
    counts().reserve({
      counter,
      limit: 10,
      until: now,
      deferred: new Set(deferred),
      choose: (left, kept) => {
        asked.push([left, kept]);
        return { changes, findings: deferred };
      },
    });
  await ask([], 6);
  await counts().keep(
    counter,
    new Map([
      ['aaaa', 2],
      ['bbbb', 1],
    ]),
    10,
  );

  await ask([], 0);
  await ask(['aaaa'], 0);
  await ask(['aaaa'], 2);
  await ask([], 0);
  await counts().forget([counter], new Set(['bbbb', 'cccc']));
  await ask([], 0);

  expect(asked.slice(1)).toEqual([
    [4, 3],
    [4, 1],
    [4, 1],
    [2, 1],
    [2, 0],
  ]);
});

test('room is kept for a day, and for another day if the finding is deferred again', async () => {
  const kept = async (): Promise<number> => {
    let known = Number.NaN;
    await counts().reserve({
      counter,
      limit: 10,
      until: now,
      deferred: new Set(),
      choose: (_, others) => {
        known = others;
        return { changes: 0, findings: [] };
      },
    });
    return known;
  };
  await reserve(10);
  await counts().keep(counter, new Map([['aaaa', 2]]), 10);
  now += 24 * 60 * MINUTE;
  const aDayLater = await kept();
  await counts().keep(counter, new Map([['aaaa', 3]]), 10);
  now += 24 * 60 * MINUTE;

  const again = await kept();
  now += 2 * 60 * MINUTE;

  expect([aDayLater, again, await kept()]).toEqual([2, 3, 0]);
});

/** Findings that a limit has deferred, with one change each. */
const deferredFindings = (count: number, from = 0) =>
  new Map(Array.from({ length: count }, (_, index) => [(from + index).toString(16).padStart(16, '0'), 1]));
const waitingNames = () =>
  Object.keys(model.item(countKey(counter)) ?? {}).filter((name) => name.startsWith('waiting-'));

test('no more room is kept than the limit of an hour, regardless of how many findings wait', async () => {
  await reserve(10);

  for (let job = 0; job < 40; job += 1) await counts().keep(counter, deferredFindings(25, job * 25), 60);

  expect(waitingNames()).toHaveLength(60);
});

test('an item remains far below 400 KB, regardless of the limit', async () => {
  await reserve(10, 1_000_000);

  for (let job = 0; job < 120; job += 1) {
    await counts().keep(counter, deferredFindings(25, job * 25), 1_000_000);
  }

  expect(waitingNames().length).toBeLessThanOrEqual(2_000);
  expect(JSON.stringify(model.item(countKey(counter))).length).toBeLessThan(100_000);
});

test('room that is already kept remains, even if no more can be kept', async () => {
  await reserve(10);
  await counts().keep(counter, deferredFindings(10), 10);
  now += 60 * MINUTE;

  await counts().keep(counter, deferredFindings(12), 10);

  expect(waitingNames()).toHaveLength(10);
  expect(waitingNames().every((name) => name.startsWith(`waiting-${slotOf(now)}-`))).toBe(true);
});
