import type { Clock } from '../../model/clock.ts';

/**
 * Time after which a job begins no further fixes. Operators' requests wait until the job has ended, and should begin
 * within a minute.
 */
const SHIFT_MILLISECONDS = 30_000;

/**
 * Period during which an attempt begins fixes. It starts when the first fixes are about to be made, so that every
 * attempt makes some, regardless of how long its preparation takes.
 */
export class Shift {
  readonly #clock: Clock;
  #end: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Checks whether the shift has ended. The first check starts the shift. */
  get isOver(): boolean {
    const now = this.#clock.now();
    this.#end ??= now + SHIFT_MILLISECONDS;
    return now >= this.#end;
  }
}
