/** The limit of a tenant's requests. */
export interface RateLimitOptions {
  /** Requests in any window; the next one is refused. */
  readonly requests: number;
  readonly windowMilliseconds: number;
  /** Number of these that are served at once; the others wait. */
  readonly atOnce: number;
}

/** Netskope REST API v1 overview: 24 requests in 5 seconds, 4 served in the first, 20 queued over the next four. */
export const documentedRateLimit: RateLimitOptions = { requests: 24, windowMilliseconds: 5000, atOnce: 4 };

const FIRST_SECOND = 1000;

/** Decides on requests one by one, in the order of arrival. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  /** Times of the accepted requests within the window, oldest first. */
  #admitted: number[] = [];

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /**
   * @param now milliseconds of a clock that never goes back
   * @returns the request's wait in milliseconds, or `refused`. Refused requests do not count.
   */
  admit(now: number): number | 'refused' {
    const { requests, windowMilliseconds, atOnce } = this.#options;
    this.#admitted = this.#admitted.filter((time) => time > now - windowMilliseconds);
    const before = this.#admitted.length;
    if (before >= requests) return 'refused';
    this.#admitted.push(now);
    const [start = now] = this.#admitted;
    if (before < atOnce) return 0;
    const spacing = (windowMilliseconds - FIRST_SECOND) / (requests - atOnce);
    return Math.max(0, start + FIRST_SECOND + (before - atOnce) * spacing - now);
  }
}
