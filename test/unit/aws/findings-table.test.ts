import { afterEach, beforeEach, expect, test } from 'vitest';
import { FindingsTable } from '../../../lambdas/aws/findings-table.ts';
import {
  type Answer,
  jsonAnswer,
  type ScriptedAws,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';

let aws: ScriptedAws;
let answers: Answer[];
let waits: number[];

beforeEach(async () => {
  answers = [];
  waits = [];
  aws = await scriptedAws(() => answers.shift() ?? jsonAnswer({}));
});
afterEach(() => aws[Symbol.asyncDispose]());

function tableAt(
  sleep = async (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
  },
): FindingsTable {
  return new FindingsTable({
    table: 'findings',
    region: 'eu-central-1',
    clientOptions: {
      endpoint: aws.endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    },
    clock: { now: () => 0, sleep },
  });
}

const key = (pk: string) => ({ pk, sk: 's' });
const stored = (pk: string) => ({ pk: { S: pk }, sk: { S: 's' } });
const cancelled = (...codes: readonly string[]): Answer =>
  jsonAnswer(
    {
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      message: 'cancelled',
      CancellationReasons: codes.map((Code) => ({ Code })),
    },
    400,
  );

test('items that an answer omits are read again', async () => {
  answers = [
    jsonAnswer({
      Responses: { findings: [stored('a')] },
      UnprocessedKeys: { findings: { Keys: [stored('b')] } },
    }),
    jsonAnswer({ Responses: { findings: [stored('b')] } }),
  ];

  const items = await tableAt().read([key('a'), key('b')]);

  expect(items).toEqual([key('a'), key('b')]);
  expect(waits).toHaveLength(1);
  expect(aws.calls.map(({ body }) => JSON.parse(body).RequestItems.findings)).toMatchObject([
    { ConsistentRead: true, Keys: [stored('a'), stored('b')] },
    { ConsistentRead: true, Keys: [stored('b')] },
  ]);
});

test('a read that may lag behind writes says so in every call', async () => {
  answers = [
    jsonAnswer({
      Responses: { findings: [stored('a')] },
      UnprocessedKeys: { findings: { Keys: [stored('b')] } },
    }),
    jsonAnswer({ Responses: { findings: [stored('b')] } }),
  ];

  const items = await tableAt().read([key('a'), key('b')], true);

  expect(items).toEqual([key('a'), key('b')]);
  expect(aws.calls.map(({ body }) => JSON.parse(body).RequestItems.findings)).toMatchObject([
    { ConsistentRead: false, Keys: [stored('a'), stored('b')] },
    { ConsistentRead: false, Keys: [stored('b')] },
  ]);
});

test('items that every answer omits are an error, and do not count as missing', async () => {
  const left = jsonAnswer({ UnprocessedKeys: { findings: { Keys: [stored('a')] } } });
  answers = [left, left, left, left];

  const reading = tableAt().read([key('a')]);

  await expect(reading).rejects.toMatchObject({
    name: 'DeliveryError',
    message: 'table findings did not return 1 of 1 items after 4 attempts',
  });
});

test('more keys than fit into one call are read by several parallel calls', async () => {
  const keys = Array.from({ length: 250 }, (_, index) => key(`k${index}`));
  answers = [jsonAnswer({ UnprocessedKeys: { findings: { Keys: [stored('k0')] } } })];
  // The first call is repeated only after all others were made.
  const sleep = async (): Promise<void> => {
    while (aws.calls.length < 3) await new Promise((resolve) => setImmediate(resolve));
  };

  await tableAt(sleep).read(keys);

  const sizes = aws.calls.map(({ body }) => JSON.parse(body).RequestItems.findings.Keys.length);
  expect(sizes.toSorted((one, other) => one - other)).toEqual([1, 50, 100, 100]);
});

test('no keys make no call', async () => {
  expect(await tableAt().read([])).toEqual([]);
  expect(aws.calls).toEqual([]);
});

test('a transaction with an unmet condition writes nothing, and one that conflicts may succeed later', async () => {
  answers = [cancelled('None', 'ConditionalCheckFailed'), cancelled('TransactionConflict', 'None')];
  const writes = [{ item: key('a') }, { item: key('b') }];

  const refused = await tableAt().writeAll(writes);
  const conflict = tableAt().writeAll(writes);

  expect(refused).toEqual({ isWritten: false, found: undefined });
  await expect(conflict).rejects.toMatchObject({ name: 'DeliveryError' });
});

test("each of several transactions has the guard's condition, and the last one has its last write", async () => {
  const condition = {
    expression: '#holder = :holder',
    names: { '#holder': 'holder' },
    values: { ':holder': 'h' },
  };
  const guard = {
    each: { item: { ...key('lease'), state: 'held' }, condition },
    last: { item: { ...key('lease'), state: 'done' }, condition },
  };
  const writes = Array.from({ length: 150 }, (_, number) => ({ item: key(`item-${number}`) }));
  answers = [jsonAnswer({}), cancelled(...writes.slice(99).map(() => 'None'), 'ConditionalCheckFailed')];

  const put = await tableAt().writeAll(writes, guard);

  const parts = aws.calls.map(({ body }) => JSON.parse(body).TransactItems);
  expect(parts.map(({ length }) => length)).toEqual([100, 52]);
  expect(parts.map((part) => part.at(-1).Put)).toMatchObject(
    ['held', 'done'].map((state) => ({
      Item: { pk: { S: 'lease' }, state: { S: state } },
      ConditionExpression: '#holder = :holder',
    })),
  );
  expect(put.isWritten).toBe(false);
});
