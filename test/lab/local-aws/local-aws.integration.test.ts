import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  PutCompositeAlarmCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
  type StateValue,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import {
  DescribeDBClusterSnapshotsCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { AccountBuilder } from '../accounts/account-builder.ts';
import { type LocalAws, prepareLocalAws, startLocalAws } from './index.ts';
import { workFolder } from './paths.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-central-1';
const UNTIL = { timeout: 60_000, interval: 50 };

const CODE = `
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
console.log('module loaded');
export const echo = async (event, context) => ({
  event,
  env: process.env,
  requestId: context.awsRequestId,
  arn: context.invokedFunctionArn,
  remaining: context.getRemainingTimeInMillis(),
  temporaryFolder: (await import('node:os')).tmpdir(),
});
export const speak = async () => { console.log('spoken', { a: 1 }); process.stdout.write('{"raw":true}\\n'); };
export const asksS3Control = async () => {
  const { protocol, host } = new URL(process.env.AWS_ENDPOINT_URL_S3_CONTROL);
  return (await fetch(protocol + '//111111111111.' + host + '/_localemu/health')).status;
};
export const tellsTime = async (_, context) => ({
  now: Date.now(),
  made: new Date().getTime(),
  isDate: new Date() instanceof Date,
  given: new Date('2020-01-01').toISOString(),
  utc: Date.UTC(2020, 0),
  remaining: context.getRemainingTimeInMillis(),
});
export const fails = async () => { throw new TypeError('bad event'); };
export const hangs = async () => { console.log('hanging'); await sleep(600_000); };
export const spins = async () => { for (;;); };
export const exits = async () => { console.log('leaving'); process.exit(3); };
export const forgets = async () => { Promise.reject(new RangeError('nobody waits')); await sleep(600_000); };
export const hoards = async () => { const all = []; for (;;) all.push(new Array(100_000).fill(Math.random())); };
export const works = async ({ Records }) => {
  for (const { body, attributes } of Records) {
    const note = (what) => appendFileSync(process.env.NOTES, JSON.stringify({ what, body, receive: attributes.ApproximateReceiveCount }) + '\\n');
    note('begin');
    if (body === 'poison') throw new Error('poison');
    const other = { a1: 'b1', b1: 'a1' }[body];
    while (other !== undefined && !readFileSync(process.env.NOTES, 'utf8').includes(other)) await sleep(10);
    note('end');
  }
};
`;
const ZIP = zipSync({
  'index.mjs': strToU8(CODE),
  'broken.mjs': strToU8(`console.log('about to break'); throw new Error('no table');`),
});

/** Folder to which functions write. */
let folder: string;
let aws: LocalAws;
let lambda: LambdaClient;
let logs: CloudWatchLogsClient;
let cloudWatch: CloudWatchClient;
let sqs: SQSClient;

beforeAll(async () => {
  const installation = await prepareLocalAws(console.log);
  folder = await mkdtemp(path.join(workFolder, 'local-aws-test-'));
  aws = await startLocalAws({ installation, functionEnvironment: { EVERY_FUNCTION: 'has this' } });
  const settings = clientSettings(ACCOUNT);
  lambda = new LambdaClient(settings);
  logs = new CloudWatchLogsClient(settings);
  cloudWatch = new CloudWatchClient(settings);
  sqs = new SQSClient(settings);
});
afterAll(async () => {
  await aws.stop();
  await rm(folder, { recursive: true });
});

function clientSettings(accessKeyId: string) {
  return { region: REGION, endpoint: aws.endpoint, credentials: { accessKeyId, secretAccessKey: 'test' } };
}

async function deploy(
  name: string,
  handler: string,
  more: Partial<ConstructorParameters<typeof CreateFunctionCommand>[0]> = {},
): Promise<string> {
  const created = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs22.x',
      Role: `arn:aws:iam::${ACCOUNT}:role/functions/runs`,
      Handler: handler,
      Code: { ZipFile: ZIP },
      Timeout: 5,
      MemorySize: 128,
      ...more,
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20, minDelay: 1 }, { FunctionName: name });
  return z.string().parse(created.FunctionArn);
}

