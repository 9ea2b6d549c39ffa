import { setTimeout as delay } from 'node:timers/promises';

/** A clock, and a way to wait. Tests use their own clock so that they do not have to wait. */
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

/**
 * The assumed maximum difference between two clocks (those of a function and AWS, or of two functions), in
 * milliseconds.
 */
export const CLOCKS_DIFFER_MILLISECONDS = 10 * 60_000;
