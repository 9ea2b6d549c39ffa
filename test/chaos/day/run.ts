import { z } from 'zod';
import { clientDefaults } from '../../../lambdas/aws/client-defaults.ts';
import { JobQueue } from '../../../lambdas/aws/job-queue.ts';
import { JobGrouper, jobsByRegion } from '../../../lambdas/collector/job-grouper.ts';
import type { Clock } from '../../../lambdas/model/clock.ts';
import { findingKey } from '../../../lambdas/model/finding.ts';
import { ACCOUNTS_KEY, type RuleSettings, ruleSettingsKey } from '../../../lambdas/model/settings.ts';
import { createRemediator } from '../../../lambdas/remediator/create-remediator.ts';
import { logger } from '../../../lambdas/remediator/report.ts';
import { workOnBatch } from '../../../lambdas/remediator/work-on-batch.ts';
import type { Workshop } from '../../../lambdas/remediator/work-on-message.ts';
import { accountSettingsOf, ruleSettingsOf } from '../../unit/remediator/support/remediator-in-memory.ts';
import { CloudModel, type Invocation } from '../accounting/cloud.ts';
import { type Expected, landscape, REGIONS, RULE_KINDS } from '../accounting/findings.ts';
import type { Message, QueueModel } from '../accounting/queue.ts';
import { Random } from '../accounting/random.ts';
import {
  contextOf,
  environmentOf,
  interceptLogs,
  MAX_RECEIVE_COUNT,
  recordOf,
  TIMEOUT_MILLISECONDS,
} from '../accounting/run.ts';
import { interceptSdk, type SdkCall } from '../accounting/sdk.ts';
import {
  type AccountState,
  attemptsIn,
  FIRST_HOURS,
  isChange,
  mostIn,
  refusalOf,
  STATES,
} from './accounts.ts';
import type { DayReport } from './report.ts';

const HOUR = 3_600_000;
/** The source scans every two hours, half an hour before a poll. */
const SCAN_HOURS = 2;
const SCAN_BEFORE = HOUR / 2;

/** The most findings of one rule in one account and region, so that there are enough accounts for their states. */
const MOST_AT_ONCE = 3;

/** The limits on changes in the rules' settings. */
export type Bounds = Pick<RuleSettings, 'limits' | 'breaker'>;

/** Settings with unreachable limits and a breaker that never opens, so that only the back-off counts. */
const UNBOUNDED: Bounds = {
  limits: { per_account_per_hour: 1_000_000, per_rule_per_hour: 1_000_000 },
  breaker: { changes: 1_000_000, failed_percent: 100 },
};

/** An invocation that processed a finding. */
interface Attempt {
  readonly hour: number;
  /** True if it requested a change of the resource. */
  readonly isChanging: boolean;
  /** Time of its first call, milliseconds since 1970. */
  readonly at: number;
}

export interface DayOptions {
  readonly seed: number;
  readonly findings: number;
  readonly hours: number;
  /** Default: none, so that the hours of each finding's attempts are known. */
  readonly bounds?: Bounds;
  readonly onProgress?: (words: string) => void;
}

/**
 * Runs the whole function on hourly polls of findings, in accounts most of which fail, and counts the attempts at each
 * finding by the calls that arrive in the accounts.
 */
export async function runDay(options: DayOptions): Promise<DayReport> {
  const restore = interceptLogs();
  const run = new DayRun(options);
  const end = interceptSdk(run.cloud.answer);
  try {
    return await run.run();
  } finally {
    end();
    restore();
  }
}

const assumptionSchema = z.looseObject({ RoleSessionName: z.string() });

class DayRun {
  readonly cloud: CloudModel;
  readonly #options: DayOptions;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #start: number;
  /** The findings that can be remediated. */
  readonly #findings: readonly Expected[];
  readonly #states: ReadonlyMap<string, AccountState>;
  readonly #workshops = new Map<string, Workshop>();
  /** Invocations by finding: each one in which a call in its account named its resource. */
  readonly #attempts = new Map<string, Map<Invocation, Attempt>>();
  /** Numbers of assumptions of the role, by account and session name. */
  readonly #assumptions = new Map<string, number>();
  #hour = 0;
  #jobs = 0;

  constructor(options: DayOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const { states, expected } = landscape(options.findings, this.#random, MOST_AT_ONCE);
    const cloud = new CloudModel(states, MAX_RECEIVE_COUNT);
    this.cloud = cloud;
    this.#start = cloud.now;
    this.#findings = expected.filter(({ isRemediable }) => isRemediable);
    this.#states = new Map([...states.keys()].map((account, index) => [account, stateOf(index)]));
    this.#clock = {
      now: () => cloud.now,
      sleep: async (milliseconds) => {
        cloud.now += milliseconds;
      },
    };
    cloud.putSettings(ACCOUNTS_KEY, accountSettingsOf());
    for (const [rule, { options: own = {} }] of Object.entries(RULE_KINDS)) {
      cloud.putSettings(
        ruleSettingsKey(rule),
        ruleSettingsOf({ rule, poll_minutes: 60, ...(options.bounds ?? UNBOUNDED), options: { ...own } }),
      );
    }
    cloud.onAccountCall = (account, call) => this.#onCall(account, call);
  }

