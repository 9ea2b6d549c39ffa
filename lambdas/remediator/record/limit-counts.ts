import { randomUUID } from 'node:crypto';
import type { Condition, FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import {
  type CountItem,
  countItemSchema,
  countKey,
  endOfSlot,
  oldNames,
  reservationName,
  slotName,
  slotOf,
  type Waiting,
  waitingIn,
  waitingName,
} from '../../model/count-item.ts';
import { DeliveryError } from '../../model/errors.ts';
import type { Counter } from '../../model/limits.ts';
import { parseItem } from '../../model/table-items.ts';
import { changesOf, countersIn, type FoundCounters, type Room, roomIn } from './room.ts';

/** Time for which an item is kept after its last change. */
const KEPT_SECONDS = 86_400;

/**
 * Maximum number of attempts to write. Other writers may be faster, but each conflict means that one of them succeeded.
 */
const ATTEMPTS = 20;

/** Maximum number of findings for which room is kept: an item has up to 400 KB, and each finding needs 40 bytes. */
const MOST_WAITING = 2_000;

/** Reserved room for changes that a job is about to make. */
export interface Reservation {
  readonly counter: Counter;
  readonly id: string;
  readonly slot: number;
  readonly changes: number;
}

/** Request for a reservation. */
export interface Wish {
  readonly counter: Counter;
  /**
   * Counters from an earlier read, of any age: the condition of the write enforces the limit. Default: the counters are
   * read.
   */
  readonly found?: FoundCounters;
  /** Maximum number of changes within any hour. */
  readonly limit: number;
  /** The latest time at which one of the changes may be made, in milliseconds since 1970. */
  readonly until: number;
  /**
   * Selects the changes to reserve.
   * @param left the number of changes for which there is room
   * @param kept how many of these are kept for other jobs' findings that a limit deferred
   */
  choose(left: number, kept: number): Choice;
  /** Findings of this job that a limit deferred earlier. They may use the kept room. */
  readonly deferred: ReadonlySet<string>;
}

/** Number of changes to reserve, and the findings for which they are made. */
export interface Choice {
  readonly changes: number;
  readonly findings: readonly string[];
}

/** Result of a request for a reservation, and the remaining room. */
export interface Granted {
  /** Undefined if nothing was reserved. */
  readonly reservation: Reservation | undefined;
  readonly room: Room;
}

/**
 * Counts the changes of an hour, across jobs, polls, and regions, in slots of five minutes. No period of 60 minutes
 * contains more changes than the limit, regardless of concurrent reservations:
 *
 * - A change counts in the slot of its latest possible time, and a slot counts until an hour after its end.
 * - The number of changes that no longer count is `total` minus the slots that count. It only grows. Its value at the
 *   time of the read is therefore sufficient for a condition that enforces the limit, regardless of what others have
 *   added since: `total <= limit + value - changes`.
 * - A reservation adds its own attribute, so that it is made once and released once, even if the SDK sends a call
 *   twice.
 */
export class LimitCounts {
  readonly #table: Pick<FindingsTable, 'read' | 'updateIf'>;
  readonly #clock: Clock;

  constructor(table: Pick<FindingsTable, 'read' | 'updateIf'>, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Reads counters in one call. @throws AWS's own error if the table can't be read */
  async read(counters: readonly Counter[]): Promise<FoundCounters> {
    return countersIn(await this.#table.read(counters.map(countKey)));
  }

  /**
   * Reserves room for all changes that `choose` selects, or for none.
   * @throws DeliveryError if another writer changed the item during each attempt; AWS's own error if the table can't be read or written
   */
  async reserve({ counter, found: counters, limit, until, choose, deferred }: Wish): Promise<Granted> {
    const id = randomUUID().slice(0, 13);
    const slot = slotOf(until);
    const name = reservationName(slot, id);
    let item = (counters ?? (await this.read([counter]))).get(countKey(counter).pk);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const now = this.#clock.now();
      const waiting = item === undefined ? [] : waitingIn(item, now);
      const kept = changesOf(waiting.filter(({ finding }) => !deferred.has(finding)));
      const { room, base } = roomIn(item, limit, now, kept);
      const { changes, findings } = choose(room.left, kept);
      if (changes === 0) return { reservation: undefined, room };
      const served = waiting.flatMap((each) => (findings.includes(each.finding) ? each.name : []));
      const put = await this.#table.updateIf({
        key: countKey(counter),
        add: { total: changes, [slotName(slot)]: changes },
        set: { [name]: changes, expiresAt: Math.ceil(endOfSlot(slot) / 1000) + KEPT_SECONDS },
        setMissing: { version: 1, born: id },
        remove: item === undefined ? [] : [...new Set([...oldNames(item, now), ...served])],
        condition: conditionOf(item, name, limit + base - changes),
      });
      const isSentTwice = !put.isWritten && hasName(put.found, name);
      if (put.isWritten || isSentTwice) {
        const moreAt = Math.min(room.moreAt ?? Number.POSITIVE_INFINITY, endOfSlot(slot));
        return {
          reservation: { counter, id, slot, changes },
          room: { ...room, left: room.left - changes, moreAt },
        };
      }
      item = put.found === undefined ? undefined : parseItem(countItemSchema, put.found);
    }
    throw new DeliveryError(
      `${countKey(counter).pk} could not be written: another writer changed the item during each of ${ATTEMPTS} attempts`,
    );
  }

  /**
   * Keeps room for findings that a limit deferred, so that they come first, until the whole limit is kept. Further
   * findings get room when some of it has been used.
   * @param findings the number of changes that each finding needs
   */
  async keep(counter: Counter, findings: ReadonlyMap<string, number>, limit: number): Promise<void> {
    const slot = slotOf(this.#clock.now());
    const waiting = this.#waitingIn(counter, await this.read([counter]));
    const others = waiting.filter(({ finding }) => !findings.has(finding));
    let kept = changesOf(others);
    const names = [...findings].flatMap(([finding, changes], index) => {
      if (kept >= limit || others.length + index >= MOST_WAITING) return [];
      kept += changes;
      return [[waitingName(slot, finding), changes] as const];
    });
    const isKept = ({ name }: Waiting): boolean => names.some(([each]) => each === name);
    const old = waiting.filter((each) => findings.has(each.finding) && !isKept(each));
    if (names.length === 0 && old.length === 0) return;
    await this.#updateWaiting(counter, Object.fromEntries(names), old);
  }

  /** Releases the room that was kept for findings that no longer wait. */
  async forget(counters: readonly Counter[], findings: ReadonlySet<string>): Promise<void> {
    const found = await this.read(counters);
    for (const counter of counters) {
      const known = this.#waitingIn(counter, found).filter(({ finding }) => findings.has(finding));
      if (known.length === 0) continue;
      await this.#updateWaiting(counter, {}, known);
    }
  }

  async #updateWaiting(
    counter: Counter,
    set: Readonly<Record<string, number>>,
    old: readonly Waiting[],
  ): Promise<void> {
    await this.#table.updateIf({
      key: countKey(counter),
      add: {},
      set,
      remove: old.map(({ name }) => name),
      // The item exists, because without counted changes nothing would have been deferred.
      condition: { expression: 'attribute_exists(pk)', names: {}, values: {} },
    });
  }

  #waitingIn(counter: Counter, counters: FoundCounters): Waiting[] {
    const found = counters.get(countKey(counter).pk);
    return found === undefined ? [] : waitingIn(found, this.#clock.now());
  }

  /**
   * Releases all or some of a reservation's room, for changes that were not made. This is possible once per
   * reservation. The rest continues to count.
   */
  async release({ counter, id, slot }: Reservation, changes: number): Promise<void> {
    const name = reservationName(slot, id);
    await this.#table.updateIf({
      key: countKey(counter),
      add: { total: -changes, [slotName(slot)]: -changes },
      set: {},
      remove: [name],
      condition: { expression: 'attribute_exists(#name)', names: { '#name': name }, values: {} },
    });
  }
}

function conditionOf(item: CountItem | undefined, name: string, most: number): Condition {
  if (item === undefined) return { expression: 'attribute_not_exists(pk)', names: {}, values: {} };
  return {
    expression: 'attribute_not_exists(#name) AND #born = :born AND #total <= :most',
    names: { '#name': name, '#born': 'born', '#total': 'total' },
    values: { ':born': item.born, ':most': most },
  };
}

function hasName(item: unknown, name: string): boolean {
  return typeof item === 'object' && item !== null && name in item;
}
