import type { Clock } from '../../model/clock.ts';

/** Lets through no more than `limit` turns in any `windowMilliseconds`, and makes the others wait. */
export class Pacer {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMilliseconds: number;
  /** Times of the current window's turns, oldest first. */
  readonly #turns: number[] = [];

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
      if (oldest === undefined || this.#turns.length < this.#limit) {
        this.#turns.push(now);
        return;
      }
      await this.#clock.sleep(oldest + this.#windowMilliseconds - now);
    }
  }
}
