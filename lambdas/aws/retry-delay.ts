/** Number of attempts at an unfinished job, and the delay before each. */
export interface RetryPolicy {
  /** The number of receives after which the queue moves a job to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** The delay before the second attempt. Each further delay is twice as long. */
  readonly retryDelaySeconds: number;
  /** The earliest time of the next attempt, in milliseconds since 1970. */
  readonly notBefore?: number;
}

/** Maximum delay. SQS allows up to twelve hours, but a waiting job blocks its account. */
const LONGEST_DELAY_SECONDS = 900;
/** Maximum wait for another attempt's lease: a function's maximum duration of 15 minutes, plus a margin. */
const LONGEST_WAIT_SECONDS = 1_200;

/**
 * Computes the delay in seconds before a job's next attempt. It is 0 after the last attempt, so that the queue moves
 * the job to the dead-letter queue at once.
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
