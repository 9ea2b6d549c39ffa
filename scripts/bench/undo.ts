import { PurgeQueueCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { isComplete } from '../../cli/undo/submit.ts';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { JobQueue } from '../../lambdas/aws/job-queue.ts';
import { type HandedIn, submitRequests } from '../../lambdas/aws/submit-requests.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import {
  type Fix,
  type RequestName,
  requestResultSchema,
  resultKey,
  type UndoRequest,
} from '../../lambdas/model/requests.ts';
import { findingItemKey, findingItemSchema } from '../../lambdas/model/table-items.ts';
import { findingsTableName } from '../../test/integration/harness/deployed-form.ts';
import { type Deployed, nextMoment, REGION } from './deployed.ts';
import { exactPort } from './jobs.ts';

const RULE = exactPort.rule;
const PRINCIPAL = 'AROAOPERATOR:bench';
const MOST_MESSAGES = 10;

/** The jobs before an undo. */
export interface Queued {
  readonly jobs: number;
  /** The accounts that they are of, in turn, that of the undo included: its own come last. */
  readonly accounts: number;
}

/** The beginning of an undo behind jobs. */
export interface UndoBegun {
  readonly queued: Queued;
  /** Time from handing in the request until it was undone and recorded. */
  readonly seconds: number;
  /** Jobs that were worked on until then, the one that begins with it included. */
  readonly invocations: number;
}

/** Measures how long an undo takes that is handed in behind many jobs, which one function works on one after another. */
export async function measureUndo(deployed: Deployed, queued: Queued): Promise<UndoBegun> {
  const account = deployed.account();
  const violation = await exactPort.make(deployed, account);
  deployed.tenant.setFindings([violation]);
  await deployed.collect(RULE, nextMoment());
  await deployed.workOff();
  const { product } = deployed;
  const table = new FindingsTable({
    table: findingsTableName(product),
    region: REGION,
    clientOptions: product.client(REGION),
  });
  const finding = { rule: RULE, region: REGION, resource: violation.resource_id };
  const [item] = await table.read([findingItemKey({ ...finding, account })]);
  const { changes } = findingItemSchema.parse(item);
  const evidence = changes.at(-1)?.evidence ?? '';
  const others = Array.from({ length: queued.accounts - 1 }, () => deployed.account());
  await queueJobs(deployed, [...others, account], queued.jobs);

  const began = performance.now();
  const name = await ask(deployed, table, account, { ...finding, evidence });
  const resultNow = async () => {
    const [found] = await table.read([resultKey({ account, region: REGION }, name)]);
    return requestResultSchema.optional().parse(found);
  };
  const isDone = async (): Promise<boolean> => isComplete(await resultNow());
  const { invocations } = await deployed.workOff(isDone);
  const seconds = (performance.now() - began) / 1000;
  const result = await resultNow();
  // What is left would be worked on by others.
  await product.sqs(REGION).send(new PurgeQueueCommand({ QueueUrl: product.queueUrl('jobs.fifo') }));
  if (result?.state !== 'done') throw new Error(`the undo is not done: ${JSON.stringify(result)}`);
  return { queued, seconds, invocations };
}

/** Puts jobs of one finding each into the accounts' groups, in turn: that of a group that is gone. */
async function queueJobs({ product }: Deployed, accounts: readonly string[], count: number): Promise<void> {
  const poll = { source: 'netskope', rule: RULE, asOf: nextMoment() };
  const jobs = Array.from({ length: count }, (_, chunk) => {
    const account = accounts[chunk % accounts.length] ?? '';
    const finding = { rule: RULE, account, region: REGION, resource: 'sg-0123456789abcdef0' };
    return { version: 1, poll, account, region: REGION, chunk, findings: [finding] };
  });
  for (let first = 0; first < count; first += MOST_MESSAGES) {
    const Entries = jobs.slice(first, first + MOST_MESSAGES).map((job, index) => ({
      Id: String(index),
      MessageGroupId: job.account,
      MessageDeduplicationId: `bench-${job.account}-${job.chunk}-${poll.asOf}`,
      MessageBody: JSON.stringify(job),
    }));
    const QueueUrl = product.queueUrl('jobs.fifo');
    await product.sqs(REGION).send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

/** Hands in the request, as the command line does. */
async function ask(
  { product }: Deployed,
  table: FindingsTable,
  account: string,
  fix: Fix,
): Promise<RequestName> {
  const now = systemClock.now();
  const request: UndoRequest = {
    version: 1,
    kind: 'undo',
    account,
    region: REGION,
    at: new Date(now).toISOString(),
    by: 'bench',
    reason: 'bench',
    expiresAt: Math.floor(now / 1000) + 86_400,
    fixes: [fix],
    force: false,
  };
  const queue = new JobQueue({
    region: REGION,
    clientOptions: product.client(REGION),
    name: product.name,
    clock: systemClock,
  });
  return nameOf(await submitRequests([request], PRINCIPAL, { table, queue, clock: systemClock }));
}

function nameOf([first]: readonly HandedIn[]): RequestName {
  if (first?.is === 'submitted') return first.name;
  throw new Error('the request was not submitted', { cause: first?.error });
}
