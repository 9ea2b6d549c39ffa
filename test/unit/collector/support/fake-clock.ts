import type { Clock } from '../../../../lambdas/model/clock.ts';

/** A clock that advances only by sleeps, which return immediately. */
export class FakeClock implements Clock {
  /** Duration of each sleep, in milliseconds. */
  readonly sleeps: number[] = [];
  #now: number;

  constructor(now = Date.parse('2026-01-31T12:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.sleeps.push(milliseconds);
    this.#now += milliseconds;
  }
}
