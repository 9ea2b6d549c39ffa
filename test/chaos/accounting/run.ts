import type { Context, SQSEvent, SQSRecord } from 'aws-lambda';
import { clientDefaults } from '../../../lambdas/aws/client-defaults.ts';
import { JobQueue } from '../../../lambdas/aws/job-queue.ts';
import type { Clock } from '../../../lambdas/model/clock.ts';
import { ACCOUNTS_KEY, ruleSettingsKey } from '../../../lambdas/model/settings.ts';
import { createRemediator } from '../../../lambdas/remediator/create-remediator.ts';
import type { Environment } from '../../../lambdas/remediator/environment.ts';
import { logger } from '../../../lambdas/remediator/report.ts';
import { workOnBatch } from '../../../lambdas/remediator/work-on-batch.ts';
import type { Workshop } from '../../../lambdas/remediator/work-on-message.ts';
import { accountSettingsOf, ruleSettingsOf } from '../../unit/remediator/support/remediator-in-memory.ts';
import { type Account, accountFor } from './account.ts';
import { BUCKETS, CloudModel, type Invocation } from './cloud.ts';
import { type Expected, HOME_REGION, type Landscape, landscape, REGIONS, RULE_KINDS } from './findings.ts';
import { loadCode } from './load-code.ts';
import { poll } from './polls.ts';
import type { Message, QueueModel } from './queue.ts';
import { Random } from './random.ts';
import { interceptSdk } from './sdk.ts';

const SECURITY_ACCOUNT = '111111111111';
const BUS_ARN = `arn:aws:events:${HOME_REGION}:${SECURITY_ACCOUNT}:event-bus/cspm`;
export const MAX_RECEIVE_COUNT = 5;
export const TIMEOUT_MILLISECONDS = 300_000;
/** Shares of calls with a fault, and of calls after which the function is killed. */
const FAULT_SHARE = 0.02;
const KILL_SHARE = 0.003;
/** Shares of batches that are delivered twice at once, and of messages that the queue delivers again after they are done. */
const DOUBLE_SHARE = 0.04;
const UNDELETED_SHARE = 0.01;
/** Number of instances of a region's function, the share of them with a wrong clock, and its largest error. */
const INSTANCES = 3;
const WRONG_CLOCK_SHARE = 0.4;
const MOST_WRONG_MILLISECONDS = 5 * 60_000;
/** Number of calls of a job with many findings. A poll of thousands makes more. */
const CALLS_OF_A_JOB = 100;
/** The largest batches: of jobs, and of delayed messages. */
const MOST_JOBS = 1;
const MOST_DELAYED = 10;
/** The share of polls that use a rule's runbook, if it has one. */
const RUNBOOK_SHARE = 0.7;
/** Number of times that an operator redrives dead letters while there are faults. */
const REDRIVES_AMID_FAULTS = 2;
const MOST_REDRIVES = 20;

export interface AccountingOptions {
  readonly seed: number;
  readonly findings: number;
  readonly onProgress?: (words: string) => void;
  /** A resource: the fate of each function call about it is reported. */
  readonly trace?: string | undefined;
  readonly onTrace?: (words: string) => void;
}

/**
 * Runs the collector and the remediator on many findings at once, with their real stores, while calls fail, functions are
 * killed, messages arrive twice, two polls return the same findings and one poll is repeated. Then compares the findings
 * with their outcomes and changes.
 */
export async function runAccounting(options: AccountingOptions): Promise<Account> {
  await loadCode();
  const restore = interceptLogs();
  const random = new Random(options.seed);
  const run = new AccountingRun(landscape(options.findings, random), random, options);
  const end = interceptSdk(run.cloud.answer);
  try {
    return await run.run();
  } finally {
    end();
    restore();
  }
}

