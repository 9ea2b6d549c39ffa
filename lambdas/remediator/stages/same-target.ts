import type { RecordedChange } from '../../model/outcome.ts';

/** Returns the part of its resource that a change concerns: a rule's id or an entry's number. */
export function targetOf({ before }: RecordedChange['change']): unknown {
  if (typeof before !== 'object' || before === null) return undefined;
  if ('id' in before) return before.id;
  return 'ruleNumber' in before ? before.ruleNumber : undefined;
}

/** Checks whether two changes concern the same rule or entry. */
export function isSameTarget(one: RecordedChange['change'], other: RecordedChange['change']): boolean {
  const target = targetOf(one);
  return (
    target !== undefined &&
    one.kind === other.kind &&
    one.resource === other.resource &&
    target === targetOf(other)
  );
}
