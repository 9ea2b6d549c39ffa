import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { InvalidInputError } from '../../../lambdas/model/errors.ts';
import { type Job, jobId, MAX_FINDINGS_PER_JOB } from '../../../lambdas/model/job.ts';
import { JobQueue, parseJob } from '../../../lambdas/remediator/job-queue.ts';
import { type Answer, jsonAnswer, type ReceivedCall, scriptedAws } from '../../lab/scripted-aws.ts';
import { environment } from './support/environment.ts';
import { jobOf } from './support/world.ts';

describe('parsing a job', () => {
  const job = jobOf('a', 'b');
  const many = jobOf(...Array.from({ length: MAX_FINDINGS_PER_JOB + 1 }, (_, index) => `u${index}`));
  const withFinding = (change: object) => ({
    ...job,
    findings: job.findings.map((finding) => ({ ...finding, ...change })),
  });

  test('what the collector sends is one', () => {
    expect(parseJob(JSON.stringify(job), 'eu-central-1')).toEqual(job);
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', 'hello', /^the message is not JSON$/],
    ['nothing', '', /^the message is not JSON$/],
    ['another value', [], /^the message is no job: /],
    ['another version', { ...job, version: 2 }, /version: /],
    [
      'another region',
      { ...job, region: 'us-east-1' },
      /^the job is for region us-east-1, and this is the remediator of eu-central-1$/,
    ],
    [
      'an unknown rule',
      { ...withFinding({ rule: 'x-y' }), poll: { ...job.poll, rule: 'x-y' } },
      /^the job is for rule x-y, which is unknown: expected one of cloudtrail-/,
    ],
    ['no findings', { ...job, findings: [] }, /findings: /],
    ['too many findings', many, /findings: .*25/],
    ['a resource twice', jobOf('a', 'b', 'a'), /expected each resource once, got 3 findings of 2 resources/],
    [
      'a finding of another account',
      withFinding({ account: '444455556666' }),
      /findings\.0: expected .* got .*444455556666/,
    ],
    [
      'a finding of another rule',
      withFinding({ rule: 's3-bucket-public' }),
      /findings\.1: expected .* got s3-bucket-public/,
    ],
    ['a finding of another region', withFinding({ region: 'us-east-1' }), /got .* and us-east-1/],
    ['an account that is none', { ...job, account: '12' }, /account: expected an AWS account id/],
  ])('%s is refused', (_, body, message) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const parse = () => parseJob(text, 'eu-central-1');

    expect(parse).toThrow(InvalidInputError);
    expect(parse).toThrow(message);
  });
});

const sqsTarget = (call: ReceivedCall): string =>
  String(call.headers['x-amz-target']).replace('AmazonSQS.', '');

function answer(call: ReceivedCall, message = 'no job'): Answer {
  if (sqsTarget(call) !== 'GetQueueUrl') {
    return jsonAnswer({ MessageId: 'm', MD5OfMessageBody: createHash('md5').update(message).digest('hex') });
  }
  const { QueueName } = z.object({ QueueName: z.string() }).parse(JSON.parse(call.body));
  // An address where nobody is.
  return jsonAnswer({ QueueUrl: `http://127.0.0.1:1/111111111111/${QueueName}` });
}

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

describe('the queue', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('a message that is no job goes to the dead letters as it is, once', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const queue = new JobQueue(environment);

    await queue.sendToDeadLetters(messageOf(1));
    await queue.sendToDeadLetters(messageOf(2));

    expect(aws.calls.map(sqsTarget)).toEqual(['GetQueueUrl', 'SendMessage', 'SendMessage']);
    expect(aws.calls.slice(0, 2).map(({ body }) => JSON.parse(body))).toEqual([
      { QueueName: 'cspm-jobs-dead-letters.fifo' },
      {
        QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs-dead-letters.fifo',
        MessageBody: 'no job',
        MessageGroupId: '111122223333',
        MessageDeduplicationId: 'message-1',
      },
    ]);
  });

  test('a job that is put off waits in the queue of delayed jobs, and is forwarded to its account’s group', async () => {
    await using aws = await scriptedAws((call) =>
      answer(call, sqsTarget(call) === 'SendMessage' ? JSON.stringify(look) : undefined),
    );
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const queue = new JobQueue(environment);
    const look: Job = { ...jobOf('a'), continues: { job: jobId(jobOf('a')), look: 3 } };

    await queue.sendLater(look, 60);
    await queue.forward(look);

    expect(aws.calls.map(({ body }) => JSON.parse(body))).toEqual([
      { QueueName: 'cspm-jobs-delayed' },
      {
        QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs-delayed',
        MessageBody: JSON.stringify(look),
        DelaySeconds: 60,
      },
      { QueueName: 'cspm-jobs.fifo' },
      {
        QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs.fifo',
        MessageBody: JSON.stringify(look),
        MessageGroupId: '111122223333',
        MessageDeduplicationId: jobId(look),
      },
    ]);
    expect(parseJob(JSON.stringify(look), 'eu-central-1')).toEqual(look);
  });

  test.each([
    ['cspm-jobs-delayed', true],
    ['cspm-jobs.fifo', false],
    ['other-cspm-jobs-delayed', false],
    ['cspm-jobs-delayed-dead-letters', false],
  ])('whether a message of %s is to be forwarded: %s', (name, isDelayed) => {
    const eventSourceARN = `arn:aws:sqs:eu-central-1:111111111111:${name}`;

    expect(new JobQueue(environment).isDelayed({ eventSourceARN })).toBe(isDelayed);
  });

  test('an unfinished job waits twice as long each time, not for ever, and not at all after the last', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const queue = new JobQueue({ ...environment, MAX_RECEIVE_COUNT: 20 });

    for (const received of [1, 2, 3, 6, 19, 20, 21]) await queue.putBack(messageOf(received));

    const [first, ...changes] = aws.calls.map(({ body }) => JSON.parse(body));
    expect(first).toEqual({ QueueName: 'cspm-jobs.fifo' });
    expect(changes.map(({ VisibilityTimeout }) => VisibilityTimeout)).toEqual([30, 60, 120, 900, 900, 0, 0]);
    expect(changes[0]).toMatchObject({
      QueueUrl: 'http://127.0.0.1:1/111111111111/cspm-jobs.fifo',
      ReceiptHandle: 'receipt-1',
    });
  });
});
