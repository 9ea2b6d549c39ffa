import type { AppliedChange, RecordedChange } from '../model/outcome.ts';
import { describeChange, inverseOf, isTakeBack, notGivenBack } from './index.ts';

/** The way to undo one applied change. */
export interface UndoStep {
  /** The change that is undone, as evidence has it. */
  readonly undoes: AppliedChange;
  /** The change that undoes it; undefined if there is none. */
  readonly inverse: RecordedChange | undefined;
  /** Part that an undo does not restore, in words; undefined if it restores all. */
  readonly leaves: string | undefined;
}

/**
 * Makes the plan that undoes a fix: its changes' inverses, last first. What the fix itself had taken back again is left out.
 * Pure: nothing is read.
 * @param applied the changes of a line of evidence, in its order
 * @throws InvalidInputError when a change is of an unknown kind, or not of its kind's form
 */
export async function undoStepsOf(applied: readonly AppliedChange[]): Promise<UndoStep[]> {
  const steps: UndoStep[] = [];
  for (const undoes of [...applied].reverse()) {
    if (await isTakeBack(undoes.change)) continue;
    const change = await inverseOf(undoes.change);
    const leaves = await notGivenBack(undoes.change);
    if (change === undefined && leaves === undefined) continue;
    const inverse =
      change === undefined ? undefined : { change: { ...change }, line: await describeChange(change) };
    steps.push({ undoes, inverse, leaves });
  }
  return steps;
}
