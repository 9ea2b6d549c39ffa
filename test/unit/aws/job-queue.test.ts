import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { JobQueue } from '../../../lambdas/aws/job-queue.ts';
import { DeliveryError } from '../../../lambdas/model/errors.ts';
import { type Job, jobId, jobSchema } from '../../../lambdas/model/job.ts';
import {
  type Answer,
  type ReceivedCall,
  type ScriptedAws,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';
import { FakeClock } from '../collector/support/fake-clock.ts';
import { groupId } from '../collector/support/items.ts';

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
const singleSchema = z.object({ QueueName: z.string().optional(), MessageBody: z.string().optional() });
type Entry = z.infer<typeof batchSchema>['Entries'][number];

const missingQueue: Answer = {
  status: 400,
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amzn-query-error': 'AWS.SimpleQueueService.NonExistentQueue;Sender',
  },
  body: JSON.stringify({ __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'no such queue' }),
};

const invalidCharacters: Answer = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({ __type: 'com.amazonaws.sqs#InvalidMessageContents', message: 'Invalid characters' }),
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
 * Starts an SQS with a queue in every region, which refuses the entries that `refuses` selects, and accepts the others.
 * @returns the server, with the accepted jobs in order
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

function queueOf(server: ScriptedAws, clock = new FakeClock()): JobQueue {
  const clientOptions = {
    endpoint: server.endpoint,
    credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  return new JobQueue({ name: 'cspm', region: 'us-east-1', clock, clientOptions });
}

function job(account: string, chunk: number, accountName?: string): Job {
  const rule = 'security-group-ssh-open';
  const findings = [
    { rule, account, region: 'us-east-1', resource: groupId(chunk), ...(accountName && { accountName }) },
  ];
  const poll = { source: 'netskope' as const, rule, asOf: '2026-01-31T12:00:00Z' };
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
  test('are messages in the group of their account, with their id, and are sent to the endpoint in that region', async () => {
    await using sqs = await startSqs();
    const jobs = [job('111111111111', 0), job('222222222222', 0)];

    await queueOf(sqs).send(jobs);

    expect(sqs.taken).toEqual(jobs);
    expect(sqs.calls.map(operation)).toEqual(['GetQueueUrl', 'SendMessageBatch']);
    expect(sqs.calls.map(region)).toEqual(['us-east-1', 'us-east-1']);
    const { QueueUrl, Entries } = batchSchema.parse(JSON.parse(sqs.calls[1]?.body ?? ''));
    expect(QueueUrl).toMatch(/\/cspm-jobs\.fifo$/);
    expect(Entries.map((entry) => entry.MessageGroupId)).toEqual(['111111111111', '222222222222']);
    expect(Entries.map((entry) => entry.MessageDeduplicationId)).toEqual(jobs.map(jobId));
  });

  test('are sent ten at a time, and the queue URL is requested once', async () => {
    await using sqs = await startSqs();
    const queue = queueOf(sqs);

    await queue.send(accounts(23).map((account) => job(account, 0)));
    await queue.send([job('999999999999', 1)]);

    expect(sizes(sqs)).toEqual([10, 10, 3, 1]);
    expect(sqs.calls.filter((call) => operation(call) === 'GetQueueUrl')).toHaveLength(1);
  });

  test('are sent fewer at a time if they are large: at most 256 KB', async () => {
    await using sqs = await startSqs();
    const jobs = accounts(5).map((account) => job(account, 0, 'x'.repeat(100 * 1024)));

    await queueOf(sqs).send(jobs);

    expect(sizes(sqs)).toEqual([2, 2, 1]);
    expect(sqs.taken).toHaveLength(5);
  });

  test('are sent ten at a time and in order even if they are for one account', async () => {
    await using sqs = await startSqs();
    const jobs = Array.from({ length: 23 }, (_, chunk) => job('111111111111', chunk));

    await queueOf(sqs).send(jobs);

    expect(sizes(sqs)).toEqual([10, 10, 3]);
    expect(sqs.taken).toEqual(jobs);
  });

  test('that are refused are sent again, before the jobs of later batches', async () => {
    const seen = new Map<string, number>();
    await using sqs = await startSqs(({ MessageDeduplicationId }) => {
      const times = (seen.get(MessageDeduplicationId) ?? 0) + 1;
      seen.set(MessageDeduplicationId, times);
      // Every third message is refused twice, every fifth once.
      return times <= (seen.size % 3 === 0 ? 2 : seen.size % 5 === 0 ? 1 : 0);
    });
    const clock = new FakeClock();
    const jobs = accounts(4).flatMap((account) =>
      Array.from({ length: 10 }, (_, chunk) => job(account, chunk)),
    );

    await queueOf(sqs, clock).send(jobs);

    expect(new Set(sqs.taken.map(jobId))).toEqual(new Set(jobs.map(jobId)));
    expect(sqs.taken).toHaveLength(jobs.length);
    const places = jobs.map((each) => sqs.taken.findIndex((one) => jobId(one) === jobId(each)));
    for (const [index, place] of places.entries()) expect(Math.abs(place - index)).toBeLessThan(20);
    expect(clock.sleeps.length).toBeGreaterThan(0);
  });

  test('that are refused five times are an error with the reason, and earlier jobs have been accepted', async () => {
    await using sqs = await startSqs(({ MessageGroupId }) => MessageGroupId === '222222222222');
    const clock = new FakeClock();
    const jobs = [job('111111111111', 0), job('222222222222', 0)];

    const sending = queueOf(sqs, clock).send(jobs);

    await expect(sending).rejects.toThrow(DeliveryError);
    await expect(sending).rejects.toThrow(
      /queue cspm-jobs\.fifo in us-east-1 refused a job 5 times: InternalError: try again/,
    );
    expect(sqs.taken).toEqual([jobs[0]]);
    expect(clock.sleeps).toEqual([400, 800, 1600, 3200]);
  });

  test('contain characters that JSON allows but SQS refuses as escapes', async () => {
    await using sqs = await startSqs(({ MessageBody }) => /[\uFFFE\uFFFF]/.test(MessageBody));
    const jobs = [job('111111111111', 0, 'a\uFFFE\uFFFF\u0000\uD800b')];

    await queueOf(sqs).send(jobs);

    expect(sqs.taken).toEqual(jobs);
  });

  test('are an error if the region has no queue, which is looked up again at the next attempt', async () => {
    let isMissing = true;
    await using sqs = await startSqs(undefined, (call) =>
      operation(call) === 'GetQueueUrl' && isMissing ? missingQueue : undefined,
    );
    const queue = queueOf(sqs);

    const sending = queue.send([job('111111111111', 0)]);

    await expect(sending).rejects.toThrow(DeliveryError);
    await expect(sending).rejects.toThrow(
      /queue cspm-jobs\.fifo does not exist in us-east-1: .*per-region module/,
    );
    expect(sizes(sqs)).toEqual([]);
    isMissing = false;
    await queue.send([job('111111111111', 0)]);
    expect(sqs.taken).toHaveLength(1);
  });

  test('are an error if the queue has been deleted since, and its URL is then requested again', async () => {
    let batches = 0;
    await using sqs = await startSqs(undefined, (call) => {
      if (operation(call) === 'SendMessageBatch') batches += 1;
      return batches === 2 ? missingQueue : undefined;
    });
    const queue = queueOf(sqs);
    const jobs = Array.from({ length: 23 }, (_, chunk) => job('111111111111', chunk));

    await expect(queue.send(jobs)).rejects.toThrow(/does not exist in us-east-1/);
    batches = 3;
    await queue.send(jobs.slice(10));

    expect(sqs.taken).toEqual(jobs);
    expect(sqs.calls.filter((call) => operation(call) === 'GetQueueUrl')).toHaveLength(2);
  });

  test('are an error if the whole call fails, for example because SQS denies it', async () => {
    const denied: Answer = {
      status: 403,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ __type: 'com.amazonaws.sqs#AccessDeniedException', message: 'not allowed' }),
    };
    await using sqs = await startSqs(undefined, () => denied);

    await expect(queueOf(sqs).send([job('111111111111', 0)])).rejects.toThrow('not allowed');
  });
});

