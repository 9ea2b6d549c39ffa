import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { clientDefaults } from '../aws/client-defaults.ts';
import { JobQueue } from '../aws/job-queue.ts';
import { systemClock } from '../model/clock.ts';
import { parseEnvironment } from '../model/environment.ts';
import { createRemediator } from './create-remediator.ts';
import { environmentSchema } from './environment.ts';
import { logger } from './report.ts';
import { workOnBatch } from './work-on-batch.ts';
import type { Workshop } from './work-on-message.ts';

/**
 * Dependencies, which are created in the first invocation, so that an invalid environment is an error of that
 * invocation.
 */
let ready: Workshop | undefined;

function prepare(): Workshop {
  const environment = parseEnvironment(environmentSchema, process.env);
  const { NAME: name, AWS_REGION: region } = environment;
  const queue = new JobQueue({ name, region, clock: systemClock, clientOptions: clientDefaults });
  return { environment, queue, remediator: createRemediator(environment, queue, logger) };
}

/**
 * Processes the messages of a batch.
 * @throws InvalidInputError if the function's environment variables are invalid
 */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  logger.addContext(context);
  ready ??= prepare();
  return workOnBatch(event, context, ready);
}
