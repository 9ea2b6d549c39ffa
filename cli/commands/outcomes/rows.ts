import { findingKey } from '../../../lambdas/model/finding.ts';
import { pollId } from '../../../lambdas/model/job.ts';
import type { Line } from '../../deployed/outcomes.ts';
import type { OutcomeRow } from './result.ts';

/** Converts a line to a row. */
function rowOf({ outcome: line, evidence }: Line): OutcomeRow {
  const { rule, account, region, resource } = line.finding;
  return {
    at: line.finishedAt,
    first_at: line.finishedAt,
    polls: 1,
    rule,
    account,
    region,
    resource,
    outcome: line.outcome,
    reason: line.reason,
    gate: line.gate,
    mode: line.mode,
    changes: line.applied.map((change) => change.line),
    request_ids: line.applied.flatMap(({ requestIds }) => requestIds),
    ...(line.unconfirmed !== undefined && { unconfirmed: line.unconfirmed.map((change) => change.line) }),
    ...(line.undo !== undefined && { undo: { by: line.undo.by, reason: line.undo.reason } }),
    session: pollId(line.poll),
    evidence,
  };
}

/** Converts lines to rows. Consecutive polls in which a finding had the same outcome and nothing was changed share a row. */
export function rowsOf(lines: readonly Line[], isFolded: boolean): OutcomeRow[] {
  const rows: OutcomeRow[] = [];
  const last = new Map<string, OutcomeRow>();
  for (const line of [...lines].sort(byTime)) {
    const row = rowOf(line);
    const key = findingKey(line.outcome.finding);
    const before = last.get(key);
    if (isFolded && before !== undefined && isSame(before, row)) {
      const { first_at, polls } = before;
      Object.assign(before, row, { first_at, polls: polls + 1 });
      continue;
    }
    rows.push(row);
    last.set(key, row);
  }
  return rows.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function isSame(one: OutcomeRow, other: OutcomeRow): boolean {
  return (
    one.undo === undefined &&
    other.undo === undefined &&
    one.outcome === other.outcome &&
    one.gate === other.gate &&
    hasNoChange(one) &&
    hasNoChange(other)
  );
}

function hasNoChange({ changes, unconfirmed = [] }: OutcomeRow): boolean {
  return changes.length === 0 && unconfirmed.length === 0;
}

function byTime({ outcome: one }: Line, { outcome: other }: Line): number {
  return (
    Date.parse(one.poll.asOf) - Date.parse(other.poll.asOf) ||
    Date.parse(one.finishedAt) - Date.parse(other.finishedAt)
  );
}
