import type { JournalRecord } from '../../model/journal.ts';

/** A note that a change was begun, or applied to its end. All of a resource, in order. */
export type Step = NonNullable<JournalRecord['resources'][number]['steps']>[number];

/** @returns -1 where it was not, or an older version noted it */
function lastOf(steps: readonly Step[], line: string, is: Step['is']): number {
  return steps.findLastIndex((step) => step.line === line && step.is === is);
}

/** Tells whether a change was begun again after it was applied: what is recorded of it was made before. */
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

/** The steps without the last begin of a change that was not made. */
export function withoutBegin(steps: readonly Step[], line: string): Step[] {
  const last = lastOf(steps, line, 'begun');
  return steps.filter((_, index) => index !== last);
}
