import { describeError, errorKind } from '../../aws/errors.ts';
import { count } from '../../aws/metrics.ts';
import { metricOf } from '../../model/metrics.ts';
import { logError, logger, logOutcome } from '../report.ts';
import type { Answer } from './act-on-request.ts';

/** Reports the result of an attempt at a request in logs and metrics. */
export function reportAnswer({ outcomes, over, ignored, waiting = [], failures = [] }: Answer): void {
  for (const outcome of outcomes) {
    logOutcome(outcome);
    count(metricOf(outcome.outcome), 1, outcome.poll.rule);
  }
  if (over !== undefined) logger.info(over);
  if (ignored !== undefined) {
    count('RequestIgnored', 1);
    logger.warn(`${ignored}: nothing was changed`);
  }
  for (const words of waiting) logger.info(`undo in progress: ${words}`);
  for (const failure of failures) logError(`undo unfinished: ${describeError(failure)}`, failure);
  const bugs = failures.filter((failure) => errorKind(failure) === 'bug').length;
  if (bugs > 0) count('UnexpectedError', bugs);
}
