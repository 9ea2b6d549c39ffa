import { type Clock, systemClock } from '../model/clock.ts';

/** The rate at which calls may follow one another in one account and region, as a bucket of tokens. */
export interface Pace {
  /** Name of the bucket, which is the service's for changes: calls with the same quota share it. */
  readonly quota: string;
  /** Number of tokens that come back each second. */
  readonly perSecond: number;
  /** Number of calls that may be made at once. */
  readonly burst: number;
  /** True where AWS names no rate: nothing is kept apart before AWS has throttled a call. */
  readonly isAssumed?: true;
}

/** The pace of a service's changes of which AWS names no rate, once it has throttled one. */
export const paceOnceThrottled = (service: string): Pace => ({
  quota: service,
  perSecond: 10,
  burst: 8,
  isAssumed: true,
});

/**
 * EC2's calls that change something: AWS has a bucket of 50 for each account, region and API, of which 5 come back each
 * second. All kinds of changes share one bucket here, and leave half of AWS's to the account's own people, or to a second
 * function instance that continues with the account.
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
export const ec2Writes: Pace = { quota: 'ec2', perSecond: 5, burst: 25 };

/**
 * "All other APIs: 1 transaction per second", UpdateTrail among them, and not to be raised.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
 */
export const cloudTrailWrites: Pace = { quota: 'cloudtrail', perSecond: 1, burst: 1 };

/**
 * Cloud Control's updates. AWS names no number; the services that carry them out have their own quotas.
 * https://docs.aws.amazon.com/general/latest/gr/cloudcontrolapi.html
 */
export const cloudControlWrites: Pace = { quota: 'cloudcontrol', perSecond: 1, burst: 5 };

/**
 * LookupEvents: two per second for each account and region.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export const cloudTrailLookups: Pace = { quota: 'cloudtrail-lookups', perSecond: 2, burst: 1 };

/** The times that a pace is halved at most, by call after call that AWS throttles. */
const MOST_HALVINGS = 3;
/** Time without a throttled call after which one halving is taken back. */
const RECOVERY_MILLISECONDS = 10_000;
/** Calls that were under way when AWS throttled the first one say nothing new. */
const SAME_MILLISECONDS = 1_000;

/**
 * Keeps changes apart so that AWS need not throttle them, and makes them slower where it does: the account's own people use
 * the same quotas. Each function instance keeps its own count: jobs of one account and region never run side by side, so one
 * instance makes all changes of a place at a time.
 *
 * The SDK's adaptive mode (`retryMode: 'adaptive'`) is not used: it delays calls directly before they
 * are sent, when a change must no longer wait, because its basis was just read. Turns are waited for before that.
 */
export class Pacer {
  readonly #clock: Clock;
  /** Time at which the bucket will be full again, by quota. */
  readonly #full = new Map<string, number>();
  /** The number of times that the pace was halved, and the last of them, by quota. */
  readonly #halved = new Map<string, { readonly times: number; readonly at: number }>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the bucket holds as many tokens as calls are to be made, or is full where they are more. In the order
   * of the calls.
   * @param account whose bucket it is
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

  /** Halves the pace of a quota, as AWS has throttled a call. */
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