const errorSchema = z.object({ errorType: z.string(), errorMessage: z.string() });

async function invoke(
  name: string,
  event: unknown = {},
): Promise<{ failed: string | undefined; result: unknown }> {
  const answer = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }));
  const text = Buffer.from(answer.Payload ?? []).toString();
  return { failed: answer.FunctionError, result: JSON.parse(text) };
}

/** The function's log, as soon as one of its lines contains the text. */
async function logOnceItHolds(name: string, text: string): Promise<string[]> {
  return await vi.waitFor(async () => {
    const answer = await logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }));
    const lines = (answer.events ?? []).map(({ message }) => message ?? '');
    expect(lines.join('')).toContain(text);
    return lines;
  }, UNTIL);
}

describe('a function', () => {
  test('receives its event, its variables, its role and its time, and nothing of this process', async () => {
    const arn = await deploy('echo', 'index.echo', { Environment: { Variables: { OWN: 'own' } } });

    const { failed, result } = await invoke('echo', { text: 'größer' });

    const given = z
      .object({
        event: z.object({ text: z.string() }),
        env: z.record(z.string(), z.string()),
        requestId: z.uuid(),
        arn: z.string(),
        remaining: z.number(),
        temporaryFolder: z.string(),
      })
      .parse(result);
    expect(failed).toBeUndefined();
    expect(given.event.text).toBe('größer');
    expect(given.arn).toBe(arn);
    expect(given.remaining).toBeGreaterThan(0);
    expect(given.remaining).toBeLessThanOrEqual(5000);
    expect(given.env).toMatchObject({
      OWN: 'own',
      EVERY_FUNCTION: 'has this',
      AWS_REGION: REGION,
      AWS_LAMBDA_FUNCTION_NAME: 'echo',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/echo',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      AWS_ENDPOINT_URL: aws.endpoint,
      _HANDLER: 'index.echo',
    });
    expect(
      Object.keys(given.env).filter((name) => /^(LOCALEMU|LOCAL_LAMBDA|VITEST|npm)_/.test(name)),
    ).toEqual([]);
    expect(given.temporaryFolder.startsWith(workFolder)).toBe(true);
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = given.env;
    const sts = new STSClient({
      ...clientSettings(ACCOUNT),
      credentials: {
        accessKeyId: z.string().parse(AWS_ACCESS_KEY_ID),
        secretAccessKey: z.string().parse(AWS_SECRET_ACCESS_KEY),
        sessionToken: z.string().parse(AWS_SESSION_TOKEN),
      },
    });
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toBe(
      `arn:aws:sts::${ACCOUNT}:assumed-role/runs/echo`,
    );
  });

  test('reaches S3 Control, whose host begins with the account', async () => {
    await deploy('asks', 'index.asksS3Control');

    const { result } = await invoke('asks');

    expect(result).toBe(200);
  });

  test('has its output in its log group, between the lines that Lambda adds', async () => {
    await deploy('speak', 'index.speak');

    await invoke('speak');

    const lines = await logOnceItHolds('speak', 'REPORT RequestId');
    expect(
      lines.map(
        (line) =>
          line
            .replace(/^\S+Z\t/, '')
            .replace(/[0-9a-f-]{36}/, 'ID')
            .split('\tDuration')[0],
      ),
    ).toEqual([
      'undefined\tINFO\tmodule loaded\n',
      'START RequestId: ID Version: $LATEST\n',
      'ID\tINFO\tspoken { a: 1 }\n',
      '{"raw":true}\n',
      'END RequestId: ID\n',
      'REPORT RequestId: ID',
    ]);
  });

  test('has JSON lines in its log group if its log format says so', async () => {
    await deploy('speak-json', 'index.speak', { LoggingConfig: { LogFormat: 'JSON' } });

    await invoke('speak-json');

    const lines = await logOnceItHolds('speak-json', 'platform.report');
    const line = z.object({
      type: z.string().optional(),
      level: z.string().optional(),
      message: z.string().optional(),
    });
    expect(lines.map((text) => line.parse(JSON.parse(text)))).toMatchObject([
      { level: 'INFO', message: 'module loaded' },
      { type: 'platform.start' },
      { level: 'INFO', message: 'spoken { a: 1 }' },
      {},
      { type: 'platform.report' },
    ]);
  });

  test('that throws fails with its error, and is used again', async () => {
    await deploy('fails', 'index.fails');

    const first = await invoke('fails');
    const second = await invoke('fails');

    for (const { failed, result } of [first, second]) {
      expect(failed).toBe('Unhandled');
      expect(errorSchema.parse(result)).toEqual({ errorType: 'TypeError', errorMessage: 'bad event' });
    }
    const lines = await logOnceItHolds('fails', 'Invoke Error');
    expect(lines.filter((text) => text.includes('module loaded'))).toHaveLength(1);
  });

  test.each(['hangs', 'spins'])('that %s is ended at its timeout, and its output is kept', async (name) => {
    await deploy(name, `index.${name}`, { Timeout: 1 });

    const { failed, result } = await invoke(name);

    expect(failed).toBe('Unhandled');
    expect(errorSchema.parse(result)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/),
    });
    const lines = await logOnceItHolds(name, 'Task timed out after 1.00 seconds');
    expect(lines.join('')).toContain('START RequestId');
    if (name === 'hangs') expect(lines.join('')).toContain('hanging');
  });

  test.each([
    ['exits', 'Runtime.ExitError', /Runtime exited with error: exit status 3$/],
    ['hoards', 'Runtime.ExitError', /Runtime exited with error: signal: aborted$/],
    ['forgets', 'Runtime.UnhandledPromiseRejection', /^nobody waits$/],
  ])('that %s fails with %s, and the next invocation has a new process', async (name, type, message) => {
    await deploy(name, `index.${name}`);

    const first = await invoke(name);
    const second = await invoke(name);

    for (const { failed, result } of [first, second]) {
      expect(failed).toBe('Unhandled');
      expect(errorSchema.parse(result)).toEqual({
        errorType: type,
        errorMessage: expect.stringMatching(message),
      });
    }
    await vi.waitFor(async () => {
      const lines = await logOnceItHolds(name, 'module loaded');
      expect(lines.filter((text) => text.includes('module loaded'))).toHaveLength(2);
    }, UNTIL);
  });

  test.each([
    ['broken.handler', 'Error', 'no table'],
    ['nowhere.handler', 'Runtime.ImportModuleError', "Error: Cannot find module 'nowhere'"],
    ['index.nothing', 'Runtime.HandlerNotFound', 'index.nothing is undefined or not exported'],
  ])(
    'whose handler %s cannot be loaded fails with %s, and its log says why',
    async (handler, type, message) => {
      const name = handler.replace('.', '-');
      await deploy(name, handler);

      const { failed, result } = await invoke(name);

      expect(failed).toBe('Unhandled');
      expect(errorSchema.parse(result)).toEqual({ errorType: type, errorMessage: message });
      const lines = await logOnceItHolds(name, message);
      if (name.startsWith('broken')) expect(lines.join('')).toContain('about to break');
    },
  );

  test('that is invoked twice at once has two processes, and at most its reserved concurrency', async () => {
    await deploy('reserved', 'index.hangs', { Timeout: 3 });
    await lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName: 'reserved', ReservedConcurrentExecutions: 2 }),
    );
    const impatient = new LambdaClient({ ...clientSettings(ACCOUNT), maxAttempts: 1 });
    const once = () => impatient.send(new InvokeCommand({ FunctionName: 'reserved' }));

    const answers = await Promise.allSettled([once(), once(), once()]);

    const outcomes = answers.map((answer) =>
      answer.status === 'fulfilled'
        ? answer.value.FunctionError
        : z.instanceof(Error).parse(answer.reason).name,
    );
    expect(outcomes.sort()).toEqual(['TooManyRequestsException', 'Unhandled', 'Unhandled']);
  });
});

