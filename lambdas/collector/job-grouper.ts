import type { Finding } from '../model/finding.ts';
import { type Job, MAX_FINDINGS_PER_JOB, type Poll } from '../model/job.ts';

/** An SQS message holds 256 KB: what stands in a job beside its findings is less than the rest. */
const MAX_FINDINGS_BYTES = 200 * 1024;

/** The most findings that wait for their job to fill up, however many accounts there are: about 20 MB. */
const MAX_WAITING = 20_000;

interface Group {
  readonly account: string;
  readonly region: string;
  chunk: number;
  findings: Finding[];
  bytes: number;
}

/**
 * Groups one poll's findings by account and region into jobs. The same findings in the same order make the same jobs,
 * with the same ids: when a poll is delivered twice, the queues drop the second delivery's.
 */
export class JobGrouper {
  readonly #poll: Poll;
  readonly #run: string;
  readonly #groups = new Map<string, Group>();
  #waiting = 0;

  /** @param run names the run of the collector */
  constructor(poll: Poll, run: string) {
    this.#poll = poll;
    this.#run = run;
  }

  /**
   * Takes up a finding.
   * @param region whose remediator works on it
   * @returns the jobs that are full now, those of one account and region in the order of their chunks
   */
  add(finding: Finding, region: string): Job[] {
    const key = `${finding.account} ${region}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { account: finding.account, region, chunk: 0, findings: [], bytes: 0 };
      this.#groups.set(key, group);
    }
    const jobs: Job[] = [];
    const bytes = Buffer.byteLength(JSON.stringify(finding)) + 1;
    if (group.bytes + bytes > MAX_FINDINGS_BYTES) jobs.push(...this.#cut(group));
    group.findings.push(finding);
    group.bytes += bytes;
    this.#waiting += 1;
    if (group.findings.length === MAX_FINDINGS_PER_JOB) jobs.push(...this.#cut(group));
    if (this.#waiting >= MAX_WAITING) jobs.push(...this.rest());
    return jobs;
  }

  /** The jobs of the findings that still wait. */
  rest(): Job[] {
    return [...this.#groups.values()].flatMap((group) => this.#cut(group));
  }

  #cut(group: Group): Job[] {
    const { account, region, chunk, findings } = group;
    if (findings.length === 0) return [];
    this.#waiting -= findings.length;
    group.chunk += 1;
    group.findings = [];
    group.bytes = 0;
    return [{ version: 1, poll: this.#poll, account, region, chunk, findings, run: this.#run }];
  }
}

/** Jobs by the region whose queue each is for. */
export function jobsByRegion(jobs: readonly Job[]): Map<string, Job[]> {
  const regions = new Map<string, Job[]>();
  for (const job of jobs) {
    const ofRegion = regions.get(job.region);
    if (ofRegion === undefined) regions.set(job.region, [job]);
    else ofRegion.push(job);
  }
  return regions;
}
