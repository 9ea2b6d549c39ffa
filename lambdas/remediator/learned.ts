import type { SettingsError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { ChangeLimit } from '../model/limits.ts';
import type { Mode } from '../model/mode.ts';
import { DEFERRED_DAYS, type SettingsVersions } from '../model/settings.ts';
import type { Acted } from './action.ts';
import type { HeldLease } from './record/lease.ts';

/** Knowledge that an attempt gains on its way and that its record needs. */
export interface Learned {
  lease?: HeldLease;
  isRecalled: boolean;
  isRoleMissing: boolean;
  /** True if assuming the role was attempted and refused. */
  isRoleRefused: boolean;
  settingsError?: SettingsError;
  mode?: Mode;
  /** True if an open breaker makes a dry run of the job. */
  isOnlyPlanned: boolean;
  settingsVersions?: SettingsVersions;
  endedExemptions: ReadonlyMap<string, readonly string[]>;
  /** The resources whose failures until now no longer count, as operators say. */
  cleared: ReadonlySet<string>;
  /** The findings without a running automation execution. */
  readonly idle: Finding[];
  /** True if outcomes that are as before are published, too. */
  publishesAll: boolean;
  /** Number of days after which a deferred finding is reported. */
  deferredDays: number;
  /** The tags of the resources that were found to violate the rule. */
  tags: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Number of resources that were changed, or may have been. */
  counted: number;
  /** The limits of changes that held something back. */
  readonly reached: ChangeLimit[];
  /** The share of the account's limit that is used, in percent; undefined if there was nothing to change. */
  accountLimitUsed?: number;
  /** True if this job is the one that counts the open breaker in this hour. */
  countsBreaker: boolean;
  readonly failures: unknown[];
}

/** The knowledge of an attempt that has only begun. */
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

/** Takes what acting on the findings taught. */
export function learn(learned: Learned, acted: Acted): void {
  const { idle, counted = 0, reached = [], failures = [], accountLimitUsed } = acted;
  if (accountLimitUsed !== undefined) learned.accountLimitUsed = accountLimitUsed;
  learned.idle.push(...idle);
  learned.counted += counted;
  learned.reached.push(...reached);
  learned.failures.push(...failures);
}
