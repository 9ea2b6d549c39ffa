import type { Context, SQSEvent, SQSRecord } from 'aws-lambda';
import { clientDefaults } from '../../../lambdas/aws/client-defaults.ts';
import { JobQueue } from '../../../lambdas/aws/job-queue.ts';
import { closeMissing } from '../../../lambdas/collector/close-missing.ts';
import { listedFinding } from '../../../lambdas/collector/listing.ts';
import { UnreadFindings } from '../../../lambdas/collector/unread-findings.ts';
import type { Clock } from '../../../lambdas/model/clock.ts';
import type { Job } from '../../../lambdas/model/job.ts';
import { ACCOUNTS_KEY, ruleSettingsKey } from '../../../lambdas/model/settings.ts';
import { createRemediator } from '../../../lambdas/remediator/create-remediator.ts';
import type { Environment } from '../../../lambdas/remediator/environment.ts';
import { logger } from '../../../lambdas/remediator/report.ts';
import { workOnBatch } from '../../../lambdas/remediator/work-on-batch.ts';
import type { Workshop } from '../../../lambdas/remediator/work-on-message.ts';
import { accountSettingsOf, ruleSettingsOf } from '../../unit/remediator/support/remediator-in-memory.ts';
import { type Account, accountFor } from './account.ts';
import { BUCKETS, CloudModel, type Invocation } from './cloud.ts';
import { HOME_REGION, type Landscape, landscape, REGIONS, RULE_KINDS } from './findings.ts';
import type { Message, QueueModel } from './queue.ts';
import { Random } from './random.ts';
import { interceptSdk } from './sdk.ts';

const SECURITY_ACCOUNT = '111111111111';
const MAX_RECEIVE_COUNT = 5;
const TIMEOUT_MILLISECONDS = 300_000;
const MOST_FINDINGS_PER_JOB = 25;
/** Of a poll that is done again. */
const FINDINGS_PER_JOB_AGAIN = 4;
/** Shares of calls that meet a fault, functions that are ended, and messages that are delivered twice at once. */
const FAULT_SHARE = 0.02;
const KILL_SHARE = 0.12;
const DOUBLE_SHARE = 0.04;
/** A function is ended by one of its first calls. */
const MOST_CALLS_BEFORE_KILL = 40;
/** An operator sends dead letters back so often while faults last. */
const REDRIVES_AMID_FAULTS = 2;
const MOST_REDRIVES = 20;

export interface AccountingOptions {
  readonly seed: number;
  readonly findings: number;
  readonly onProgress?: (words: string) => void;
}

/**
 * Lets the remediator's function work on many findings at once, through its own stores, while calls fail, functions
 * end, messages come twice and two polls find the same; then counts what went in, what came out and what was changed.
 */
export async function runAccounting(options: AccountingOptions): Promise<Account> {
  const restore = interceptLogs();
  const random = new Random(options.seed);
  const run = new AccountingRun(
    landscape(options.findings, random),
    random,
    options.onProgress ?? (() => {}),
  );
  const end = interceptSdk(run.cloud.answer);
  try {
    return await run.run();
  } finally {
    end();
    restore();
  }
}

/** Nobody reads the function's logs of a hundred thousand calls. */
function interceptLogs(): () => void {
  const level = logger.getLevelName();
  const disabled = process.env['POWERTOOLS_METRICS_DISABLED'];
  logger.setLogLevel('SILENT');
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  return () => {
    logger.setLogLevel(level);
    if (disabled === undefined) delete process.env['POWERTOOLS_METRICS_DISABLED'];
    else process.env['POWERTOOLS_METRICS_DISABLED'] = disabled;
  };
}

class AccountingRun {
  readonly cloud: CloudModel;
  readonly #landscape: Landscape;
  readonly #random: Random;
  readonly #onProgress: (words: string) => void;
  readonly #workshops = new Map<string, Workshop>();
  readonly #clock: Clock;
  readonly #asOf: readonly string[];
  /** The poll that gives nothing any more. */
  readonly #closedAt: string;
  #faultShare = FAULT_SHARE;

