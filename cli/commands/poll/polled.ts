import { pollId } from '../../../lambdas/model/job.ts';
import { type PollSummary, sum } from '../../../lambdas/model/poll-summary.ts';
import type { StartedPoll } from '../../polls/run.ts';
import type { WatchedPoll } from '../../polls/watch.ts';
import type { Polled } from './result.ts';

/** Converts a poll to its form in results. */
export function polledOf(
  started: StartedPoll,
  summary: PollSummary | undefined,
  watched: WatchedPoll | undefined,
): Polled {
  if ('problem' in started) return started;
  const { rule, poll } = started;
  return {
    rule,
    as_of: poll.asOf,
    session: pollId(poll),
    ...(summary !== undefined && {
      findings: summary.findings,
      skipped: summary.skipped,
      left_to_source: summary.deferred,
      unprocessable: sum(summary.unprocessable),
    }),
    ...(watched !== undefined && { outcomes: countsOf(watched), without_outcome: watched.missing }),
  };
}

function countsOf({ lines }: WatchedPoll): NonNullable<Polled['outcomes']> {
  const counts: NonNullable<Polled['outcomes']> = {};
  for (const { outcome } of lines) counts[outcome.outcome] = (counts[outcome.outcome] ?? 0) + 1;
  return counts;
}

/** Cells of a table of polls: the rule, its findings, and their outcomes. */
export function polledCells(
  { rule, problem, findings = 0, ...polled }: Polled,
  alert: (text: string) => string,
): string[] {
  if (problem !== undefined) return [rule, '-', alert(problem)];
  const {
    outcomes,
    without_outcome: without = 0,
    skipped = 0,
    unprocessable = 0,
    left_to_source: left = 0,
  } = polled;
  const counts = Object.entries(outcomes ?? {}).map(([outcome, number]) => `${number} ${outcome}`);
  const rest = [
    [without, 'without outcome yet'],
    [skipped, 'left to the next poll'],
    [left, "left to Netskope's own remediation"],
    [unprocessable, 'unprocessable'],
  ].flatMap(([number, words]) => (number === 0 ? [] : `${number} ${words}`));
  return [rule, String(findings), [...counts, ...rest].join(', ')];
}
