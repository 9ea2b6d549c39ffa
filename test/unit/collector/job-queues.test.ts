import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { JobQueues } from '../../../lambdas/collector/job-queues.ts';
import { DeliveryError } from '../../../lambdas/model/errors.ts';
import { type Job, jobId, jobSchema } from '../../../lambdas/model/job.ts';
import { type Answer, type ReceivedCall, type ScriptedAws, scriptedAws } from '../../lab/scripted-aws.ts';
import { FakeClock } from './support/fake-clock.ts';
import { groupId } from './support/items.ts';

const batchSchema = z.object({
  QueueUrl: z.string(),
  Entries: z.array(
    z.object({
      Id: z.string(),
      MessageBody: z.string(),
      MessageGroupId: z.string(),
      MessageDeduplicationId: z.string(),
    }),
  ),
});
type Entry = z.infer<typeof batchSchema>['Entries'][number];

const missingQueue: Answer = {
  status: 400,
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amzn-query-error': 'AWS.SimpleQueueService.NonExistentQueue;Sender',
  },
  body: JSON.stringify({ __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'no such queue' }),
};

function json(body: object): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify(body),
  };
}

function operation(call: ReceivedCall): string {
  return String(call.headers['x-amz-target']).replace('AmazonSQS.', '');
}

function region(call: ReceivedCall): string {
  return /Credential=[^/]+\/\d+\/([^/]+)\/sqs/.exec(String(call.headers.authorization))?.[1] ?? '';
}

/**
 * SQS with a queue in every region: refuses the entries that `refuses` says, takes the others.
 * @returns with the jobs that it took, in order
 */
async function startSqs(
  refuses: (entry: Entry) => boolean = () => false,
  overrides: (call: ReceivedCall) => Answer | undefined = () => undefined,
): Promise<ScriptedAws & { readonly taken: Job[] }> {
  const taken: Job[] = [];
  const server = await scriptedAws((call) => {
    const override = overrides(call);
    if (override !== undefined) return override;
    if (operation(call) === 'GetQueueUrl') {
      return json({ QueueUrl: `http://localhost:1/111111111111/${JSON.parse(call.body).QueueName}` });
    }
    const { Entries } = batchSchema.parse(JSON.parse(call.body));
    const refused = Entries.filter(refuses);
    const accepted = Entries.filter((entry) => !refused.includes(entry));
    taken.push(...accepted.map((entry) => jobSchema.parse(JSON.parse(entry.MessageBody))));
    return json({
      Successful: accepted.map(({ Id, MessageBody }) => ({
        Id,
        MessageId: `m-${Id}`,
        MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
      })),
      Failed: refused.map(({ Id }) => ({
        Id,
        Code: 'InternalError',
        Message: 'try again',
        SenderFault: false,
      })),
    });
  });
  return Object.assign(server, { taken });
}

function queuesOf(server: ScriptedAws, clock = new FakeClock()): JobQueues {
  const clientOptions = {
    endpoint: server.endpoint,
    credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  return new JobQueues({ name: 'cspm', clock, clientOptions });
}

function job(account: string, chunk: number, accountName?: string): Job {
  const rule = 'security-group-ssh-open';
  const findings = [
    { rule, account, region: 'us-east-1', resource: groupId(chunk), ...(accountName && { accountName }) },
  ];
  const poll = { rule, asOf: '2026-01-31T12:00:00Z' };
  return { version: 1, poll, account, region: 'us-east-1', chunk, findings };
}

function accounts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index + 1).padStart(12, '0'));
}

function sizes(server: ScriptedAws): number[] {
  return server.calls
    .filter((call) => operation(call) === 'SendMessageBatch')
    .map((call) => batchSchema.parse(JSON.parse(call.body)).Entries.length);
}

