import type { JobQueue } from '../aws/job-queue.ts';
import type { Job } from '../model/job.ts';

/** The destination of jobs. */
export interface JobSink {
  /**
   * Takes jobs of one region, in the order in which they are given as far as the queue takes them at once.
   * @throws DeliveryError when the region's queue is missing, or refuses jobs after retries; those before them have
   * been taken
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
