import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { describeError } from '../aws/errors.ts';
import { LeaseHeldError } from '../model/errors.ts';
import { logger } from './report.ts';
import { type Workshop, workOnMessage } from './work-on-message.ts';

/**
 * Works on the jobs of a batch, one after another: those of one account must not be worked on side by side. Jobs that
 * are not finished go back to the queue. They do not delay the others, not even of their account: a job says what to look
 * at, and not what it looked like, so that their order does not matter.
 */
export async function workOnBatch(
  event: SQSEvent,
  context: Context,
  workshop: Workshop,
): Promise<SQSBatchResponse> {
  /** The messages whose jobs another attempt works on. */
  const heldUntil = new Map<string, number | undefined>();
  const response = await processPartialResponse(
    event,
    async (record: SQSRecord) => {
      try {
        await workOnMessage(record, context, workshop);
      } catch (error) {
        if (error instanceof LeaseHeldError) heldUntil.set(record.messageId, error.until);
        throw error;
      }
    },
    new BatchProcessor(EventType.SQS),
    // Errors are counted and logged; that a whole batch failed is not an error of the function's own.
    { context, processInParallel: false, throwOnFullBatchFailure: false },
  );
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const record of event.Records) {
    if (failed.has(record.messageId)) await putBack(record, heldUntil.get(record.messageId), workshop);
  }
  return response;
}

/** Lets a message come back sooner than by its visibility timeout. */
async function putBack(
  record: SQSRecord,
  notBefore: number | undefined,
  { environment, queue }: Workshop,
): Promise<void> {
  if (queue.isDelayed(record)) return;
  const { MAX_RECEIVE_COUNT: maxReceiveCount, RETRY_DELAY_SECONDS: retryDelaySeconds } = environment;
  try {
    const policy = { maxReceiveCount, retryDelaySeconds, ...(notBefore !== undefined && { notBefore }) };
    await queue.putBack(record, policy);
  } catch (error) {
    // It then comes back when the queue's visibility timeout is over: later, but not lost.
    logger.warn(`message ${record.messageId} could not be put back sooner: ${describeError(error)}`);
  }
}
