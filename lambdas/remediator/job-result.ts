import type { SettingsError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Entry } from './book.ts';

/**
 * Result of an attempt. Each finding has an outcome, from this attempt or an earlier one, or is unfinished or in
 * progress.
 */
export interface JobResult {
  /**
   * Outcomes that this attempt wrote, and those that earlier attempts wrote but could not publish. At most one per
   * finding.
   */
  readonly outcomes: readonly Outcome[];
  /** Outcomes among them that differ from the previous one, have a different reason, or changed something. */
  readonly news: readonly Outcome[];
  /** False if the event bus did not accept the events. The next attempt sends and counts these outcomes again. */
  readonly isPublished: boolean;
  /** Findings for the next attempt. After the last attempt, they also have outcomes. */
  readonly unfinished: readonly Unfinished[];
  /** Findings whose changes take minutes in AWS. A follow-up job checks them. */
  readonly inProgress: readonly Entry<'in_progress'>[];
  /** Number of resources that were or may have been changed. */
  readonly counted: number;
  /** The used percentage of the account's limit; undefined if there was nothing to change. */
  readonly accountLimitUsed?: number | undefined;
  /** Set if the settings are invalid, so that nothing was done. */
  readonly settingsError?: SettingsError;
  /** True if the target role is missing in the account. */
  readonly isRoleMissing: boolean;
  /** True if the rule's breaker is open in the account. A notice reports its failures. */
  readonly isBreakerOpen: boolean;
  /** True if this job counts the open breaker for this hour. */
  readonly countsBreaker: boolean;
  readonly deferrals: Deferrals;
  /** Errors of the record, for example if events could not be published or the journal could not be written. */
  readonly failures: readonly unknown[];
}

/** Checks whether a job needs another attempt. */
export function comesBack({ unfinished, failures }: Pick<JobResult, 'unfinished' | 'failures'>): boolean {
  return unfinished.length > 0 || failures.length > 0;
}

/** Findings that are deferred for longer than one poll. */
export interface Deferrals {
  /** Number of days for which the oldest of them has been deferred. */
  readonly oldestDays: number;
  /** Number of findings that have been deferred for more days than the settings allow. */
  readonly lasting: number;
}

/** A finding for the next attempt, with the changes applied so far. */
export type Unfinished = Entry<'retry'> & Pick<Outcome, 'applied'>;

/** Result of a delivery of a job that is already done. */
export const nothingLeft: JobResult = {
  outcomes: [],
  news: [],
  isPublished: true,
  unfinished: [],
  inProgress: [],
  counted: 0,
  isRoleMissing: false,
  isBreakerOpen: false,
  countsBreaker: false,
  deferrals: { oldestDays: 0, lasting: 0 },
  failures: [],
};
