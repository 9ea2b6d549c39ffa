import { type Clock, systemClock } from '../model/clock.ts';

/** The rate at which calls may follow one another in one account and region, as a bucket of tokens. */
export interface Pace {
  /** Name of the bucket: calls with the same quota share it. */
  readonly quota: string;
  /** Number of tokens that come back each second. */
  readonly perSecond: number;
  /** Number of calls that may be made at once. */
  readonly burst: number;
}

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
 * Cloud Control's updates. AWS names no number; the services that carry them out have quotas of their own.
 * https://docs.aws.amazon.com/general/latest/gr/cloudcontrolapi.html
 */
export const cloudControlWrites: Pace = { quota: 'cloudcontrol', perSecond: 1, burst: 5 };

/**
 * LookupEvents: two per second for each account and region.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export const cloudTrailLookups: Pace = { quota: 'cloudtrail-lookups', perSecond: 2, burst: 1 };

/**
 * Keeps changes apart so that AWS need not throttle them. Each function instance keeps its own count: jobs of one
 * account and region never run side by side, so one instance makes all changes of a place at a time.
 */
export class Pacer {
  readonly #clock: Clock;
  /** Time at which the bucket will be full again, by quota. */
  readonly #full = new Map<string, number>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the bucket holds as many tokens as calls are to be made, or is full where they are more. In the order
   * of the calls.
   * @param account whose bucket it is
   */
  async turn(account: string, { quota, perSecond, burst }: Pace, calls = 1): Promise<void> {
    const key = `${quota} ${account}`;
    const milliseconds = 1_000 / perSecond;
    const now = this.#clock.now();
    const full = Math.max(now, this.#full.get(key) ?? now) + calls * milliseconds;
    this.#full.set(key, full);
    const at = full - Math.max(burst, calls) * milliseconds;
    if (at > now) await this.#clock.sleep(at - now);
  }
}
