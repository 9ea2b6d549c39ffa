/** An organization's findings, and the time that its remediators take to process them. */
export interface Organization {
  readonly findings: number;
  readonly accounts: number;
  readonly regions: number;
  /** The duration of a full job of each rule, in seconds. */
  readonly secondsByRule: readonly number[];
  /** The maximum number of concurrent functions in a region. */
  readonly concurrency: number;
}

/** The maximum number of findings in a job. */
interface Job {
  readonly account: number;
  readonly place: number;
  readonly seconds: number;
}

/** The number of findings in the jobs whose rounds are measured. Larger jobs take fewer rounds per finding. */
const FINDINGS_PER_JOB = 25;

/**
 * Creates the jobs of a poll of all rules, by region. The findings of a rule are distributed over the accounts by Zipf's law: the
 * nth account has 1/n as many as the first. Each account's findings are distributed over the regions.
 */
export function jobsOf({ findings, accounts, regions, secondsByRule }: Organization): Job[][] {
  const weights = Array.from({ length: accounts }, (_, index) => 1 / (index + 1));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const jobs: Job[][] = Array.from({ length: regions }, () => []);
  for (const [rule, seconds] of secondsByRule.entries()) {
    let place = rule * accounts * regions;
    let carried = 0;
    for (const [account, weight] of weights.entries()) {
      for (const ofRegion of jobs) {
        carried += (findings / secondsByRule.length / regions) * (weight / all);
        const here = Math.floor(carried);
        carried -= here;
        for (let left = here; left > 0; left -= FINDINGS_PER_JOB) ofRegion.push({ account, place, seconds });
        place += 1;
      }
    }
  }
  return jobs;
}

/** A region's queue, in order of arrival. Jobs of one account run one after another, jobs of different accounts in parallel. */
class Queue {
  readonly #waiting: Job[] = [];
  readonly #running: { readonly job: Job; readonly until: number }[] = [];
  readonly #busy = new Set<number>();
  readonly #pending = new Map<number, number>();
  readonly #concurrency: number;
  #now = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get length(): number {
    return this.#waiting.length + this.#running.length;
  }

  /** The simulated time, in seconds. */
  get now(): number {
    return this.#now;
  }

  isPending({ place }: Job): boolean {
    return (this.#pending.get(place) ?? 0) > 0;
  }

  send(jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.#waiting.push(job);
      this.#pending.set(job.place, (this.#pending.get(job.place) ?? 0) + 1);
    }
  }

  /** Processes jobs until a given time, or until none is left. */
  work(until: number): void {
    for (;;) {
      this.#start();
      const next = this.#running.toSorted((one, other) => one.until - other.until).at(0);
      if (next === undefined || next.until > until) break;
      this.#now = next.until;
      this.#running.splice(this.#running.indexOf(next), 1);
      this.#busy.delete(next.job.account);
      this.#pending.set(next.job.place, (this.#pending.get(next.job.place) ?? 1) - 1);
    }
    if (Number.isFinite(until)) this.#now = until;
  }

  #start(): void {
    for (let at = 0; at < this.#waiting.length && this.#running.length < this.#concurrency; ) {
      const job = this.#waiting[at];
      if (job === undefined || this.#busy.has(job.account)) {
        at += 1;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#busy.add(job.account);
      this.#running.push({ job, until: this.#now + job.seconds });
    }
  }
}

/** Computes the minutes until all jobs of one poll are done. */
export function minutesOf(organization: Organization): number {
  return minutesOfJobs(jobsOf(organization), organization.concurrency);
}

function minutesOfJobs(byRegion: readonly (readonly Job[])[], concurrency: number): number {
  const ends = byRegion.map((jobs) => {
    const queue = new Queue(concurrency);
    queue.send(jobs);
    queue.work(Number.POSITIVE_INFINITY);
    return queue.now;
  });
  return Math.max(...ends) / 60;
}

/** The backlog if polls are faster than their jobs. */
export interface Backlog {
  /** The number of pending jobs before each poll. */
  readonly before: readonly number[];
  /** The maximum number of polls until a place gets jobs again, including that poll. */
  readonly mostPolls: number;
}

/** Simulates polls that are several times faster than jobs. As in the collector, a place with pending jobs gets no new ones. */
export function backlogOf(organization: Organization, polls: number, timesFaster: number): Backlog {
  const { concurrency } = organization;
  const byRegion = jobsOf(organization);
  const period = (minutesOfJobs(byRegion, concurrency) * 60) / timesFaster;
  const regions = byRegion.map((jobs) => ({ jobs, queue: new Queue(concurrency) }));
  const before: number[] = [];
  const last = new Map<number, number>();
  let mostPolls = 0;
  for (let poll = 1; poll <= polls; poll += 1) {
    for (const { queue } of regions) queue.work((poll - 1) * period);
    before.push(regions.reduce((sum, { queue }) => sum + queue.length, 0));
    for (const { jobs, queue } of regions) {
      const due = jobs.filter((job) => !queue.isPending(job));
      for (const { place } of due) {
        mostPolls = Math.max(mostPolls, poll - (last.get(place) ?? poll - 1));
        last.set(place, poll);
      }
      queue.send(due);
    }
  }
  return { before, mostPolls };
}

/** The largest backlog of the second half of the polls, divided by that of the first half. */
export function growthOf({ before }: Backlog): number {
  const half = Math.floor(before.length / 2);
  return Math.max(...before.slice(half)) / Math.max(1, ...before.slice(0, half));
}
