import type { RecordedChange } from '../../model/outcome.ts';

/** Names the part of its resource that a change is about: a rule by its id, an entry by its number. */
export function targetOf({ before }: RecordedChange['change']): unknown {
  if (typeof before !== 'object' || before === null) return undefined;
  if ('id' in before) return before.id;
  return 'ruleNumber' in before ? before.ruleNumber : undefined;
}

/** Reports whether two changes are about the same rule or entry. */
export function isSameTarget(one: RecordedChange['change'], other: RecordedChange['change']): boolean {
  const target = targetOf(one);
  return (
    target !== undefined &&
    one.kind === other.kind &&
    one.resource === other.resource &&
    target === targetOf(other)
  );
}
