import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { describeError } from '../aws/errors.ts';
import { LeaseHeldError } from '../model/errors.ts';
import { logger } from './report.ts';
import { type Workshop, workOnMessage } from './work-on-message.ts';

/**
 * Processes the messages of a batch one after another, because the jobs of one account must not run in parallel.
 * Unfinished jobs return to the queue. The others are processed nevertheless, even those of the same account: a job
 * says what to check, not what state it was in, so the order does not matter.
 */
export async function workOnBatch(
  event: SQSEvent,
  context: Context,
  workshop: Workshop,
): Promise<SQSBatchResponse> {
  /** Messages whose jobs another attempt is working on, with the end of its lease. */
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
    // Errors are already counted and logged, so a batch in which every message failed is not an error of the function.
    { context, processInParallel: false, throwOnFullBatchFailure: false },
  );
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const record of event.Records) {
    if (failed.has(record.messageId)) await putBack(record, heldUntil.get(record.messageId), workshop);
  }
  return response;
}

/** Makes a message available again before its visibility timeout ends. */
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
    // The message returns when the queue's visibility timeout has ended: later, but it is not lost.
    logger.warn(
      `message ${record.messageId} returns only after the visibility timeout, which could not be shortened: ${describeError(error)}`,
    );
  }
}
