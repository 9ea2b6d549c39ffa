import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { JobQueue } from '../../lambdas/aws/job-queue.ts';
import { submitRequest } from '../../lambdas/aws/submit-request.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import { resultKey } from '../../lambdas/model/requests.ts';
import { findingItemKey, findingItemSchema, type ItemKey } from '../../lambdas/model/table-items.ts';
import { findingsTableName } from '../../test/integration/harness/deployed-form.ts';
import { itemOf, makeSecurityGroup, openPort } from '../../test/integration/harness/violations.ts';
import { type Deployed, nextMoment, REGION } from './deployed.ts';

const RULE = 'security-group-ssh-open';
const PRINCIPAL = 'AROAOPERATOR:bench';
const MOST_MESSAGES = 10;

/** The beginning of an undo behind jobs of its account. */
export interface UndoBegun {
  readonly queued: number;
  /** Time from handing in the request until it was undone and recorded. */
  readonly seconds: number;
  /** Jobs that were worked on until then, the one that begins with it included. */
  readonly invocations: number;
}

/** Measures how long an undo takes that is handed in behind many jobs of its account. */
export async function measureUndo(deployed: Deployed, queued: number): Promise<UndoBegun> {
  const account = deployed.account();
  const resource = await makeSecurityGroup(deployed.endpoint, account, openPort(22), { region: REGION });
  deployed.tenant.setFindings([itemOf(RULE, { account_id: account, resource_id: resource })]);
  await deployed.collect(RULE, nextMoment());
  await deployed.workOff();
  const place = { account, region: REGION, resource };
  const { changes } = findingItemSchema.parse(
    await itemAt(deployed, findingItemKey({ ...place, rule: RULE })),
  );
  const evidence = changes.at(-1)?.evidence ?? '';
  await queueJobs(deployed, account, queued);

  const began = performance.now();
  const name = await ask(deployed, account, { rule: RULE, region: REGION, resource, evidence });
  const key = resultKey({ account, region: REGION }, name);
  const isDone = async (): Promise<boolean> => {
    const result = await itemAt(deployed, key);
    return result?.['state'] === 'done' || result?.['state'] === 'refused';
  };
  const { invocations } = await deployed.workOff(isDone);
  const seconds = (performance.now() - began) / 1000;
  const result = await itemAt(deployed, key);
  if (result?.['state'] !== 'done') throw new Error(`the undo is not done: ${JSON.stringify(result)}`);
  return { queued, seconds, invocations };
}

async function itemAt(
  { product }: Deployed,
  { pk, sk }: ItemKey,
): Promise<Record<string, unknown> | undefined> {
  const { Item } = await new DynamoDBClient(product.client(REGION)).send(
    new GetItemCommand({ TableName: findingsTableName(product), Key: marshall({ pk, sk }) }),
  );
  return Item === undefined ? undefined : unmarshall(Item);
}

/** Puts jobs of one finding each into the account's group: that of a group that is gone. */
async function queueJobs({ product }: Deployed, account: string, count: number): Promise<void> {
  const poll = { source: 'netskope', rule: RULE, asOf: nextMoment() };
  const finding = { rule: RULE, account, region: REGION, resource: 'sg-0123456789abcdef0' };
  const bodyOf = (chunk: number): string =>
    JSON.stringify({ version: 1, poll, account, region: REGION, chunk, findings: [finding] });
  for (let first = 0; first < count; first += MOST_MESSAGES) {
    const Entries = Array.from({ length: Math.min(MOST_MESSAGES, count - first) }, (_, index) => ({
      Id: String(index),
      MessageGroupId: account,
      MessageDeduplicationId: `bench-${account}-${first + index}`,
      MessageBody: bodyOf(first + index),
    }));
    const QueueUrl = product.queueUrl('jobs.fifo');
    await product.sqs(REGION).send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

/** Hands in the request, as the command line does. */
async function ask({ product }: Deployed, account: string, fix: Parameters<typeof requestOf>[1]) {
  const client = { region: REGION, clientOptions: product.client(REGION) };
  return submitRequest(requestOf(account, fix), PRINCIPAL, {
    table: new FindingsTable({ ...client, table: findingsTableName(product) }),
    queue: new JobQueue({ ...client, name: product.name, clock: systemClock }),
    clock: systemClock,
  });
}

function requestOf(
  account: string,
  fix: {
    readonly rule: string;
    readonly region: string;
    readonly resource: string;
    readonly evidence: string;
  },
) {
  const now = systemClock.now();
  return {
    version: 1 as const,
    kind: 'undo' as const,
    account,
    region: REGION,
    at: new Date(now).toISOString(),
    by: 'bench',
    reason: 'bench',
    expiresAt: Math.floor(now / 1000) + 86_400,
    fixes: [fix],
    force: false,
  };
}
