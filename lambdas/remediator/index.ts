import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { clientDefaults } from '../aws/client-defaults.ts';
import { describeError, errorKind } from '../aws/errors.ts';
import { JobQueue, type RetryPolicy } from '../aws/job-queue.ts';
import { count } from '../aws/metrics.ts';
import { systemClock } from '../model/clock.ts';
import { parseEnvironment } from '../model/environment.ts';
import { InvalidInputError, UnfinishedJobError } from '../model/errors.ts';
import { type Job, pollId } from '../model/job.ts';
import { metricOf } from '../model/metrics.ts';
import type { Outcome } from '../model/outcome.ts';
import { linesOf } from '../model/outcome-event.ts';
import type { OutcomeName } from '../model/outcome-names.ts';
import { createRemediator } from './create-remediator.ts';
import { type Environment, environmentSchema } from './environment.ts';
import { parseJob } from './parse-job.ts';
import type { JobResult } from './remediate.ts';

const logger = new Logger();

/** Made in the first invocation, so that what is wrong with the environment is an error of that invocation. */
let ready: ReturnType<typeof prepare> | undefined;

function prepare() {
  const environment = parseEnvironment(environmentSchema, process.env);
  const { NAME: name, AWS_REGION: region } = environment;
  const queue = new JobQueue({ name, region, clock: systemClock, clientOptions: clientDefaults });
  return { environment, queue, remediate: createRemediator(environment, queue, logger) };
}

function retryPolicy({ MAX_RECEIVE_COUNT, RETRY_DELAY_SECONDS }: Environment): RetryPolicy {
  return { maxReceiveCount: MAX_RECEIVE_COUNT, retryDelaySeconds: RETRY_DELAY_SECONDS };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function logOutcome({ outcome, finding, reason, plan, applied, willRetry, deadLetter }: Outcome): void {
  const words = `${outcome}: ${finding.rule} ${finding.account} ${finding.region} ${finding.resource}${reason === undefined ? '' : `: ${reason}`}`;
  const details = {
    outcome,
    rule: finding.rule,
    account: finding.account,
    region: finding.region,
    resource: finding.resource,
    plan: linesOf(plan),
    applied: linesOf(applied),
    ...(willRetry !== undefined && { willRetry }),
    ...(deadLetter !== undefined && { deadLetter }),
  };
  if (outcome === 'failed') logger.error(words, details);
  else logger.info(words, details);
}

function logError(words: string, error: unknown): void {
  const kind = errorKind(error);
  if (kind === 'unavailable') logger.warn(words);
  else if (kind === 'refused') logger.error(words);
  // Of an error that nobody expected, one wants to know where it came from.
  else logger.error(words, asError(error));
}

function logUnfinished({ finding, error, facts }: JobResult['unfinished'][number]): void {
  logError(
    `unfinished: ${finding.rule} ${finding.account} ${finding.region} ${finding.resource}: ${describeError(error)}`,
    error,
  );
  if (facts.applied.length === 0) return;
  logger.warn(`applied to ${finding.resource} so far`, { applied: linesOf(facts.applied) });
}

/** Tells logs and metrics what came of a job. */
function report(job: Job, { outcomes, unfinished, inProgress, settingsError, failures }: JobResult): void {
  const counts = new Map<OutcomeName, number>();
  for (const outcome of outcomes) {
    logOutcome(outcome);
    counts.set(outcome.outcome, (counts.get(outcome.outcome) ?? 0) + 1);
  }
  for (const [outcome, number] of counts) count(metricOf(outcome), number, job.poll.rule);
  // Of all rules together: what the region's alarm looks at.
  const failed = counts.get('failed');
  if (failed !== undefined) count('FailedFindings', failed);
  if (settingsError !== undefined) {
    count('SettingsInvalid', 1);
    logger.error(settingsError.message);
  }
  for (const each of unfinished) logUnfinished(each);
  for (const { finding, reason } of inProgress) {
    logger.info(
      `in progress: ${finding.rule} ${finding.account} ${finding.region} ${finding.resource}: ${reason}`,
    );
  }
  for (const failure of failures) {
    logError(`the outcomes are in the evidence bucket, but: ${describeError(failure)}`, failure);
  }
  const errors = [...unfinished.map(({ error }) => error), ...failures];
  const bugs = errors.filter((error) => errorKind(error) === 'bug').length;
  if (bugs > 0) count('UnexpectedError', bugs);
}

async function work(
  record: SQSRecord,
  context: Context,
  { environment, queue, remediate }: ReturnType<typeof prepare>,
): Promise<void> {
  let job: Job;
  try {
    job = parseJob(record.body, environment.AWS_REGION);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    count('InvalidMessage', 1);
    logger.error(`message ${record.messageId}: ${error.message}; it goes to the dead-letter queue`);
    return queue.sendToDeadLetters(record);
  }
  if (queue.isDelayed(record)) return queue.forward(job);
  const received = Number(record.attributes.ApproximateReceiveCount);
  const result = await remediate(job, {
    number: received,
    last: received >= environment.MAX_RECEIVE_COUNT,
    remainingMilliseconds: () => context.getRemainingTimeInMillis(),
  });
  report(job, result);
  if (result.unfinished.length > 0 || result.failures.length > 0) {
    throw new UnfinishedJobError(
      `job of ${pollId(job.poll)} for account ${job.account}: ${result.unfinished.length} of ${job.findings.length} findings are unfinished after attempt ${received} of ${environment.MAX_RECEIVE_COUNT}`,
    );
  }
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
  const prepared = ready;
  const response = await processPartialResponse(
    event,
    async (record: SQSRecord) => {
      try {
        await work(record, context, prepared);
      } catch (error) {
        if (error instanceof UnfinishedJobError) logger.warn(`message ${record.messageId}: ${error.message}`);
        else {
          logError(`message ${record.messageId}: ${describeError(error)}`, error);
          if (errorKind(error) === 'bug') count('UnexpectedError', 1);
        }
        throw error;
      }
    },
    new BatchProcessor(EventType.SQS),
    // What went wrong is counted and logged; that a whole batch did is not an error of the function's own.
    { context, processInParallel: false, throwOnFullBatchFailure: false },
  );
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const record of event.Records) {
    if (!failed.has(record.messageId) || prepared.queue.isDelayed(record)) continue;
    try {
      await prepared.queue.putBack(record, retryPolicy(prepared.environment));
    } catch (error) {
      // It then comes back when the queue's visibility timeout is over: later, but not lost.
      logger.warn(`message ${record.messageId} could not be put back sooner: ${describeError(error)}`);
    }
  }
  return response;
}
