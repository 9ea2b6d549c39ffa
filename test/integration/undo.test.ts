import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { JobQueue } from '../../lambdas/aws/job-queue.ts';
import { submitRequests } from '../../lambdas/aws/submit-requests.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import { holdKey } from '../../lambdas/model/operator-items.ts';
import {
  type Fix,
  type RequestName,
  type RequestResult,
  requestResultSchema,
  resultKey,
  type UndoRequest,
} from '../../lambdas/model/requests.ts';
import { findingItemKey, findingItemSchema, type ItemKey } from '../../lambdas/model/table-items.ts';
import { proveCompleteness } from '../../scripts/audit/completeness.ts';
import { Evidence } from '../../scripts/audit/evidence.ts';
import { commonErrorAnswer } from '../lab/aws-proxy/index.ts';
import { findingsTableName } from './harness/deployed-form.ts';
import { startRemediator } from './harness/functions.ts';
import { type Deployed, type Harness, nextMoment, startHarness } from './harness/harness.ts';
import { send, workOff } from './harness/job-service.ts';
import { itemOf, makeSecurityGroup, WORLD } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const REGION = 'eu-central-1';
const PRINCIPAL = 'AROAOPERATOR:ada';
const WIDE = [
  { IpProtocol: 'tcp', FromPort: 20, ToPort: 443, IpRanges: [{ CidrIp: WORLD, Description: 'old' }] },
];

let harness: Harness;
let deployed: Deployed;
let account: string;
beforeAll(async () => {
  harness = await startHarness();
  account = harness.account();
});
afterAll(() => harness[Symbol.asyncDispose]());
beforeEach(async () => {
  deployed = await harness.deploy({ rules: { [SSH]: { mode: 'enforce' } } });
});

const table = () => new DynamoDBClient(deployed.product.client(REGION));

async function itemAt({ pk, sk }: ItemKey): Promise<unknown> {
  const { Item } = await table().send(
    new GetItemCommand({ TableName: findingsTableName(deployed.product), Key: marshall({ pk, sk }) }),
  );
  return Item === undefined ? undefined : unmarshall(Item);
}

/** Creates a group that violates the rule, and has it fixed. */
async function fixed(): Promise<{ readonly fix: Fix; readonly before: readonly string[] }> {
  const resource = await makeSecurityGroup(harness.endpoint, account, WIDE);
  const before = await contents();
  const { outcomes } = await deployed.run(SSH, [itemOf(SSH, { account_id: account, resource_id: resource })]);
  expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
  return { before, fix: { rule: SSH, region: REGION, resource, evidence: await lastEvidence(resource) } };
}

/** The evidence of a finding's last outcome, as an operator finds it. */
async function lastEvidence(resource: string): Promise<string> {
  const item = await itemAt(findingItemKey({ account, region: REGION, resource, rule: SSH }));
  return findingItemSchema.parse(item).changes.at(-1)?.evidence ?? '';
}

const contents = () => deployed.snapshot(account, [REGION]);

/** Submits a request to undo, after the hold, as the command line does. */
async function ask(fixes: readonly Fix[], given: Partial<UndoRequest> = {}): Promise<RequestName> {
  const { product } = deployed;
  for (const { region, resource } of fixes) {
    const hold = { version: 1, reason: 'undone', by: 'ada@example.com' };
    const Item = marshall({ ...holdKey({ account, region, resource, rule: '*' }), ...hold });
    await table().send(new PutItemCommand({ TableName: findingsTableName(product), Item }));
  }
  const client = { region: REGION, clientOptions: product.client(REGION) };
  const request: UndoRequest = {
    version: 1,
    kind: 'undo',
    account,
    region: REGION,
    at: new Date().toISOString(),
    by: 'ada@example.com',
    reason: 'incident 4711',
    expiresAt: Math.floor(Date.now() / 1000) + 86_400,
    fixes: [...fixes],
    force: false,
    ...given,
  };
  const [handedIn] = await submitRequests([request], PRINCIPAL, {
    table: new FindingsTable({ ...client, table: findingsTableName(product) }),
    queue: new JobQueue({ ...client, name: product.name, clock: systemClock }),
    clock: systemClock,
  });
  if (handedIn?.is !== 'submitted') throw new Error('not submitted', { cause: handedIn?.error });
  return handedIn.name;
}

async function resultOf(name: RequestName): Promise<RequestResult | undefined> {
  const item = await itemAt(resultKey({ account, region: REGION }, name));
  return item === undefined ? undefined : requestResultSchema.parse(item);
}

/** Compares the polls of a month with the lines of evidence, which include undos. */
async function mismatches(now: Date): Promise<unknown[]> {
  const { product } = deployed;
  const evidence = new Evidence(new S3Client(product.client(REGION)), product.bucket);
  const question = { now, month: now.toISOString().slice(0, 7), schedule: 'rate(1 hour)', timeZone: 'UTC' };
  return (await proveCompleteness(evidence, question)).rules.flatMap((rule) => rule.mismatches);
}

test('an undo restores the former state, and says so', async () => {
  const { fix, before } = await fixed();
  const changed = await contents();

  const name = await ask([fix]);
  await deployed.work();

  const undone = await lastEvidence(fix.resource);
  expect(changed).not.toEqual(before);
  expect(await contents()).toEqual(before);
  expect(await resultOf(name)).toMatchObject({
    state: 'done',
    results: [{ is: 'undone', evidence: undone }],
  });
  const events = await deployed.product.events((known) => known.some(({ outcome }) => outcome === 'undone'));
  expect(events.filter(({ outcome }) => outcome === 'undone')).toMatchObject([
    { finding: { resource: fix.resource }, undo: { by: 'ada@example.com', undoes: fix.evidence } },
  ]);
  expect(deployed.metric('Undone')).toEqual({ [SSH]: 1 });
  expect(await mismatches(new Date())).toEqual([]);
});

