import { z } from 'zod';
import type { Counter } from './limits.ts';
import type { ItemKey } from './table-items.ts';

/** Builds the key `count#<rule>#<account>`, or `count#<rule>#all` for the counter of all accounts. */
export function countKey({ rule, scope }: Counter): ItemKey {
  return { pk: `count#${rule}#${scope}`, sk: 'changes' };
}

const SLOT_MILLISECONDS = 5 * 60_000;
const HOUR_MILLISECONDS = 3_600_000;

/** Returns the number of the five-minute slot that contains a moment. */
export function slotOf(at: number): number {
  return Math.floor(at / SLOT_MILLISECONDS);
}

/** Returns the time from which a slot no longer counts, when its last possible change is an hour old. */
export function endOfSlot(slot: number): number {
  return (slot + 1) * SLOT_MILLISECONDS + HOUR_MILLISECONDS;
}

/** Returns the name of the attribute that counts a slot's changes. */
export function slotName(slot: number): string {
  return `slot-${slot}`;
}

/** Returns the name of the attribute that marks a reservation which has not been released. */
export function reservationName(slot: number, id: string): string {
  return `reserved-${slot}-${id}`;
}

/** Time for which room is reserved for a finding that a limit has deferred, long enough for the next daily poll. */
const WAITING_MILLISECONDS = 25 * HOUR_MILLISECONDS;

/**
 * Returns the name of the attribute with the number of changes of a finding that has been waiting for room since a
 * slot.
 */
export function waitingName(slot: number, finding: string): string {
  return `waiting-${slot}-${finding}`;
}

/** A finding that waits for room, and its attribute in the item. */
export interface Waiting {
  readonly name: string;
  readonly finding: string;
  readonly changes: number;
}

/** Returns the findings that wait for room. Those that have waited for more than a day no longer count. */
export function waitingIn(item: CountItem, now: number): Waiting[] {
  return Object.entries(item).flatMap(([name, changes]) => {
    const [, slot, finding] = /^waiting-(\d+)-(\w+)$/.exec(name) ?? [];
    if (slot === undefined || finding === undefined || typeof changes !== 'number') return [];
    return isWaiting(Number(slot), now) ? [{ name, finding, changes }] : [];
  });
}

function isWaiting(slot: number, now: number): boolean {
  return (slot + 1) * SLOT_MILLISECONDS + WAITING_MILLISECONDS > now;
}

/**
 * The counter of changes. `total` decreases only when reservations are released, so that one condition on it limits the
 * sum of the slots: see `LimitCounts`.
 */
export const countItemSchema = z.looseObject({
  pk: z.string().min(1),
  version: z.literal(1),
  total: z.number().int(),
  /** Identifies the item: after DynamoDB has deleted it, a new one begins with a `total` of 0. */
  born: z.string().min(1),
});
export type CountItem = z.infer<typeof countItemSchema>;

/** Returns the number of changes in each slot. */
export function slotsIn(item: CountItem): ReadonlyMap<number, number> {
  const slots = Object.entries(item).flatMap(([name, value]): [number, number][] => {
    const [, slot] = /^slot-(\d+)$/.exec(name) ?? [];
    return slot !== undefined && typeof value === 'number' ? [[Number(slot), value]] : [];
  });
  return new Map(slots);
}

/**
 * Maximum number of names that one update removes, because an update expression is limited to 4 KB. The next update
 * removes more.
 */
const MOST_OLD_NAMES = 100;

/**
 * Lists attributes that are no longer needed: slots that stopped counting an hour ago, reservations whose slot ended
 * more than a slot ago, and findings that have waited too long.
 */
export function oldNames(item: CountItem, now: number): string[] {
  const isOld = (kind: string, slot: number): boolean => {
    if (kind === 'waiting') return !isWaiting(slot, now);
    if (kind === 'reserved') return (slot + 2) * SLOT_MILLISECONDS < now;
    return endOfSlot(slot) + HOUR_MILLISECONDS < now;
  };
  const old = Object.keys(item).filter((name) => {
    const [, kind, slot] = /^(slot|reserved|waiting)-(\d+)/.exec(name) ?? [];
    return kind !== undefined && isOld(kind, Number(slot));
  });
  return old.slice(0, MOST_OLD_NAMES);
}