test('a failed transaction does not affect concurrent writes', async () => {
  const table = new DynamoDBClient({ ...clientSettings(ACCOUNT), maxAttempts: 1 });
  const TableName = 'transactions';
  await table.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  const numbers = Array.from({ length: 60 }, (_, number) => number);
  const put = (id: string) => table.send(new PutItemCommand({ TableName, Item: { id: { S: id } } }));
  const transact = (id: string) =>
    table.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { TableName, Item: { id: { S: id } } } },
          {
            ConditionCheck: {
              TableName,
              Key: { id: { S: 'none' } },
              ConditionExpression: 'attribute_exists(id)',
            },
          },
        ],
      }),
    );

  const answers = await Promise.allSettled(numbers.flatMap((n) => [put(`put-${n}`), transact(`never-${n}`)]));
  const { Count } = await table.send(new ScanCommand({ TableName }));

  const errors = answers.flatMap(({ status, ...answer }) =>
    status === 'rejected' && 'reason' in answer ? [z.instanceof(Error).parse(answer.reason).name] : [],
  );
  expect(errors).toEqual(numbers.map(() => 'TransactionCanceledException'));
  expect(Count).toBe(numbers.length);
});

describe('an event source mapping on a FIFO queue', () => {
  const noteSchema = z.object({ what: z.enum(['begin', 'end']), body: z.string(), receive: z.string() });

  async function mapped(name: string, visibilityTimeout: string) {
    const notes = path.join(folder, name);
    const deadLetters = await sqs.send(
      new CreateQueueCommand({ QueueName: `${name}-dead.fifo`, Attributes: { FifoQueue: 'true' } }),
    );
    const queue = await sqs.send(
      new CreateQueueCommand({
        QueueName: `${name}.fifo`,
        Attributes: {
          FifoQueue: 'true',
          ContentBasedDeduplication: 'true',
          VisibilityTimeout: visibilityTimeout,
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}-dead.fifo`,
            maxReceiveCount: 2,
          }),
        },
      }),
    );
    await deploy(name, 'index.works', { Environment: { Variables: { NOTES: notes } }, Timeout: 5 });
    const mapping = await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: name,
        EventSourceArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}.fifo`,
        BatchSize: 1,
        ScalingConfig: { MaximumConcurrency: 2 },
      }),
    );
    await vi.waitFor(async () => {
      const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID: mapping.UUID }));
      expect(State).toBe('Enabled');
    }, UNTIL);
    return {
      uuid: z.string().parse(mapping.UUID),
      queueUrl: z.string().parse(queue.QueueUrl),
      deadLettersUrl: z.string().parse(deadLetters.QueueUrl),
      notes: async () => {
        const text = await readFile(notes, 'utf8').catch(() => '');
        return text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => noteSchema.parse(JSON.parse(line)));
      },
    };
  }

  test('is never Creating again when it is updated, and continues', async () => {
    const { uuid, queueUrl, notes } = await mapped('updated', '30');
    const states = new Set<string | undefined>();

    const updated = await lambda.send(
      new UpdateEventSourceMappingCommand({ UUID: uuid, ScalingConfig: { MaximumConcurrency: 5 } }),
    );
    states.add(updated.State);
    await vi.waitFor(async () => {
      const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID: uuid }));
      states.add(State);
      expect(State).toBe('Enabled');
    }, UNTIL);
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'after', MessageGroupId: 'a' }));

    await vi.waitFor(
      async () => expect((await notes()).map(({ what }) => what)).toEqual(['begin', 'end']),
      UNTIL,
    );
    expect([...states]).not.toContain('Creating');
    expect(await lambda.send(new GetEventSourceMappingCommand({ UUID: uuid }))).toMatchObject({
      State: 'Enabled',
      ScalingConfig: { MaximumConcurrency: 5 },
    });
  });

  test('keeps the order within a group, and processes groups side by side', async () => {
    // a1 and b1 each wait until the other has started.
    const { queueUrl, notes } = await mapped('ordered', '30');

    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: ['a1', 'a2', 'b1', 'b2'].map((body) => ({
          Id: body,
          MessageBody: body,
          MessageGroupId: body.slice(0, 1),
        })),
      }),
    );

    const seen = await vi.waitFor(async () => {
      const all = await notes();
      expect(all.filter(({ what }) => what === 'end')).toHaveLength(4);
      return all.map(({ what, body }) => `${what} ${body}`);
    }, UNTIL);
    for (const group of ['a', 'b']) {
      expect(seen.filter((text) => text.includes(group === 'a' ? ' a' : ' b'))).toEqual([
        `begin ${group}1`,
        `end ${group}1`,
        `begin ${group}2`,
        `end ${group}2`,
      ]);
    }
    expect(seen.slice(0, 2).sort()).toEqual(['begin a1', 'begin b1']);
  });

  test('returns a message that fails to the queue, and moves it to the dead-letter queue after its last receive', async () => {
    // Longer than a busy machine takes to start the function: a message is delivered again after its visibility timeout.
    const { queueUrl, deadLettersUrl, notes } = await mapped('poisoned', '5');

    await sqs.send(
      new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'poison', MessageGroupId: 'a' }),
    );
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'good', MessageGroupId: 'a' }));

    const dead = await vi.waitFor(async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: deadLettersUrl }));
      expect(Messages).toHaveLength(1);
      return Messages;
    }, UNTIL);
    expect(dead[0]?.Body).toBe('poison');
    await vi.waitFor(async () => {
      expect((await notes()).map(({ what, body, receive }) => `${what} ${body} ${receive}`)).toEqual([
        'begin poison 1',
        'begin poison 2',
        'begin good 1',
        'end good 1',
      ]);
    }, UNTIL);
  });
});

