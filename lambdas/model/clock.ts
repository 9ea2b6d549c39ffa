import { setTimeout as delay } from 'node:timers/promises';

/** The time, and waiting for it: tests bring their own clock, so that they wait for nothing. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after this many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds) => {
    await delay(milliseconds);
  },
};

/** The longest that two clocks are taken to differ, in milliseconds: a function's from AWS's, or from another function's. */
export const CLOCKS_DIFFER_MILLISECONDS = 10 * 60_000;
