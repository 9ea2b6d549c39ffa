import { isProvisional, type Outcome } from './outcome.ts';

/** The fields of an evidence line that determine whether it counts, and the key of the object that contains it. */
export interface KeptLine {
  readonly outcome: Pick<Outcome, 'replaces' | 'alsoReplaces' | 'deadLetter' | 'stillOpen'>;
  readonly evidence: string;
}

/**
 * Selects the lines of a finding in a poll that no other line replaces. Ignores their timestamps, because clocks
 * differ. Several lines remain only if an attempt did not know of the others. The final ones come first.
 * @param lines each line once, oldest first if the order is known
 */
export function standingLines<T extends KeptLine>(lines: readonly T[]): T[] {
  const replaced = new Set(
    lines.flatMap(({ outcome: { replaces, alsoReplaces = [] } }) => [replaces, ...alsoReplaces]),
  );
  const left = lines.filter(({ evidence }) => !replaced.has(evidence)).reverse();
  return left.sort(byFinality);
}

function byFinality(one: KeptLine, other: KeptLine): number {
  return Number(isProvisional(one.outcome)) - Number(isProvisional(other.outcome));
}
