import { isChanging } from '../../model/mode.ts';
import type { Gate } from './gate.ts';
import { verdictOfHolds } from './hold-verdict.ts';

/**
 * Stops a finding if an operator holds its account, or its region in that account. If an earlier attempt changed
 * something, the changes are followed until AWS has finished. Nothing else is changed, because holds are checked again
 * before each change.
 */
export const heldPlace: Gate = async (finding, work) => {
  if (!isChanging(work.mode) || work.journal.applied(finding.resource).length > 0) return undefined;
  return verdictOfHolds(finding, [], work);
};
