import type { Job, Poll } from '../../model/job.ts';
import type { SentItem } from '../../model/table-items.ts';

/** Facts that show whether a job has begun anything. */
interface Begun {
  /** True if no earlier attempt, before or after a redrive, has taken the job's lease. */
  readonly isFirst: boolean;
  /** True if the job, or the job that it continues, has a journal. */
  readonly hasJournal: boolean;
}

/** Last complete poll of a job's rule, which sent jobs for the job's account and region or found nothing there. */
export class NewerPoll {
  readonly #job: Job;
  #poll: Poll | undefined;

  constructor(job: Job) {
    this.#job = job;
  }

  /** Sets the poll as read from the table. */
  keep(sent: SentItem | undefined, { isFirst, hasJournal }: Begun): void {
    const { continues, poll } = this.#job;
    const mayEnd = isFirst && !hasJournal && continues === undefined && poll.plans !== true;
    this.#poll = mayEnd ? sent?.poll : undefined;
  }

  /** The newer poll whose jobs replace this one; undefined if there is none, or if this job has begun anything. */
  get superseding(): Poll | undefined {
    const known = this.#poll;
    if (known === undefined || known.source !== this.#job.poll.source) return undefined;
    return Date.parse(known.asOf) > Date.parse(this.#job.poll.asOf) ? known : undefined;
  }
}
