import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { clientDefaults } from '../aws/client-defaults.ts';
import { describeError } from '../aws/errors.ts';
import { JobQueue } from '../aws/job-queue.ts';
import { systemClock } from '../model/clock.ts';
import { parseEnvironment } from '../model/environment.ts';
import { LeaseHeldError } from '../model/errors.ts';
import { createRemediator } from './create-remediator.ts';
import { environmentSchema } from './environment.ts';
import { logger } from './report.ts';
import { type Workshop, workOnMessage } from './work-on-message.ts';

/** Made in the first invocation, so that what is wrong with the environment is an error of that invocation. */
let ready: Workshop | undefined;

function prepare(): Workshop {
  const environment = parseEnvironment(environmentSchema, process.env);
  const { NAME: name, AWS_REGION: region } = environment;
  const queue = new JobQueue({ name, region, clock: systemClock, clientOptions: clientDefaults });
  return { environment, queue, remediate: createRemediator(environment, queue, logger) };
}

/**
 * Works on the jobs of a batch, one after another: those of one account must not be worked on side by side. Jobs that
 * are not finished go back to the queue. They hold up no others, not even of their account: a job says what to look
 * at, and not what it looked like, so that their order does not matter.
 * @throws InvalidInputError when the function's environment variables are wrong
 */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  logger.addContext(context);
  ready ??= prepare();
  const workshop = ready;
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
  const { MAX_RECEIVE_COUNT: maxReceiveCount, RETRY_DELAY_SECONDS: retryDelaySeconds } = workshop.environment;
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const record of event.Records) {
    if (!failed.has(record.messageId) || workshop.queue.isDelayed(record)) continue;
    try {
      const notBefore = heldUntil.get(record.messageId);
      await workshop.queue.putBack(record, {
        maxReceiveCount,
        retryDelaySeconds,
        ...(notBefore !== undefined && { notBefore }),
      });
    } catch (error) {
      // It then comes back when the queue's visibility timeout is over: later, but not lost.
      logger.warn(`message ${record.messageId} could not be put back sooner: ${describeError(error)}`);
    }
  }
  return response;
}
