import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { PollMarks } from '../../../lambdas/collector/poll-marks.ts';
import { AwsPollRecords } from '../../../lambdas/collector/poll-records.ts';
import type { Unprocessable } from '../../../lambdas/model/outcome.ts';
import { emptyPollSummary } from '../../lab/deployed/poll-summary.ts';
import {
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';
import { ItemsInMemory } from '../support/items-in-memory.ts';
import { FakeClock } from './support/fake-clock.ts';

const POLL = { source: 'netskope' as const, rule: 's3-bucket-public', asOf: '2026-01-31T12:00:00Z' };
const BUS = 'arn:aws:events:eu-central-1:111111111111:event-bus/cspm';

let table: ItemsInMemory;
beforeEach(() => {
  table = new ItemsInMemory();
});

function recordsOf(server: ScriptedAws): AwsPollRecords {
  return new AwsPollRecords({
    bucket: 'cspm-evidence',
    bucketOwner: '111111111111',
    eventBusArn: BUS,
    marks: new PollMarks(table, new FakeClock()),
    region: 'eu-central-1',
    clock: new FakeClock(),
    clientOptions: {
      endpoint: server.endpoint,
      credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
      maxAttempts: 1,
    },
  });
}

function isPutEvents(call: ReceivedCall): boolean {
  return call.headers['x-amz-target'] === 'AWSEvents.PutEvents';
}

function startAws(): Promise<ScriptedAws> {
  return scriptedAws((call) => {
    if (!isPutEvents(call)) return { status: 200, body: '' };
    const entries: unknown[] = JSON.parse(call.body).Entries;
    const body = JSON.stringify({ FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: 'e' })) });
    return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
  });
}

function unprocessable(index: number): Unprocessable {
  return {
    version: 1,
    poll: POLL,
    outcome: 'unprocessable',
    reason: 'malformed item',
    item: { index },
    at: '2026-01-31T12:00:01Z',
  };
}

describe('poll records', () => {
  test('store each unprocessable item under its digest, and publish an event for it', async () => {
    await using aws = await startAws();
    const items = Array.from({ length: 12 }, (_, index) => unprocessable(index));

    await recordsOf(aws).writeUnprocessable(items);

    const puts = aws.calls.filter((call) => call.method === 'PUT');
    expect(new Map(puts.map((call) => [call.path.split('?')[0], JSON.parse(call.body)]))).toEqual(
      new Map(
        items.map((one) => {
          const digest = createHash('sha256').update(JSON.stringify(one.item)).digest('hex');
          return [`/cspm-evidence/unprocessable/s3-bucket-public/1769860800/${digest}.json`, one];
        }),
      ),
    );
    for (const { headers } of puts) {
      expect(headers['content-type']).toBe('application/json');
      expect(headers['x-amz-expected-bucket-owner']).toBe('111111111111');
    }
    const entries = aws.calls.filter(isPutEvents).flatMap((call) => JSON.parse(call.body).Entries);
    expect(entries).toHaveLength(12);
    expect(entries[0]).toMatchObject({
      EventBusName: BUS,
      Source: 'cspm-auto-remediation',
      DetailType: 'Finding Outcome',
    });
    const digest = createHash('sha256').update('{"index":0}').digest('hex');
    expect(JSON.parse(entries[0].Detail)).toEqual({
      ...items[0],
      id: expect.any(String),
      evidence: `s3://cspm-evidence/unprocessable/s3-bucket-public/1769860800/${digest}.json`,
    });
  });

  test('store the summary of a poll under its rule and time', async () => {
    await using aws = await startAws();
    const summary = emptyPollSummary(POLL);

    await recordsOf(aws).writeSummary(summary);

    expect(aws.calls.map((call) => call.path.split('?')[0])).toEqual([
      '/cspm-evidence/polls/s3-bucket-public/1769860800.json',
    ]);
    expect(aws.calls.map(({ body }) => JSON.parse(body))).toEqual([summary]);
    expect(table.items).toMatchObject([
      { pk: 'poll#s3-bucket-public', sk: 'last', version: 1, at: summary.finishedAt, poll: POLL },
    ]);
  });

  test("that can't be stored are an error, and no event is published for them", async () => {
    await using aws = await scriptedAws(() => s3Error('AccessDenied', 403));

    await expect(recordsOf(aws).writeUnprocessable([unprocessable(1)])).rejects.toThrow('AccessDenied');

    expect(aws.calls.filter(isPutEvents)).toEqual([]);
  });
});