describe('jobs on the queue of a region', () => {
  test('are messages of their account, known by their id, and sent to the endpoint in that region', async () => {
    await using sqs = await startSqs();
    const jobs = [job('111111111111', 0), job('222222222222', 0)];

    const left = await queuesOf(sqs).send('us-east-1', jobs);

    expect(left).toEqual([]);
    expect(sqs.taken).toEqual(jobs);
    expect(sqs.calls.map(operation)).toEqual(['GetQueueUrl', 'SendMessageBatch']);
    expect(sqs.calls.map(region)).toEqual(['us-east-1', 'us-east-1']);
    const { QueueUrl, Entries } = batchSchema.parse(JSON.parse(sqs.calls[1]?.body ?? ''));
    expect(QueueUrl).toMatch(/\/cspm-jobs\.fifo$/);
    expect(Entries.map((entry) => entry.MessageGroupId)).toEqual(['111111111111', '222222222222']);
    expect(Entries.map((entry) => entry.MessageDeduplicationId)).toEqual(jobs.map(jobId));
  });

  test('go ten at once, and the address is asked for once', async () => {
    await using sqs = await startSqs();
    const queues = queuesOf(sqs);

    await queues.send(
      'us-east-1',
      accounts(23).map((account) => job(account, 0)),
    );
    await queues.send('us-east-1', [job('999999999999', 1)]);

    expect(sizes(sqs)).toEqual([10, 10, 3, 1]);
    expect(sqs.calls.filter((call) => operation(call) === 'GetQueueUrl')).toHaveLength(1);
  });

  test('go fewer at once where they are heavy: 256 KB at most', async () => {
    await using sqs = await startSqs();
    const jobs = accounts(5).map((account) => job(account, 0, 'x'.repeat(100 * 1024)));

    await queuesOf(sqs).send('us-east-1', jobs);

    expect(sizes(sqs)).toEqual([2, 2, 1]);
    expect(sqs.taken).toHaveLength(5);
  });

  test('that are refused are sent again, and each account keeps its order', async () => {
    const seen = new Map<string, number>();
    await using sqs = await startSqs(({ MessageDeduplicationId }) => {
      const times = (seen.get(MessageDeduplicationId) ?? 0) + 1;
      seen.set(MessageDeduplicationId, times);
      // Every third message is refused twice, every fifth once.
      return times <= (seen.size % 3 === 0 ? 2 : seen.size % 5 === 0 ? 1 : 0);
    });
    const clock = new FakeClock();
    const jobs = accounts(4).flatMap((account) => [0, 1, 2, 3].map((chunk) => job(account, chunk)));

    const left = await queuesOf(sqs, clock).send('us-east-1', jobs);

    expect(left).toEqual([]);
    for (const account of accounts(4)) {
      const chunks = sqs.taken.filter((one) => one.account === account).map(({ chunk }) => chunk);
      expect(chunks).toEqual([0, 1, 2, 3]);
    }
    expect(clock.sleeps.length).toBeGreaterThan(0);
  });

  test('that are refused five times are an error that says why; those before them have been taken', async () => {
    await using sqs = await startSqs(({ MessageGroupId }) => MessageGroupId === '222222222222');
    const clock = new FakeClock();
    const jobs = [job('111111111111', 0), job('222222222222', 0)];

    const sending = queuesOf(sqs, clock).send('us-east-1', jobs);

    await expect(sending).rejects.toThrow(DeliveryError);
    await expect(sending).rejects.toThrow(/cspm-jobs\.fifo refused a job 5 times: InternalError: try again/);
    expect(sqs.taken).toEqual([jobs[0]]);
    expect(clock.sleeps).toEqual([400, 800, 1600, 3200]);
  });

  test('hold what JSON lets stand but SQS refuses as escapes', async () => {
    await using sqs = await startSqs(({ MessageBody }) => /[\uFFFE\uFFFF]/.test(MessageBody));
    const jobs = [job('111111111111', 0, 'a\uFFFE\uFFFF\u0000\uD800b')];

    await queuesOf(sqs).send('us-east-1', jobs);

    expect(sqs.taken).toEqual(jobs);
  });

  test('come back where the region has no queue', async () => {
    await using sqs = await startSqs(undefined, (call) =>
      operation(call) === 'GetQueueUrl' ? missingQueue : undefined,
    );
    const jobs = [job('111111111111', 0), job('222222222222', 0)];

    const left = await queuesOf(sqs).send('us-east-1', jobs);

    expect(left).toEqual(jobs);
    expect(sizes(sqs)).toEqual([]);
  });

  test('come back where the queue is gone since its address was asked for, but for those that it took', async () => {
    let batches = 0;
    await using sqs = await startSqs(undefined, (call) => {
      if (operation(call) === 'SendMessageBatch') batches += 1;
      return batches === 2 ? missingQueue : undefined;
    });
    const queues = queuesOf(sqs);
    const jobs = [job('111111111111', 0), job('111111111111', 1), job('111111111111', 2)];

    const left = await queues.send('us-east-1', jobs);
    batches = 3;
    const leftOfNext = await queues.send('us-east-1', left);

    expect(left).toEqual(jobs.slice(1));
    expect(leftOfNext).toEqual([]);
    expect(sqs.taken).toEqual(jobs);
    expect(sqs.calls.filter((call) => operation(call) === 'GetQueueUrl')).toHaveLength(2);
  });

  test('are an error where SQS fails as a whole, as when it denies the call', async () => {
    const denied: Answer = {
      status: 403,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ __type: 'com.amazonaws.sqs#AccessDeniedException', message: 'not allowed' }),
    };
    await using sqs = await startSqs(undefined, () => denied);

    await expect(queuesOf(sqs).send('us-east-1', [job('111111111111', 0)])).rejects.toThrow('not allowed');
  });
});
