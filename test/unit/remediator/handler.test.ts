import { marshall } from '@aws-sdk/util-dynamodb';
import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { outcomesKey } from '../../../lambdas/model/evidence-keys.ts';
import { type Job, jobId } from '../../../lambdas/model/job.ts';
import { changedKey, findingItemKey } from '../../../lambdas/model/table-items.ts';
import {
  type Answer,
  jsonAnswer,
  queryError,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';
import { Cloud, SECRETS } from './support/cloud.ts';
import { variables } from './support/environment.ts';
import { ACCOUNT, jobOf, RULE } from './support/remediator-in-memory.ts';

const SERVICE = 'cspm-remediator';
const QUEUE = 'arn:aws:sqs:eu-central-1:111111111111:cspm-jobs.fifo';

const visibilitiesSchema = z.array(z.object({ VisibilityTimeout: z.number() }));

let cloud: Cloud;
let aws: ScriptedAws;
let output: string;

beforeEach(async () => {
  cloud = new Cloud();
  aws = await scriptedAws((call) => cloud.answer(call));
  output = '';
  const collect = (chunk: string | Uint8Array): boolean => {
    output += chunk.toString();
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(collect);
  vi.spyOn(process.stderr, 'write').mockImplementation(collect);
  const environment = {
    ...variables,
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'ASIAREMEDIATOR',
    AWS_SECRET_ACCESS_KEY: 'remediator-secret',
    POWERTOOLS_SERVICE_NAME: SERVICE,
    POWERTOOLS_METRICS_NAMESPACE: 'CspmAutoRemediation',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  // Each test has its own function, as after a cold start.
  vi.resetModules();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await aws[Symbol.asyncDispose]();
});

function recordOf(body: unknown, received = 1, messageId = 'message-1'): SQSRecord {
  return {
    messageId,
    receiptHandle: `receipt-${messageId}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: String(received),
      MessageGroupId: ACCOUNT,
      SentTimestamp: '0',
      SenderId: 's',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: QUEUE,
    awsRegion: 'eu-central-1',
  };
}

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: SERVICE,
  functionVersion: '$LATEST',
  invokedFunctionArn: `arn:aws:lambda:eu-central-1:111111111111:function:${SERVICE}`,
  memoryLimitInMB: '1024',
  awsRequestId: 'invocation-1',
  logGroupName: 'group',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => 300_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

async function invoke(...records: readonly SQSRecord[]): Promise<SQSBatchResponse> {
  const { handler } = await import('../../../lambdas/remediator/index.ts');
  return handler({ Records: [...records] }, context);
}

const lineSchema = z.looseObject({ level: z.string().optional(), message: z.string().optional() });
function lines(): z.infer<typeof lineSchema>[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => lineSchema.parse(JSON.parse(line)));
}
const logged = (level: string): string[] =>
  lines().flatMap((line) => (line.level === level && line.message !== undefined ? [line.message] : []));

const emfSchema = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ),
  }),
});

/** Metrics in the embedded metric format: name, value, and dimensions, as CloudWatch reads them. */
function metrics(): unknown[] {
  return lines().flatMap((line) => {
    const emf = emfSchema.safeParse(line);
    if (!emf.success) return [];
    return emf.data._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Metrics.map(({ Name }) => {
        const dimensions = Dimensions.map((names) =>
          Object.fromEntries(names.map((name) => [name, line[name]])),
        );
        return { namespace: Namespace, name: Name, value: line[Name], dimensions };
      }),
    );
  });
}
const metric = (name: string, value: number, rule?: string) => ({
  namespace: 'CspmAutoRemediation',
  name,
  value,
  dimensions: [{ service: SERVICE, ...(rule !== undefined && { rule }) }],
});

describe('a job', () => {
  test('is processed: AWS is changed, and evidence, events, metrics, and logs show it', async () => {
    cloud.users.set('deploy', 'Active').set('fine', 'Inactive');
    const job = jobOf('deploy', 'fine', 'missing');

    const response = await invoke(recordOf(job));

    expect(response).toEqual({ batchItemFailures: [] });
    expect(cloud.users.get('deploy')).toBe('Inactive');
    const expected = { deploy: 'remediated', fine: 'compliant', missing: 'gone' };
    const key = outcomesKey(job.poll, jobId(job), 1);
    const written = (cloud.objects.get(key) ?? '')
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(written).toHaveLength(3);
    for (const finding of job.findings) {
      const name = z.enum(['deploy', 'fine', 'missing']).parse(finding.resource);
      expect(written).toContainEqual(expect.objectContaining({ finding, outcome: expected[name] }));
      expect(cloud.events).toContainEqual(
        expect.objectContaining({ finding, outcome: expected[name], evidence: `s3://cspm-evidence/${key}` }),
      );
    }
    const counts = { remediated: 1, compliant: 1, gone: 1 };
    expect(cloud.events).toHaveLength(3);
    const ids = [...cloud.events, ...cloud.jobEvents].map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    expect(cloud.jobEvents).toMatchObject([
      {
        job: jobId(job),
        poll: job.poll,
        account: ACCOUNT,
        outcomes: counts,
        changed: 3,
        evidence: `s3://cspm-evidence/${key}`,
      },
    ]);
    expect(metrics()).toHaveLength(5);
    expect(metrics()).toEqual(
      expect.arrayContaining([
        metric('ChangedResources', 1, RULE),
        metric('AccountLimitUsed', 2, RULE),
        metric('Remediated', 1, RULE),
        metric('Compliant', 1, RULE),
        metric('Gone', 1, RULE),
      ]),
    );
    const line = lines().find(({ message }) => message?.startsWith('remediated: '));
    expect(line).toMatchObject({
      level: 'INFO',
      message: `remediated: ${RULE} ${ACCOUNT} global deploy`,
      outcome: 'remediated',
      account: ACCOUNT,
      resource: 'deploy',
      applied: ['~ access key AKIA-deploy of deploy: Active -> Inactive (created 2020-01-01, never used)'],
      function_request_id: 'invocation-1',
    });
    expect(cloud.operations).not.toContain('sqs:ChangeMessageVisibility');
  });

  test('reads and writes the table no more often for 25 findings than for one', async () => {
    const names = Array.from({ length: 25 }, (_, number) => `user-${number}`);
    for (const [number, name] of names.entries())
      cloud.users.set(name, number % 2 === 0 ? 'Active' : 'Inactive');
    // Cached data is not read again, no matter how slow the machine is.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());

    await invoke(recordOf(jobOf(...names)));

    const ofTable = cloud.operations.filter((operation) => operation.startsWith('dynamodb:'));
    const calls = ofTable.map((each) => each.replace('dynamodb:', ''));
    const others = calls.splice(3);
    // The findings, what may lag behind writes, and the lease, in parallel.
    expect(calls.sort()).toEqual(['BatchGetItem', 'BatchGetItem', 'PutItem']);
    expect(others.slice(0, 3)).toEqual([
      'BatchGetItem', // holds
      ...['UpdateItem', 'UpdateItem'], // room in the account, and in all accounts
    ]);
    // What it changed, before the evidence is written, and which evidence it writes, in parallel.
    expect(others.slice(3, 5).sort()).toEqual(['PutItem', 'TransactWriteItems']);
    expect(others.slice(5)).toEqual([
      'PutItem', // how the changes went
      'TransactWriteItems',
    ]);
    // The journal before the first five of 13 changes, before the others, and after them; then the outcomes.
    expect(cloud.operations.filter((operation) => operation === 's3:PUT')).toHaveLength(4);
  });

  test('that changes nothing reads no counters, and only publishes the outcomes of its findings', async () => {
    const names = Array.from({ length: 25 }, (_, number) => `user-${number}`);
    for (const name of names) cloud.users.set(name, 'Inactive');

    await invoke(recordOf(jobOf(...names)));

    const ofTable = cloud.operations.filter((operation) => operation.startsWith('dynamodb:'));
    const calls = ofTable.map((each) => each.replace('dynamodb:', ''));
    const others = calls.splice(3);
    expect(calls.sort()).toEqual(['BatchGetItem', 'BatchGetItem', 'PutItem']);
    expect(others).toEqual([
      'BatchGetItem', // holds
      'PutItem', // which evidence it writes
      'TransactWriteItems',
    ]);
  });

  test('assumes the role once, and two jobs read the settings once', async () => {
    cloud.users.set('a', 'Active').set('b', 'Active');

    await invoke(recordOf(jobOf('a'), 1, 'm1'), recordOf({ ...jobOf('b'), chunk: 1 }, 1, 'm2'));

    const times = (name: string) => cloud.operations.filter((operation) => operation === name).length;
    expect(times('sts:AssumeRole')).toBe(2);
    expect(times('settings:GET')).toBe(2);
    expect(times('ssm:GetParameter')).toBe(1);
  });

  test('with a failed outcome logs one line that says what to do', async () => {
    cloud.faults.set('sts:AssumeRole', queryError('AccessDenied', 403));

    const response = await invoke(recordOf(jobOf('deploy')));

    expect(response).toEqual({ batchItemFailures: [] });
    expect(logged('ERROR')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^failed: ${RULE} ${ACCOUNT} global deploy: the target role in account ${ACCOUNT} cannot be assumed: .*; deploy modules/target in that account\\. AccessDenied`,
        ),
      ),
    ]);
    expect(metrics()).toEqual([metric('Failed', 1, RULE), metric('RoleMissing', 1)]);
  });

  test('with a missing role counts it once, and counts no failed findings', async () => {
    cloud.faults.set('sts:AssumeRole', queryError('AccessDenied', 403));

    await invoke(recordOf(jobOf('a', 'b', 'c')));

    expect(metrics()).toEqual([metric('Failed', 3, RULE), metric('RoleMissing', 1)]);
  });

  test('with a role that has been missing for an hour publishes one event, regardless of the number of jobs', async () => {
    cloud.faults.set('sts:AssumeRole', queryError('AccessDenied', 403));
    await invoke(recordOf(jobOf('a', 'b')));
    const key = `account#${ACCOUNT}`;
    const since = new Date(Date.now() - 3_600_000).toISOString();
    cloud.items.set(key, { ...cloud.items.get(key), since: { S: since } });

    const { poll } = jobOf();
    const later = { ...poll, asOf: new Date(Date.parse(poll.asOf) + 3_600_000).toISOString() };
    const before = cloud.operations.length;
    await invoke(recordOf({ ...jobOf('c'), poll: later }));
    await invoke(recordOf({ ...jobOf('d'), poll: later }));

    // One job per poll checks whether the role is back.
    expect(cloud.operations.slice(before).filter((operation) => operation === 'sts:AssumeRole')).toHaveLength(
      1,
    );
    expect(cloud.items.get(key)).toMatchObject({ sk: { S: 'role' }, state: { S: 'reported' } });
    expect(cloud.events.filter(({ outcome }) => outcome === undefined)).toEqual([
      { version: 1, account: ACCOUNT, region: 'eu-central-1', rule: RULE, since },
    ]);
  });

  test('with invalid settings counts them for an alarm', async () => {
    cloud.settings = { ...cloud.settings, options: { max_age_days: 'ninety' } };

    const response = await invoke(recordOf(jobOf('a', 'b')));

    expect(response).toEqual({ batchItemFailures: [] });
    expect(metrics()).toEqual([metric('Failed', 2, RULE), metric('SettingsInvalid', 1)]);
  });

  test('that is not finished returns to the queue, and is delivered again later', async () => {
    cloud.users.set('a', 'Active').set('b', 'Inactive');
    cloud.faults.set('iam:UpdateAccessKey', queryError('MalformedInput', 503));

    const response = await invoke(recordOf(jobOf('a', 'b'), 2));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(cloud.visibilities).toEqual([
      {
        QueueUrl: 'http://127.0.0.1:1/1/cspm-jobs.fifo',
        ReceiptHandle: 'receipt-message-1',
        VisibilityTimeout: 60,
      },
    ]);
    expect(metrics()).toEqual([
      metric('Compliant', 1, RULE),
      metric('ChangedResources', 1, RULE),
      metric('AccountLimitUsed', 2, RULE),
    ]);
    expect(logged('WARN')).toEqual([
      expect.stringMatching(`^unfinished: ${RULE} ${ACCOUNT} global a: MalformedInput`),
      expect.stringContaining(
        `job of netskope.${RULE}@1782817200 for account ${ACCOUNT}: 1 of 2 findings are unfinished after attempt 2 of 5`,
      ),
    ]);
    expect(logged('ERROR')).toEqual([]);
  });

  test('that another attempt is processing waits until that attempt has ended', async () => {
    cloud.users.set('a', 'Active');
    const until = Date.now() + 600_000;
    const lease = { pk: 'lease#x', sk: 'lease', version: 1, expiresAt: 1, state: 'held', holder: 'h', until };
    cloud.faults.set(
      'dynamodb:PutItem',
      jsonAnswer(
        {
          __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
          message: 'The conditional request failed',
          Item: marshall({ ...lease, poll: jobOf('a').poll }),
        },
        400,
      ),
    );
    const answerWell = cloud.answer.bind(cloud);
    const readAlone: string[] = [];
    cloud.answer = (call) => {
      const [, alone] = /"Keys":\[\{"pk":\{"S":"(pending#[^"]+)"\},"sk":\{[^}]+\}\}\]/.exec(call.body) ?? [];
      if (alone !== undefined) readAlone.push(alone);
      return answerWell(call);
    };

    const response = await invoke(recordOf(jobOf('a')));

    expect(response.batchItemFailures).toHaveLength(1);
    // Operators' requests do not wait with it.
    expect(readAlone).toEqual([`pending#${ACCOUNT}#eu-central-1`]);
    const [{ VisibilityTimeout } = { VisibilityTimeout: 0 }] = visibilitiesSchema.parse(cloud.visibilities);
    expect(VisibilityTimeout).toBeGreaterThan(500);
    expect(VisibilityTimeout).toBeLessThanOrEqual(600);
    expect(cloud.users.get('a')).toBe('Active');
    expect(cloud.events).toEqual([]);
    expect(logged('WARN')).toEqual([expect.stringContaining('another attempt is working on it, until')]);
  });

  test('that is not finished logs what was already changed', async () => {
    cloud.users.set('a', 'Active');
    const answerWell = cloud.answer.bind(cloud);
    cloud.answer = (call) =>
      cloud.operations.includes('iam:UpdateAccessKey') && call.form.get('Action') === 'ListAccessKeys'
        ? queryError('ServiceFailure', 503)
        : answerWell(call);

    const response = await invoke(recordOf(jobOf('a')));

    expect(response.batchItemFailures).toHaveLength(1);
    expect(lines().find(({ message }) => message === 'applied to a so far')).toMatchObject({
      level: 'WARN',
      applied: ['~ access key AKIA-a of a: Active -> Inactive (created 2020-01-01, never used)'],
    });
  });

  test('fails its findings after the last attempt, and the queue moves it to the dead-letter queue', async () => {
    cloud.users.set('a', 'Active');
    cloud.faults.set('iam:UpdateAccessKey', queryError('ServiceFailure', 503));

    const response = await invoke(recordOf(jobOf('a'), 5));

    expect(response.batchItemFailures).toHaveLength(1);
    expect(cloud.visibilities).toMatchObject([{ VisibilityTimeout: 0 }]);
    expect(metrics()).toEqual([
      metric('Failed', 1, RULE),
      metric('ChangedResources', 1, RULE),
      metric('AccountLimitUsed', 2, RULE),
    ]);
    expect(cloud.events).toMatchObject([{ outcome: 'failed', deadLetter: true }]);
    expect(cloud.deadLetters).toEqual([]);
  });

  test('whose outcomes the event bus refuses also returns to the queue', async () => {
    cloud.users.set('a', 'Active');
    cloud.faults.set('events:PutEvents', queryError('AccessDeniedException', 400));

    const response = await invoke(recordOf(jobOf('a')));

    expect(response.batchItemFailures).toHaveLength(1);
    expect(cloud.users.get('a')).toBe('Inactive');
    expect(logged('ERROR')).toEqual([
      expect.stringContaining('the outcomes are in the evidence bucket, but the job is unfinished: '),
    ]);
  });

  test('with a bug counts it for an alarm, and logs its stack trace', async () => {
    cloud.users.set('a', 'Active');
    cloud.faults.set('s3:GET', { status: 200, body: '{"version":9}' });

    const response = await invoke(recordOf(jobOf('a')));

    expect(response.batchItemFailures).toHaveLength(1);
    expect(metrics()).toContainEqual(metric('UnexpectedError', 1));
    expect(lines().find(({ level }) => level === 'ERROR')).toMatchObject({
      error: { name: 'ZodError', stack: expect.stringContaining('evidence.ts') },
    });
    expect(cloud.users.get('a')).toBe('Active');
  });

  test('that fails does not delay the others of its batch, even those of its account', async () => {
    cloud.users.set('a', 'Active').set('b', 'Inactive');
    cloud.faults.set('iam:UpdateAccessKey', queryError('ServiceFailure', 503));

    const response = await invoke(
      recordOf(jobOf('a'), 5, 'm1'),
      recordOf('no job', 5, 'm2'),
      recordOf({ ...jobOf('b'), chunk: 1 }, 5, 'm3'),
    );

    expect(response.batchItemFailures).toEqual([{ itemIdentifier: 'm1' }]);
    expect(cloud.events).toMatchObject([
      { finding: { resource: 'a' }, outcome: 'failed' },
      { finding: { resource: 'b' }, outcome: 'compliant' },
    ]);
  });

  test('whose visibility timeout cannot be shortened returns later', async () => {
    cloud.faults.set('settings:GET', { status: 503, body: '' });
    cloud.faults.set('sqs:ChangeMessageVisibility', queryError('AccessDenied', 403));

    const response = await invoke(recordOf(jobOf('a')));

    expect(response.batchItemFailures).toHaveLength(1);
    expect(logged('WARN')).toContainEqual(
      expect.stringContaining('message message-1 returns only after the visibility timeout'),
    );
  });
});

describe('a delayed job', () => {
  const look = (number: number): Job => ({
    ...jobOf('deploy'),
    continues: { job: jobId(jobOf('deploy')), look: number },
  });
  const delayed = (body: unknown, messageId?: string): SQSRecord => {
    const record = recordOf(body, 1, messageId);
    const { MessageGroupId: _, ...attributes } = record.attributes;
    return { ...record, attributes, eventSourceARN: `${QUEUE.replace('.fifo', '')}-delayed` };
  };

  test('is only forwarded, to the group of its account: nothing is read or changed for it', async () => {
    cloud.users.set('deploy', 'Active');

    const response = await invoke(delayed(look(1), 'm1'), delayed(look(2), 'm2'));

    expect(response).toEqual({ batchItemFailures: [] });
    expect(cloud.sent).toEqual(
      [look(1), look(2)].map((job) => ({
        QueueUrl: 'http://127.0.0.1:1/1/cspm-jobs.fifo',
        MessageBody: JSON.stringify(job),
        MessageGroupId: ACCOUNT,
        MessageDeduplicationId: jobId(job),
      })),
    );
    // SQS would drop the second follow-up job if it had the deduplication id of the first.
    expect(jobId(look(1))).not.toBe(jobId(look(2)));
    expect(new Set(cloud.operations)).toEqual(new Set(['sqs:GetQueueUrl', 'sqs:SendMessage']));
    expect(cloud.users.get('deploy')).toBe('Active');
  });

  test('that is not a job is sent to the dead-letter queue', async () => {
    const response = await invoke(delayed('hello'));

    expect(response).toEqual({ batchItemFailures: [] });
    expect(cloud.deadLetters).toEqual(['hello']);
    expect(cloud.sent).toEqual([]);
    expect(metrics()).toEqual([metric('InvalidMessage', 1)]);
  });

  test('that cannot be forwarded is delivered again, and does not delay the others', async () => {
    let sends = 0;
    cloud.fault = (operation) => {
      if (operation !== 'sqs:SendMessage') return undefined;
      sends += 1;
      return sends === 1 ? jsonAnswer({ __type: 'AccessDeniedException' }, 403) : undefined;
    };

    const response = await invoke(delayed(look(1), 'm1'), delayed(look(2), 'm2'));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(cloud.sent.map(({ MessageBody }) => MessageBody)).toEqual([JSON.stringify(look(2))]);
    // Its receipt handle is not valid for the other queue.
    expect(cloud.visibilities).toEqual([]);
    expect(logged('ERROR')).toEqual([expect.stringMatching(/^message m1: AccessDenied/)]);
  });
});

describe('a message that is not a job', () => {
  test.each(['hello', JSON.stringify({ ...jobOf('a'), region: 'us-east-1' })])(
    '%s is sent to the dead-letter queue, and acknowledged',
    async (body) => {
      const response = await invoke(recordOf(body));

      expect(response).toEqual({ batchItemFailures: [] });
      expect(cloud.deadLetters).toEqual([body]);
      expect(metrics()).toEqual([metric('InvalidMessage', 1)]);
      expect(logged('ERROR')).toEqual([
        expect.stringMatching(
          /^message message-1: the (message|job) is .*; it is moved to the dead-letter queue$/,
        ),
      ]);
    },
  );

  test('from the collector that names a request is sent to the dead-letter queue', async () => {
    const request = { principal: 'AROAOPERATOR:ada', id: '7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10' };
    const body = { version: 1, kind: 'undo', request, account: ACCOUNT, region: 'eu-central-1' };
    const record = recordOf(body);

    const response = await invoke({
      ...record,
      attributes: { ...record.attributes, SenderId: 'AROACOLLECTOR:cspm-collector' },
    });

    expect(response.batchItemFailures).toEqual([]);
    expect(cloud.deadLetters).toEqual([JSON.stringify(body)]);
    expect(cloud.operations.filter((operation) => operation.startsWith('dynamodb:'))).toEqual([]);
  });

  test('is delivered again while the dead-letter queue does not accept it', async () => {
    cloud.faults.set('sqs:SendMessage', queryError('ServiceUnavailable', 503));

    const response = await invoke(recordOf('hello'));

    expect(response.batchItemFailures).toHaveLength(1);
  });
});

test('an invalid environment is an error of the invocation, with all problems', async () => {
  vi.stubEnv('HOME_REGION', 'Frankfurt');
  vi.stubEnv('EXTERNAL_ID', '');

  await expect(invoke(recordOf(jobOf('a')))).rejects.toThrow(
    /^environment variables: HOME_REGION: .*; EXTERNAL_ID: /,
  );
  expect(aws.calls).toEqual([]);
});

test('logs, evidence, and events never contain credentials, no matter what fails', async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'DEBUG');
  cloud.users.set('a', 'Active').set('b', 'Active').set('c', 'Active');

  await invoke(recordOf(jobOf('a'), 1, 'm1'));
  cloud.faults.set('iam:UpdateAccessKey', queryError('AccessDenied', 403));
  await invoke(recordOf(jobOf('b'), 1, 'm2'));
  cloud.faults.set('iam:UpdateAccessKey', 'cut');
  await invoke(recordOf(jobOf('c'), 5, 'm3'));
  cloud.faults.set('sts:AssumeRole', {
    status: 200,
    body: '<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>target-secret</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>',
  });
  await invoke(recordOf(jobOf('c'), 5, 'm4'));
  cloud.faults.set('s3:PUT', s3Error('AccessDenied', 403));
  await invoke(recordOf(jobOf('c'), 5, 'm5'));

  const said = [output, JSON.stringify(cloud.events), ...cloud.objects.values(), ...cloud.deadLetters].join(
    '\n',
  );
  expect(said).toContain('AccessDenied');
  for (const secret of SECRETS) expect(said).not.toContain(secret);
});

