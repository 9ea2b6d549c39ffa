import type { Change } from '../../changes/change.ts';
import type { Violation } from '../planned-fix.ts';
import type { Refusal } from '../refusal.ts';
import type { ConfiguredWork, Work } from '../work.ts';

/** Moments at which gates are checked, in the order of a job, and the data that gates get. */
export interface Moments {
  /** Checked for each finding before the settings are read, with the job alone. */
  beforeSettings: Work;
  /** Checked once per job if its mode allows changes. */
  forJob: ConfiguredWork;
  /** Checked for each finding before any call for it. */
  beforeReading: ConfiguredWork;
  /** Checked once per job before its role is assumed. `mayAsk`: whether this job may try to assume a missing role. */
  beforeSession: ConfiguredWork & { readonly mayAsk: boolean };
  /** Checked for each violation, after each read. */
  beforePlanning: ConfiguredWork & { readonly violation: Violation };
  /** Checked for all plans of a job whose mode allows changes, even if another gate prevents all changes. */
  whenPlanned: ConfiguredWork & { readonly changes: readonly Change[] };
  /** Checked for all plans that are about to be applied, and again for each. */
  beforePlanIsApplied: ConfiguredWork;
  /**
   * Checked for all plans after room for their changes was requested. `refusals`: the requests that were refused, by
   * resource.
   */
  whenReserved: ConfiguredWork & { readonly refusals: ReadonlyMap<string, Refusal> };
  /** Checked before each change of a plan, and between its calls. */
  beforeEachChange: ConfiguredWork & { readonly changes: readonly Change[] };
  /** Checked before an interrupted change is taken back, and between the calls that do so. */
  beforeEachTakeBack: ConfiguredWork & { readonly changes: readonly Change[] };
}

export type Moment = keyof Moments;
