import type { Clock } from '../../model/clock.ts';

/** Time after which a job begins no further fix: what operators ask for waits until it has ended, and expects to begin within a minute. */
const SHIFT_MILLISECONDS = 30_000;

/**
 * The time that one attempt gives to fixes. It begins when the first of them are about to be made, and not before: however
 * long it takes to get there, an attempt makes some.
 */
export class Shift {
  readonly #clock: Clock;
  #end: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins with the first question. */
  get isOver(): boolean {
    const now = this.#clock.now();
    this.#end ??= now + SHIFT_MILLISECONDS;
    return now >= this.#end;
  }
}
