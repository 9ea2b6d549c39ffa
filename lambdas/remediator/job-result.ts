import type { SettingsError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Entry } from './book.ts';

/** The result of an attempt. Each finding has an outcome, from this attempt or an earlier one, or one of the others. */
export interface JobResult {
  /**
   * Outcomes that this attempt wrote and published, and those that earlier ones wrote but could not publish. One per
   * finding.
   */
  readonly outcomes: readonly Outcome[];
  /** Outcomes among them that are other than before, say so for another reason, or changed something. */
  readonly news: readonly Outcome[];
  /** Findings for the next attempt. In a last attempt these have outcomes, too. */
  readonly unfinished: readonly Unfinished[];
  /** Findings whose changes take AWS minutes: a further job looks at them. */
  readonly inProgress: readonly Entry<'in_progress'>[];
  /** Number of resources that were changed, or may have been. */
  readonly counted: number;
  /** The share of the account's limit that is used, in percent; undefined if there was nothing to change. */
  readonly accountLimitUsed?: number | undefined;
  /** Set where the settings can't be used, so that nothing was done. */
  readonly settingsError?: SettingsError;
  /** True if the target role is missing in the account: a state of the account, not of its findings. */
  readonly isRoleMissing: boolean;
  /** True if the rule's breaker is open in the account: people are notified why, with its failures. */
  readonly isBreakerOpen: boolean;
  /** True if this job is the one that counts it in this hour. */
  readonly countsBreaker: boolean;
  readonly deferrals: Deferrals;
  /** Errors of another kind: the event bus did not take the outcomes, or the journal could not be written. */
  readonly failures: readonly unknown[];
}

/** Checks whether a job comes back for another attempt. */
export function comesBack({ unfinished, failures }: Pick<JobResult, 'unfinished' | 'failures'>): boolean {
  return unfinished.length > 0 || failures.length > 0;
}

/** Findings that have been deferred for a while. */
export interface Deferrals {
  /** Days since which the one that waits longest is deferred. */
  readonly oldestDays: number;
  /** Number of those that are deferred for longer than the settings say. */
  readonly lasting: number;
}

/** A finding for the next attempt, with the changes applied so far. */
export type Unfinished = Entry<'retry'> & Pick<Outcome, 'applied'>;

/** The result of a delivery of a job that is done. */
export const nothingLeft: JobResult = {
  outcomes: [],
  news: [],
  unfinished: [],
  inProgress: [],
  counted: 0,
  isRoleMissing: false,
  isBreakerOpen: false,
  countsBreaker: false,
  deferrals: { oldestDays: 0, lasting: 0 },
  failures: [],
};