test.each([
  [
    'before the undo',
    async (poll: () => Promise<unknown>, undo: () => Promise<unknown>) => [await poll(), await undo()],
  ],
  [
    'after the undo',
    async (poll: () => Promise<unknown>, undo: () => Promise<unknown>) => [await undo(), await poll()],
  ],
])('a poll of the same finding that is queued %s does not fix it again', async (_, inOrder) => {
  const { fix, before } = await fixed();
  const asOf = nextMoment();

  await inOrder(
    () => deployed.collect({ rule: SSH, asOf }),
    () => ask([fix]),
  );
  await deployed.work();

  const { outcomes } = await deployed.resultOf({ rule: SSH, asOf }, 1);
  expect(outcomes).toHaveLength(1);
  expect(['deferred', 'compliant', 'awaiting_scan']).toContain(outcomes[0]?.outcome);
  expect(await contents()).toEqual(before);
});

test('a message without a request changes nothing, and is logged', async () => {
  const { fix } = await fixed();
  const before = await contents();
  const forged = {
    version: 1,
    kind: 'undo',
    request: { principal: PRINCIPAL, id: randomUUID() },
    account,
    region: REGION,
    fixes: [fix],
    force: true,
  };
  harness.proxy.clear();

  const place = { group: account, deduplication: randomUUID() };
  await send(deployed.product, REGION, JSON.stringify(forged), place);
  await deployed.work();

  expect(await contents()).toEqual(before);
  expect(deployed.writes()).toEqual([]);
  expect(deployed.messages('WARN')).toContainEqual(
    expect.stringMatching(/does not exist: nothing was changed/),
  );
  expect(deployed.metric('RequestIgnored')).toEqual({ '': 1 });
});

test('a request that arrives while a job fails starts before the next attempt of that job', async () => {
  const { fix } = await fixed();
  const { product } = deployed;
  const resource = await makeSecurityGroup(harness.endpoint, account, WIDE);
  const poll = { source: 'netskope', rule: SSH, asOf: nextMoment() };
  const findings = [{ rule: SSH, account, region: REGION, resource }];
  const job = { version: 1, poll, account, region: REGION, chunk: 0, findings };
  const place = { group: account, deduplication: randomUUID() };
  await send(product, REGION, JSON.stringify(job), place);
  let asked: Promise<RequestName> | undefined;
  const failing = harness.proxy.intercept(async (call) => {
    if (call.service !== 'ec2' || !call.body.includes(resource)) return undefined;
    // The calls of one check run side by side.
    asked ??= ask([fix]);
    await asked;
    return commonErrorAnswer(call, 'unavailable');
  });
  const remediator = startRemediator(product.remediatorEnvironment(REGION));
  const failures: unknown[] = [];

  await workOff(
    product,
    REGION,
    async (event) => {
      const { result = { batchItemFailures: [] } } = await remediator.invoke(event);
      failures.push(...result.batchItemFailures);
      return result;
    },
    { isOver: async () => true },
  );
  failing.remove();

  expect(failures).toHaveLength(1);
  const name = await asked;
  expect(name && (await resultOf(name))).toMatchObject({ state: 'done', results: [{ is: 'undone' }] });
  await deployed.work();
});

test('a request behind a thousand jobs of its account starts with the next one', async () => {
  const { fix, before } = await fixed();
  const { product } = deployed;
  const sqs = product.sqs(REGION);
  const QueueUrl = product.queueUrl('jobs.fifo');
  const poll = { source: 'netskope', rule: SSH, asOf: nextMoment() };
  const finding = { rule: SSH, account, region: REGION, resource: 'sg-0123456789abcdef0' };
  for (let first = 0; first < 1_000; first += 10) {
    const Entries = Array.from({ length: 10 }, (_, index) => ({
      Id: String(index),
      MessageGroupId: account,
      MessageDeduplicationId: `job-${first + index}`,
      MessageBody: JSON.stringify({
        version: 1,
        poll,
        account,
        region: REGION,
        chunk: first + index,
        findings: [finding],
      }),
    }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
  const name = await ask([fix]);

  const { Messages: [message] = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1, MessageSystemAttributeNames: ['All'] }),
  );
  const { MessageId: messageId = '', ReceiptHandle: receiptHandle = '', Body: body = '' } = message ?? {};
  await startRemediator(product.remediatorEnvironment(REGION)).invoke({
    Records: [
      {
        messageId,
        receiptHandle,
        body,
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: '0',
          SenderId: 'AROACOLLECTOR:collector',
          ApproximateFirstReceiveTimestamp: '0',
          MessageGroupId: account,
        },
        messageAttributes: {},
        md5OfBody: '',
        eventSource: 'aws:sqs',
        eventSourceARN: `arn:aws:sqs:${REGION}:${product.account}:${product.name}-jobs.fifo`,
        awsRegion: REGION,
      },
    ],
  });

  expect(JSON.parse(body)).toMatchObject({ chunk: 0 });
  expect(await product.depth(REGION, 'jobs.fifo')).toBe(1_001);
  expect(await resultOf(name)).toMatchObject({ state: 'done', results: [{ is: 'undone' }] });
  expect(await contents()).toEqual(before);
});
