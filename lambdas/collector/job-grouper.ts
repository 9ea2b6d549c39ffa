import type { Finding } from '../model/finding.ts';
import { type Job, MAX_FINDINGS_PER_JOB, type Poll } from '../model/job.ts';

/**
 * Maximum size of a job's findings in bytes, with what the job contains about them elsewhere. An SQS message has up to
 * 256 KB, and the rest of a job fits into the difference.
 */
const MAX_FINDINGS_BYTES = 200 * 1024;

/** Maximum size of the findings of all accounts that wait for their jobs to fill: about 300,000 findings. */
const MAX_WAITING_BYTES = 48 * 1024 * 1024;

/**
 * The share of that maximum that is kept when memory is freed, because completing jobs before they are full increases
 * their number.
 */
const LEFT_WAITING = 7 / 8;

/**
 * A finding as JSON, which takes a fraction of an object's memory. Findings with the same common fields share one
 * string for them.
 */
interface Waiting {
  readonly shared: string;
  readonly own: string;
  /** The number of bytes that the job contains about the finding elsewhere. */
  readonly elsewhere: number;
}

/** The other values that determine the job of a finding. */
interface Placing {
  /**
   * The number of findings of this account and region that are placed last, because an earlier poll reached them.
   * Default: 0
   */
  readonly startAfter?: number;
  /** A text about the finding that the job also contains. */
  readonly text?: string;
}

interface Group {
  readonly account: string;
  readonly region: string;
  chunk: number;
  findings: Waiting[];
  /** The size of `findings` in bytes. */
  bytes: number;
  /** Findings that are placed last, because earlier jobs reached them. */
  readonly last: Waiting[];
  /** The number of further findings to place last. */
  toHoldBack: number;
}

/**
 * Groups one poll's findings by account and region into jobs. The same findings in the same order result in the same jobs
 * with the same ids, so that the queues drop duplicates if a poll is delivered twice.
 */
export class JobGrouper {
  readonly #poll: Poll;
  readonly #run: string;
  readonly #maxWaitingBytes: number;
  readonly #groups = new Map<string, Group>();
  readonly #shared = new Map<string, string>();
  #waitingBytes = 0;

  /** @param run the name of the collector's run */
  constructor(poll: Poll, run: string, maxWaitingBytes = MAX_WAITING_BYTES) {
    this.#poll = poll;
    this.#run = run;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  /**
   * Adds a finding.
   * @param region the region of the remediator that handles it
   * @returns the jobs that are full now, those of one account and region in the order of their chunks
   */
  add(finding: Finding, region: string, { startAfter = 0, text }: Placing = {}): Job[] {
    const key = `${finding.account} ${region}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { account } = finding;
      group = { account, region, chunk: 0, findings: [], bytes: 0, last: [], toHoldBack: startAfter };
      this.#groups.set(key, group);
    }
    // The text is stored by the finding's resource.
    const elsewhere = text === undefined ? 0 : bytesOf({ [finding.resource]: text });
    const waiting = { ...this.#split(finding), elsewhere };
    if (group.toHoldBack > 0) {
      group.toHoldBack -= 1;
      group.last.push(waiting);
      return [];
    }
    const jobs = this.#put(group, waiting);
    if (this.#waitingBytes > this.#maxWaitingBytes) jobs.push(...this.#cutFullest());
    return jobs;
  }

  /**
   * Creates the jobs of the findings that are waiting.
   * @param most the approximate maximum number of jobs. Default: all
   * @returns no jobs if no finding waits
   */
  rest(most = Number.POSITIVE_INFINITY): Job[] {
    const jobs: Job[] = [];
    for (const group of this.#groups.values()) {
      if (jobs.length >= most) break;
      for (const waiting of group.last.splice(0)) jobs.push(...this.#put(group, waiting));
      jobs.push(...this.#cut(group));
    }
    return jobs;
  }

  /** Adds a finding to a group. @returns the jobs that are full now */
  #put(group: Group, waiting: Waiting): Job[] {
    const jobs: Job[] = [];
    const bytes = Buffer.byteLength(waiting.shared) + Buffer.byteLength(waiting.own) + waiting.elsewhere;
    if (group.bytes + bytes > MAX_FINDINGS_BYTES) jobs.push(...this.#cut(group));
    group.findings.push(waiting);
    group.bytes += bytes;
    this.#waitingBytes += waiting.own.length;
    if (group.findings.length === MAX_FINDINGS_PER_JOB) jobs.push(...this.#cut(group));
    return jobs;
  }

  #split({
    resource,
    resourceName,
    failingSince,
    lastScanTime,
    ...rest
  }: Finding): Omit<Waiting, 'elsewhere'> {
    const text = JSON.stringify(rest);
    const shared = this.#shared.get(text) ?? text;
    this.#shared.set(shared, shared);
    return { shared, own: JSON.stringify({ resource, resourceName, failingSince, lastScanTime }) };
  }

  /** Frees memory by completing the fullest jobs. */
  #cutFullest(): Job[] {
    const jobs: Job[] = [];
    const groups = [...this.#groups.values()].sort((a, b) => b.findings.length - a.findings.length);
    for (const group of groups) {
      if (this.#waitingBytes <= this.#maxWaitingBytes * LEFT_WAITING) break;
      jobs.push(...this.#cut(group));
    }
    return jobs;
  }

  #cut(group: Group): Job[] {
    const { account, region, chunk, findings } = group;
    if (findings.length === 0) return [];
    for (const { own } of findings) this.#waitingBytes -= own.length;
    group.chunk += 1;
    group.findings = [];
    group.bytes = 0;
    const parsed = findings.map(
      ({ shared, own }): Finding => ({ ...JSON.parse(shared), ...JSON.parse(own) }),
    );
    return [{ version: 1, poll: this.#poll, account, region, chunk, findings: parsed, run: this.#run }];
  }
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Groups jobs by the region of their queue. */
export function jobsByRegion(jobs: readonly Job[]): Map<string, Job[]> {
  const regions = new Map<string, Job[]>();
  for (const job of jobs) {
    const ofRegion = regions.get(job.region);
    if (ofRegion === undefined) regions.set(job.region, [job]);
    else ofRegion.push(job);
  }
  return regions;
}