test('a message of a FIFO queue that is put back comes back in its time, and blocks its own group alone', async () => {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: 'groups.fifo',
      Attributes: { FifoQueue: 'true', ContentBasedDeduplication: 'true', VisibilityTimeout: '600' },
    }),
  );
  for (const MessageBody of ['a1', 'a2', 'b1', 'b2']) {
    const MessageGroupId = MessageBody.slice(0, 1);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId }));
  }
  const receive = async (WaitTimeSeconds = 0) => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds }));
    return Messages;
  };
  const [worked] = await receive();
  const [failed] = await receive();
  const ReceiptHandle = failed?.ReceiptHandle;

  const whileBlocked = await receive();
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }));
  const back = await vi.waitFor(async () => {
    const [message] = await receive(1);
    expect(message).toBeDefined();
    return message;
  }, UNTIL);

  expect([worked?.Body, failed?.Body]).toEqual(['a1', 'b1']);
  expect(whileBlocked).toEqual([]);
  expect(back?.Body).toBe('b1');
});

describe('the dead letters of a FIFO queue', () => {
  const arn = (name: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;

  /** A queue that delivers each message once, then moves it to its dead-letter queue. */
  async function queueWithDeadLetters(name: string) {
    const deadLetters = `${name}-dead.fifo`;
    const { QueueUrl: deadLettersUrl = '' } = await sqs.send(
      new CreateQueueCommand({ QueueName: deadLetters, Attributes: { FifoQueue: 'true' } }),
    );
    const { QueueUrl: url = '' } = await sqs.send(
      new CreateQueueCommand({
        QueueName: `${name}.fifo`,
        Attributes: {
          FifoQueue: 'true',
          VisibilityTimeout: '0',
          RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(deadLetters), maxReceiveCount: 1 }),
        },
      }),
    );
    return { url, arn: arn(`${name}.fifo`), deadLettersUrl, deadLettersArn: arn(deadLetters) };
  }

  async function send(QueueUrl: string, body: string, group: string) {
    const { MessageId } = await sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: body,
        MessageGroupId: group,
        MessageDeduplicationId: `id-of-${body}`,
        MessageAttributes: { sender: { DataType: 'String', StringValue: 'test' } },
      }),
    );
    return MessageId;
  }

  async function receive(QueueUrl: string, VisibilityTimeout: number) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        VisibilityTimeout,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages.map(({ MessageId, Body, Attributes = {}, MessageAttributes }) => ({
      id: MessageId,
      body: Body,
      group: Attributes.MessageGroupId,
      deduplication: Attributes.MessageDeduplicationId,
      received: Attributes.ApproximateReceiveCount,
      source: Attributes.DeadLetterQueueSourceArn,
      sender: MessageAttributes?.['sender']?.StringValue,
    }));
  }

  async function move(SourceArn: string, DestinationArn?: string) {
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
    return await vi.waitFor(async () => {
      const { Results: [task] = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
      expect(task?.Status).not.toBe('RUNNING');
      return task;
    }, UNTIL);
  }

  test("keep their messages' ids, and are moved back to their queue as new messages", async () => {
    const queue = await queueWithDeadLetters('redriven');
    const sent = [
      await send(queue.url, 'a1', 'a'),
      await send(queue.url, 'a2', 'a'),
      await send(queue.url, 'b1', 'b'),
    ];
    expect(await receive(queue.url, 0)).toHaveLength(3);
    expect(await receive(queue.url, 0)).toEqual([]);
    const dead = await receive(queue.deadLettersUrl, 0);

    const task = await move(queue.deadLettersArn);

    expect(dead.map(({ id }) => id)).toEqual(sent);
    expect(dead.map(({ deduplication }) => deduplication)).toEqual(sent);
    expect(dead.every(({ source }) => source === queue.arn)).toBe(true);
    expect(task).toMatchObject({
      Status: 'COMPLETED',
      SourceArn: queue.deadLettersArn,
      ApproximateNumberOfMessagesMoved: 3,
      ApproximateNumberOfMessagesToMove: 3,
    });
    expect(await receive(queue.deadLettersUrl, 0)).toEqual([]);
    const moved = await receive(queue.url, 30);
    const like = { received: '1', source: undefined, sender: 'test' };
    expect(moved).toMatchObject([
      { body: 'a1', group: 'a', ...like },
      { body: 'a2', group: 'a', ...like },
      { body: 'b1', group: 'b', ...like },
    ]);
    expect(moved.filter(({ id }) => sent.includes(id))).toEqual([]);
  });

  test('that were sent to the dead-letter queue itself are only moved to a given destination', async () => {
    const queue = await queueWithDeadLetters('directed');
    await send(queue.deadLettersUrl, 'a1', 'a');

    const lost = await move(queue.deadLettersArn);
    await vi.waitFor(async () => expect(await receive(queue.deadLettersUrl, 0)).toHaveLength(1), UNTIL);
    const directed = await move(queue.deadLettersArn, queue.arn);

    expect(lost).toMatchObject({ Status: 'FAILED', FailureReason: 'CouldNotDetermineMessageSource' });
    expect(directed).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 });
    expect(await receive(queue.url, 30)).toMatchObject([{ body: 'a1', group: 'a', received: '1' }]);
  });
});

