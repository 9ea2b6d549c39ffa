import { countKey } from '../../../../lambdas/model/count-item.ts';
import type { Counter } from '../../../../lambdas/model/limits.ts';
import type {
  Granted,
  LimitCounts,
  Reservation,
  Wish,
} from '../../../../lambdas/remediator/record/limit-counts.ts';
import type { FoundCounters } from '../../../../lambdas/remediator/record/room.ts';

const HOUR_MILLISECONDS = 3_600_000;

/** Counters of changes in memory. Each change counts until an hour after its latest possible time. */
export class MemoryCounts implements Pick<LimitCounts, 'read' | 'reserve' | 'release' | 'keep' | 'forget'> {
  readonly #now: () => number;
  /** Reservations, by counter. */
  readonly reserved = new Map<string, { readonly id: string; readonly until: number; changes: number }[]>();
  /** Findings for which room is kept, by counter. */
  readonly waiting = new Map<string, Map<string, number>>();
  #made = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Number of changes that currently count. */
  used(rule: string, account: string): number {
    const counting = (this.reserved.get(countKey({ rule, scope: account }).pk) ?? []).filter(
      ({ until }) => until + HOUR_MILLISECONDS > this.#now(),
    );
    return counting.reduce((sum, { changes }) => sum + changes, 0);
  }

  /** Reads nothing: the counters are checked when room is reserved. */
  async read(): Promise<FoundCounters> {
    return new Map();
  }

  async reserve({ counter, limit, until, choose, deferred }: Wish): Promise<Granted> {
    const { pk } = countKey(counter);
    const waiting = this.waiting.get(pk) ?? new Map<string, number>();
    const others = [...waiting].filter(([finding]) => !deferred.has(finding));
    const kept = others.reduce((sum, [, each]) => sum + each, 0);
    const left = Math.max(0, limit - this.used(counter.rule, counter.scope));
    const room = { left, kept: Math.min(left, kept), moreAt: until + HOUR_MILLISECONDS };
    const { changes, findings } = choose(left, kept);
    if (changes === 0) return { reservation: undefined, room };
    for (const finding of findings) waiting.delete(finding);
    this.#made += 1;
    const id = `reservation-${this.#made}`;
    this.reserved.set(pk, [...(this.reserved.get(pk) ?? []), { id, until, changes }]);
    return {
      reservation: { counter, id, slot: 0, changes },
      room: { ...room, left: room.left - changes },
    };
  }

  async release({ counter, id }: Reservation, changes: number): Promise<void> {
    const found = this.reserved.get(countKey(counter).pk)?.find((each) => each.id === id);
    if (found !== undefined) found.changes -= changes;
  }

  async keep(counter: Counter, findings: ReadonlyMap<string, number>, limit: number): Promise<void> {
    const { pk } = countKey(counter);
    const waiting = new Map(this.waiting.get(pk));
    for (const [finding, changes] of findings) {
      const kept = [...waiting.values()].reduce((sum, each) => sum + each, 0);
      if (kept < limit || waiting.has(finding)) waiting.set(finding, changes);
    }
    this.waiting.set(pk, waiting);
  }

  async forget(counters: readonly Counter[], findings: ReadonlySet<string>): Promise<void> {
    for (const counter of counters) {
      for (const finding of findings) this.waiting.get(countKey(counter).pk)?.delete(finding);
    }
  }
}
