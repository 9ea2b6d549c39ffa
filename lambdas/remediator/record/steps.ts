import { createHash } from 'node:crypto';
import { CLOCKS_DIFFER_MILLISECONDS } from '../../model/clock.ts';
import type { JournalRecord } from '../../model/journal.ts';
import type { AppliedChange } from '../../model/outcome.ts';

/** A note that a change was begun, or applied to its end. All of a resource, in order. */
export type Step = NonNullable<JournalRecord['resources'][number]['steps']>[number];

/** Makes the step of a change that is about to be made. */
export const begunStep = (line: string, at: Date, others?: readonly string[]): Step => ({
  is: 'begun',
  line,
  at: at.toISOString(),
  ...(others !== undefined && { others: [...others] }),
});

/** @returns -1 where it was not, or an older version noted it */
function lastOf(steps: readonly Step[], line: string, is: Step['is']): number {
  return steps.findLastIndex((step) => step.line === line && step.is === is);
}

/** Reports whether a change was begun again after it was applied: what is recorded of it was made before. */
export function isBegunAgain(steps: readonly Step[], line: string): boolean {
  return lastOf(steps, line, 'begun') > lastOf(steps, line, 'applied');
}

/** Orders changes by when they were begun last. */
export function byBegin(steps: readonly Step[], one: string, other: string): number {
  return lastOf(steps, one, 'begun') - lastOf(steps, other, 'begun');
}

/** Finds when a change was begun last. */
export function beginOf(steps: readonly Step[], line: string): Date | undefined {
  const step = steps[lastOf(steps, line, 'begun')];
  return step?.is === 'begun' ? new Date(step.at) : undefined;
}

type Other = Pick<AppliedChange, 'line' | 'appliedAt' | 'found'>;

/** A short name of another job's change, the same wherever it is recorded. */
export function nameOfOther({ line, appliedAt }: Other): string {
  return createHash('sha256').update(`${appliedAt} ${line}`).digest('hex').slice(0, 12);
}

/**
 * Reports whether another job's change may have been made, or recorded, after a moment of another clock. One that was found by
 * reading has the time at which it was begun, and may be recorded much later.
 */
export const mayBeSince = (moment: number, { appliedAt, found }: Other): boolean =>
  found === true || Date.parse(appliedAt) > moment - CLOCKS_DIFFER_MILLISECONDS;

/**
 * Reports whether another job's change was made after one was begun last; undefined if an older version did not note when.
 * What was known then was made before, whatever the clocks say: that of another function may be minutes off.
 */
export function isByOtherSince(steps: readonly Step[], line: string, other: Other): boolean | undefined {
  const step = steps[lastOf(steps, line, 'begun')];
  if (step?.is !== 'begun') return undefined;
  const begunAt = Date.parse(step.at);
  if (step.others === undefined) return Date.parse(other.appliedAt) >= begunAt;
  return mayBeSince(begunAt, other) && !step.others.includes(nameOfOther(other));
}

/** The steps without the last begin of a change that was not made. */
export function withoutBegin(steps: readonly Step[], line: string): Step[] {
  const last = lastOf(steps, line, 'begun');
  return steps.filter((_, index) => index !== last);
}