test('a role of another account can be assumed, and its resources are separate', async () => {
  const sts = new STSClient(clientSettings(ACCOUNT));

  const { Credentials } = await sts.send(
    new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::222222222222:role/other', RoleSessionName: 'there' }),
  );

  const {
    AccessKeyId: accessKeyId = '',
    SecretAccessKey: secretAccessKey = '',
    SessionToken: sessionToken = '',
  } = Credentials ?? {};
  const there = new SQSClient({
    ...clientSettings(ACCOUNT),
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  });
  const { QueueUrl } = await there.send(new CreateQueueCommand({ QueueName: 'theirs' }));
  expect(QueueUrl).toContain('/222222222222/theirs');
});

test('each DB instance has its own resource id, and keeps it when it is renamed', async () => {
  const rds = new RDSClient(clientSettings(ACCOUNT));
  const builder = new AccountBuilder(aws.endpoint, ACCOUNT);
  const idOf = async (DBInstanceIdentifier: string) => {
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
    return DBInstances[0]?.DbiResourceId;
  };
  for (const name of ['orders', 'shop']) await builder.instanceWithPublicSnapshot(REGION, name);
  const ids = [await idOf('orders'), await idOf('shop')];

  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'orders',
      NewDBInstanceIdentifier: 'orders-2',
      ApplyImmediately: true,
    }),
  );

  expect(ids[0]).toMatch(/^db-[A-Z0-9]{26}$/);
  expect(ids[1]).not.toBe(ids[0]);
  expect(await idOf('orders-2')).toBe(ids[0]);
});

