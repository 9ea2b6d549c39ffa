import { isChanging } from '../../model/mode.ts';
import type { Gate } from './gate.ts';
import { verdictOfHolds } from './hold-verdict.ts';

/**
 * Holds a finding if an operator holds its account, or its region in that account. Changes that an earlier attempt began
 * are followed to their end. Nothing more is changed, because holds are checked again before each change.
 */
export const heldPlace: Gate = async (finding, work) => {
  if (!isChanging(work.mode) || work.journal.applied(finding.resource).length > 0) return undefined;
  return verdictOfHolds(finding, [], work);
};
