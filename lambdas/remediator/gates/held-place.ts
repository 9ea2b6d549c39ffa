import { isChanging } from '../../model/mode.ts';
import type { Gate } from './gate.ts';
import { verdictOfHolds } from './hold-verdict.ts';

/**
 * An operator holds the finding's account, or its region there. What an earlier attempt began is followed to its end; nothing
 * more is changed, as holds are checked again before that.
 */
export const heldPlace: Gate = async (finding, work) => {
  if (!isChanging(work.mode) || work.journal.applied(finding.resource).length > 0) return undefined;
  return verdictOfHolds(finding, [], work);
};
