import { isDeepStrictEqual } from 'node:util';
import { foundNothing, mayBeSameCall } from '../../changes/made-by.ts';
import type { AppliedChange, Outcome, RecordedChange } from '../../model/outcome.ts';

/**
 * Adds to an outcome what another job of the poll recorded of the same finding, as its line takes that line's place: what was
 * changed, by whomever, is in the line that counts.
 * @param other what stands by now
 * @param own the lines of this job: what the other one has from these, this job knows better
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

/** Picks the changes that are not among others. */
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
 * Reports whether a change that was found made is another one's doing: that one was begun on a look that still showed the
 * resource without it, so the call whose answer was lost had no effect. What was found by a mark was made by the call that
 * gave it this mark.
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
