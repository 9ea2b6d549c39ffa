import type { Poll } from '../../../lambdas/model/job.ts';
import {
  leftAloneReasons,
  type PollSummary,
  unprocessableKinds,
} from '../../../lambdas/model/poll-summary.ts';

/** The summary of a poll of one page without findings, except for `counts`. It starts and ends at the poll's time. */
export function emptyPollSummary(poll: Poll, counts: Partial<PollSummary> = {}): PollSummary {
  return {
    version: 1,
    poll,
    ruleNames: [],
    startedAt: poll.asOf,
    finishedAt: poll.asOf,
    pages: 1,
    items: 0,
    findings: 0,
    duplicates: 0,
    deferred: 0,
    skipped: 0,
    skippedPlaces: 0,
    behind: [],
    closed: 0,
    unprocessable: zeros(unprocessableKinds),
    leftAlone: zeros(leftAloneReasons),
    unknownRegionLabels: {},
    jobs: 0,
    destinations: [],
    ...counts,
  };
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number>;
function zeros(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]));
}