/** Drops the function's logs, which nobody reads for a hundred thousand calls. */
export function interceptLogs(): () => void {
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
  readonly #options: AccountingOptions;
  #invocations = 0;
  /** The instances of each region's function. */
  readonly #workshops = new Map<string, Workshop[]>();
  readonly #asOf: readonly string[];
  /** The poll that no longer returns findings. */
  readonly #closedAt: string;
  #faultShare = FAULT_SHARE;
  #isCollecting = false;

  constructor(found: Landscape, random: Random, options: AccountingOptions) {
    this.#landscape = found;
    this.#random = random;
    this.#options = options;
    this.#onProgress = options.onProgress ?? (() => {});
    const cloud = new CloudModel(found.states, MAX_RECEIVE_COUNT);
    this.cloud = cloud;
    this.#asOf = [0, 60_000, 120_000, 180_000].map((later) =>
      new Date(cloud.now - 300_000 + later).toISOString(),
    );
    this.#closedAt = new Date(cloud.now + 60_000).toISOString();
    cloud.putSettings(ACCOUNTS_KEY, accountSettingsOf());
    // Thousands of findings must be remediated within minutes.
    const limits = { per_account_per_hour: 1_000_000, per_rule_per_hour: 1_000_000 };
    for (const [rule, { options = {}, hasRunbook = false }] of Object.entries(RULE_KINDS)) {
      const method = hasRunbook && random.isBelow(RUNBOOK_SHARE) ? 'runbook' : 'api';
      cloud.putSettings(
        ruleSettingsKey(rule),
        ruleSettingsOf({ rule, method, limits, options: { ...options } }),
      );
    }
  }

  async run(): Promise<Account> {
    const { expected } = this.#landscape;
    // Some findings are polled while others are processed.
    await Promise.all([this.#collect(), this.#workOff()]);
    await this.#finish();
    // What the source remediated, or polls skipped because of open jobs, is returned again. Faults are as frequent as before.
    this.#faultShare = FAULT_SHARE;
    await this.#poll(this.#asOf.at(-1) ?? '', expected, false);
    await this.#finish();
    this.#faultShare = FAULT_SHARE;
    await this.#poll(this.#closedAt, [], false);
    await this.#finish();
    return accountFor(this.cloud, expected, this.#asOf, this.#closedAt);
  }

  /** Two polls at once, the first of which is repeated; then a third one, while jobs of theirs are open. */
  async #collect(): Promise<void> {
    const { expected } = this.#landscape;
    const [first = '', second = '', third = ''] = this.#asOf;
    this.#isCollecting = true;
    await Promise.all([this.#poll(first, expected, true), this.#poll(second, expected, false)]);
    await this.#poll(first, expected, true);
    await this.#poll(third, expected, false);
    this.#isCollecting = false;
  }

  /** Polls each rule that has findings. */
  async #poll(asOf: string, given: readonly Expected[], isMixed: boolean): Promise<void> {
    for (const rule of new Set(this.#landscape.expected.map(({ finding }) => finding.rule))) {
      const expected = given.filter(({ finding }) => finding.rule === rule);
      await poll(
        { source: 'netskope', rule, asOf },
        { expected, isMixed },
        {
          cloud: this.cloud,
          random: new Random(this.#random.between(0, 2 ** 31)),
          clock: this.#newClock(),
          account: SECURITY_ACCOUNT,
          busArn: BUS_ARN,
          invocation: () => this.#invocation({ calls: expected.length }),
        },
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
      if (redrives === MOST_REDRIVES) throw new Error('dead letters return again and again');
    }
  }

  /** Hands messages over until only dead letters are left. */
  async #workOff(): Promise<void> {
    for (let handed = 0; ; handed += 1) {
      if (handed % 1000 === 0) this.#onProgress(`${handed} messages`);
      const queues = REGIONS.flatMap((region) => [
        { region, queue: this.cloud.queue(region, 'jobs.fifo'), most: MOST_JOBS },
        { region, queue: this.cloud.queue(region, 'jobs-delayed'), most: MOST_DELAYED },
      ]);
      const next = queues
        .sort(() => this.#random.next() - 0.5)
        .map((each) => ({
          ...each,
          messages: each.queue.receive(this.#random, this.#random.between(1, each.most)),
        }))
        .filter(({ messages }) => messages.length > 0);
      await Promise.all(next.map(({ region, queue, messages }) => this.#deliver(region, queue, messages)));
      if (next.length > 0) continue;
      if (this.#isCollecting) {
        // Time does not pass without the functions that send jobs.
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      const moments = queues.flatMap(({ queue }) => queue.nextAt ?? []);
      if (moments.length === 0) return;
      this.cloud.now = Math.max(this.cloud.now, Math.min(...moments));
    }
  }

  /** Delivers a batch, sometimes twice at once, and deletes what is done from the queue. */
  async #deliver(region: string, queue: QueueModel, messages: readonly Message[]): Promise<void> {
    const isDouble = this.#random.isBelow(DOUBLE_SHARE);
    if (isDouble) {
      for (const message of messages) message.received += 1;
      this.cloud.counts.add('double deliveries', messages.length);
    }
    const results = await Promise.all(
      (isDouble ? [1, 2] : [1]).map(() => this.#invoke(region, queue, messages)),
    );
    for (const message of messages) {
      if (!results.some((done) => done.includes(message))) continue;
      if (this.#faultShare > 0 && this.#random.isBelow(UNDELETED_SHARE)) {
        this.cloud.counts.add('messages that were processed and not deleted');
      } else queue.delete(message);
    }
  }

  /** @returns the messages that the function has done */
  async #invoke(region: string, queue: QueueModel, messages: readonly Message[]): Promise<Message[]> {
    const invocation = this.#invocation({ about: messages.map(({ body }) => body).join() });
    this.cloud.counts.add('invocations');
    const workshop = this.#workshop(region);
    const event: SQSEvent = { Records: messages.map((message) => recordOf(message, queue, region)) };
    const response = await this.cloud.invocations.run(invocation, () =>
      workOnBatch(
        event,
        contextOf(() => invocation.endsAt - this.cloud.now),
        workshop,
      ),
    );
    if (invocation.isDead) {
      // Its memory is lost, too.
      const others = (this.#workshops.get(region) ?? []).filter((each) => each !== workshop);
      this.#workshops.set(region, others);
      this.cloud.counts.add('functions that were killed');
      return [];
    }
    const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    if (failed.size > 0 && failed.size < messages.length)
      this.cloud.counts.add('batches that were processed in part');
    return messages.filter(({ id }) => !failed.has(id));
  }

  /** @param calls their approximate number, if there are many: then fewer of them fail, so that some run succeeds */
  #invocation({ about = '', calls = 0 }: { about?: string; calls?: number }): Invocation {
    this.#invocations += 1;
    const number = this.#invocations;
    const { trace, onTrace } = this.#options;
    const isTraced = trace !== undefined && about.includes(trace);
    const random = new Random(this.#random.between(0, 2 ** 31));
    const share = Math.min(1, CALLS_OF_A_JOB / Math.max(1, calls));
    return {
      random,
      faultShare: this.#faultShare * share,
      killShare: this.#faultShare > 0 ? KILL_SHARE * share : 0,
      endsAt: this.cloud.now + TIMEOUT_MILLISECONDS,
      isDead: false,
      trace: isTraced
        ? (words) => onTrace?.(`${new Date(this.cloud.now).toISOString()} ${number}: ${words}`)
        : undefined,
    };
  }

  #redrive(region: string): number {
    return ['jobs.fifo', 'jobs-delayed'].reduce(
      (all, suffix) => all + this.cloud.queue(region, suffix).redrive(),
      0,
    );
  }

  /** Selects an instance of a region's function: an existing one, or a new one. */
  #workshop(region: string): Workshop {
    const living = this.#workshops.get(region) ?? [];
    const known = living[this.#random.between(0, INSTANCES - 1)];
    if (known !== undefined) return known;
    const environment = environmentOf(region);
    const clock = this.#newClock();
    const queue = new JobQueue({ name: 'cspm', region, clock, clientOptions: clientDefaults });
    const workshop = { environment, queue, remediator: createRemediator(environment, queue, logger, clock) };
    this.#workshops.set(region, [...living, workshop]);
    return workshop;
  }

  /** The clock of an instance, which may be wrong. */
  #newClock(): Clock {
    const { cloud } = this;
    const isWrong = this.#random.isBelow(WRONG_CLOCK_SHARE);
    const wrong = isWrong ? this.#random.between(-MOST_WRONG_MILLISECONDS, MOST_WRONG_MILLISECONDS) : 0;
    if (isWrong) cloud.counts.add('instances whose clock is wrong');
    return {
      now: () => cloud.now + wrong,
      sleep: async (milliseconds) => {
        cloud.now += milliseconds;
      },
    };
  }
}

/** The context of an invocation. */
export function contextOf(remainingMilliseconds: () => number): Context {
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
    getRemainingTimeInMillis: remainingMilliseconds,
    done: nothing,
    fail: nothing,
    succeed: nothing,
  };
}

export function environmentOf(region: string): Environment {
  return {
    NAME: 'cspm',
    AWS_REGION: region,
    HOME_REGION,
    SECURITY_ACCOUNT_ID: SECURITY_ACCOUNT,
    PARTITION: 'aws',
    EVIDENCE_BUCKET: BUCKETS.evidence,
    FINDINGS_TABLE: 'cspm-findings',
    SETTINGS_BUCKET: BUCKETS.settings,
    EVENT_BUS_ARN: BUS_ARN,
    COLLECTOR_ROLE_ID: 'AROACOLLECTOR',
    TARGET_ROLE_NAME: 'cspm-remediation',
    AUTOMATION_ROLE_NAME: 'cspm-automation',
    EXTERNAL_ID: 'external',
    MAX_RECEIVE_COUNT,
    RETRY_DELAY_SECONDS: 30,
  };
}

export function recordOf(
  { id, body, group, received }: Message,
  queue: QueueModel,
  region: string,
): SQSRecord {
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
