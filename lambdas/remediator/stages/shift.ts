import type { Clock } from '../../model/clock.ts';

/**
 * Time after which a job begins no further fix: operators' requests wait until the job has ended, and are expected to
 * begin within a minute.
 */
const SHIFT_MILLISECONDS = 30_000;

/**
 * The time during which an attempt begins fixes. It starts when the first of them are about to be made, so that an
 * attempt makes some fixes however long its preparation takes.
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