  async run(): Promise<DayReport> {
    const { hours, onProgress } = this.#options;
    let listed = this.#findings;
    let scannedAt = this.#start;
    for (; this.#hour < hours; this.#hour += 1) {
      this.cloud.now = Math.max(this.cloud.now, this.#start + this.#hour * HOUR);
      if (this.#hour % SCAN_HOURS === 0) {
        scannedAt = this.#start + this.#hour * HOUR - SCAN_BEFORE;
        listed = this.#findings.filter((each) => !this.#isFixed(each));
      }
      await this.#poll(listed, new Date(scannedAt).toISOString());
      await this.#workOff();
      onProgress?.(`hour ${this.#hour}: ${listed.length} findings`);
    }
    return this.#report();
  }

  #isFixed({ finding: { rule, account, resource } }: Expected): boolean {
    return RULE_KINDS[rule]?.isFixed(this.cloud.stateOf(account), resource) === true;
  }

  async #poll(listed: readonly Expected[], lastScanTime: string): Promise<void> {
    for (const rule of Object.keys(RULE_KINDS)) {
      const asOf = new Date(this.#start + this.#hour * HOUR).toISOString();
      const grouper = new JobGrouper({ source: 'netskope', rule, asOf }, `hour-${this.#hour}`);
      const ofRule = listed.filter(({ finding }) => finding.rule === rule);
      const full = ofRule.flatMap(({ finding, region }) => grouper.add({ ...finding, lastScanTime }, region));
      for (const [region, jobs] of jobsByRegion([...full, ...grouper.rest()])) {
        this.#jobs += jobs.length;
        await this.#queueOf(region).send(jobs);
      }
    }
  }

  /** Hands messages over until only dead letters are left. */
  async #workOff(): Promise<void> {
    const queues = REGIONS.flatMap((region) =>
      ['jobs.fifo', 'jobs-delayed'].map((suffix) => ({ region, queue: this.cloud.queue(region, suffix) })),
    );
    for (;;) {
      let hasMessage = false;
      for (const { region, queue } of queues) {
        const [message] = queue.receive(this.#random, 1);
        if (message === undefined) continue;
        hasMessage = true;
        if (await this.#invoke(region, queue, message)) queue.delete(message);
      }
      if (hasMessage) continue;
      const moments = queues.flatMap(({ queue }) => queue.nextAt ?? []);
      if (moments.length === 0) return;
      this.cloud.now = Math.max(this.cloud.now, Math.min(...moments));
    }
  }

  /** @returns whether the function has processed the message */
  async #invoke(region: string, queue: QueueModel, message: Message): Promise<boolean> {
    const endsAt = this.cloud.now + TIMEOUT_MILLISECONDS;
    const invocation: Invocation = {
      random: this.#random,
      faultShare: 0,
      killShare: 0,
      endsAt,
      isDead: false,
    };
    const response = await this.cloud.invocations.run(invocation, () =>
      workOnBatch(
        { Records: [recordOf(message, queue, region)] },
        contextOf(() => endsAt - this.cloud.now),
        this.#workshop(region),
      ),
    );
    return response.batchItemFailures.length === 0;
  }

  #onCall(account: string, call: SdkCall): void {
    if (call.operation === 'AssumeRole') {
      const name = `${account} ${assumptionSchema.parse(call.input).RoleSessionName}`;
      this.#assumptions.set(name, (this.#assumptions.get(name) ?? 0) + 1);
    } else {
      // A change of a snapshot only names the snapshot, and the finding its database.
      const words = JSON.stringify(call.input).split('"');
      const named = new Set(words.flatMap((word) => [word, word.replace(/-s\d+$/, '')]));
      for (const { finding } of this.#findings) {
        if (finding.account !== account || !named.has(finding.resource)) continue;
        this.#noteAttempt(findingKey(finding), isChange(call));
      }
    }
    const refusal = refusalOf(this.#stateOf(account), this.#hour, call);
    if (refusal !== undefined) throw refusal;
  }

