import { asError } from '../aws/errors.ts';
import { DeliveryError } from '../model/errors.ts';
import type { Job } from '../model/job.ts';
import { jobsByRegion } from './job-grouper.ts';
import type { JobSink } from './job-sink.ts';

/** Maximum number of messages in one call to a queue. */
const MESSAGES_PER_CALL = 10;

/**
 * Collects jobs by region until they fill a call to the region's queue. A region that accepts no jobs does not delay
 * the others.
 */
export class Outbox {
  readonly #jobs: JobSink;
  readonly #sent: (job: Job) => void;
  readonly #waiting = new Map<string, Job[]>();
  readonly #failures = new Map<string, unknown>();

  /** @param sent called with each accepted job */
  constructor(jobs: JobSink, sent: (job: Job) => void) {
    this.#jobs = jobs;
    this.#sent = sent;
  }

  /** Sends as many jobs as fill whole calls, to all regions in parallel. */
  async add(jobs: readonly Job[]): Promise<void> {
    for (const [region, added] of jobsByRegion(jobs)) {
      this.#waiting.set(region, [...(this.#waiting.get(region) ?? []), ...added]);
    }
    await this.#send((waiting) => waiting.length - (waiting.length % MESSAGES_PER_CALL));
  }

  /**
   * Sends the remaining jobs.
   * @throws DeliveryError if a region did not accept jobs, now or before
   */
  async flush(): Promise<void> {
    await this.#send((waiting) => waiting.length);
    if (this.#failures.size === 0) return;
    const failures = [...this.#failures].map(([region, error]) => `${region}: ${asError(error).message}`);
    throw new DeliveryError(
      `jobs were not accepted in ${this.#failures.size} of the regions (the others received theirs): ${failures.join('; ')}`,
      { cause: [...this.#failures.values()][0] },
    );
  }

  async #send(count: (waiting: readonly Job[]) => number): Promise<void> {
    await Promise.all(
      [...this.#waiting].map(([region, waiting]) => this.#sendTo(region, waiting.splice(0, count(waiting)))),
    );
  }

  async #sendTo(region: string, jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0 || this.#failures.has(region)) return;
    try {
      await this.#jobs.send(region, jobs);
      for (const job of jobs) this.#sent(job);
    } catch (error) {
      this.#failures.set(region, error);
    }
  }
}
