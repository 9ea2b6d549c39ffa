import { countersIn, type FoundCounters } from './room.ts';

/**
 * Change counters as a job read them before its changes. They can be used for one reservation, after which they are out
 * of date.
 */
export class KnownCounts {
  #items: readonly unknown[] | undefined;

  /** Sets the counters' items as read from the table. */
  keep(items: readonly unknown[]): void {
    this.#items = items;
  }

  /** Returns the counters once; undefined afterwards. */
  take(): FoundCounters | undefined {
    const items = this.#items;
    this.#items = undefined;
    return items && countersIn(items);
  }
}
