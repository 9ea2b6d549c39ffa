import { z } from 'zod';
import type { Counter } from './limits.ts';
import type { ItemKey } from './table-items.ts';

/** `count#<rule>#<account>`, and `count#<rule>#all` over all accounts. */
export function countKey({ rule, scope }: Counter): ItemKey {
  return { pk: `count#${rule}#${scope}`, sk: 'changes' };
}

const SLOT_MILLISECONDS = 5 * 60_000;
const HOUR_MILLISECONDS = 3_600_000;

/** The number of the slot of five minutes that a moment is in. */
export function slotOf(at: number): number {
  return Math.floor(at / SLOT_MILLISECONDS);
}

/** The time from which a slot no longer counts: its last change is an hour old. */
export function endOfSlot(slot: number): number {
  return (slot + 1) * SLOT_MILLISECONDS + HOUR_MILLISECONDS;
}

/** The attribute that counts the changes of a slot. */
export function slotName(slot: number): string {
  return `slot-${slot}`;
}

/** The attribute that identifies a reservation that was made and not released yet. */
export function reservationName(slot: number, id: string): string {
  return `reserved-${slot}-${id}`;
}

/** Time for which room is reserved for findings that a limit has deferred: until the next daily poll at the latest. */
const WAITING_MILLISECONDS = 25 * HOUR_MILLISECONDS;

/** The attribute that counts the changes of a finding which waits for room since a slot. */
export function waitingName(slot: number, finding: string): string {
  return `waiting-${slot}-${finding}`;
}

/** The findings that wait for room, with their attributes. */
export interface Waiting {
  readonly name: string;
  readonly finding: string;
  readonly changes: number;
}

/** Reads the findings that wait for room. Those that have waited for more than a day no longer count. */
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
 * The counter of changes. `total` only grows, but for what is released, so that one condition on it limits what is in the
 * slots: see `LimitCounts`.
 */
export const countItemSchema = z.looseObject({
  pk: z.string().min(1),
  version: z.literal(1),
  total: z.number().int(),
  /** Recreated after DynamoDB has deleted it: `total` then begins at 0 again. */
  born: z.string().min(1),
});
export type CountItem = z.infer<typeof countItemSchema>;

/** Reads the changes in each slot. */
export function slotsIn(item: CountItem): ReadonlyMap<number, number> {
  const slots = Object.entries(item).flatMap(([name, value]): [number, number][] => {
    const [, slot] = /^slot-(\d+)$/.exec(name) ?? [];
    return slot !== undefined && typeof value === 'number' ? [[Number(slot), value]] : [];
  });
  return new Map(slots);
}

/** Maximum number of names that one update removes, because its expression is limited to 4 KB. The next removes more. */
const MOST_OLD_NAMES = 100;

/**
 * Lists attributes that are no longer needed: slots that have not counted for an hour, reservations of functions whose time
 * has been over for a slot, and findings that have waited for too long.
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