describe('the findings table', () => {
  const refusal = (code: string): Answer =>
    jsonAnswer({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: code }, 400);
  const resource = { account: ACCOUNT, region: jobOf('a').region, resource: 'a' };
  const newer = { pk: 'pk', sk: RULE, version: 2, expiresAt: 1, words: 'of the next version' };
  const newerFinding = { ...newer, ...findingItemKey({ ...resource, region: 'global', rule: RULE }) };
  const newerLease = jsonAnswer(
    {
      __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
      message: 'The conditional request failed',
      Item: marshall(newer),
    },
    400,
  );
  const itemsOf = (...items: readonly object[]): Answer =>
    jsonAnswer({
      Responses: { [variables.FINDINGS_TABLE]: items.map((item) => marshall(item)) },
    });

  test.each([
    ['is missing', 'PutItem', refusal('ResourceNotFoundException'), 'ResourceNotFoundException'],
    ['is throttled', 'PutItem', refusal('ThrottlingException'), 'ThrottlingException'],
    ['is denied', 'PutItem', refusal('AccessDeniedException'), 'AccessDeniedException'],
    ['does not answer', 'PutItem', 'cut' as const, 'socket hang up'],
    ['has a lease of a newer version', 'PutItem', newerLease, 'has version 2'],
    ['cannot be read', 'BatchGetItem', refusal('AccessDeniedException'), 'AccessDeniedException'],
    ['has a finding of a newer version', 'BatchGetItem', itemsOf(newerFinding), 'has version 2'],
    [
      'has recent changes of a newer form',
      'BatchGetItem',
      itemsOf({ ...newer, ...changedKey(resource) }),
      'has version 2',
    ],
  ])(
    'that %s stops the job before anything is read or changed, with an error in the log',
    async (_, operation, fault, words) => {
      cloud.users.set('a', 'Active');
      cloud.faults.set(`dynamodb:${operation}`, fault);

      const first = await invoke(recordOf(jobOf('a')));
      const asked = cloud.operations.filter((each) => each.startsWith('iam:'));
      const warned = [...logged('WARN'), ...logged('ERROR')].join('\n');
      cloud.faults.clear();
      const second = await invoke(recordOf(jobOf('a'), 2));

      expect(first.batchItemFailures).toHaveLength(1);
      expect(asked).toEqual([]);
      expect(warned).toContain(words);
      expect(second.batchItemFailures).toEqual([]);
      expect(cloud.users.get('a')).toBe('Inactive');
    },
  );

  test.each<[string, string, Answer, string]>([
    ['is missing', 'PutItem', refusal('ResourceNotFoundException'), 'ResourceNotFoundException'],
    ['is throttled', 'PutItem', refusal('ThrottlingException'), 'ThrottlingException'],
    ['is denied', 'BatchGetItem', refusal('AccessDeniedException'), 'AccessDeniedException'],
    ['has an item of a newer version', 'BatchGetItem', itemsOf(newerFinding), 'has version 2'],
  ])(
    'that %s until the last attempt leaves the job to the dead-letter queue, with a log line and a count',
    async (_, operation, fault, words) => {
      cloud.users.set('a', 'Active');
      cloud.faults.set(`dynamodb:${operation}`, fault);

      const { batchItemFailures } = await invoke(recordOf(jobOf('a'), 5));

      expect(batchItemFailures).toHaveLength(1);
      expect(cloud.users.get('a')).toBe('Active');
      const [line = '{}'] = [...cloud.objects]
        .filter(([key]) => key.startsWith('outcomes/'))
        .map(([, text]) => text);
      expect(JSON.parse(line)).toMatchObject({
        outcome: 'failed',
        deadLetter: true,
        reason: expect.stringContaining(words),
      });
      expect(metrics()).toContainEqual(metric('Failed', 1, RULE));
      expect([...logged('WARN'), ...logged('ERROR')].join('\n')).toContain(words);
    },
  );

  test('an item that cannot be parsed is an unexpected error, which has an alarm', async () => {
    cloud.users.set('a', 'Active');
    cloud.faults.set('dynamodb:BatchGetItem', itemsOf(newerFinding));

    await invoke(recordOf(jobOf('a')));

    expect(metrics()).toContainEqual(metric('UnexpectedError', 1));
  });

  test.each(['PutItem', 'BatchGetItem'])(
    'that does not answer %s in time stops the job before anything is changed, with an error in the log',
    async (operation) => {
      const { clientDefaults, requestTimeouts, ...others } = await import(
        '../../../lambdas/aws/client-defaults.ts'
      );
      const requestHandler = { ...requestTimeouts, requestTimeout: 500, socketTimeout: 500 };
      const impatient = { ...clientDefaults, maxAttempts: 1, requestHandler };
      vi.doMock('../../../lambdas/aws/client-defaults.ts', () => ({
        ...others,
        requestTimeouts,
        clientDefaults: impatient,
      }));
      vi.resetModules();
      cloud.users.set('a', 'Active');
      cloud.faults.set(`dynamodb:${operation}`, 'silent');

      const first = await invoke(recordOf(jobOf('a')));
      const asked = cloud.operations.filter((each) => each.startsWith('iam:'));
      const warned = [...logged('WARN'), ...logged('ERROR')].join('\n');
      vi.doUnmock('../../../lambdas/aws/client-defaults.ts');
      cloud.faults.clear();
      const second = await invoke(recordOf(jobOf('a'), 2));

      expect(first.batchItemFailures).toHaveLength(1);
      expect(asked).toEqual([]);
      expect(warned).toMatch(/TimeoutError/);
      expect(second.batchItemFailures).toEqual([]);
      expect(cloud.users.get('a')).toBe('Inactive');
    },
  );

  test.each(['ResourceNotFoundException', 'ThrottlingException', 'AccessDeniedException'])(
    'that answers %s at the end is updated by the next attempt, which changes nothing more',
    async (code) => {
      cloud.users.set('a', 'Active');
      cloud.faults.set('dynamodb:TransactWriteItems', refusal(code));

      const first = await invoke(recordOf(jobOf('a')));
      const warned = [...logged('WARN'), ...logged('ERROR')].join('\n');
      cloud.faults.clear();
      const second = await invoke(recordOf(jobOf('a'), 2));

      expect([first.batchItemFailures.length, second.batchItemFailures.length]).toEqual([1, 0]);
      expect(warned).toContain(code);
      expect(cloud.operations.filter((each) => each === 'iam:UpdateAccessKey')).toHaveLength(1);
      expect([...cloud.items.keys()]).toContainEqual(expect.stringContaining(`finding#${ACCOUNT}#global#a`));
      const evidence = [...cloud.objects].filter(([key]) => key.startsWith('outcomes/'));
      expect(evidence.map(([, text]) => text.trimEnd().split('\n').length)).toEqual([1]);
    },
  );
});
