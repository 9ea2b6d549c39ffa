import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { publishOutcomes } from '../../../lambdas/aws/event-bus.ts';
import { EventBridgeClient } from '../../../lambdas/aws/eventbridge.ts';
import { DeliveryError } from '../../../lambdas/model/errors.ts';
import type { Json } from '../../../lambdas/model/json.ts';
import type { OutcomeEvent } from '../../../lambdas/model/outcome-event.ts';
import {
  type Answer,
  jsonAnswer,
  type ReceivedCall,
  type ScriptedAws,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';

const BUS = 'arn:aws:events:us-east-1:111111111111:event-bus/cspm';

const sentSchema = z.object({
  Entries: z.array(
    z.object({ Source: z.string(), DetailType: z.string(), Detail: z.string(), EventBusName: z.string() }),
  ),
});
const sent = ({ body }: ReceivedCall) => sentSchema.parse(JSON.parse(body)).Entries;
const numbers = (call: ReceivedCall): unknown[] =>
  sent(call).map(({ Detail }) => JSON.parse(Detail).item.number);

const taken = (call: ReceivedCall): Answer =>
  jsonAnswer({ FailedEntryCount: 0, Entries: sent(call).map(() => ({ EventId: 'e' })) });

/** Returns the answers of a bus that refuses the events with these numbers. */
function refusing(isRefused: (number: unknown) => boolean) {
  return (call: ReceivedCall): Answer => {
    const Entries = numbers(call).map((number) =>
      isRefused(number) ? { ErrorCode: 'InternalFailure', ErrorMessage: 'try again' } : { EventId: 'e' },
    );
    return jsonAnswer({ FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries });
  };
}

const EVIDENCE = 's3://cspm-evidence/unprocessable/key.json';
const eventOf = (item: Json): OutcomeEvent => ({
  version: 1,
  poll: { source: 'netskope', rule: 's3-bucket-public', asOf: '2026-06-30T11:00:00Z' },
  outcome: 'unprocessable',
  reason: 'malformed item',
  item,
  at: '2026-06-30T12:00:00Z',
  id: 'id',
  evidence: EVIDENCE,
});

async function publishTo(aws: ScriptedAws, items: readonly Json[], sleeps: number[] = []): Promise<void> {
  const client = new EventBridgeClient({
    endpoint: aws.endpoint,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  await publishOutcomes(client, BUS, items.map(eventOf), {
    now: () => 0,
    sleep: async (milliseconds) => {
      sleeps.push(milliseconds);
    },
  });
}

const numbered = (count: number) => Array.from({ length: count }, (_, number) => ({ number }));

describe('publishing', () => {
  test('sets the source and the detail type', async () => {
    await using aws = await scriptedAws(taken);

    await publishTo(aws, [{ number: 1 }]);

    expect(aws.calls.flatMap(sent)).toEqual([
      {
        Source: 'cspm-auto-remediation',
        DetailType: 'Finding Outcome',
        Detail: JSON.stringify(eventOf({ number: 1 })),
        EventBusName: BUS,
      },
    ]);
  });

  test('no events makes no call', async () => {
    await using aws = await scriptedAws(taken);

    await publishTo(aws, []);

    expect(aws.calls).toEqual([]);
  });

  test('sends at most ten events per call, in order', async () => {
    await using aws = await scriptedAws(taken);

    await publishTo(aws, numbered(23));

    expect(aws.calls.map((call) => sent(call).length)).toEqual([10, 10, 3]);
    expect(aws.calls.flatMap(numbers)).toEqual(numbered(23).map(({ number }) => number));
  });

  test('sends less than 256 KB per call, counted in bytes', async () => {
    await using aws = await scriptedAws(taken);

    await publishTo(
      aws,
      Array.from({ length: 5 }, () => ({ text: 'é'.repeat(50_000) })),
    );

    expect(aws.calls.map((call) => sent(call).length)).toEqual([2, 2, 1]);
    for (const call of aws.calls) {
      const bytes = sent(call).reduce(
        (sum, { Source, DetailType, Detail }) => sum + Buffer.byteLength(Source + DetailType + Detail),
        0,
      );
      expect(bytes).toBeLessThan(256 * 1024);
    }
  });

  test('sends only refused events again', async () => {
    const refusals = [[1, 3], [1], []];
    await using aws = await scriptedAws((call) => {
      const refused = refusals.shift();
      return refusing((number) => refused?.some((each) => each === number) === true)(call);
    });
    const sleeps: number[] = [];

    await publishTo(aws, numbered(5), sleeps);

    expect(aws.calls.map(numbers)).toEqual([[0, 1, 2, 3, 4], [1, 3], [1]]);
    expect(sleeps).toHaveLength(2);
    expect(sleeps[1]).toBeGreaterThan(sleeps[0] ?? 0);
  });

  test('throws an error with the reason if events are still refused after all attempts', async () => {
    await using aws = await scriptedAws(refusing((number) => number === 11));
    const publishing = publishTo(aws, numbered(12));

    await expect(publishing).rejects.toThrow(DeliveryError);
    await expect(publishing).rejects.toThrow(
      `event bus ${BUS} refused 1 of 2 events after 4 attempts: InternalFailure: try again`,
    );
    expect(aws.calls.map(numbers)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 11], [11], [11], [11]]);
  });

  test('throws AWS’s own error if the whole call fails', async () => {
    await using aws = await scriptedAws(() => jsonAnswer({ __type: 'AccessDeniedException' }, 400));

    await expect(publishTo(aws, numbered(1))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
