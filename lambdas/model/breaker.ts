import { z } from 'zod';
import type { BreakerSettings } from './breaker-settings.ts';
import { timestampSchema } from './finding.ts';
import type { ItemKey } from './table-items.ts';

/** The result of one change of a finding's resource. */
const resultSchema = z.object({
  /** Id of the change: the same for anything found out later about it. */
  id: z.string(),
  /** Time at which the result was known or, for a change undone by hand, at which it was made. Milliseconds since 1970. */
  at: z.number().int(),
  /** Time at which an undo by hand was seen, if any. */
  seenAt: z.number().int().optional(),
  /** Reason of a failure, if any. */
  reason: z.string().optional(),
});
export type ChangeResult = z.infer<typeof resultSchema>;

/** Reasons and time of a breaker's opening. */
export const openedSchema = z.object({
  at: timestampSchema,
  changes: z.number().int(),
  failed: z.number().int(),
  /** The latest first. */
  reasons: z.array(z.string()).max(3),
});
export type Opened = z.infer<typeof openedSchema>;

/** The breaker of a rule in one account: its last results, and whether it is open. */
export const tripItemSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  version: z.literal(1),
  expiresAt: z.number().int().positive(),
  /** The id of the last write: it shows a job whether another one wrote in the meantime. */
  writer: z.string(),
  results: z.array(resultSchema),
  opened: openedSchema.optional(),
});
export type TripItem = z.infer<typeof tripItemSchema>;

/** `trip#<rule>#<account>` */
export function tripKey({ rule, account }: { readonly rule: string; readonly account: string }): ItemKey {
  return { pk: `trip#${rule}#${account}`, sk: 'breaker' };
}

const HOUR_MILLISECONDS = 3_600_000;
/** The longest time after a change at which it may turn out to have been undone: a finding that waits for a scan is checked after a day. */
export const UNDONE_MILLISECONDS = 48 * HOUR_MILLISECONDS;
/** The most results that are kept: far more than it takes to judge. An item holds 400 KB. */
const MOST_RESULTS = 200;
const MAX_REASON = 500;

/**
 * Adds results to those that are known. A result that is known already stays when it was, unless it turns out to have gone
 * wrong.
 */
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
 * Judges the results of each hour that begins with one of them, if new information about it came within the last hour.
 * @returns why the breaker opens, or undefined if it does not
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
 * The reason why a breaker is open: the recorded one, unless an operator has resumed the rule since, or the one that its results
 * ask for. Undefined if it is closed.
 * @param resumedAt when an operator last resumed the rule, milliseconds since 1970
 * @param settings undefined if unknown them
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
