import { Logger } from '@aws-lambda-powertools/logger';
import { asError, describeError, errorKind } from '../aws/errors.ts';
import { count } from '../aws/metrics.ts';
import { TakeBackError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import { type Job, pollId } from '../model/job.ts';
import { type MetricName, metricOf } from '../model/metrics.ts';
import type { Outcome } from '../model/outcome.ts';
import { linesOf } from '../model/outcome-event.ts';
import type { OutcomeName } from '../model/outcome-names.ts';
import type { JobResult, Unfinished } from './job-result.ts';

export const logger = new Logger();

/** Logs an error at the level of its kind. */
export function logError(words: string, error: unknown): void {
  const kind = errorKind(error);
  if (kind === 'unavailable') logger.warn(words);
  else if (kind === 'refused') logger.error(words);
  // An unexpected error is logged with its stack trace.
  else logger.error(words, asError(error));
}

/** Reports the result of an attempt in logs and metrics. */
export function report(job: Job, result: JobResult): void {
  if (job.poll.plans === true) {
    logger.info(`${pollId(job.poll)}: ${result.outcomes.length} findings planned in account ${job.account}`);
  } else {
    result.news.forEach(logOutcome);
    logSame(job, result);
    if (result.isPublished) countOutcomes(job, result);
    countAttempt(job, result);
  }
  const isStopped = result.settingsError !== undefined || result.outcomes.some(isStoppedBySettings);
  countIf('SettingsInvalid', isStopped ? 1 : 0);
  if (result.settingsError !== undefined) logger.error(result.settingsError.message);
  result.unfinished.forEach(logUnfinished);
  for (const { finding, reason, stillOpen } of result.inProgress) {
    const words = `in progress: ${nameOf(finding)}: ${reason}`;
    if (stillOpen === undefined) logger.info(words);
    else logger.error(words);
  }
  for (const failure of result.failures) {
    logError(
      `the outcomes are in the evidence bucket, but the job is unfinished: ${describeError(failure)}`,
      failure,
    );
  }
  const errors = [...result.unfinished.map(({ error }) => error), ...result.failures];
  countIf('UnexpectedError', errors.filter((error) => errorKind(error) === 'bug').length);
  const waiting = result.inProgress.filter(({ stillOpen }) => stillOpen !== undefined);
  countIf('TakeBackFailed', errors.filter((error) => error instanceof TakeBackError).length + waiting.length);
}

/** Counts outcomes together with their events, so that a repeated attempt to send the events does not count twice. */
function countOutcomes({ poll }: Job, result: JobResult): void {
  const { outcomes, deferrals, isRoleMissing, isBreakerOpen } = result;
  const counts = new Map<OutcomeName, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  for (const [outcome, number] of counts) count(metricOf(outcome), number, poll.rule);
  // The following metrics have no rule, because the region's alarms use them. A missing role is reported once, not per
  // finding, and so are failures that opened the breaker, by its notice.
  if (!isRoleMissing && !isBreakerOpen) countIf('FailedFindings', outcomes.filter(isReported).length);
  countIf('RecurringFindings', outcomes.filter(({ recurring }) => recurring !== undefined).length);
  countIf('LastingDeferrals', deferrals.lasting);
  countIf('OldestDeferral', deferrals.oldestDays);
  const numberAt = (gate: Outcome['gate']): number => outcomes.filter((each) => each.gate === gate).length;
  countIf('HeldFindings', numberAt('hold'));
  countIf('LimitReached', numberAt('limit'));
  countIf('BreakerOpen', Math.min(1, numberAt('breaker')));
}

/** Counts what only this attempt knows. */
function countAttempt({ poll }: Job, result: JobResult): void {
  const { counted, accountLimitUsed, countsBreaker, isRoleMissing } = result;
  countIf('RoleMissing', isRoleMissing ? 1 : 0);
  if (counted > 0) count('ChangedResources', counted, poll.rule);
  if (accountLimitUsed !== undefined) count('AccountLimitUsed', accountLimitUsed, poll.rule);
  countIf('OpenBreakers', countsBreaker ? 1 : 0);
}

/**
 * Checks whether an outcome is a failure without another alarm or notice: dead letters, incomplete changes, and
 * settings have their own.
 */
function isReported(outcome: Outcome): boolean {
  const { deadLetter, stillOpen } = outcome;
  const hasOwnMessage = deadLetter === true || stillOpen === true || isStoppedBySettings(outcome);
  return outcome.outcome === 'failed' && !hasOwnMessage;
}

function isStoppedBySettings({ gate }: Outcome): boolean {
  return gate === 'settings';
}

function countIf(metric: MetricName, number: number): void {
  if (number > 0) count(metric, number);
}

function nameOf({ rule, account, region, resource }: Finding): string {
  return `${rule} ${account} ${region} ${resource}`;
}

/** Logs an outcome. */
export function logOutcome(recorded: Outcome): void {
  const { outcome, finding, reason, plan, applied, willRetry, deadLetter } = recorded;
  const words = `${outcome}: ${nameOf(finding)}${reason === undefined ? '' : `: ${reason}`}`;
  const { rule, account, region, resource } = finding;
  const details = {
    outcome,
    rule,
    account,
    region,
    resource,
    plan: linesOf(plan),
    applied: linesOf(applied),
    ...(willRetry !== undefined && { willRetry }),
    ...(deadLetter !== undefined && { deadLetter }),
  };
  if (outcome === 'failed') logger.error(words, details);
  else logger.info(words, details);
}

/** Logs how many outcomes are unchanged. Each is in the evidence, and was logged when it was new. */
function logSame({ poll, account }: Job, { outcomes, news }: JobResult): void {
  const same = outcomes.length - news.length;
  if (same === 0) return;
  logger.info(
    `${pollId(poll)}: ${same} of ${outcomes.length} outcomes in account ${account} are unchanged since the last poll`,
  );
}

function logUnfinished({ finding, error, applied }: Unfinished): void {
  logError(`unfinished: ${nameOf(finding)}: ${describeError(error)}`, error);
  if (applied.length === 0) return;
  logger.warn(`applied to ${finding.resource} so far`, { applied: linesOf(applied) });
}
