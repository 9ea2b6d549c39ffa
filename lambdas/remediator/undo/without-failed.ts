import type { AwsSession } from '../../aws/session.ts';
import { startAnew } from '../../changes/automation-execution/start-anew.ts';
import type { Change } from '../../changes/change.ts';
import { differenceOf } from '../../changes/index.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { FixToUndo, InverseStep } from './fix-to-undo.ts';
import type { UndoWork } from './undo-work.ts';

/**
 * Forgets the inverses that an earlier request made and whose work ended without success, so that this one makes them again:
 * a document that failed, a request of Cloud Control that came to nothing. Their evidence is that request's.
 * @returns the fix with these inverses as they are to be made now; the same one where there are none
 */
export async function withoutFailed(
  session: AwsSession,
  fix: FixToUndo,
  { beganAt }: Pick<UndoWork, 'beganAt'>,
): Promise<FixToUndo> {
  const { journal, line } = fix;
  const { resource } = line.finding;
  const steps: InverseStep[] = [];
  let isSame = true;
  for (const step of fix.steps) {
    const { inverse } = step;
    const made = journal.applied(resource).findLast((each) => each.line === inverse.line);
    const isEarlier = made !== undefined && Date.parse(made.appliedAt) < Date.parse(beganAt);
    if (!isEarlier || !(await hasFailed(session, made.change))) {
      steps.push(step);
      continue;
    }
    isSame = false;
    journal.drop(resource, inverse.line);
    journal.settle(resource, inverse.line);
    steps.push({ ...step, inverse: { ...inverse, change: { ...startAnew(made.change) } } });
  }
  return isSame ? fix : { ...fix, steps };
}

async function hasFailed(session: AwsSession, made: Change): Promise<boolean> {
  try {
    await differenceOf(session, made);
    return false;
  } catch (error) {
    if (error instanceof ChangeRefusedError) return true;
    throw error;
  }
}
