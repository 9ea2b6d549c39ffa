import { randomUUID } from 'node:crypto';
import { DeliveryError } from '../../model/errors.ts';
import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId, journalId, pollId } from '../../model/job.ts';
import type { Done, FindingsStore, PollPlace } from './findings-store.ts';

type Entry = Done['jobs'][number];

/** An item holds 400 KB, an entry takes up to 200 bytes. */
const MOST_ENTRIES = 1_800;
/** Another writer is one that outlived its lease: there are no more of them than attempts. */
const MOST_WRITES = 5;

/** An object that another job wrote. */
export interface EvidenceOfOther {
  readonly key: string;
  /** True if that job has the same journal, so that this one knows all that it did. */
  readonly isOfSameWork: boolean;
}

/**
 * The objects of evidence that the jobs of one poll write, for one rule, account and region. Each is announced before it is
 * written, so that none is there which other jobs do not know of. Jobs of one run of the collector have no finding in common;
 * those of a poll that was done again may have findings of others.
 */
export class DoneJobs {
  readonly #job: Job;
  readonly #table: Pick<FindingsStore, 'writeDone'>;
  /** The table's item, as far as it is known. */
  #known: Done | undefined;

  constructor(job: Job, table: Pick<FindingsStore, 'writeDone'>) {
    this.#job = job;
    this.#table = table;
  }

  get place(): PollPlace {
    const { poll, account, region } = this.#job;
    return { rule: poll.rule, account, region, poll };
  }

  /** Takes what the table knows of the poll's jobs. */
  keep(found: Done | undefined): void {
    this.#known = found;
  }

  /** True if an attempt at this job may have written an object. */
  get isBegun(): boolean {
    const own = jobId(this.#job);
    return this.#entries.some(({ job }) => job === own);
  }

  /**
   * The evidence that may be of this job's findings and that other jobs wrote, in order: those of another run, or the one
   * that this job continues with. None if the poll was done once, which is the rule.
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
   * Lets other jobs know that this one is about to write an object.
   * @param number the object's
   * @throws DeliveryError, or the table's own error, where that can't be written
   */
  async announce(number: number): Promise<void> {
    const { run } = this.#job;
    const job = jobId(this.#job);
    const journal = journalId(this.#job);
    const writer = randomUUID();
    const entry: Entry = {
      job,
      number,
      ...(run !== undefined && { run }),
      ...(journal !== job && { journal }),
    };
    for (let writes = 0; writes < MOST_WRITES; writes += 1) {
      if (this.#entries.some((each) => each.job === job && each.number === number)) return;
      const jobs = [...this.#entries, entry].slice(-MOST_ENTRIES);
      const next: Done = { ...this.place, jobs, writer };
      const { found } = await this.#table.writeDone(next, this.#known);
      this.#known = found ?? next;
    }
    throw new DeliveryError(
      `the jobs of ${pollId(this.#job.poll)} for account ${this.#job.account}: their record was changed by others ${MOST_WRITES} times in a row`,
    );
  }

  /**
   * Takes back an announcement: nothing was written, and nobody tried to. Otherwise the job would count as done.
   * @throws the table's own error, where that can't be written
   */
  async retract(number: number): Promise<void> {
    const job = jobId(this.#job);
    for (let writes = 0; writes < MOST_WRITES; writes += 1) {
      const jobs = this.#entries.filter((each) => each.job !== job || each.number !== number);
      if (jobs.length === this.#entries.length) return;
      const next: Done = { ...this.place, jobs, writer: randomUUID() };
      const { found } = await this.#table.writeDone(next, this.#known);
      this.#known = found ?? next;
    }
  }

  get #entries(): readonly Entry[] {
    return this.#known?.jobs ?? [];
  }

  #mayShareFindings({ job, journal = job, run }: Entry): boolean {
    if (job === jobId(this.#job)) return false;
    // A job of an older version does not name its run.
    return journal === journalId(this.#job) || run === undefined || run !== this.#job.run;
  }
}
