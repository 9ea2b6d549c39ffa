import type { Change } from '../../changes/change.ts';
import type { Violation } from '../planned-fix.ts';
import type { Refusal } from '../refusal.ts';
import type { ConfiguredWork, Work } from '../work.ts';

/** The moments at which gates are checked, in the order in which a job reaches them, and the information that gates have then. */
export interface Moments {
  /** Asked of each finding, before the settings are read: by the job alone. */
  beforeSettings: Work;
  /** Asked once for the job, where its mode changes something: whether that may be now. */
  forJob: ConfiguredWork;
  /** Asked of each finding, before anything is called for it. */
  beforeReading: ConfiguredWork;
  /** Asked once for the job, before its role is assumed. `mayAsk`: whether this job may find out if the role is there. */
  beforeSession: ConfiguredWork & { readonly mayAsk: boolean };
  /** Asked of each violation, whenever it was read. */
  beforePlanning: ConfiguredWork & { readonly violation: Violation };
  /** Checked for all plans of a job whose mode allows changes, even if something prevents all changes. */
  whenPlanned: ConfiguredWork & { readonly changes: readonly Change[] };
  /** Asked of all plans that are about to be applied, and again of each. */
  beforePlanIsApplied: ConfiguredWork;
  /** Asked of all plans, once room for their changes is reserved. `refusals`: why there is none, by resource. */
  whenReserved: ConfiguredWork & { readonly refusals: ReadonlyMap<string, Refusal> };
  /** Asked before each change of a plan, and between its calls. */
  beforeEachChange: ConfiguredWork & { readonly changes: readonly Change[] };
  /** Checked before an interrupted change is taken back, and between the calls of that. */
  beforeEachTakeBack: ConfiguredWork & { readonly changes: readonly Change[] };
}

export type Moment = keyof Moments;
