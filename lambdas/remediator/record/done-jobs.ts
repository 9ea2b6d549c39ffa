import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId, journalId } from '../../model/job.ts';
import type { Done, PollPlace } from './findings-store.ts';

type Entry = Done['jobs'][number];

/** An item holds 400 KB, an entry takes some hundred bytes. */
const MOST_ENTRIES = 2_000;

/**
 * The jobs of one poll, for one rule, account and region, that wrote evidence. Jobs of one run of the collector have no
 * finding in common; those of a poll that was done again may have findings of others.
 */
export class DoneJobs {
  readonly #job: Job;
  /** Undefined until the table was asked. */
  #known: readonly Entry[] | undefined;

  constructor(job: Job) {
    this.#job = job;
  }

  get place(): PollPlace {
    const { poll, account, region } = this.#job;
    return { rule: poll.rule, account, region, poll };
  }

  /** Takes what the table knows of the poll's jobs. */
  keep(found: Done | undefined): void {
    this.#known = found?.jobs ?? [];
  }

  /**
   * The keys of evidence that other jobs wrote, in order, where some of it may be of this job's findings: the poll was done
   * again. None where all jobs are of one run, as far as is known, which is the rule.
   */
  evidenceOfOthers(): string[] {
    const { poll } = this.#job;
    const others = this.#isOfOtherRun ? this.#others : [];
    return others.flatMap(({ job, number }) => (number === 0 ? [] : outcomesKey(poll, job, number)));
  }

  get #others(): Entry[] {
    const own = journalId(this.#job);
    return (this.#known ?? []).filter((each) => journalOf(each) !== own);
  }

  /** True where there is another run than that of this job. */
  get #isOfOtherRun(): boolean {
    return this.#others.some((each) => this.#isAtPlace(each) || isDoubled(each, this.#known ?? []));
  }

  /** Finds what the table is to know besides, of the objects that this job wrote; undefined where it knows them. */
  toWrite(written: Iterable<string>): Done | undefined {
    if (this.#known === undefined) return undefined;
    const known = this.#known;
    const { chunk, closes } = this.#job;
    const job = jobId(this.#job);
    const journal = journalId(this.#job);
    const isNew = ({ number }: Entry): boolean =>
      !known.some((each) => each.job === job && each.number === number);
    const numbers = new Set([...written].map(numberOf));
    // The next jobs of this run must know of it though it wrote nothing.
    if (numbers.size === 0 && this.#isOfOtherRun) numbers.add(0);
    const added = [...numbers]
      .map((number) => ({
        job,
        number,
        chunk,
        ...(closes === true && { closes }),
        ...(journal !== job && { journal }),
      }))
      .filter(isNew);
    if (added.length === 0) return undefined;
    return { ...this.place, jobs: [...known, ...added].slice(-MOST_ENTRIES) };
  }

  /**
   * Tells whether a job stands where only another run's can: jobs of an account are worked on in the order in which a
   * run sent them, but for those that go on with an earlier one.
   */
  #isAtPlace(other: Entry): boolean {
    const { continues } = this.#job;
    return continues === undefined
      ? placeOf(other) >= placeOf(this.#job)
      : placeOf(other) === placeOf(this.#job);
  }
}

function journalOf({ job, journal = job }: Entry): string {
  return journal;
}

/** A run sends the jobs that close findings last, and counts them anew. */
function placeOf({ chunk, closes }: Pick<Job, 'chunk' | 'closes'>): number {
  return closes === true ? 1e9 + chunk : chunk;
}

function isDoubled(entry: Entry, known: readonly Entry[]): boolean {
  return known.some((each) => placeOf(each) === placeOf(entry) && journalOf(each) !== journalOf(entry));
}

/** The number in a key of `outcomesKey`. */
function numberOf(key: string): number {
  return Number(/-(\d+)\.jsonl\.gz$/.exec(key)?.[1]);
}