  constructor(found: Landscape, random: Random, onProgress: (words: string) => void) {
    this.#landscape = found;
    this.#random = random;
    this.#onProgress = onProgress;
    const cloud = new CloudModel(found.states, MAX_RECEIVE_COUNT);
    this.cloud = cloud;
    this.#clock = {
      now: () => cloud.now,
      sleep: async (milliseconds) => {
        cloud.now += milliseconds;
      },
    };
    this.#asOf = [0, 60_000].map((later) => new Date(cloud.now - 300_000 + later).toISOString());
    this.#closedAt = new Date(cloud.now + 60_000).toISOString();
    cloud.putSettings(ACCOUNTS_KEY, accountSettingsOf());
    for (const [rule, { options = {} }] of Object.entries(RULE_KINDS)) {
      cloud.putSettings(ruleSettingsKey(rule), ruleSettingsOf({ rule, options: { ...options } }));
    }
  }

  async run(): Promise<Account> {
    for (const region of REGIONS) await this.#queueOf(region).send(this.#jobsOf(region));
    await this.#finish();
    // As often as before: what closes findings meets faults, too.
    this.#faultShare = FAULT_SHARE;
    await this.#close();
    await this.#finish();
    return accountFor(this.cloud, this.#landscape.expected, this.#asOf, this.#closedAt);
  }

  /** Lets a complete poll, which gives none of the findings any more, close them as the collector does. */
  async #close(): Promise<void> {
    const { expected } = this.#landscape;
    const [first] = expected;
    if (first === undefined) return;
    const findings = expected.map(({ finding }) => listedFinding(finding));
    for (const rule of new Set(findings.map((finding) => finding.rule))) {
      const poll = { source: 'netskope' as const, rule, asOf: this.#closedAt };
      const listing = {
        poll: { ...poll, asOf: this.#asOf[0] ?? poll.asOf },
        findings: findings.filter((finding) => finding.rule === rule),
      };
      await closeMissing(
        {
          jobs: { send: (region, jobs) => this.#queueOf(region).send(jobs) },
          records: { readListing: async () => ({ listing, etag: 'etag' }), writeListing: async () => {} },
          homeRegion: HOME_REGION,
          regions: REGIONS,
          run: 'run-3',
        },
        poll,
        [],
        new UnreadFindings(),
      );
    }
  }

  async #finish(): Promise<void> {
    for (let redrives = 0; ; redrives += 1) {
      await this.#workOff();
      const dead = REGIONS.map((region) => this.#redrive(region)).reduce((all, some) => all + some, 0);
      this.#onProgress(`${dead} dead letters`);
      if (dead === 0) break;
      this.cloud.counts.add('redriven messages', dead);
      if (redrives === REDRIVES_AMID_FAULTS) this.#faultShare = 0;
      if (redrives === MOST_REDRIVES) throw new Error('dead letters come back again and again');
    }
  }

  /**
   * Both polls at once: the jobs of one stand between those of the other. The first is done again, and then the source
   * gives its findings in another order.
   */
  #jobsOf(region: string): Job[] {
    const byPlace = new Map<string, Job['findings']>();
    for (const { finding, region: place } of this.#landscape.expected) {
      if (place !== region) continue;
      const key = `${finding.account} ${finding.rule}`;
      byPlace.set(key, [...(byPlace.get(key) ?? []), finding]);
    }
    return [...byPlace.values()].flatMap((findings) => {
      const [first] = findings;
      if (first === undefined) return [];
      const { rule, account } = first;
      const jobs = (all: Job['findings'], size: number, polls: readonly string[], run: string): Job[] =>
        Array.from({ length: Math.ceil(all.length / size) }, (_, chunk) => chunk).flatMap((chunk) =>
          polls.map(
            (asOf): Job => ({
              version: 1,
              poll: { source: 'netskope', rule, asOf },
              account,
              region,
              chunk,
              run,
              findings: all.slice(chunk * size, (chunk + 1) * size),
            }),
          ),
        );
      return [
        ...jobs(findings, MOST_FINDINGS_PER_JOB, this.#asOf, 'run-1'),
        ...jobs(findings.toReversed(), FINDINGS_PER_JOB_AGAIN, this.#asOf.slice(0, 1), 'run-2'),
      ];
    });
  }

  /** Hands messages over until none is left but dead letters. */
  async #workOff(): Promise<void> {
    for (let handed = 0; ; handed += 1) {
      if (handed % 1000 === 0) this.#onProgress(`${handed} messages`);
      const queues = REGIONS.flatMap((region) =>
        ['jobs.fifo', 'jobs-delayed'].map((suffix) => ({ region, queue: this.cloud.queue(region, suffix) })),
      );
      const next = queues
        .sort(() => this.#random.next() - 0.5)
        .map((each) => ({ ...each, message: each.queue.receive(this.#random) }))
        .filter(({ message }) => message !== undefined);
      await Promise.all(
        next.map(({ region, queue, message }) =>
          message === undefined ? undefined : this.#deliver(region, queue, message),
        ),
      );
      if (next.length > 0) continue;
      const moments = queues.flatMap(({ queue }) => queue.nextAt ?? []);
      if (moments.length === 0) return;
      this.cloud.now = Math.max(this.cloud.now, Math.min(...moments));
    }
  }

  /** Delivers a message, once in a while twice at once. */
  async #deliver(region: string, queue: QueueModel, message: Message): Promise<void> {
    const isDouble = this.#random.isBelow(DOUBLE_SHARE);
    if (isDouble) {
      message.received += 1;
      this.cloud.counts.add('double deliveries');
    }
    const results = await Promise.all(
      (isDouble ? [1, 2] : [1]).map(() => this.#invoke(region, queue, message)),
    );
    if (results.some((isDone) => isDone)) queue.delete(message);
  }

  /** @returns whether the function has done the message */
  async #invoke(region: string, queue: QueueModel, message: Message): Promise<boolean> {
    const random = new Random(this.#random.between(0, 2 ** 31));
    const isKilled = this.#faultShare > 0 && random.isBelow(KILL_SHARE);
    const invocation: Invocation = {
      random,
      faultShare: this.#faultShare,
      kill: isKilled
        ? { at: random.between(1, MOST_CALLS_BEFORE_KILL), isBefore: random.isBelow(0.5) }
        : undefined,
      endsAt: this.cloud.now + TIMEOUT_MILLISECONDS,
      calls: 0,
      isDead: false,
    };
    this.cloud.counts.add('invocations');
    const event: SQSEvent = { Records: [recordOf(message, queue, region)] };
    const response = await this.cloud.invocations.run(invocation, () =>
      workOnBatch(event, this.#context(invocation), this.#workshop(region)),
    );
    if (invocation.isDead) {
      // Its memory is gone with it.
      this.#workshops.delete(region);
      this.cloud.counts.add('functions that were ended');
      return false;
    }
    return response.batchItemFailures.length === 0;
  }

  #redrive(region: string): number {
    return ['jobs.fifo', 'jobs-delayed'].reduce(
      (all, suffix) => all + this.cloud.queue(region, suffix).redrive(),
      0,
    );
  }

  #context({ endsAt }: Invocation): Context {
    const nothing = (): void => {};
    return {
      callbackWaitsForEmptyEventLoop: true,
      functionName: 'function',
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:${HOME_REGION}:${SECURITY_ACCOUNT}:function:function`,
      memoryLimitInMB: '1024',
      awsRequestId: '00000000-0000-0000-0000-000000000000',
      logGroupName: 'group',
      logStreamName: 'stream',
      getRemainingTimeInMillis: () => endsAt - this.cloud.now,
      done: nothing,
      fail: nothing,
      succeed: nothing,
    };
  }

  #workshop(region: string): Workshop {
    let workshop = this.#workshops.get(region);
    if (workshop === undefined) {
      const environment = environmentOf(region);
      const queue = this.#queueOf(region);
      const remediate = createRemediator(environment, queue, logger, this.#clock);
      workshop = { environment, queue, remediate };
      this.#workshops.set(region, workshop);
    }
    return workshop;
  }

  #queueOf(region: string): JobQueue {
    return new JobQueue({ name: 'cspm', region, clock: this.#clock, clientOptions: clientDefaults });
  }
}

function environmentOf(region: string): Environment {
  return {
    NAME: 'cspm',
    AWS_REGION: region,
    HOME_REGION,
    SECURITY_ACCOUNT_ID: SECURITY_ACCOUNT,
    PARTITION: 'aws',
    EVIDENCE_BUCKET: BUCKETS.evidence,
    FINDINGS_TABLE: 'cspm-findings',
    SETTINGS_BUCKET: BUCKETS.settings,
    EVENT_BUS_ARN: `arn:aws:events:${HOME_REGION}:${SECURITY_ACCOUNT}:event-bus/cspm`,
    TARGET_ROLE_NAME: 'cspm-remediation',
    AUTOMATION_ROLE_NAME: 'cspm-automation',
    EXTERNAL_ID: 'external',
    MAX_RECEIVE_COUNT,
    RETRY_DELAY_SECONDS: 30,
  };
}

function recordOf({ id, body, group, received }: Message, queue: QueueModel, region: string): SQSRecord {
  const name = queue.name.split(' ')[1];
  return {
    messageId: id,
    receiptHandle: id,
    body,
    md5OfBody: '',
    attributes: {
      ApproximateReceiveCount: String(received),
      SentTimestamp: '0',
      SenderId: 'sender',
      ApproximateFirstReceiveTimestamp: '0',
      ...(group !== undefined && { MessageGroupId: group }),
    },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:${SECURITY_ACCOUNT}:${name}`,
    awsRegion: region,
  };
}
