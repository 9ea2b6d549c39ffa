import { countersIn, type FoundCounters } from './room.ts';

/** The counters of changes as a job read them with all that it reads at first: good for one reservation, which makes them old. */
export class KnownCounts {
  #items: readonly unknown[] | undefined;

  /** Takes the counters' items that the table has. */
  keep(items: readonly unknown[]): void {
    this.#items = items;
  }

  /** Hands over the counters; undefined if they are no longer known. */
  take(): FoundCounters | undefined {
    const items = this.#items;
    this.#items = undefined;
    return items && countersIn(items);
  }
}
