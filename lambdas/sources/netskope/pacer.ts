import type { Clock } from '../../model/clock.ts';

/**
 * Allows at most `limit` turns in any `windowMilliseconds`; further callers wait. A refused request means that other
 * clients share the limit. The pacer then halves its rate, and raises it by one per window without a refusal.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMilliseconds: number;
  /** The times of the turns in the current window, oldest first. */
  readonly #turns: number[] = [];
  /** The number of turns per window after the last refusal, and its time. */
  #slowed: { readonly limit: number; readonly at: number } | undefined;

  constructor(clock: Clock, limit: number, windowMilliseconds: number) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMilliseconds = windowMilliseconds;
  }

  /** Resolves when it is the caller's turn. */
  async turn(): Promise<void> {
    for (;;) {
      const now = this.#clock.now();
      let oldest = this.#turns[0];
      while (oldest !== undefined && oldest <= now - this.#windowMilliseconds) {
        this.#turns.shift();
        oldest = this.#turns[0];
      }
      if (oldest === undefined || this.#turns.length < this.#limitAt(now)) {
        this.#turns.push(now);
        return;
      }
      await this.#clock.sleep(oldest + this.#windowMilliseconds - now);
    }
  }

  /**
   * Lowers the rate after a refused request. Refusals within one window count once, because they concern earlier turns.
   */
  slowDown(): void {
    const now = this.#clock.now();
    if (this.#slowed !== undefined && now - this.#slowed.at < this.#windowMilliseconds) return;
    this.#slowed = { limit: Math.max(1, Math.floor(this.#limitAt(now) / 2)), at: now };
  }

  #limitAt(now: number): number {
    if (this.#slowed === undefined) return this.#limit;
    const windows = Math.floor((now - this.#slowed.at) / this.#windowMilliseconds);
    return Math.min(this.#limit, this.#slowed.limit + windows);
  }
}
