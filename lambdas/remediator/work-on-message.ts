import type { Context, SQSRecord } from 'aws-lambda';
import { describeError, errorKind } from '../aws/errors.ts';
import type { JobQueue } from '../aws/job-queue.ts';
import { count } from '../aws/metrics.ts';
import { InvalidInputError, UnfinishedJobError } from '../model/errors.ts';
import { type Job, pollId } from '../model/job.ts';
import type { Remediator } from './create-remediator.ts';
import type { Environment } from './environment.ts';
import { parseJob } from './parse-job.ts';
import type { Attempt } from './ports.ts';
import { logError, logger, report } from './report.ts';

/** Everything that a message is worked on with. */
export interface Workshop {
  readonly environment: Environment;
  readonly queue: JobQueue;
  readonly remediate: Remediator;
}

/**
 * Works on a message: forwards it if it was delayed, remediates its job otherwise. One that is not a job goes to the dead
 * letters.
 * @throws UnfinishedJobError when the job must come back; other errors are logged and counted
 */
export async function workOnMessage(record: SQSRecord, context: Context, workshop: Workshop): Promise<void> {
  try {
    await work(record, context, workshop);
  } catch (error) {
    if (error instanceof UnfinishedJobError) logger.warn(`message ${record.messageId}: ${error.message}`);
    else {
      logError(`message ${record.messageId}: ${describeError(error)}`, error);
      if (errorKind(error) === 'bug') count('UnexpectedError', 1);
    }
    throw error;
  }
}

async function work(
  record: SQSRecord,
  context: Context,
  { environment, queue, remediate }: Workshop,
): Promise<void> {
  const job = await jobOf(record, environment, queue);
  if (job === undefined) return;
  if (queue.isDelayed(record)) return queue.forward(job);
  const received = Number(record.attributes.ApproximateReceiveCount);
  const attempt: Attempt = {
    number: received,
    last: received >= environment.MAX_RECEIVE_COUNT,
    remainingMilliseconds: () => context.getRemainingTimeInMillis(),
  };
  const result = await unlessInvalid(record, queue, () => remediate(job, attempt));
  if (result === undefined) return;
  report(job, result);
  if (result.unfinished.length > 0 || result.failures.length > 0) {
    throw new UnfinishedJobError(
      `job of ${pollId(job.poll)} for account ${job.account}: ${result.unfinished.length} of ${job.findings.length} findings are unfinished after attempt ${received} of ${environment.MAX_RECEIVE_COUNT}`,
    );
  }
}

/** The job that a message holds; undefined where it holds none, and was sent to the dead letters. */
function jobOf(record: SQSRecord, { AWS_REGION }: Environment, queue: JobQueue): Promise<Job | undefined> {
  return unlessInvalid(record, queue, async () => parseJob(record.body, AWS_REGION));
}

/** Sends a message to the dead letters on which no attempt can ever work. @returns undefined then */
async function unlessInvalid<T>(
  record: SQSRecord,
  queue: JobQueue,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    count('InvalidMessage', 1);
    logger.error(`message ${record.messageId}: ${error.message}; it goes to the dead-letter queue`);
    await queue.sendToDeadLetters(record);
    return undefined;
  }
}
