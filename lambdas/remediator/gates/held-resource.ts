import { resourcesOf } from '../record/holds.ts';
import type { Gate } from './gate.ts';
import { verdictOfHolds } from './hold-verdict.ts';
import type { Moments } from './moments.ts';

/**
 * Stops a finding if an operator holds its resource, a resource that would be changed for it, or their account or
 * region.
 */
export const heldResource: Gate<Moments['beforeEachChange']> = (finding, work) =>
  verdictOfHolds(finding, resourcesOf(finding, work.changes), work);
