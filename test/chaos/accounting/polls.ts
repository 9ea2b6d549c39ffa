import { clientDefaults } from '../../../lambdas/aws/client-defaults.ts';
import { FindingsTable } from '../../../lambdas/aws/findings-table.ts';
import { JobQueue } from '../../../lambdas/aws/job-queue.ts';
import { type CollectorDependencies, collect } from '../../../lambdas/collector/collect.ts';
import { RegionQueues } from '../../../lambdas/collector/job-sink.ts';
import { PollMarks } from '../../../lambdas/collector/poll-marks.ts';
import { AwsPollRecords } from '../../../lambdas/collector/poll-records.ts';
import { regionLookup } from '../../../lambdas/collector/regions.ts';
import { SentJobs } from '../../../lambdas/collector/sent-jobs.ts';
import type { Clock } from '../../../lambdas/model/clock.ts';
import type { Poll } from '../../../lambdas/model/job.ts';
import { factsOf } from '../../../lambdas/rules/catalogue.ts';
import type { FindingPage, FindingSource, SourceFinding } from '../../../lambdas/sources/source.ts';
import { BUCKETS, type CloudModel, type Invocation } from './cloud.ts';
import { type Expected, HOME_REGION, REGIONS } from './findings.ts';
import type { Random } from './random.ts';

const PAGE_SIZE = 40;
/** Shares of findings that arrive twice, and that the source itself remediates, and of pages with an unreadable item. */
const TWICE_SHARE = 0.02;
const AT_WORK_SHARE = 0.05;
const UNREAD_SHARE = 0.2;
/** Lambda retries a failed function twice; then someone starts the poll again. */
const MOST_RUNS = 30;

/** The findings that a poll returns. */
export interface Given {
  readonly expected: readonly Expected[];
  /** True if the source remediates some of the findings itself, and returns unreadable items. */
  readonly isMixed: boolean;
}

export interface PollContext {
  readonly cloud: CloudModel;
  readonly random: Random;
  readonly clock: Clock;
  readonly account: string;
  readonly busArn: string;
  /** Makes an invocation of the function. */
  invocation(): Invocation;
}

/** Runs the collector until one run finishes. Each run gets the findings in another order. */
export async function poll(asked: Poll, given: Given, context: PollContext): Promise<void> {
  for (let runs = 1; ; runs += 1) {
    const invocation = context.invocation();
    context.cloud.counts.add('polls');
    const isDone = await context.cloud.invocations.run(invocation, () => runOnce(asked, given, context));
    if (isDone && !invocation.isDead) return;
    context.cloud.counts.add('polls that were killed or failed');
    if (runs === MOST_RUNS) throw new Error(`${asked.rule} could not be polled in ${runs} runs`);
    context.cloud.now += 60_000;
  }
}

async function runOnce(asked: Poll, given: Given, context: PollContext): Promise<boolean> {
  const dependencies = { ...dependenciesOf(context), source: new Source(given, context.random) };
  try {
    await collect(dependencies, {
      poll: asked,
      rule: factsOf(asked.rule),
      furtherRuleNames: [],
    });
    return true;
  } catch {
    return false;
  }
}

function dependenciesOf({ clock, account, busArn }: PollContext): Omit<CollectorDependencies, 'source'> {
  const clientOptions = clientDefaults;
  const table = new FindingsTable({ table: 'cspm-findings', region: HOME_REGION, clientOptions, clock });
  return {
    jobs: new RegionQueues((region) => new JobQueue({ name: 'cspm', region, clock, clientOptions })),
    records: new AwsPollRecords({
      marks: new PollMarks(table, clock),
      bucket: BUCKETS.evidence,
      bucketOwner: account,
      eventBusArn: busArn,
      region: HOME_REGION,
      clock,
      clientOptions,
    }),
    clock,
    sentJobs: (poll) => new SentJobs({ table, clock, poll, period: undefined }),
    alarmsOfRegion: async () => [],
    homeRegion: HOME_REGION,
    regions: REGIONS,
    lookUpRegion: regionLookup(),
  };
}

class Source implements Pick<FindingSource, 'pages'> {
  readonly #given: Given;
  readonly #random: Random;

  constructor(given: Given, random: Random) {
    this.#given = given;
    this.#random = random;
  }

  async *pages(): AsyncGenerator<FindingPage> {
    const all = this.#findings();
    for (let start = 0; start < all.length; start += PAGE_SIZE) {
      const isUnread = this.#given.isMixed && this.#random.isBelow(UNREAD_SHARE);
      yield {
        findings: all.slice(start, start + PAGE_SIZE),
        rejected: isUnread ? [{ reason: 'no object', item: this.#random.between(1, 1_000_000) }] : [],
        leftAlone: { muted: 0, passed: 0, other_cloud: 0, other_rule: 0 },
      };
    }
  }

  #findings(): SourceFinding[] {
    const { expected, isMixed } = this.#given;
    const order = expected.map((each) => ({ each, place: this.#random.next() }));
    return order
      .sort((one, other) => one.place - other.place)
      .flatMap(({ each: { finding, region } }) => {
        const { account, resource } = finding;
        const isAtWork = isMixed && this.#random.isBelow(AT_WORK_SHARE);
        const found: SourceFinding = {
          account,
          resource,
          region: finding.region === 'global' ? 'global' : region,
          ...(isAtWork && { remediationAtWork: 'the source is at work' }),
        };
        return this.#random.isBelow(TWICE_SHARE) ? [found, found] : [found];
      });
  }
}
