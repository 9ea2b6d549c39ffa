import { awaitingScan } from './awaiting-scan.ts';
import { backOff } from './back-off.ts';
import { breaker } from './breaker.ts';
import { exempt } from './exempt.ts';
import { exemptByTag } from './exempt-by-tag.ts';
import type { Gate } from './gate.ts';
import { heldPlace } from './held-place.ts';
import { heldResource } from './held-resource.ts';
import { inProgressElsewhere } from './in-progress-elsewhere.ts';
import { leftToSource } from './left-to-source.ts';
import { limit } from './limit.ts';
import { maintenanceWindow } from './maintenance-window.ts';
import { malformedId } from './malformed-id.ts';
import type { Moment, Moments } from './moments.ts';
import { noLongerGiven } from './no-longer-given.ts';
import { skipDisabled } from './off.ts';
import { paused } from './paused.ts';
import { roleMissing } from './role-missing.ts';
import { superseded } from './superseded.ts';
import { timeLeft } from './time-left.ts';

/** A gate's name in the documentation, and the moments at which it is checked. */
interface ListedGate {
  readonly name: string;
  readonly asked: { readonly [M in Moment]?: Gate<Moments[M]> };
}

/** All reasons not to process a finding. If several apply, the outcome has the first one in this list. */
export const gates: readonly ListedGate[] = [
  { name: 'no longer given', asked: { beforeSettings: noLongerGiven } },
  { name: 'left to the source', asked: { beforeSettings: leftToSource } },
  { name: 'superseded', asked: { beforeSettings: superseded } },
  { name: 'off', asked: { beforeReading: skipDisabled } },
  { name: 'malformed id', asked: { beforeReading: malformedId } },
  { name: 'exempt by the settings', asked: { beforeReading: exempt } },
  { name: 'held account or region', asked: { beforeReading: heldPlace } },
  { name: 'back-off', asked: { beforeReading: backOff } },
  { name: 'awaiting a scan', asked: { beforeReading: awaitingScan } },
  { name: 'in progress elsewhere', asked: { beforeReading: inProgressElsewhere } },
  { name: 'role missing', asked: { beforeSession: roleMissing } },
  { name: 'exempt by its tag', asked: { beforePlanning: exemptByTag } },
  {
    name: 'held resource',
    asked: { whenPlanned: heldResource, beforeEachChange: heldResource, beforeEachTakeBack: heldResource },
  },
  { name: 'paused', asked: { forJob: paused, beforeEachChange: paused, beforeEachTakeBack: paused } },
  {
    name: 'outside the maintenance window',
    asked: {
      forJob: maintenanceWindow,
      beforeEachChange: maintenanceWindow,
      beforeEachTakeBack: maintenanceWindow,
    },
  },
  { name: 'breaker', asked: { forJob: breaker, beforePlanIsApplied: breaker } },
  { name: 'limit', asked: { whenReserved: limit } },
  { name: 'time left', asked: { beforeEachChange: timeLeft, beforeEachTakeBack: timeLeft } },
];

/** Lists the gates that are checked at a moment, in the order of the list. */
export function gatesAt<M extends Moment>(moment: M): readonly Gate<Moments[M]>[] {
  return gates.flatMap(({ asked }) => asked[moment] ?? []);
}