function messageOf(received: number) {
  return {
    messageId: 'message-1',
    receiptHandle: 'receipt-1',
    body: 'no job',
    attributes: {
      ApproximateReceiveCount: String(received),
      MessageGroupId: '111122223333',
      SentTimestamp: '0',
      SenderId: 's',
      ApproximateFirstReceiveTimestamp: '0',
    },
  };
}

/** Starts an SQS that accepts single messages, unless they contain characters that SQS refuses. */
function startSingleSqs(): Promise<ScriptedAws> {
  return scriptedAws((call) => {
    const { QueueName, MessageBody = '' } = singleSchema.parse(JSON.parse(call.body));
    if (QueueName !== undefined) return json({ QueueUrl: `http://127.0.0.1:1/111111111111/${QueueName}` });
    if (/[\uFFFE\uFFFF]/.test(MessageBody)) return invalidCharacters;
    return json({ MessageId: 'm', MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') });
  });
}

describe('the queues of a region, for the remediator', () => {
  test('a message that is not a job is moved unchanged to the dead-letter queue, once', async () => {
    await using sqs = await startSingleSqs();
    const queue = queueOf(sqs);

    await queue.sendToDeadLetters(messageOf(1));
    await queue.sendToDeadLetters(messageOf(2));

    expect(sqs.calls.map(operation)).toEqual(['GetQueueUrl', 'SendMessage', 'SendMessage']);
    expect(sqs.calls.slice(0, 2).map(({ body }) => JSON.parse(body))).toEqual([
      { QueueName: 'cspm-jobs-dead-letters.fifo' },
      {
        QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs-dead-letters.fifo',
        MessageBody: 'no job',
        MessageGroupId: '111122223333',
        MessageDeduplicationId: 'message-1',
      },
    ]);
  });

  test('a follow-up job waits in the queue of delayed jobs, and is forwarded to its account’s group', async () => {
    await using sqs = await startSingleSqs();
    const queue = queueOf(sqs);
    const followUp: Job = {
      ...job('111111111111', 0),
      continues: { job: jobId(job('111111111111', 0)), look: 3 },
    };

    await queue.sendLater(followUp, 60);
    await queue.forward(followUp);

    expect(sqs.calls.map(({ body }) => JSON.parse(body))).toEqual([
      { QueueName: 'cspm-jobs-delayed' },
      {
        QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs-delayed',
        MessageBody: JSON.stringify(followUp),
        DelaySeconds: 60,
      },
      { QueueName: 'cspm-jobs.fifo' },
      {
        QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs.fifo',
        MessageBody: JSON.stringify(followUp),
        MessageGroupId: '111111111111',
        MessageDeduplicationId: jobId(followUp),
      },
    ]);
  });

  test('a follow-up job contains characters that JSON allows but SQS refuses as escapes', async () => {
    await using sqs = await startSingleSqs();
    const queue = queueOf(sqs);
    const followUp = job('111111111111', 0, 'a\uFFFE\uFFFFb');

    await queue.sendLater(followUp, 60);
    await queue.forward(followUp);

    const bodies = sqs.calls.flatMap(({ body }) => singleSchema.parse(JSON.parse(body)).MessageBody ?? []);
    expect(bodies.map((body) => jobSchema.parse(JSON.parse(body)))).toEqual([followUp, followUp]);
  });

  test.each([
    ['cspm-jobs-delayed', true],
    ['cspm-jobs.fifo', false],
    ['other-cspm-jobs-delayed', false],
    ['cspm-jobs-delayed-dead-letters', false],
  ])('a message from %s needs to be forwarded: %s', async (name, isDelayed) => {
    await using sqs = await startSingleSqs();
    const eventSourceARN = `arn:aws:sqs:us-east-1:111111111111:${name}`;

    expect(queueOf(sqs).isDelayed({ eventSourceARN })).toBe(isDelayed);
  });

  test('a job that cannot be attempted before a certain time waits for it, up to a maximum', async () => {
    await using sqs = await startSingleSqs();
    const clock = new FakeClock();
    const queue = queueOf(sqs, clock);
    const retry = { maxReceiveCount: 5, retryDelaySeconds: 30 };

    for (const seconds of [-10, 10, 300, 100_000]) {
      const notBefore = clock.now() + seconds * 1000;
      await queue.putBack(messageOf(1), { ...retry, notBefore });
    }

    const [, ...changes] = sqs.calls.map(({ body }) => JSON.parse(body));
    expect(changes.map(({ VisibilityTimeout }) => VisibilityTimeout)).toEqual([30, 30, 300, 1200]);
  });

  test('an unfinished job waits twice as long each time, up to a maximum, and not at all after the last attempt', async () => {
    await using sqs = await startSingleSqs();
    const queue = queueOf(sqs);
    const retry = { maxReceiveCount: 20, retryDelaySeconds: 30 };

    for (const received of [1, 2, 3, 6, 19, 20, 21]) await queue.putBack(messageOf(received), retry);

    const [first, ...changes] = sqs.calls.map(({ body }) => JSON.parse(body));
    expect(first).toEqual({ QueueName: 'cspm-jobs.fifo' });
    expect(changes.map(({ VisibilityTimeout }) => VisibilityTimeout)).toEqual([30, 60, 120, 900, 900, 0, 0]);
    expect(changes[0]).toMatchObject({
      QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs.fifo',
      ReceiptHandle: 'receipt-1',
    });
  });
});
