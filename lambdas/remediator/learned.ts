import type { SettingsError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { ChangeLimit } from '../model/limits.ts';
import type { Mode } from '../model/mode.ts';
import { DEFERRED_DAYS, type SettingsVersions } from '../model/settings.ts';
import type { Acted } from './action.ts';
import type { HeldLease } from './record/lease.ts';

/** Information that an attempt collects for its record. */
export interface Learned {
  lease?: HeldLease;
  isRecalled: boolean;
  isRoleMissing: boolean;
  /** True if assuming the role was attempted and refused. */
  isRoleRefused: boolean;
  settingsError?: SettingsError;
  mode?: Mode;
  /** True if an open breaker turns the job into a dry run. */
  isOnlyPlanned: boolean;
  settingsVersions?: SettingsVersions;
  endedExemptions: ReadonlyMap<string, readonly string[]>;
  /** The resources whose earlier failures operators have cleared. */
  cleared: ReadonlySet<string>;
  /** The findings without a running automation execution. */
  readonly idle: Finding[];
  /** True if unchanged outcomes are also published. */
  publishesAll: boolean;
  /** Number of days after which a deferred finding is reported. */
  deferredDays: number;
  /** The tags of resources that were found to violate the rule. */
  tags: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Number of resources that were or may have been changed. */
  counted: number;
  /** The limits that deferred a fix. */
  readonly reached: ChangeLimit[];
  /** The used percentage of the account's limit; undefined if there was nothing to change. */
  accountLimitUsed?: number;
  /** True if this job counts the open breaker for this hour. */
  countsBreaker: boolean;
  readonly failures: unknown[];
}

/** Creates the initial values for an attempt. */
export function nothingLearned(): Learned {
  return {
    isRecalled: false,
    isRoleMissing: false,
    isRoleRefused: false,
    isOnlyPlanned: false,
    publishesAll: false,
    deferredDays: DEFERRED_DAYS,
    tags: new Map(),
    endedExemptions: new Map(),
    cleared: new Set(),
    idle: [],
    counted: 0,
    countsBreaker: false,
    reached: [],
    failures: [],
  };
}

/** Adds the results of an action. */
export function learn(learned: Learned, acted: Acted): void {
  const { idle, counted = 0, reached = [], failures = [], accountLimitUsed } = acted;
  if (accountLimitUsed !== undefined) learned.accountLimitUsed = accountLimitUsed;
  learned.idle.push(...idle);
  learned.counted += counted;
  learned.reached.push(...reached);
  learned.failures.push(...failures);
}
