import { createHash } from 'node:crypto';
import { CLOCKS_DIFFER_MILLISECONDS } from '../../model/clock.ts';
import type { JournalRecord } from '../../model/journal.ts';
import type { AppliedChange } from '../../model/outcome.ts';

/** Note that a change was begun or applied. Each resource has a list of steps, in order. */
export type Step = NonNullable<JournalRecord['resources'][number]['steps']>[number];

/** Creates the step of a change that is about to be made. */
export const begunStep = (line: string, at: Date, others?: readonly string[]): Step => ({
  is: 'begun',
  line,
  at: at.toISOString(),
  ...(others !== undefined && { others: [...others] }),
});

/**
 * Finds the index of the last step of a change.
 * @returns -1 if there is none, for example because an older version noted the change
 */
function lastOf(steps: readonly Step[], line: string, is: Step['is']): number {
  return steps.findLastIndex((step) => step.line === line && step.is === is);
}

/**
 * Checks whether a change was begun again after it was applied, so that its record belongs to the earlier application.
 */
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

/** Returns a short name for another job's change, which is the same wherever the change is recorded. */
export function nameOfOther({ line, appliedAt }: Other): string {
  return createHash('sha256').update(`${appliedAt} ${line}`).digest('hex').slice(0, 12);
}

/**
 * Checks whether another job's change may have been made or recorded after a time that comes from another clock. A
 * change that was found by a read has the time at which it was begun, but may have been recorded much later.
 */
export const mayBeSince = (moment: number, { appliedAt, found }: Other): boolean =>
  found === true || Date.parse(appliedAt) > moment - CLOCKS_DIFFER_MILLISECONDS;

/**
 * Checks whether another job's change was made after a change was last begun. Returns undefined if an older version did
 * not note the time. Changes that were known at that time were made earlier, regardless of the timestamps, because the
 * clocks of functions may differ by minutes.
 */
export function isByOtherSince(steps: readonly Step[], line: string, other: Other): boolean | undefined {
  const step = steps[lastOf(steps, line, 'begun')];
  if (step?.is !== 'begun') return undefined;
  const begunAt = Date.parse(step.at);
  if (step.others === undefined) return Date.parse(other.appliedAt) >= begunAt;
  return mayBeSince(begunAt, other) && !step.others.includes(nameOfOther(other));
}

/** Removes the last step that begins a change, because the change was not made. */
export function withoutBegin(steps: readonly Step[], line: string): Step[] {
  const last = lastOf(steps, line, 'begun');
  return steps.filter((_, index) => index !== last);
}
