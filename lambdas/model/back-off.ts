import { z } from 'zod';
import { timestampSchema } from './finding.ts';
import { MODULE_VERSION } from './module-version.ts';
import { type SettingsVersions, settingsVersionsSchema } from './settings.ts';

/** The consecutive failures of a finding, as stored in its item. */
export const backOffSchema = z.object({
  failures: z.number().int().positive(),
  /** Time of the last failure. */
  last: timestampSchema,
  /** Settings and module version at that time. If they change, the failures no longer count. */
  settings: settingsVersionsSchema,
  module: z.string().min(1),
});
export type BackOff = z.infer<typeof backOffSchema>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The waits after the first consecutive failures, in milliseconds. After each further failure, the wait is a day. */
const WAITS = [HOUR, 4 * HOUR, DAY] as const;

/** The tolerance if the poll period is unknown, as for cron schedules. */
const UNKNOWN_TOLERANCE = 15 * MINUTE;

/** Returns the time from which a finding is due again, in milliseconds since 1970. */
export function dueAt({ failures, last }: BackOff): number {
  return Date.parse(last) + (WAITS[failures - 1] ?? DAY);
}

/**
 * Reports whether a finding is due, with a tolerance of half a poll period. Without the tolerance, a finding that
 * failed some seconds after an hourly poll would be due some seconds after the next poll, and wait for the one after
 * that.
 * @param now milliseconds since 1970
 * @param pollMinutes the rule's poll period; undefined or 0 if it is unknown
 */
export function isDue(backOff: BackOff, now: number, pollMinutes = 0): boolean {
  const tolerance = pollMinutes > 0 ? (pollMinutes * MINUTE) / 2 : UNKNOWN_TOLERANCE;
  return now >= dueAt(backOff) - tolerance;
}

/** Reports whether failures still count: neither the settings nor the module version has changed since. */
export function counts({ settings, module }: BackOff, now: SettingsVersions): boolean {
  return settings.rule === now.rule && settings.accounts === now.accounts && module === MODULE_VERSION;
}

/**
 * Adds a failure.
 * @param known the earlier failures, if they still count
 * @param last the time of the new failure
 */
export function withFailure(known: BackOff | undefined, last: string, settings: SettingsVersions): BackOff {
  return { failures: (known?.failures ?? 0) + 1, last, settings, module: MODULE_VERSION };
}
