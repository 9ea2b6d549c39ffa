import { randomUUID } from 'node:crypto';
import { boundedJson } from '../model/bounded-json.ts';
import type { Clock } from '../model/clock.ts';
import { type Finding, findingKey } from '../model/finding.ts';
import type { Job, Poll } from '../model/job.ts';
import type { Json } from '../model/json.ts';
import type { Unprocessable } from '../model/outcome.ts';
import type { PollSummary } from '../model/poll-summary.ts';
import { ruleNames as knownNames } from '../sources/index.ts';
import type { FindingPage, FindingSource, SourceFinding } from '../sources/source.ts';
import { closeMissing } from './close-missing.ts';
import { type FindingReading, findingReader, type Refusal } from './finding-reader.ts';
import { JobGrouper } from './job-grouper.ts';
import type { JobSink } from './job-sink.ts';
import { type ListedFinding, listedFinding } from './listing.ts';
import { Outbox } from './outbox.ts';
import { itemDigest, type PollRecords } from './poll-records.ts';
import type { PollRequest } from './poll-request.ts';
import { PollTally } from './poll-tally.ts';
import { type AlarmsOfRegion, withAlarms } from './region-alarms.ts';
import type { RegionLookup } from './regions.ts';
import type { Place, SentJobs } from './sent-jobs.ts';
import { UnreadFindings } from './unread-findings.ts';

/**
 * Approximate number of jobs that are created at once after all pages are read. The findings of a job take several
 * times the memory of findings that wait for their job.
 */
const JOBS_AT_ONCE = 400;

/** The part of `SentJobs` that a poll uses. */
export type SentJobsOfPoll = Pick<SentJobs, 'look' | 'turnOf' | 'sent' | 'write' | 'lasting'>;

/** The dependencies of a poll. */
export interface CollectorDependencies {
  readonly source: Pick<FindingSource, 'pages'>;
  readonly jobs: JobSink;
  readonly records: PollRecords;
  readonly clock: Clock;
  /** The jobs that polls of the rule have sent. */
  sentJobs(poll: Poll): SentJobsOfPoll;
  readonly alarmsOfRegion: AlarmsOfRegion;
  /** The region in which global findings are handled. */
  readonly homeRegion: string;
  /** The regions that have a queue. */
  readonly regions: readonly string[];
  readonly lookUpRegion: RegionLookup;
}

/**
 * Runs one poll: reads the findings of a rule and sends them as jobs to their regions, page by page, so that only the
 * keys of all findings are kept in memory. Findings that can't become part of a job are recorded with the reason.
 *
 * A region that accepts no jobs does not delay the others, whose jobs are sent before the poll fails. A repeated poll
 * creates the same jobs from the same findings, so jobs that were sent before the failure do no harm.
 * @param signal stops the poll between two pages, with the signal's reason
 * @throws InvalidInputError, FindingSourceError, DeliveryError, or AWS's own error if evidence can't be written
 */
export async function collect(
  dependencies: CollectorDependencies,
  request: PollRequest,
  signal?: AbortSignal,
): Promise<PollSummary> {
  const { source, records, clock, homeRegion, regions, lookUpRegion } = dependencies;
  const { poll, rule, furtherRuleNames } = request;
  const ruleNames = [...new Set([...(knownNames[poll.source][rule.id] ?? []), ...furtherRuleNames])];
  const read = findingReader({ rule, homeRegion, regions, lookUpRegion });
  const tally = new PollTally(poll, ruleNames, new Date(clock.now()));
  const name = randomUUID().slice(-12);
  const sentJobs = dependencies.sentJobs(poll);
  const run = new PollRun(dependencies, request, tally, read, sentJobs, name);

  for await (const page of source.pages({ ruleNames, asOf: new Date(poll.asOf) })) {
    signal?.throwIfAborted();
    await run.take(page);
  }
  await run.finish();
  const closing = { ...dependencies, jobs: counting(dependencies.jobs, sentJobs), run: name };
  tally.closed(await closeMissing(closing, poll, run.listed, run.unread));
  await sentJobs.write();
  tally.behind(await withAlarms(sentJobs.lasting, dependencies.alarmsOfRegion));
  const summary = tally.summary(new Date(clock.now()));
  await records.writeSummary(summary);
  return summary;
}

/** Returns the account of a valid finding, and the region of the remediator that handles it. */
function placeOf(reading: FindingReading): Place | undefined {
  if ('refusal' in reading) return undefined;
  return { account: reading.finding.account, region: reading.region };
}

/** Wraps a destination to count the jobs that it accepts. */
function counting(jobs: JobSink, sentJobs: SentJobsOfPoll): JobSink {
  return {
    async send(region, ofRegion) {
      await jobs.send(region, ofRegion);
      for (const job of ofRegion) sentJobs.sent(job);
    },
  };
}

