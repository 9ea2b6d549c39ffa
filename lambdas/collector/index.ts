import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { asError } from '../aws/errors.ts';
import { count } from '../aws/metrics.ts';
import { parseEnvironment } from '../model/environment.ts';
import type { FailingRules } from '../model/failing-rules.ts';
import { epochSeconds, pollId } from '../model/job.ts';
import { type PollSummary, sum } from '../model/poll-summary.ts';
import type { SourceChecks } from './check-sources.ts';
import { type Collector, createCollector } from './create-collector.ts';
import { withDeadline } from './deadline.ts';
import { type Environment, environmentSchema } from './environment.ts';
import { type PollRequest, parsePollRequest } from './poll-request.ts';

/** Time that is reserved for reporting a timeout. */
const MARGIN_MILLISECONDS = 5_000;

/** The event of the schedule that checks whether all rules are polled. */
const checkSchema = z.strictObject({ check: z.literal('polls') });
/** The event with which an operator checks whether sources answer. */
const checkSourcesSchema = z.strictObject({ check: z.literal('sources') });

/** The event with which an operator lists failing rules, for the command `coverage`. */
const failingRulesSchema = z.strictObject({ list: z.literal('failing_rules') });

/** Maximum number of accounts and regions that a log line names. */
const SHOWN_PLACES = 5;

const logger = new Logger();

/** Parts that are created in the first poll, so that an error in the environment is logged and counted as a failed poll. */
let ready: { readonly environment: Environment; readonly collector: Collector } | undefined;

function prepare() {
  const environment = parseEnvironment(environmentSchema, process.env);
  return { environment, collector: createCollector(environment) };
}

/**
 * Reports items that the request's filter should have excluded. They suggest that the source has renamed the rule or
 * its cloud.
 */
function reportUnmatched({ poll, items, leftAlone, ruleNames }: PollSummary): void {
  const { muted: _, ...byReason } = leftAlone;
  const unmatched = sum(byReason);
  if (unmatched === 0) return;
  count('UnmatchedItems', unmatched, poll.rule);
  logger.warn(
    `${unmatched} of ${items} items of rule ${poll.rule} were not requested, and are ignored: ${byReason.other_rule} of another rule, ${byReason.other_cloud} of another cloud, ${byReason.passed} passed; if Netskope has renamed the rule, add its name to "netskope_rule_names"`,
    { unmatched: byReason, ruleNames },
  );
}

/**
 * Reports the accounts and regions that got no jobs because their previous jobs are pending. Those that have lagged for
 * a long time are logged, and counted unless an alarm already reports the cause.
 */
function reportSkipped({ poll, skipped, skippedPlaces, behind }: PollSummary): void {
  if (skippedPlaces > 0) {
    count('PollSkipped', skippedPlaces, poll.rule);
    logger.info(
      `${skipped} findings of ${skippedPlaces} accounts and regions are left to the next poll, because their previous jobs are still pending`,
    );
  }
  if (behind.length === 0) return;
  const unreported = behind.filter(({ alarms }) => alarms.length === 0);
  if (unreported.length > 0) count('PollSkippedLasting', unreported.length);
  const shown = behind.slice(0, SHOWN_PLACES).map(({ account, region, since, alarms }) => {
    const reported = alarms.length === 0 ? '' : ` (reported by ${alarms.join(', ')} there)`;
    return `${account} in ${region} since ${since}${reported}`;
  });
  logger.warn(
    `jobs of rule ${poll.rule} have been pending for a long time in ${behind.length} accounts and regions, so polls skip them: ${shown.join('; ')}. Find out why they do not finish, or poll less often`,
    { behind },
  );
}

