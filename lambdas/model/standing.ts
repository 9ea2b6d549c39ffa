import { isProvisional, type Outcome } from './outcome.ts';

/** A line of evidence of a finding and poll, as far as it says whether it counts, and the key of the object that holds it. */
export interface KeptLine {
  readonly outcome: Pick<Outcome, 'replaces' | 'alsoReplaces' | 'deadLetter' | 'stillOpen'>;
  readonly evidence: string;
}

/**
 * Picks, of one finding's lines at one poll, those of which no other one says that it replaces them, whatever their times
 * say: clocks differ. There are several only where an attempt could not learn of the others; then the first is the final one,
 * if any is.
 * @param lines each once, oldest first as far as that is known
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
