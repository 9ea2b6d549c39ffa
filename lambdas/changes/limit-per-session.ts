import pLimit, { type LimitFunction } from 'p-limit';
import { perSession } from '../aws/per-session.ts';
import type { AwsSession } from '../aws/session.ts';

/**
 * Limits how many calls of one operation are in progress in a session. Changes with several calls then overlap: while some
 * make their first call, others make the next one.
 */
export function limitPerSession(atOnce: number): (session: AwsSession) => LimitFunction {
  return perSession(() => pLimit(atOnce));
}
