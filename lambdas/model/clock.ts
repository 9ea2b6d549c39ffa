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

/** The assumed maximum difference between two clocks, in milliseconds: of a function and AWS, or of two functions. */
export const CLOCKS_DIFFER_MILLISECONDS = 10 * 60_000;