test('public snapshots are listed in all accounts of the region, and as AWS filters them', async () => {
  const other = '222222222222';
  const rds = new RDSClient(clientSettings(ACCOUNT));
  const [mine, others] = [ACCOUNT, other].map((account) => new AccountBuilder(aws.endpoint, account));
  await mine?.instanceWithPublicSnapshot(REGION, 'listed');
  await mine?.instanceWithPublicSnapshot(REGION, 'unlisted');
  await others?.instanceWithPublicSnapshot(REGION, 'listed');
  await mine?.clusterWithPublicSnapshot(REGION, 'listed-cluster');
  const asked = (Name: string, ...Values: string[]) => ({
    SnapshotType: 'public',
    IncludePublic: true,
    Filters: [{ Name, Values }],
  });
  const publicOnes = async (...ids: string[]) => {
    const { DBSnapshots = [] } = await rds.send(
      new DescribeDBSnapshotsCommand(asked('db-snapshot-id', ...ids)),
    );
    return DBSnapshots.map(({ DBSnapshotArn }) => DBSnapshotArn).sort();
  };

  const listed = await publicOnes('listed-snapshot', 'no-snapshot');
  await rds.send(
    new ModifyDBSnapshotAttributeCommand({
      DBSnapshotIdentifier: 'listed-snapshot',
      AttributeName: 'restore',
      ValuesToRemove: ['all'],
    }),
  );
  const left = await publicOnes('listed-snapshot', 'unlisted-snapshot');
  const { DBClusterSnapshots = [] } = await rds.send(
    new DescribeDBClusterSnapshotsCommand(asked('db-cluster-snapshot-id', 'listed-cluster-snapshot')),
  );

  const arn = (account: string, id: string) => `arn:aws:rds:${REGION}:${account}:${id}`;
  expect(listed).toEqual([arn(ACCOUNT, 'snapshot:listed-snapshot'), arn(other, 'snapshot:listed-snapshot')]);
  expect(left).toEqual([arn(ACCOUNT, 'snapshot:unlisted-snapshot'), arn(other, 'snapshot:listed-snapshot')]);
  expect(DBClusterSnapshots.map(({ DBClusterSnapshotArn }) => DBClusterSnapshotArn)).toEqual([
    arn(ACCOUNT, 'cluster-snapshot:listed-cluster-snapshot'),
  ]);
});

