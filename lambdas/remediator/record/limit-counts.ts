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

/** Time for which an item is kept after the last change that it counts. */
const KEPT_SECONDS = 86_400;

/**
 * Maximum number of attempts at a write. Others may write in between, but each conflict means that one of them succeeded.
 */
const ATTEMPTS = 20;

/** Maximum number of findings for which room is kept: an item has up to 400 KB, and a finding takes 40 bytes of it. */
const MOST_WAITING = 2_000;

/** Room for some changes that a job is about to make. */
export interface Reservation {
  readonly counter: Counter;
  readonly id: string;
  readonly slot: number;
  readonly changes: number;
}

/** A requested reservation. */
export interface Wish {
  readonly counter: Counter;
  /**
   * Counters from an earlier read. The condition of the write enforces the limit, however old they are. Default: they are
   * read.
   */
  readonly found?: FoundCounters;
  /** Maximum number of changes within any hour. */
  readonly limit: number;
  /** The latest time at which one of the changes may be made, in milliseconds since 1970. */
  readonly until: number;
  /**
   * Selects the changes to reserve.
   * @param left the number of changes that there is room for
   * @param kept the part of them that is kept for other jobs' findings that a limit deferred
   */
  choose(left: number, kept: number): Choice;
  /** The findings of this job that a limit deferred before; they may use the kept room. */
  readonly deferred: ReadonlySet<string>;
}

/** The changes that are reserved, and the findings that they are for. */
export interface Choice {
  readonly changes: number;
  readonly findings: readonly string[];
}

/** The result of a request, and the remaining room. */
export interface Granted {
  /** Undefined if there is no room for any of the changes. */
  readonly reservation: Reservation | undefined;
  readonly room: Room;
}

/**
 * Counts the changes of an hour, across jobs, polls and regions, in slots of five minutes. There are never more than the
 * limit within any 60 minutes, regardless of concurrent reservations:
 *
 * - A change counts in the slot of its latest possible time, and a slot counts until an hour after its end.
 * - The changes that no longer count are `total` minus the slots that count. This number only grows. Its value at the
 *   read is therefore enough for a condition that enforces the limit, whatever others have added since: `total <= limit +
 *   value - changes`.
 * - A reservation adds its own attribute, so that one that the SDK sends twice is made only once, and so is its release.
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
   * Reserves room for all changes that the request selects, or for none.
   * @throws DeliveryError if other writers were faster each time; AWS's own error if the table can't be read or written
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
      `${countKey(counter).pk}: others reserved changes ${ATTEMPTS} times in a row before this job could`,
    );
  }

  /**
   * Keeps room for findings that a limit deferred, so that they come first, until the room of a whole hour is kept. The
   * other findings try again when some of it has been used.
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

  /** Releases the room that is kept for findings which no longer wait, whatever their outcome. */
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
   * Releases all or some of a reservation's room, for changes that were not made. This is possible once per reservation;
   * the rest stays counted.
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
