import { z } from 'zod';
import type { BreakerSettings } from './breaker-settings.ts';
import { timestampSchema } from './finding.ts';
import type { ItemKey } from './table-items.ts';

/** The result of one change of a finding's resource. */
const resultSchema = z.object({
  /** Id of the change, by which later information about it is matched. */
  id: z.string(),
  /**
   * Time at which the result was known; for a change that someone undid by hand, the time of the change. Milliseconds
   * since 1970.
   */
  at: z.number().int(),
  /** Time at which it was noticed that someone undid the change by hand, if so. */
  seenAt: z.number().int().optional(),
  /** The reason why the change counts as failed; missing if it succeeded. */
  reason: z.string().optional(),
});
export type ChangeResult = z.infer<typeof resultSchema>;

/** The time at which a breaker opened, and why. */
export const openedSchema = z.object({
  at: timestampSchema,
  changes: z.number().int(),
  failed: z.number().int(),
  /** The latest first. */
  reasons: z.array(z.string()).max(3),
});
export type Opened = z.infer<typeof openedSchema>;

/** The breaker of a rule in one account: its last results, and when and why it opened. */
export const tripItemSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  version: z.literal(1),
  expiresAt: z.number().int().positive(),
  /** The id of the last write. It shows a job whether another job has written in the meantime. */
  writer: z.string(),
  results: z.array(resultSchema),
  opened: openedSchema.optional(),
});
export type TripItem = z.infer<typeof tripItemSchema>;

/** Builds the key `trip#<rule>#<account>` / `breaker`. */
export function tripKey({ rule, account }: { readonly rule: string; readonly account: string }): ItemKey {
  return { pk: `trip#${rule}#${account}`, sk: 'breaker' };
}

const HOUR_MILLISECONDS = 3_600_000;
/**
 * Time after a change within which it may turn out that someone undid it. A finding that awaits a scan is checked after
 * a day.
 */
export const UNDONE_MILLISECONDS = 48 * HOUR_MILLISECONDS;
/** Maximum number of results that are kept: far more than the breaker needs, and within an item's limit of 400 KB. */
const MOST_RESULTS = 200;
const MAX_REASON = 500;

/** Adds results to the known ones. A known result is replaced only if the change turns out to have failed. */
export function withResults(
  known: readonly ChangeResult[],
  more: readonly ChangeResult[],
  now: number,
): ChangeResult[] {
  const results = new Map(known.map((result) => [result.id, result]));
  for (const result of more) {
    const before = results.get(result.id);
    if (before !== undefined && (before.reason !== undefined || result.reason === undefined)) continue;
    const { reason } = result;
    results.set(result.id, {
      ...result,
      ...(reason !== undefined && { reason: reason.slice(0, MAX_REASON) }),
    });
  }
  return [...results.values()]
    .filter(({ at }) => now - at < UNDONE_MILLISECONDS)
    .sort((one, other) => one.at - other.at)
    .slice(-MOST_RESULTS);
}

/**
 * Evaluates each 60-minute window that starts at a result, if any result in it became known within the last hour.
 * @returns the reasons to open the breaker, or undefined if it stays closed
 */
export function judge(
  results: readonly ChangeResult[],
  { changes, failed_percent: percent }: BreakerSettings,
  now: number,
): Opened | undefined {
  const latestFirst = results.toSorted((one, other) => other.at - one.at);
  for (const { at: from } of latestFirst) {
    const hour = latestFirst.filter(({ at }) => at >= from && at - from < HOUR_MILLISECONDS);
    if (!hour.some((result) => now - learnedAt(result) < HOUR_MILLISECONDS)) continue;
    const failed = hour.filter(({ reason }) => reason !== undefined);
    if (hour.length < changes || failed.length * 100 < hour.length * percent) continue;
    const reasons = failed
      .toSorted((one, other) => learnedAt(other) - learnedAt(one))
      .flatMap(({ reason }) => reason ?? [])
      .slice(0, 3);
    return { at: new Date(now).toISOString(), changes: hour.length, failed: failed.length, reasons };
  }
  return undefined;
}

function learnedAt({ at, seenAt = at }: ChangeResult): number {
  return seenAt;
}

/**
 * Returns when and why a breaker opened: as recorded, unless an operator has resumed the rule since, or otherwise as
 * its results show. Undefined if it is closed.
 * @param resumedAt when an operator last resumed the rule, in milliseconds since 1970
 * @param settings undefined if unknown; then only the recorded opening counts
 */
export function openedOf(
  item: Pick<TripItem, 'opened'> | undefined,
  results: readonly ChangeResult[],
  resumedAt: number,
  settings: BreakerSettings | undefined,
  now: number,
): Opened | undefined {
  const opened = item?.opened;
  if (opened !== undefined && Date.parse(opened.at) > resumedAt) return opened;
  return settings && judge(results, settings, now);
}