describe('alarms', () => {
  const setState = (AlarmName: string, StateValue: StateValue) =>
    cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'by hand' }));
  const stateOf = async (name: string) => {
    const { CompositeAlarms = [] } = await cloudWatch.send(
      new DescribeAlarmsCommand({ AlarmNames: [name], AlarmTypes: ['CompositeAlarm'] }),
    );
    return CompositeAlarms[0]?.StateValue;
  };

  test('that combine others evaluate the whole rule; EventBridge receives the state; their parts cannot be deleted', async () => {
    const metric = {
      Namespace: 'Test',
      MetricName: 'None',
      Statistic: 'Sum',
      Period: 86_400,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
    } as const;
    for (const AlarmName of ['a', 'b', 'c'])
      await cloudWatch.send(new PutMetricAlarmCommand({ AlarmName, ...metric }));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'alarms' }));
    const events = new EventBridgeClient(clientSettings(ACCOUNT));
    const pattern = {
      source: ['aws.cloudwatch'],
      detail: { configuration: { alarmRule: [{ exists: true }] } },
    };
    await events.send(new PutRuleCommand({ Name: 'alarms', EventPattern: JSON.stringify(pattern) }));
    const Arn = `arn:aws:sqs:${REGION}:${ACCOUNT}:alarms`;
    await events.send(new PutTargetsCommand({ Rule: 'alarms', Targets: [{ Id: 'queue', Arn }] }));

    const combine = (AlarmRule: string) =>
      cloudWatch.send(new PutCompositeAlarmCommand({ AlarmName: 'either', AlarmRule }));
    const remove = (name: string) => cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [name] }));

    await expect(combine('ALARM(d)')).rejects.toThrow('there is no alarm d');
    await combine('(ALARM("a") OR ALARM(b)) AND NOT (ALARM("c"))');
    const states = [await stateOf('either')];
    for (const [name, state] of [
      ['b', 'ALARM'],
      ['c', 'ALARM'],
      ['c', 'OK'],
      ['b', 'OK'],
    ] as const) {
      await setState(name, state);
      states.push(await stateOf('either'));
    }

    expect(states).toEqual(['OK', 'ALARM', 'OK', 'ALARM', 'OK']);
    await expect(remove('a')).rejects.toThrow(
      'Cannot delete a as there are composite alarm(s) depending on it',
    );
    const told: string[] = [];
    await vi.waitFor(async () => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      told.push(...Messages.flatMap(({ Body = [] }) => Body));
      const details = told.map((text) => JSON.parse(text).detail);
      expect(
        details.map(({ state, previousState }) => `${previousState.value} ${state.value}`).sort(),
      ).toEqual(['ALARM OK', 'ALARM OK', 'INSUFFICIENT_DATA OK', 'OK ALARM', 'OK ALARM']);
    }, UNTIL);
    for (const name of ['either', 'a', 'b', 'c']) await remove(name);
    expect(await stateOf('either')).toBeUndefined();
  });
});

