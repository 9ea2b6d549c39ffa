import { type Clock, systemClock } from '../model/clock.ts';

/** How fast changes of a kind may follow one another in one account. */
export interface Pace {
  readonly perSecond: number;
}

/**
 * Keeps changes apart so that AWS need not throttle them. Each function instance keeps its own count: jobs of one
 * account and region never run side by side, so one instance makes all changes of a place at a time.
 */
export class Pacer {
  readonly #clock: Clock;
  /** When the next change may be made, by what shares a quota. */
  readonly #next = new Map<string, number>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the next change of these may be made, in the order of the calls.
   * @param quota what shares a quota: `cloudtrail-log-file-validation-set 111122223333`
   */
  async turn(quota: string, { perSecond }: Pace): Promise<void> {
    const now = this.#clock.now();
    const at = Math.max(now, this.#next.get(quota) ?? now);
    this.#next.set(quota, at + 1_000 / perSecond);
    if (at > now) await this.#clock.sleep(at - now);
  }
}
