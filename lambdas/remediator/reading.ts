import type { AwsSession } from '../aws/session.ts';
import type { Work } from './work.ts';

/** The moment at which a resource was read. */
export interface Reading {
  /** Number of calls that the session had made by then. */
  readonly calls: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The moment of a reading that has just been made. */
export function readingOf(session: AwsSession, { ports }: Pick<Work, 'ports'>): Reading {
  return { calls: session.calls.length, at: ports.clock.now() };
}
