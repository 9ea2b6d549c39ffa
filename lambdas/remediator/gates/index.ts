import { awaitingScan } from './awaiting-scan.ts';
import { backOff } from './back-off.ts';
import { exempt } from './exempt.ts';
import { exemptByTag } from './exempt-by-tag.ts';
import { heldPlace, heldResource } from './held.ts';
import { inProgressElsewhere } from './in-progress-elsewhere.ts';
import { maintenanceWindow } from './maintenance-window.ts';
import { malformedId } from './malformed-id.ts';
import { skipDisabled } from './off.ts';
import { paused } from './paused.ts';
import { timeLeft } from './time-left.ts';

/** Every reason to leave a finding alone, in the order in which they are asked. */
export const gates = {
  beforeReading: [skipDisabled, malformedId, exempt, heldPlace, backOff, awaitingScan, inProgressElsewhere],
  /** Asked of a violation, whenever it was read. */
  beforePlanning: [exemptByTag],
  /** Asked when it is known what is to be changed: for all plans, and again before each is applied. */
  beforePlanIsApplied: [heldResource],
  /** Asked once before the session is opened, and again before each change. */
  beforeChanging: [paused, maintenanceWindow],
  /** Asked before each change only: what is left goes to the next attempt. */
  beforeEachChange: [timeLeft, paused, maintenanceWindow],
} as const;