function report(summary: PollSummary, environment: Environment): void {
  const { poll, destinations, behind, version, ...counts } = summary;
  const unprocessable = sum(summary.unprocessable);
  count('PollSucceeded', 1, poll.rule);
  reportUnmatched(summary);
  reportSkipped(summary);
  // A metric costs money for each hour in which it has a value, even zero.
  if (summary.findings > 0) count('Findings', summary.findings, poll.rule);
  if (summary.unprocessable.unknown_region_label > 0) {
    count('UnknownRegionLabel', summary.unprocessable.unknown_region_label);
  }
  for (const [label, findings] of Object.entries(summary.unknownRegionLabels)) {
    logger.warn(
      `region label ${JSON.stringify(label)} is unknown: ${findings} findings were not processed; add it to the "region_labels" variable with its region's code`,
      { label, findings },
    );
  }
  if (unprocessable > 0) {
    count('Unprocessable', unprocessable, poll.rule);
    count('UnprocessableFindings', unprocessable);
    logger.warn(
      `${unprocessable} findings could not become jobs; each has its reason in s3://${environment.EVIDENCE_BUCKET}/unprocessable/${poll.rule}/${epochSeconds(poll)}/`,
      { unprocessable: summary.unprocessable },
    );
  }
  logger.info(
    `poll ${pollId(poll)}: ${summary.findings} findings in ${summary.jobs} jobs to ${destinations.length} accounts and regions`,
    counts,
  );
}

/** Reports rules whose last successful poll is too long ago. */
async function checkOverdue(collector: Collector): Promise<{ overdue: string[] }> {
  await collector.noteSchedules();
  const overdue = await collector.overdue();
  count('PollsChecked', 1);
  if (overdue.length > 0) count('PollOverdue', overdue.length);
  for (const { rule, reason } of overdue) logger.error(reason, { rule });
  return { overdue: overdue.map(({ rule }) => rule) };
}

/** Lists the failing rules. An error is returned to the caller and does not count as a failed poll. */
async function listFailingRules(context: Context): Promise<FailingRules> {
  ready ??= prepare();
  const { collector } = ready;
  return withDeadline(context.getRemainingTimeInMillis() - MARGIN_MILLISECONDS, (signal) =>
    collector.failingRules(signal),
  );
}

/**
 * Polls one rule. For `{"check": "polls"}`, it finds rules that are not polled; for `{"check": "sources"}`, it checks
 * whether the sources answer; for `{"list": "failing_rules"}`, it lists their failing rules. Started by EventBridge
 * Scheduler, or by hand with `{"rule": id}`.
 * @throws the error of the poll: Lambda retries it, then sends the event to the dead-letter queue
 */
export async function handler(
  event: unknown,
  context: Context,
): Promise<
  Omit<PollSummary, 'destinations'> | { overdue: string[] } | { sources: SourceChecks } | FailingRules
> {
  logger.addContext(context);
  if (failingRulesSchema.safeParse(event).success) return listFailingRules(context);
  let request: PollRequest | undefined;
  try {
    ready ??= prepare();
    const { environment, collector } = ready;
    if (checkSchema.safeParse(event).success) return await checkOverdue(collector);
    if (checkSourcesSchema.safeParse(event).success) return { sources: await collector.checkSources() };
    const parsed = parsePollRequest(event, new Date());
    request = parsed;
    await collector.noteSchedules();
    const summary = await withDeadline(context.getRemainingTimeInMillis() - MARGIN_MILLISECONDS, (signal) =>
      collector.collect(parsed, signal),
    );
    if (summary.poll.plans !== true) report(summary, environment);
    const { destinations: _, ...counts } = summary;
    return counts;
  } catch (error) {
    // The operator who requested a plan gets the error, so it does not count as a failed poll.
    if (request?.poll.plans !== true) count('PollFailed', 1);
    const poll = request === undefined ? 'a poll' : `poll ${pollId(request.poll)}`;
    const thrown = asError(error);
    logger.error(
      `${poll} failed: ${thrown.message}. It is retried; if the retries fail, too, fix the cause and invoke the function with the event from the polls' dead-letter queue`,
      { error: thrown },
    );
    throw error;
  }
}
