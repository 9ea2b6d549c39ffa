import type { Clock } from '../../model/clock.ts';

/** Time after which a job begins no further fix: what operators ask for waits until it has ended, and expects to begin within a minute. */
const SHIFT_MILLISECONDS = 30_000;

/** The time that one attempt gives to fixes. */
export class Shift {
  readonly #clock: Clock;
  readonly #end: number;

  /** Begins now. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#end = clock.now() + SHIFT_MILLISECONDS;
  }

  get isOver(): boolean {
    return this.#clock.now() >= this.#end;
  }
}
