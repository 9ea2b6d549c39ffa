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

/** The jobs that are queued before an undo. */
export interface Queued {
  readonly jobs: number;
  /** The accounts of these jobs, in rotation, including that of the undo, which comes last. */
  readonly accounts: number;
}

/** The delay of an undo behind queued jobs. */
export interface UndoBegun {
  readonly queued: Queued;
  /** The time from the submission of the request until it was undone and recorded. */
  readonly seconds: number;
  /** The number of jobs that were processed until then, including the one that begins with it. */
  readonly invocations: number;
}

/** Measures how long an undo takes behind many queued jobs, which one function processes one after another. */
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
  // The remaining jobs would otherwise be processed by later measurements.
  await product.sqs(REGION).send(new PurgeQueueCommand({ QueueUrl: product.queueUrl('jobs.fifo') }));
  if (result?.state !== 'done') throw new Error(`the undo is not done: ${JSON.stringify(result)}`);
  return { queued, seconds, invocations };
}

/** Sends jobs to the message groups of the accounts, in rotation, each with a finding of a group that does not exist. */
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

/** Submits the request, as the command line does. */
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
