import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import { changedKey, doneKey, findingItemKey, leaseKey } from '../../lambdas/model/table-items.ts';
import { FindingsRecord } from '../../lambdas/remediator/record/findings-record.ts';
import type {
  Changed,
  FindingRecord,
  Lease,
  PollPlace,
} from '../../lambdas/remediator/record/findings-store.ts';
import { freshAccount } from './harness/product.ts';

const REGION = 'eu-central-1';
const POLL = { source: 'netskope', rule: 's3-bucket-public', asOf: '2026-01-31T12:00:00Z' } as const;
const NOW = Date.parse(POLL.asOf);
const TABLE = 'findings';
const clientOptions = {
  endpoint: inject('localAwsEndpoint'),
  credentials: { accessKeyId: freshAccount(), secretAccessKey: 'test' },
};
const dynamodb = new DynamoDBClient({ ...clientOptions, region: REGION });
const table = new FindingsTable({ table: TABLE, region: REGION, clientOptions });
const record = new FindingsRecord(table, systemClock);

beforeAll(async () => {
  await dynamodb.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
});

let job = { region: REGION, job: '' };
beforeEach(() => {
  job = { region: REGION, job: randomUUID() };
});

function leaseOf(holder: string, lease: Partial<Lease> = {}): Lease {
  return { state: 'held', holder, until: NOW + 1000, poll: POLL, sending: 'one run', ...lease };
}

const place: PollPlace = { rule: POLL.rule, account: '111122223333', region: REGION, poll: POLL };

function changedOf(resource: string): Changed {
  const change = {
    change: { kind: 'k', resource, before: null },
    line: `~ ${resource}`,
    appliedAt: POLL.asOf,
  };
  return {
    account: '111122223333',
    region: REGION,
    resource,
    changes: [{ ...change, requestIds: [], rule: POLL.rule }],
  };
}

function findingOf(resource: string): FindingRecord {
  return {
    account: '111122223333',
    region: REGION,
    resource,
    rule: POLL.rule,
    outcome: 'failed',
    reason: 'denied',
    since: POLL.asOf,
    firstSeen: POLL.asOf,
    lastSeen: POLL.asOf,
    attempts: 1,
    changes: [{ outcome: 'failed', at: POLL.asOf, poll: POLL, evidence: 'outcomes/one.jsonl.gz' }],
  };
}

/** More findings than one transaction can write. */
function many(name: string): FindingRecord[] {
  return Array.from({ length: 130 }, (_, number) => findingOf(`${name}-${number}`));
}

// Not in parallel: the local AWS accepts several racing puts. AWS accepts one.
test('the first of several attempts takes the lease', async () => {
  const first = await record.takeLease(job, leaseOf('one'), NOW);
  const second = await record.takeLease(job, leaseOf('two'), NOW);

  expect(first).toEqual({ is: 'taken', isFirst: true });
  expect(second).toMatchObject({ is: 'held', by: { holder: 'one', state: 'held', until: NOW + 1000 } });
});

test('a call that the SDK repeats gets the lease that it already took', async () => {
  const lease = leaseOf('one');
  await record.takeLease(job, lease, NOW);

  expect(await record.takeLease(job, lease, NOW)).toMatchObject({ is: 'taken' });
});

test('anyone can take an expired or released lease, and nobody a finished one', async () => {
  await record.takeLease(job, leaseOf('dead'), NOW);
  const over = await record.takeLease(job, leaseOf('next'), NOW + 1001);
  await record.endLease(job, leaseOf('next', { state: 'released' }), []);
  const released = await record.takeLease(job, leaseOf('last'), NOW);
  await record.endLease(job, leaseOf('last', { state: 'done' }), [findingOf('bucket')]);

  const done = await record.takeLease(job, leaseOf('late'), NOW + 1_000_000);

  const taken = { is: 'taken', isFirst: false };
  expect([over, released, done]).toEqual([taken, taken, { is: 'done' }]);
});

test('a recorded lease is taken only by the message that recorded it, until it is done', async () => {
  await record.takeLease(job, leaseOf('one'), NOW);
  await record.endLease(job, leaseOf('one', { state: 'recorded' }), [findingOf('bucket')]);

  const other = await record.takeLease(job, leaseOf('other', { sending: 'other' }), NOW + 1_000_000, true);
  const unnamed = await record.takeLease(job, leaseOf('other', { sending: undefined }), NOW, true);
  const again = await record.takeLease(job, leaseOf('again'), NOW);
  await record.endLease(job, leaseOf('again', { state: 'done' }), []);
  const third = await record.takeLease(job, leaseOf('third'), NOW, true);

  const taken = { is: 'taken', isFirst: false };
  const done = { is: 'done' };
  expect([other, unnamed, again, third]).toEqual([done, done, taken, done]);
});

