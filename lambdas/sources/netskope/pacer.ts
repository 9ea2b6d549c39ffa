import type { Clock } from '../../model/clock.ts';

/**
 * Lets through no more than `limit` turns in any `windowMilliseconds`, and makes the others wait. Who shares a limit with
 * others that it knows nothing of learns so by a refusal: it then takes half of its turns, and one more with each window
 * that passes without another.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMilliseconds: number;
  /** Times of the current window's turns, oldest first. */
  readonly #turns: number[] = [];
  /** Number of turns in a window as of the last refusal, and when that was. */
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

  /** Takes note of a refusal. Those of one window count once: they are of turns taken before. */
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
