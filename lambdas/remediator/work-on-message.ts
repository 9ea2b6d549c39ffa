import type { Context, SQSRecord } from 'aws-lambda';
import { describeError, errorKind } from '../aws/errors.ts';
import type { JobQueue } from '../aws/job-queue.ts';
import { count } from '../aws/metrics.ts';
import { InvalidInputError, UnfinishedJobError } from '../model/errors.ts';
import { type Job, pollId } from '../model/job.ts';
import type { RequestMessage } from '../model/requests.ts';
import type { Remediator } from './create-remediator.ts';
import type { Environment } from './environment.ts';
import { comesBack } from './job-result.ts';
import { parseMessage } from './parse-message.ts';
import type { Attempt } from './ports.ts';
import { logError, logger, report } from './report.ts';
import { reportAnswer } from './undo/report-answer.ts';

/** Dependencies of the processing of messages. */
export interface Workshop {
  readonly environment: Environment;
  readonly queue: JobQueue;
  readonly remediator: Remediator;
}

/**
 * Processes a message: forwards it if it was delayed; otherwise, processes its job, or carries out the request that it
 * names. An invalid message is sent to the dead-letter queue. Errors are logged and counted.
 * @throws UnfinishedJobError if the message must be delivered again
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
  { environment, queue, remediator }: Workshop,
): Promise<void> {
  const content = await contentOf(record, environment, queue);
  if (content === undefined) return;
  if (queue.isDelayed(record)) return queue.forward(content);
  const received = Number(record.attributes.ApproximateReceiveCount);
  const attempt: Attempt = {
    number: received,
    last: received >= environment.MAX_RECEIVE_COUNT,
    remainingMilliseconds: () => context.getRemainingTimeInMillis(),
  };
  const attempts = `attempt ${received} of ${environment.MAX_RECEIVE_COUNT}`;
  if ('kind' in content) {
    const answer = await remediator.act(content, attempt);
    reportAnswer(answer);
    const { failures = [] } = answer;
    if (failures.length === 0) return;
    throw new UnfinishedJobError(`request ${content.request.id} is unfinished after ${attempts}`);
  }
  const result = await unlessInvalid(record, queue, () => remediator.remediate(content, attempt));
  if (result === undefined) return;
  report(content, result);
  if (comesBack(result)) {
    throw new UnfinishedJobError(
      `job of ${pollId(content.poll)} for account ${content.account}: ${result.unfinished.length} of ${content.findings.length} findings are unfinished after ${attempts}`,
    );
  }
}

/** Parses the content of a message. @returns undefined if it is invalid and was sent to the dead-letter queue */
function contentOf(
  record: SQSRecord,
  environment: Environment,
  queue: JobQueue,
): Promise<Job | RequestMessage | undefined> {
  return unlessInvalid(record, queue, async () => parseMessage(record, environment));
}

/**
 * Runs work, and sends the message to the dead-letter queue if it is invalid, so that no attempt can succeed.
 * @returns undefined if it is invalid
 */
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
    logger.error(`message ${record.messageId}: ${error.message}; it is moved to the dead-letter queue`);
    await queue.sendToDeadLetters(record);
    return undefined;
  }
}
