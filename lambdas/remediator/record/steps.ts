import { createHash } from 'node:crypto';
import { CLOCKS_DIFFER_MILLISECONDS } from '../../model/clock.ts';
import type { JournalRecord } from '../../model/journal.ts';
import type { AppliedChange } from '../../model/outcome.ts';

/** A note that a change was begun or completely applied. A resource has a list of them, in order. */
export type Step = NonNullable<JournalRecord['resources'][number]['steps']>[number];

/** Makes the step of a change that is about to be made. */
export const begunStep = (line: string, at: Date, others?: readonly string[]): Step => ({
  is: 'begun',
  line,
  at: at.toISOString(),
  ...(others !== undefined && { others: [...others] }),
});

/** Finds the last step of a change. @returns -1 if there is none, or an older version noted the change */
function lastOf(steps: readonly Step[], line: string, is: Step['is']): number {
  return steps.findLastIndex((step) => step.line === line && step.is === is);
}

/** Reports whether a change was begun again after it was applied, so that its record belongs to the earlier application. */
export function isBegunAgain(steps: readonly Step[], line: string): boolean {
  return lastOf(steps, line, 'begun') > lastOf(steps, line, 'applied');
}

/** Orders changes by the time at which they were last begun. */
export function byBegin(steps: readonly Step[], one: string, other: string): number {
  return lastOf(steps, one, 'begun') - lastOf(steps, other, 'begun');
}

/** Returns the time at which a change was last begun. */
export function beginOf(steps: readonly Step[], line: string): Date | undefined {
  const step = steps[lastOf(steps, line, 'begun')];
  return step?.is === 'begun' ? new Date(step.at) : undefined;
}

type Other = Pick<AppliedChange, 'line' | 'appliedAt' | 'found'>;

/** Builds a short name of another job's change, which is the same wherever the change is recorded. */
export function nameOfOther({ line, appliedAt }: Other): string {
  return createHash('sha256').update(`${appliedAt} ${line}`).digest('hex').slice(0, 12);
}

/**
 * Reports whether another job's change may have been made or recorded after a time of another clock. A change that was
 * found by reading has the time at which it was begun, and may be recorded much later.
 */
export const mayBeSince = (moment: number, { appliedAt, found }: Other): boolean =>
  found === true || Date.parse(appliedAt) > moment - CLOCKS_DIFFER_MILLISECONDS;

/**
 * Reports whether another job's change was made after a change was last begun; undefined if an older version did not note
 * the time. Changes that were known at that time were made before, whatever the timestamps say, because the clocks of
 * functions may differ by minutes.
 */
export function isByOtherSince(steps: readonly Step[], line: string, other: Other): boolean | undefined {
  const step = steps[lastOf(steps, line, 'begun')];
  if (step?.is !== 'begun') return undefined;
  const begunAt = Date.parse(step.at);
  if (step.others === undefined) return Date.parse(other.appliedAt) >= begunAt;
  return mayBeSince(begunAt, other) && !step.others.includes(nameOfOther(other));
}

/** Removes the last begin of a change that was not made. */
export function withoutBegin(steps: readonly Step[], line: string): Step[] {
  const last = lastOf(steps, line, 'begun');
  return steps.filter((_, index) => index !== last);
}
