import { isDeepStrictEqual } from 'node:util';
import { foundNothing, mayBeSameCall } from '../../changes/made-by.ts';
import type { AppliedChange, Outcome, RecordedChange } from '../../model/outcome.ts';

/**
 * Adds to an outcome the changes that another job of the poll recorded for the same finding. The outcome replaces that
 * job's line, so it must list all changes.
 * @param other the outcome that counts so far
 * @param own the lines of this job, whose changes are not added again
 */
export function takePlace(outcome: Outcome, other: Outcome, own: readonly Outcome[]): Outcome {
  const known = [outcome, ...own];
  const further = notIn(
    other.applied,
    known.flatMap((each) => each.applied),
  );
  const unconfirmed = notIn(
    other.unconfirmed ?? [],
    known.flatMap((each) => each.unconfirmed ?? []),
  ).filter(({ line }) => !outcome.applied.some((each) => each.line === line && foundNothing(each.change)));
  if (further.length === 0 && unconfirmed.length === 0) return outcome;
  const applied = withoutSuperseded(further, outcome.applied);
  const planned = [...(outcome.earlierPlan ?? []), ...(other.earlierPlan ?? []), ...other.plan];
  const earlierPlan = notIn(planned, outcome.plan);
  const reasons = [
    ...(outcome.reason === undefined ? [] : [outcome.reason]),
    ...(applied.length === 0 ? [] : ['another job of this poll made some of these changes']),
    ...(unconfirmed.length === 0 || other.reason === undefined
      ? []
      : [`another job of this poll: ${other.reason}`]),
  ];
  const seen = other.seen ?? outcome.seen;
  const isRemediated = outcome.outcome === 'compliant' && applied.length > 0;
  return {
    ...outcome,
    outcome: isRemediated ? 'remediated' : outcome.outcome,
    ...(reasons.length > 0 && { reason: reasons.join('; ') }),
    ...(seen !== undefined && { seen }),
    applied: [...applied, ...withoutSuperseded(outcome.applied, further)].sort(byTime),
    ...(unconfirmed.length > 0 && { unconfirmed: [...(outcome.unconfirmed ?? []), ...unconfirmed] }),
    ...(earlierPlan.length > 0 && { earlierPlan }),
    startedAt:
      Date.parse(other.startedAt) < Date.parse(outcome.startedAt) ? other.startedAt : outcome.startedAt,
  };
}

/** Returns the changes that are not in `known`. */
export function notIn<T extends RecordedChange>(
  changes: readonly T[],
  known: readonly RecordedChange[],
): T[] {
  return changes.filter((change) => !known.some((each) => isDeepStrictEqual(each, change)));
}

function withoutSuperseded(
  changes: readonly AppliedChange[],
  others: readonly AppliedChange[],
): AppliedChange[] {
  return changes.filter((change) => !others.some((other) => isSupersededBy(change, other)));
}

/**
 * Checks whether a change that was found by a read was in fact made by another job. That job began its change when
 * reads still showed the resource without it, so this job's call, which was not answered, had no effect. A change that
 * was found by a mark was made by the call that set the mark.
 */
export function isSupersededBy(
  { change, line, found, appliedAt }: AppliedChange,
  other: AppliedChange,
): boolean {
  if (found !== true || other.line !== line || !mayBeSameCall(change, other.change)) return false;
  return other.found !== true || Date.parse(other.appliedAt) > Date.parse(appliedAt);
}

function byTime(one: AppliedChange, other: AppliedChange): number {
  return Date.parse(one.appliedAt) - Date.parse(other.appliedAt);
}
