import { conclude } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Gate } from './gate.ts';

/**
 * Stops the findings of a job that has not begun anything if a newer poll is complete: the jobs of that poll check the
 * current state.
 */
export const superseded: Gate<Work> = (_finding, { newer }) => {
  const poll = newer.superseding;
  if (poll === undefined) return undefined;
  const reason = `superseded before work on it began: the poll of ${poll.asOf} is complete, and its jobs process the findings`;
  return conclude('deferred', { willRetry: true, reason });
};