test('an expired lease of another message is shown before it is taken', async () => {
  await record.takeLease(job, leaseOf('one'), NOW);
  const other = leaseOf('other', { sending: 'other' });

  const first = await record.takeLease(job, other, NOW + 1001);
  const second = await record.takeLease(job, other, NOW + 1001, true);

  expect(first).toMatchObject({ is: 'held', by: { holder: 'one' } });
  expect(second).toEqual({ is: 'taken', isFirst: false });
});

test('a message of version 0.1.0, which does not name its sending, takes an expired or recorded lease again', async () => {
  const leaseOfOld = (holder: string, lease: Partial<Lease> = {}) =>
    leaseOf(holder, { sending: undefined, ...lease });
  await record.takeLease(job, leaseOfOld('one'), NOW);
  const over = await record.takeLease(job, leaseOfOld('two'), NOW + 1001);
  await record.endLease(job, leaseOfOld('two', { state: 'recorded' }), []);

  const again = await record.takeLease(job, leaseOfOld('three'), NOW);

  expect([over.is, again.is]).toEqual(['taken', 'taken']);
});

test('an attempt that lost its lease cannot end it, and writes nothing', async () => {
  await record.takeLease(job, leaseOf('slow'), NOW);
  await record.takeLease(job, leaseOf('next'), NOW + 1001);

  const endings = await Promise.allSettled([
    record.endLease(job, leaseOf('slow', { state: 'done' }), [findingOf('slow')]),
    // More than one transaction can write: none of the transactions succeeds.
    record.endLease(job, leaseOf('slow', { state: 'done' }), many('slow')),
  ]);

  const taken = { status: 'rejected', reason: { name: 'LeaseHeldError' } };
  expect(endings).toMatchObject([taken, taken]);
  expect((await record.recall([findingOf('slow'), ...many('slow')], [], place)).findings).toEqual([]);
  expect(await record.takeLease(job, leaseOf('other'), NOW + 1)).toMatchObject({
    is: 'held',
    by: { holder: 'next' },
  });
});

test('a lease of a newer version is not taken, and causes an error', async () => {
  const newer = { ...leaseKey(REGION, job.job), ...leaseOf('new'), version: 2, state: 'resting' };
  await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: marshall(newer) }));

  const taking = record.takeLease(job, leaseOf('old'), NOW + 1_000_000);

  await expect(taking).rejects.toMatchObject({
    name: 'UnreadableItemError',
    message: expect.stringContaining(`${job.job} / lease of the findings table has version 2`),
  });
});

test('the evidence that jobs write only overwrites the version that was read', async () => {
  const at = { ...place, account: '444455556666' };
  const entry = { job: 'one', number: 1, run: 'run' };
  const first = { ...at, jobs: [entry], writer: 'first' };
  const second = { ...at, jobs: [entry, { ...entry, job: 'two' }], writer: 'second' };

  const written = await record.writeDone(first, undefined);
  const again = await record.writeDone(first, undefined);
  const unknowing = await record.writeDone({ ...second, jobs: [] }, undefined);
  const knowing = await record.writeDone(second, first);

  expect([written, again, knowing]).toEqual([{}, {}, {}]);
  expect(unknowing.found).toMatchObject(first);
  const { done } = await record.recall([], [], at);
  expect(done).toMatchObject(second);
});

test('an item of an older version without a writer is overwritten if it is unchanged', async () => {
  const at = { ...place, account: '555566667777' };
  const older = { ...at, jobs: [{ job: 'one', number: 0 }] };
  const next = { ...at, jobs: [...older.jobs, { job: 'two', number: 1, run: 'run' }], writer: 'next' };
  await dynamodb.send(
    new PutItemCommand({
      TableName: TABLE,
      Item: marshall({ ...older, ...doneKey(at), version: 1, expiresAt: 2_000_000_000 }),
    }),
  );

  const unknowing = await record.writeDone(next, undefined);
  const knowing = await record.writeDone(next, older);

  expect(unknowing.found?.jobs).toEqual(older.jobs);
  expect(knowing).toEqual({});
});

