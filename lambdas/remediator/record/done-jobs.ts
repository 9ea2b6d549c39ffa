import { randomUUID } from 'node:crypto';
import { DeliveryError } from '../../model/errors.ts';
import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId, journalId, pollId } from '../../model/job.ts';
import type { Done, FindingsStore, PollPlace } from './findings-store.ts';

type Entry = Done['jobs'][number];

/** Maximum number of entries in an item of up to 400 KB, with up to 200 bytes each. */
const MOST_ENTRIES = 1_800;
/** Maximum number of writes. Only attempts that outlived their lease compete, and a job has only a few attempts. */
const MOST_WRITES = 5;

/** Evidence object that another job wrote. */
export interface EvidenceOfOther {
  readonly key: string;
  /** True if that job uses the same journal as this one, so that all of its changes are known. */
  readonly isOfSameWork: boolean;
}

/**
 * List of the evidence objects of all jobs of one poll for a rule, account, and region. Each object is announced before
 * it is written, so that other jobs know about it. Jobs of one collector run have no finding in common, but jobs of a
 * repeated poll may share findings with earlier jobs.
 */
export class DoneJobs {
  readonly #job: Job;
  readonly #table: Pick<FindingsStore, 'writeDone'>;
  /** The table's item, if known. */
  #known: Done | undefined;

  constructor(job: Job, table: Pick<FindingsStore, 'writeDone'>) {
    this.#job = job;
    this.#table = table;
  }

  get place(): PollPlace {
    const { poll, account, region } = this.#job;
    return { rule: poll.rule, account, region, poll };
  }

  /** Sets the item of the poll's jobs as read from the table. */
  keep(found: Done | undefined): void {
    this.#known = found;
  }

  /** True if an attempt at this job may have written an object. */
  get isBegun(): boolean {
    const own = jobId(this.#job);
    return this.#entries.some(({ job }) => job === own);
  }

  /**
   * Lists, in order, the evidence of other jobs that may concern this job's findings: jobs of other collector runs, and
   * jobs that share this job's journal. There is usually none, because most polls run only once.
   */
  evidenceOfOthers(): EvidenceOfOther[] {
    const { poll } = this.#job;
    const own = journalId(this.#job);
    return this.#entries
      .filter((each) => each.number > 0 && this.#mayShareFindings(each))
      .map(({ job, journal = job, number }) => ({
        key: outcomesKey(poll, job, number),
        isOfSameWork: journal === own,
      }));
  }

  /**
   * Announces to other jobs that this job is about to write an object.
   * @param number the object's number
   * @throws DeliveryError, or DynamoDB's own error, if the announcement can't be written
   */
  async announce(number: number): Promise<void> {
    const { run } = this.#job;
    const job = jobId(this.#job);
    const journal = journalId(this.#job);
    const entry: Entry = {
      job,
      number,
      ...(run !== undefined && { run }),
      ...(journal !== job && { journal }),
    };
    const isDone = await this.#change((entries) =>
      entries.some((each) => each.job === job && each.number === number)
        ? entries
        : [...entries, entry].slice(-MOST_ENTRIES),
    );
    if (isDone) return;
    throw new DeliveryError(
      `the list of evidence of ${pollId(this.#job.poll)} for account ${this.#job.account} could not be written: another writer changed the item during each of ${MOST_WRITES} attempts`,
    );
  }

  /**
   * Withdraws the announcement of an object that was not sent to the bucket. Otherwise, the job would count as done.
   * @throws DynamoDB's own error if the withdrawal can't be written
   */
  async retract(number: number): Promise<void> {
    const job = jobId(this.#job);
    await this.#change((entries) => {
      const others = entries.filter((each) => each.job !== job || each.number !== number);
      return others.length === entries.length ? entries : others;
    });
  }

  /**
   * Changes the item's entries, and repeats this if another writer changed the item in the meantime.
   * @param change returns the same list if there is nothing left to change
   * @returns whether the change was made within the maximum number of writes
   */
  async #change(change: (entries: readonly Entry[]) => readonly Entry[]): Promise<boolean> {
    const writer = randomUUID();
    for (let writes = 0; writes < MOST_WRITES; writes += 1) {
      const entries = this.#entries;
      const jobs = change(entries);
      if (jobs === entries) return true;
      const next: Done = { ...this.place, jobs: [...jobs], writer };
      const { found } = await this.#table.writeDone(next, this.#known);
      this.#known = found ?? next;
    }
    return false;
  }

  get #entries(): readonly Entry[] {
    return this.#known?.jobs ?? [];
  }

  #mayShareFindings({ job, journal = job, run }: Entry): boolean {
    if (job === jobId(this.#job)) return false;
    // Jobs of older versions do not name their run.
    return journal === journalId(this.#job) || run === undefined || run !== this.#job.run;
  }
}
