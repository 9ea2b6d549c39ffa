import type { JobQueue } from '../aws/job-queue.ts';
import type { Job } from '../model/job.ts';

/** The destination of jobs. */
export interface JobSink {
  /**
   * Sends jobs to one region. They arrive in order, unless the queue refuses some at first.
   * @throws DeliveryError if the region's queue is missing, or refuses jobs even after retries; earlier jobs have been
   *   accepted
   */
  send(region: string, jobs: readonly Job[]): Promise<void>;
}

/** The queue of each region. */
export class RegionQueues implements JobSink {
  readonly #queueOf: (region: string) => JobQueue;
  readonly #queues = new Map<string, JobQueue>();

  constructor(queueOf: (region: string) => JobQueue) {
    this.#queueOf = queueOf;
  }

  send(region: string, jobs: readonly Job[]): Promise<void> {
    const queue = this.#queues.get(region) ?? this.#queueOf(region);
    this.#queues.set(region, queue);
    return queue.send(jobs);
  }
}