  #noteAttempt(key: string, isChanging: boolean): void {
    const invocation = this.cloud.invocations.getStore();
    if (invocation === undefined) throw new Error('a call has no invocation');
    const attempts = this.#attempts.get(key) ?? new Map<Invocation, Attempt>();
    const known = attempts.get(invocation);
    attempts.set(invocation, {
      hour: this.#hour,
      isChanging: isChanging || known?.isChanging === true,
      at: known?.at ?? this.cloud.now,
    });
    this.#attempts.set(key, attempts);
  }

  #stateOf(account: string): AccountState {
    return this.#states.get(account) ?? 'healthy';
  }

  #report(): DayReport {
    const { seed, hours, bounds } = this.#options;
    const problems = bounds === undefined ? [] : this.#overLimits(bounds.limits);
    const attempts = new Map<AccountState, Map<number, number>>();
    for (const expected of this.#findings) {
      const { finding } = expected;
      const state = this.#stateOf(finding.account);
      const all = [...(this.#attempts.get(findingKey(finding))?.values() ?? [])];
      // Further jobs check whether a fix has had its effect. An attempt that only read has failed, too.
      const changing = all.filter(({ isChanging }) => isChanging);
      // What a limit or a breaker holds back is read in each poll.
      const isRead = changing.length === 0 && (bounds === undefined || state === 'reads denied');
      const made = (isRead ? all : changing).map(({ hour }) => hour);
      const numbers = attempts.get(state) ?? new Map<number, number>();
      attempts.set(state, numbers.set(made.length, (numbers.get(made.length) ?? 0) + 1));
      const due = attemptsIn(state, hours);
      const name = `${findingKey(finding)} (${state})`;
      if (bounds === undefined && due !== undefined && due.join() !== made.join()) {
        problems.push(`${name}: attempted at hours ${made.join()}, expected ${due.join()}`);
      }
      const most = mostIn(state, hours);
      if (made.length > most)
        problems.push(`${name}: attempted ${made.length} times, expected at most ${most}`);
      const isDone = state === 'healthy' || (state.endsWith('at first') && hours > FIRST_HOURS);
      const mayBeDone = bounds === undefined || (state === 'healthy' && this.#isWorkedOff(bounds.limits));
      if (mayBeDone && isDone && !this.#isFixed(expected)) problems.push(`${name}: is not fixed`);
    }
    const assumptions = new Map<AccountState, number>();
    let mostWithoutRole = 0;
    for (const [name, number] of this.#assumptions) {
      const state = this.#stateOf(name.slice(0, 12));
      assumptions.set(state, (assumptions.get(state) ?? 0) + number);
      if (state !== 'role missing') continue;
      mostWithoutRole = Math.max(mostWithoutRole, number);
      if (number > 1) problems.push(`${name}: the role was assumed ${number} times in one poll`);
    }
    const messages = this.cloud.events.filter(({ type }) => type === 'Target Role Missing').length;
    const without = [...this.#states.values()].filter((state) => state.startsWith('role missing')).length;
    if (messages > without) problems.push(`${messages} messages of ${without} accounts without the role`);
    return {
      seed,
      hours,
      findings: this.#findings.length,
      jobs: this.#jobs,
      attempts,
      assumptions,
      mostWithoutRole,
      messages,
      problems,
    };
  }

  /** Lists where more was changed within an hour than a limit allows, in accounts that refuse nothing. */
  #overLimits({ per_account_per_hour: ofAccount, per_rule_per_hour: ofRule }: Bounds['limits']): string[] {
    const times = new Map<string, number[]>();
    for (const { finding } of this.#findings) {
      const { rule, account } = finding;
      if (!this.#isHealthy(account)) continue;
      for (const { at, isChanging } of this.#attempts.get(findingKey(finding))?.values() ?? []) {
        if (!isChanging) continue;
        for (const name of [rule, `${rule} ${account}`]) times.set(name, [...(times.get(name) ?? []), at]);
      }
    }
    return [...times].flatMap(([name, all]) => {
      const most = Math.max(...all.map((from) => all.filter((at) => at >= from && at - from < HOUR).length));
      const limit = name.includes(' ') ? ofAccount : ofRule;
      return most > limit ? [`${name}: ${most} changes within an hour, and the limit is ${limit}`] : [];
    });
  }

  /** Tells whether there were twice the hours that the findings of each rule take at the rate of the limits. */
  #isWorkedOff({ per_rule_per_hour }: Bounds['limits']): boolean {
    const numbers = Object.keys(RULE_KINDS).map(
      (rule) => this.#findings.filter(({ finding }) => finding.rule === rule).length,
    );
    return this.#options.hours >= 2 * Math.ceil(Math.max(...numbers) / per_rule_per_hour);
  }

  #isHealthy(account: string): boolean {
    return this.#stateOf(account) === 'healthy';
  }

  #workshop(region: string): Workshop {
    let workshop = this.#workshops.get(region);
    if (workshop === undefined) {
      const environment = environmentOf(region);
      const queue = this.#queueOf(region);
      const remediator = createRemediator(environment, queue, logger, this.#clock);
      workshop = { environment, queue, remediator };
      this.#workshops.set(region, workshop);
    }
    return workshop;
  }

  #queueOf(region: string): JobQueue {
    return new JobQueue({ name: 'cspm', region, clock: this.#clock, clientOptions: clientDefaults });
  }
}

function stateOf(index: number): AccountState {
  return STATES[index % STATES.length] ?? 'healthy';
}
