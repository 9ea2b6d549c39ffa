import { resourcesOf } from '../record/holds.ts';
import type { Gate } from './gate.ts';
import { verdictOfHolds } from './hold-verdict.ts';
import type { Moments } from './moments.ts';

/** Holds a finding if an operator holds a resource to be changed, the finding's own resource, or their account or region. */
export const heldResource: Gate<Moments['beforeEachChange']> = (finding, work) =>
  verdictOfHolds(finding, resourcesOf(finding, work.changes), work);