test('more findings than one transaction can write are written, and the lease ends with the last ones', async () => {
  await record.takeLease(job, leaseOf('one'), NOW);

  await record.endLease(job, leaseOf('one', { state: 'done' }), many('many'));

  const { findings } = await record.recall(many('many'), [], place);
  expect(findings).toHaveLength(130);
  expect(await record.takeLease(job, leaseOf('two'), NOW)).toEqual({ is: 'done' });
});

test('a finding of a newer version is not overwritten, and causes an error', async () => {
  const finding = findingOf('newer-meanwhile');
  const newer = { ...findingItemKey(finding), ...finding, version: 2 };
  await record.takeLease(job, leaseOf('one'), NOW);
  await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: marshall(newer) }));

  const ending = record.endLease(job, leaseOf('one', { state: 'done' }), [findingOf('other'), finding]);

  await expect(ending).rejects.toMatchObject({
    name: 'UnreadableItemError',
    message: expect.stringContaining(
      'newer-meanwhile / s3-bucket-public of the findings table has version 2',
    ),
  });
  expect((await record.recall([findingOf('other')], [], place)).findings).toEqual([]);
});

test('recorded changes are read as they were written, for more resources than one request returns', async () => {
  const all = Array.from({ length: 130 }, (_, number) => changedOf(`arn:aws:s3:::bucket/${number} #%`));

  await record.writeChanged(all, []);
  const read = await record.readChanged([...all, changedOf('unknown')]);

  const byName = (one: Changed, other: Changed): number => one.resource.localeCompare(other.resource);
  expect([...read].sort(byName)).toMatchObject([...all].sort(byName));
});

test.each([
  ['one resource', []],
  ['several', [changedOf('another')]],
])('recorded changes of %s only overwrite the version that was read', async (what, others) => {
  const [first, second, third] = ['first', 'second', 'third'].map((writer) =>
    [...others, changedOf(what)].map((each) => ({ ...each, writer })),
  );

  const written = await record.writeChanged(first ?? [], []);
  const unknowing = await record.writeChanged(second ?? [], []);
  const knowing = await record.writeChanged(second ?? [], first ?? []);
  const late = await record.writeChanged(third ?? [], first ?? []);

  expect([written, unknowing, knowing, late]).toEqual([true, false, true, false]);
  expect(await record.readChanged([changedOf(what)])).toMatchObject([{ writer: 'second' }]);
});

test('recorded changes of a newer version are not overwritten, and cause an error', async () => {
  const changed = changedOf('newer');
  const newer = { ...changedKey(changed), ...changed, version: 2 };
  await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: marshall(newer) }));

  const writing = [[changed], [changedOf('beside'), changed]].map((all) => record.writeChanged(all, []));

  const unreadable = { status: 'rejected', reason: { name: 'UnreadableItemError' } };
  expect(await Promise.allSettled(writing)).toMatchObject([unreadable, unreadable]);
});

test('findings are read as they were written, with their recent changes', async () => {
  const finding = { ...findingOf('deploy #%'), region: 'global' };
  const changed = changedOf('deploy #%');
  await record.takeLease(job, leaseOf('one'), NOW);
  await record.writeChanged([changed], []);
  await record.endLease(job, leaseOf('one', { state: 'done' }), [finding]);

  const known = await record.recall([finding, { ...finding, rule: 'other' }], [changed], place);

  const later = { ...place, poll: { ...POLL, asOf: '2026-01-31T13:00:00Z' } };
  const next = await record.recall([], [], later);

  expect(known).toMatchObject({ changed: [changed], findings: [finding] });
  expect(next).toMatchObject({ changed: [], findings: [], done: undefined, pending: [] });
});

test('a finding of a newer version is not read as this version, and causes an error', async () => {
  const name = { account: '111122223333', region: REGION, resource: 'newer', rule: POLL.rule };
  const newer = { ...findingItemKey(name), ...name, version: 2 };
  await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: marshall(newer) }));

  await expect(record.recall([name], [], place)).rejects.toMatchObject({ name: 'UnreadableItemError' });
});

test("a missing table causes AWS's own error", async () => {
  const missing = new FindingsRecord(
    new FindingsTable({ table: 'missing', region: REGION, clientOptions }),
    systemClock,
  );

  const asked = await Promise.allSettled([
    missing.takeLease(job, leaseOf('one'), NOW),
    missing.endLease(job, leaseOf('one'), []),
    missing.recall([], [changedOf('bucket')], place),
    missing.readChanged([changedOf('bucket')]),
  ]);

  const refused = { status: 'rejected', reason: { name: 'ResourceNotFoundException' } };
  expect(asked).toMatchObject([refused, refused, refused, refused]);
});
