import type { AwsSession } from '../aws/session.ts';
import type { Work } from './work.ts';

/** Point in time at which a resource was read. */
export interface Reading {
  /** Number of calls that the session had made at that time. */
  readonly calls: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Returns the current point in time, for a read that has just ended. */
export function readingOf(session: AwsSession, { ports }: Pick<Work, 'ports'>): Reading {
  return { calls: session.calls.length, at: ports.clock.now() };
}
