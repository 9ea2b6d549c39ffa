import type { AwsSession } from '../../aws/session.ts';
import { startAnew } from '../../changes/automation-execution/start-anew.ts';
import type { Change } from '../../changes/change.ts';
import { differenceOf } from '../../changes/index.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { FixToUndo, InverseStep } from './fix-to-undo.ts';
import type { UndoWork } from './undo-work.ts';

/**
 * Discards inverses that an earlier request started and that then failed in AWS, such as a runbook or a Cloud Control
 * request, so that this request applies them again. Their evidence remains with the earlier request.
 * @returns the fix with these inverses in the form in which they are applied again; the same fix if there are none
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
