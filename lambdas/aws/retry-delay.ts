/** Number of attempts at an unfinished job, and the delay before each. */
export interface RetryPolicy {
  /** Number of receives after which the queue moves a job to the dead letters. */
  readonly maxReceiveCount: number;
  /** The wait before the second attempt. Each further wait is twice as long. */
  readonly retryDelaySeconds: number;
  /** The job can't be attempted before: milliseconds since 1970. */
  readonly notBefore?: number;
}

/** SQS takes at most twelve hours; a job that waits longer than this delays its account for too long. */
const LONGEST_DELAY_SECONDS = 900;
/** Another attempt has a job for as long as a function runs, at most 15 minutes, and a little more. */
const LONGEST_WAIT_SECONDS = 1_200;

/**
 * The seconds after which a job that was received so often comes back; none after the last attempt, so that the queue
 * moves it to the dead letters at once.
 * @param now milliseconds since 1970
 */
export function retryDelay(
  { maxReceiveCount, retryDelaySeconds, notBefore = 0 }: RetryPolicy,
  received: number,
  now: number,
): number {
  if (received >= maxReceiveCount) return 0;
  return Math.max(
    Math.min(retryDelaySeconds * 2 ** (received - 1), LONGEST_DELAY_SECONDS),
    Math.min(Math.ceil((notBefore - now) / 1000), LONGEST_WAIT_SECONDS),
  );
}
