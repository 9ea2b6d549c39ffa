import { z } from 'zod';
import { timestampSchema } from './finding.ts';
import { MODULE_VERSION } from './module-version.ts';
import { type SettingsVersions, settingsVersionsSchema } from './settings.ts';

/** The failures of a finding in a row, as its item remembers them. */
export const backOffSchema = z.object({
  failures: z.number().int().positive(),
  /** Time of the last one. */
  last: timestampSchema,
  /** Settings and version at that time: with others the failures no longer count. */
  settings: settingsVersionsSchema,
  module: z.string().min(1),
});
export type BackOff = z.infer<typeof backOffSchema>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The waits after the first failures in a row, in milliseconds. After further ones it is a day each time. */
const WAITS = [HOUR, 4 * HOUR, DAY] as const;

/** The tolerance, half a poll period, if the period is unknown, as for polls with a cron. */
const UNKNOWN_TOLERANCE = 15 * MINUTE;

/** The time from which a finding is due again, in milliseconds since 1970. */
export function dueAt({ failures, last }: BackOff): number {
  return Date.parse(last) + (WAITS[failures - 1] ?? DAY);
}

/**
 * Reports whether a finding is due: within half a poll period. Otherwise a finding that failed some seconds after an hourly
 * poll would be due some seconds after the next one, and wait for the one after that.
 * @param now milliseconds since 1970
 * @param pollMinutes the rule's poll period; undefined or 0 if it is unknown
 */
export function isDue(backOff: BackOff, now: number, pollMinutes = 0): boolean {
  const tolerance = pollMinutes > 0 ? (pollMinutes * MINUTE) / 2 : UNKNOWN_TOLERANCE;
  return now >= dueAt(backOff) - tolerance;
}

/** Reports whether failures count still: neither settings nor the module are other than they were. */
export function counts({ settings, module }: BackOff, now: SettingsVersions): boolean {
  return settings.rule === now.rule && settings.accounts === now.accounts && module === MODULE_VERSION;
}

/**
 * The failures with one more.
 * @param known those before, where they count still
 * @param last when it failed
 */
export function withFailure(known: BackOff | undefined, last: string, settings: SettingsVersions): BackOff {
  return { failures: (known?.failures ?? 0) + 1, last, settings, module: MODULE_VERSION };
}