describe('the clock', () => {
  const DAY = 86_400_000;

  test('is put ahead for running functions, but not for the time that they have left', async () => {
    await deploy('tells-time', 'index.tellsTime');
    await invoke('tells-time');
    const before = Date.now();

    aws.passTime(2 * DAY);
    aws.passTime(DAY);
    const { result } = await invoke('tells-time');

    const told = z.looseObject({ now: z.number(), made: z.number(), remaining: z.number() }).parse(result);
    expect(told).toMatchObject({ isDate: true, given: '2020-01-01T00:00:00.000Z', utc: 1_577_836_800_000 });
    expect(told.now).toBeGreaterThanOrEqual(before + 3 * DAY);
    expect(told.made).toBeGreaterThanOrEqual(told.now);
    expect(told.made).toBeLessThan(before + 4 * DAY);
    expect(told.remaining).toBeGreaterThan(0);
    expect(told.remaining).toBeLessThanOrEqual(5000);
  });

  test('is put ahead for delayed messages', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'delayed' }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', DelaySeconds: 900 }));
    const receive = async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages ?? [];

    const before = await receive();
    aws.passTime(901_000);

    expect(before).toEqual([]);
    await vi.waitFor(async () => expect(await receive()).toMatchObject([{ Body: 'later' }]), UNTIL);
  });
});
