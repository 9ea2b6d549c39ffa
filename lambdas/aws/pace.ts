import { type Clock, systemClock } from '../model/clock.ts';

/** The rate limit of calls in one account and region, as a token bucket. */
export interface Pace {
  /** The name of the bucket, which all calls with the same quota share. For changes, it is the service. */
  readonly quota: string;
  /** The number of tokens that the bucket gains per second. */
  readonly perSecond: number;
  /** The maximum number of calls at once. */
  readonly burst: number;
  /** True if AWS documents no rate: calls are only delayed after AWS has throttled one. */
  readonly isAssumed?: true;
}

/** The rate for changes of a service without a documented rate, after AWS has throttled one. */
export const paceOnceThrottled = (service: string): Pace => ({
  quota: service,
  perSecond: 10,
  burst: 8,
  isAssumed: true,
});

/**
 * Rate for EC2 calls that change something. AWS has a bucket of 50 tokens for each account, region and API, refilled
 * with 5 per second. Here, all kinds of changes share one bucket of half that size. The rest is left to the account's
 * own users, and to a second function instance that continues with the account.
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
export const ec2Writes: Pace = { quota: 'ec2', perSecond: 5, burst: 25 };

/**
 * Rate for UpdateTrail: "All other APIs: 1 transaction per second". This quota can't be raised.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
 */
export const cloudTrailWrites: Pace = { quota: 'cloudtrail', perSecond: 1, burst: 1 };

/**
 * Rate for Cloud Control updates. AWS documents no number; the underlying services have their own quotas.
 * https://docs.aws.amazon.com/general/latest/gr/cloudcontrolapi.html
 */
export const cloudControlWrites: Pace = { quota: 'cloudcontrol', perSecond: 1, burst: 5 };

/**
 * Rate for CreateLogGroup: ten per second for each account and region, as for PutRetentionPolicy. The burst is smaller
 * by one, because calls do not arrive as regularly as they are sent.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
export const logGroupCreations: Pace = { quota: 'log-group-creations', perSecond: 10, burst: 9 };

/**
 * Rate for LookupEvents: two per second for each account and region.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export const cloudTrailLookups: Pace = { quota: 'cloudtrail-lookups', perSecond: 2, burst: 1 };

/** Maximum number of times that a rate is halved by successive throttled calls. */
const MOST_HALVINGS = 3;
/** Time without throttling after which one halving is reversed. */
const RECOVERY_MILLISECONDS = 10_000;
/** Time during which further throttled calls count as one, because they were already in progress. */
const SAME_MILLISECONDS = 1_000;

/**
 * Paces changes so that AWS does not throttle them, and slows down if it does, because the account's own users share
 * the quotas. Each function instance counts separately. Jobs for one account and region never run in parallel, so one
 * instance makes all changes there at a time.
 *
 * The SDK's adaptive mode (`retryMode: 'adaptive'`) is not used. It delays calls immediately before they are sent, when
 * a change must no longer wait because its basis was just read. Callers wait for their turn before that read.
 */
export class Pacer {
  readonly #clock: Clock;
  /** Time at which the bucket will be full again, by quota. */
  readonly #full = new Map<string, number>();
  /** The number of times that the rate was halved, and the time of the last, by quota. */
  readonly #halved = new Map<string, { readonly times: number; readonly at: number }>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Resolves, in the order of the callers, when the bucket has enough tokens for the calls, or is full if they are more
   * than it can contain.
   * @param account the account of the bucket
   */
  async turn(account: string, { quota, isAssumed, ...pace }: Pace, calls = 1): Promise<void> {
    const key = keyOf(account, quota);
    const halvings = this.#halvingsOf(key);
    if (isAssumed === true && halvings === 0) return;
    const milliseconds = (1_000 / pace.perSecond) * 2 ** halvings;
    const burst = halvings === 0 ? pace.burst : 1;
    const now = this.#clock.now();
    const full = Math.max(now, this.#full.get(key) ?? now) + calls * milliseconds;
    this.#full.set(key, full);
    const at = full - Math.max(burst, calls) * milliseconds;
    if (at > now) await this.#clock.sleep(at - now);
  }

  /** Halves the rate of a quota after AWS has throttled a call. */
  throttled(account: string, quota: string): void {
    const key = keyOf(account, quota);
    const now = this.#clock.now();
    const at = this.#halved.get(key)?.at ?? Number.NEGATIVE_INFINITY;
    if (now - at < SAME_MILLISECONDS) return;
    this.#halved.set(key, { times: Math.min(MOST_HALVINGS, this.#halvingsOf(key) + 1), at: now });
  }

  #halvingsOf(key: string): number {
    const { times, at } = this.#halved.get(key) ?? { times: 0, at: 0 };
    return Math.max(0, times - Math.floor((this.#clock.now() - at) / RECOVERY_MILLISECONDS));
  }
}

const keyOf = (account: string, quota: string): string => `${quota} ${account}`;
