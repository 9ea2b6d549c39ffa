import { resourcesOf } from '../record/holds.ts';
import type { Gate } from './gate.ts';
import { verdictOfHolds } from './hold-verdict.ts';
import type { Moments } from './moments.ts';

/** An operator holds a resource that is to be changed, the finding's own, or where they are. */
export const heldResource: Gate<Moments['beforeEachChange']> = (finding, work) =>
  verdictOfHolds(finding, resourcesOf(finding, work.changes), work);