/** The state of one poll between pages. */
class PollRun {
  readonly #dependencies: CollectorDependencies;
  readonly #poll: PollRequest['poll'];
  readonly #tally: PollTally;
  readonly #read: (given: SourceFinding) => FindingReading;
  readonly #sentJobs: SentJobsOfPoll;
  readonly #grouper: JobGrouper;
  /** Findings that the source itself is fixing. */
  readonly #left: JobGrouper;
  /** Reasons to leave these findings to the source, by `findingKey`. */
  readonly #reasons = new Map<string, string>();
  /** Keys of every finding and every unprocessable item so far. */
  readonly #keys = new Set<string>();
  readonly #outbox: Outbox;
  /** Valid findings that the source reported. */
  readonly listed: ListedFinding[] = [];
  /** Findings that unreadable items may refer to. */
  readonly unread = new UnreadFindings();
  #unprocessable: Unprocessable[] = [];

  constructor(
    dependencies: CollectorDependencies,
    { poll }: PollRequest,
    tally: PollTally,
    read: (given: SourceFinding) => FindingReading,
    sentJobs: SentJobsOfPoll,
    name: string,
  ) {
    this.#dependencies = dependencies;
    this.#poll = poll;
    this.#tally = tally;
    this.#read = read;
    this.#sentJobs = sentJobs;
    this.#grouper = new JobGrouper(poll, name);
    this.#left = new JobGrouper(poll, name);
    this.#outbox = new Outbox(counting(dependencies.jobs, sentJobs), (job) => {
      if (job.leaves === undefined) tally.job(job);
    });
  }

  async take(page: FindingPage): Promise<void> {
    this.#tally.page(page);
    for (const { reason, item } of page.rejected)
      this.#refuse({ kind: 'malformed_item', reason, mayBe: {} }, item);
    const readings = page.findings.map((given) => ({ given, reading: this.#read(given) }));
    await this.#sentJobs.look(readings.flatMap(({ reading }) => placeOf(reading) ?? []));
    const jobs: Job[] = [];
    for (const { given, reading } of readings) {
      if ('refusal' in reading) this.#refuse(reading.refusal, boundedJson(given));
      else if (this.#takeKey(findingKey(reading.finding))) jobs.push(...this.#takeFinding(given, reading));
    }
    await this.#outbox.add(jobs);
    await this.#record();
  }

  #takeFinding(
    { remediationAtWork: reason }: SourceFinding,
    { finding, region }: Exclude<FindingReading, { readonly refusal: Refusal }>,
  ): Job[] {
    this.listed.push(listedFinding(finding));
    const turn = this.#sentJobs.turnOf({ account: finding.account, region });
    if (turn.is === 'pending') {
      this.#tally.skipped(finding.account, region);
      return [];
    }
    if (reason !== undefined) return this.#defer(finding, region, reason);
    return this.#grouper.add(finding, region, turn);
  }

  async finish(): Promise<void> {
    for (;;) {
      const jobs = [...this.#grouper.rest(JOBS_AT_ONCE), ...this.#leaving(this.#left.rest(JOBS_AT_ONCE))];
      if (jobs.length === 0) break;
      await this.#outbox.add(jobs);
    }
    await this.#record();
    await this.#outbox.flush();
  }

  /** Adds a finding that the source itself is fixing, which is recorded as deferred without reading the resource. */
  #defer(finding: Finding, region: string, reason: string): Job[] {
    this.#tally.deferred();
    this.#reasons.set(findingKey(finding), reason);
    return this.#leaving(this.#left.add(finding, region, { text: reason }));
  }

  /** Adds to jobs the reasons why their findings are left to the source. */
  #leaving(jobs: readonly Job[]): Job[] {
    return jobs.map((job) => {
      const reasons = job.findings.map(
        (finding) => [finding.resource, this.#reasons.get(findingKey(finding)) ?? ''] as const,
      );
      return { ...job, leaves: Object.fromEntries(reasons) };
    });
  }

  /** Records a key, and counts duplicates. @returns true if the key is new */
  #takeKey(key: string): boolean {
    if (this.#keys.has(key)) {
      this.#tally.duplicate();
      return false;
    }
    this.#keys.add(key);
    return true;
  }

  #refuse(refusal: Refusal, item: Json): void {
    if (this.#takeKey(`unprocessable ${itemDigest(item)}`)) this.#countRefusal(refusal, item);
  }

  #countRefusal(refusal: Refusal, item: Json): void {
    this.#tally.unprocessable(refusal);
    this.unread.add(refusal.mayBe);
    this.#unprocessable.push({
      version: 1,
      poll: this.#poll,
      outcome: 'unprocessable',
      reason: refusal.reason,
      item,
      at: new Date(this.#dependencies.clock.now()).toISOString(),
    });
  }

  async #record(): Promise<void> {
    const unprocessable = this.#unprocessable;
    this.#unprocessable = [];
    if (unprocessable.length > 0) await this.#dependencies.records.writeUnprocessable(unprocessable);
  }
}
