import type { AppliedChange, RecordedChange } from '../model/outcome.ts';
import { describeChange, inverseOf, isTakeBack, notRestored } from './index.ts';

/** Undo of one applied change. */
export interface UndoStep {
  /** The undone change as recorded in the evidence. */
  readonly undoes: AppliedChange;
  /** The change that undoes it; undefined if there is none. */
  readonly inverse: RecordedChange | undefined;
  /** Description of what the undo does not restore; undefined if it restores everything. */
  readonly leaves: string | undefined;
}

/** Describes a change of which it is unknown whether it was made, and which is therefore not undone. */
export function unconfirmedWords({ line }: Pick<RecordedChange, 'line'>): string {
  return `"${line}" may have been made, and is not undone`;
}

/**
 * Creates the plan that undoes a fix: the inverses of its changes, in reverse order, without those that the fix itself
 * has taken back. Pure: nothing is read.
 * @param applied the changes in a line of evidence, in order
 * @throws InvalidInputError if a change has an unknown kind or does not match its schema
 */
export async function undoStepsOf(applied: readonly AppliedChange[]): Promise<UndoStep[]> {
  const steps: UndoStep[] = [];
  for (const undoes of [...applied].reverse()) {
    if (await isTakeBack(undoes.change)) continue;
    const change = await inverseOf(undoes.change);
    const leaves = await notRestored(undoes.change);
    if (change === undefined && leaves === undefined) continue;
    const inverse =
      change === undefined ? undefined : { change: { ...change }, line: await describeChange(change) };
    steps.push({ undoes, inverse, leaves });
  }
  return steps;
}
