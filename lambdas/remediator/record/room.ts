import {
  type CountItem,
  countItemSchema,
  countKey,
  endOfSlot,
  slotsIn,
  type Waiting,
  waitingIn,
} from '../../model/count-item.ts';
import type { Counter } from '../../model/limits.ts';
import { parseItem } from '../../model/table-items.ts';

/** Counters from one read, by their keys. */
export type FoundCounters = ReadonlyMap<string, CountItem>;

/** Parses counters' items. @throws UnreadableItemError if an item does not match the schema */
export function countersIn(items: readonly unknown[]): FoundCounters {
  const counters = items.map((item) => parseItem(countItemSchema, item));
  return new Map(counters.map((counter) => [counter.pk, counter]));
}

/** Remaining room under a limit. */
export interface Room {
  readonly left: number;
  /** The part of `left` that is kept for other findings that a limit deferred earlier. */
  readonly kept: number;
  /** The time at which more room becomes available, in milliseconds since 1970; undefined if no change counts. */
  readonly moreAt: number | undefined;
}

/** Computes the room under a limit, and `base`: the number of changes in the total that no longer count. */
export function roomIn(
  item: CountItem | undefined,
  limit: number,
  now: number,
  waiting: number,
): { readonly room: Room; readonly base: number } {
  if (item === undefined) return { room: { left: limit, kept: 0, moreAt: undefined }, base: 0 };
  const counting = [...slotsIn(item)].filter(([slot, changes]) => endOfSlot(slot) > now && changes > 0);
  const used = counting.reduce((sum, [, changes]) => sum + changes, 0);
  const ends = counting.map(([slot]) => endOfSlot(slot));
  const moreAt = ends.length === 0 ? undefined : Math.min(...ends);
  const left = Math.max(0, limit - used);
  return { room: { left, kept: Math.min(left, waiting), moreAt }, base: item.total - used };
}

/** Counts the changes for which room is kept. */
export function changesOf(waiting: readonly Waiting[]): number {
  return waiting.reduce((sum, { changes }) => sum + changes, 0);
}

/**
 * Checks whether there is room for changes under a limit, according to its counter, without using room that is kept for
 * findings.
 */
export function hasRoom(
  found: FoundCounters,
  { counter, most }: { readonly counter: Counter; readonly most: number },
  changes: number,
  now: number,
): boolean {
  const item = found.get(countKey(counter).pk);
  const { room } = roomIn(item, most, now, item === undefined ? 0 : changesOf(waitingIn(item, now)));
  return room.left - room.kept >= changes;
}
