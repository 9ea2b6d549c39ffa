import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { expect, inject, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { snapshot } from '../../../demo/snapshot.ts';
import { findingKey } from '../../../lambdas/model/finding.ts';
import type { Outcome, Unprocessable } from '../../../lambdas/model/outcome.ts';
import type { PollSummary } from '../../../lambdas/model/poll-summary.ts';
import {
  type AwsProxy,
  type Fault,
  type Injection,
  type ProxiedCall,
  startAwsProxy,
} from '../../lab/aws-proxy/index.ts';
import { startTenant, type Tenant, type TenantItem } from '../../lab/tenant/index.ts';
import {
  type CollectorFunction,
  type Invocation,
  type LogLine,
  passTime,
  type RemediatorFunction,
  startCollector,
  startRemediator,
  type TimeOfFunctions,
} from './functions.ts';
import { workOff } from './job-service.ts';
import { freshAccount, type OutcomeEvent, Product, type ProductOptions } from './product.ts';
import { oldAccessKeys } from './violations.ts';

/** The shared local AWS behind a proxy for one test file, and a tenant. */
export interface Harness extends AsyncDisposable {
  /** The local AWS itself: calls by tests meet no faults. */
  readonly endpoint: string;
  readonly proxy: AwsProxy;
  readonly tenant: Tenant;
  /**
   * The file's accounts whose resources are remediated, by number from 0. The tests of a file share them, so that a test
   * only looks at resources that it created.
   */
  account(number?: number): string;
  /** Injects a fault into calls to AWS until the test ends. */
  fault(fault: Fault): Injection;
  /** Deploys the product under a unique name. */
  deploy(options: Pick<ProductOptions, 'rules'> & Partial<ProductOptions>): Promise<Deployed>;
}

/** @param time how it passes while a function works. Default: it runs */
export async function startHarness({ time }: { readonly time?: TimeOfFunctions } = {}): Promise<Harness> {
  const endpoint = inject('localAwsEndpoint');
  const proxy = await startAwsProxy({ upstream: () => endpoint });
  // Functions whose clock jumps send requests faster than the documented limit allows.
  const tenant = await startTenant({ rateLimit: false });
  proxy.inject(oldAccessKeys);
  // Before the next attempt, the SDK waits for a random part of its bound: here, the smallest.
  const securityAccount = freshAccount();
  const accounts = Array.from({ length: 3 }, freshAccount);
  const random = vi.spyOn(Math, 'random').mockReturnValue(0);
  return {
    endpoint,
    proxy,
    tenant,
    account: (number = 0) => {
      const account = accounts[number];
      if (account === undefined) throw new Error(`there are ${accounts.length} accounts`);
      return account;
    },
    fault: (fault) => {
      const injection = proxy.inject(fault);
      onTestFinished(() => injection.remove());
      return injection;
    },
    deploy: async (options) => {
      const product = await Product.deploy({
        endpoint,
        functionEndpoint: proxy.endpoint,
        netskopeUrl: tenant.url,
        token: tenant.token,
        account: securityAccount,
        ...options,
      });
      return new Deployed(product, { endpoint, proxy, tenant }, time);
    },
    async [Symbol.asyncDispose]() {
      random.mockRestore();
      await tenant.stop();
      await proxy.stop();
    },
  };
}

/** A poll: its rule and the time for which it requests findings. */
export interface PollName {
  readonly rule: string;
  readonly asOf: string;
}

/** All results of a completed poll. */
export interface PollResult {
  readonly summary: PollSummary;
  readonly outcomes: readonly Outcome[];
  readonly unprocessable: readonly Unprocessable[];
  readonly events: readonly OutcomeEvent[];
}

let polls = 0;

/** A time that no other poll of this file uses. */
export function nextMoment(): string {
  polls += 1;
  return new Date(Date.UTC(2026, 0, 31, 12, polls)).toISOString().replace('.000', '');
}

/** The deployed product, whose functions start on first use, and which the harness drives as AWS would. */
export class Deployed {
  readonly product: Product;
  /**
   * True where a poll closes findings of the poll before. Most tests poll different findings each time and do not test
   * this.
   */
  closesMissing = false;
  /** All output of the functions. */
  readonly lines: LogLine[] = [];
  readonly #harness: Pick<Harness, 'endpoint' | 'proxy' | 'tenant'>;
  readonly #time: TimeOfFunctions | undefined;
  #collector: CollectorFunction;
  readonly #remediators = new Map<string, RemediatorFunction>();
  /** The number of the last call that delayed a job whose delay has passed. */
  #lastPutOff = 0;

  constructor(
    product: Product,
    harness: Pick<Harness, 'endpoint' | 'proxy' | 'tenant'>,
    time: TimeOfFunctions | undefined,
  ) {
    this.product = product;
    this.#harness = harness;
    this.#time = time;
    this.#collector = startCollector(product.collectorEnvironment, time);
  }

  /** Starts new functions with an empty memory, as Lambda may do at any time. */
  coldStart(): void {
    this.#collector = startCollector(this.product.collectorEnvironment, this.#time);
    this.#remediators.clear();
  }

  /** Runs the collector's part of a poll, as its schedule starts it. */
  async collect(poll: PollName): Promise<Invocation<object>> {
    if (!this.closesMissing) await this.product.forgetListing(poll.rule);
    const event = { rule: poll.rule, scheduled_time: poll.asOf, netskope_rule_names: [] };
    const invocation = await this.#collector.invoke(event);
    this.lines.push(...invocation.lines);
    return invocation;
  }

  /** Runs the remediators' part: processes the queue of a region. */
  async work(
    region = this.product.homeRegion,
    options: { readonly batchSize?: number; readonly remainingMilliseconds?: number } = {},
  ): Promise<{ invocations: number; timeouts: number }> {
    return workOff(this.product, region, (event) => this.#remediate(region, event, options), options);
  }

  /**
   * Passes the delay of delayed jobs, and then processes the queue. The remediator receives them as Lambda would hand them
   * over from the queue of delayed jobs, but without the wait.
   * @returns each job's delay in seconds
   */
  async lookAgain(region = this.product.homeRegion): Promise<number[]> {
    return this.#forward(this.#putOff(region), region);
  }

  /** Passes delays and processes the queue until no job is delayed. */
  async finish(region = this.product.homeRegion): Promise<void> {
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const jobs = this.#putOff(region);
      if (jobs.length === 0) return;
      passTime(Math.max(...jobs.map(({ DelaySeconds }) => DelaySeconds)) * 1_000);
      await this.#forward(jobs, region);
    }
    throw new Error(`jobs are still delayed after ${MOST_LOOKS} checks`);
  }

  /** The messages that have arrived in the queue of delayed jobs since the last call. */
  #putOff(region: string): readonly PutOff[] {
    const { delayedQueueName } = this.product;
    const calls = this.#harness.proxy.calls.filter(
      ({ number, operation, region: at }) =>
        number > this.#lastPutOff && operation === 'SendMessage' && at === region,
    );
    this.#lastPutOff = Math.max(this.#lastPutOff, ...calls.map(({ number }) => number));
    return calls.flatMap(({ parameters }) => {
      const message = putOffSchema.safeParse(parameters);
      return message.success && message.data.QueueUrl.endsWith(`/${delayedQueueName}`) ? message.data : [];
    });
  }

  /** Forwards jobs as the queue of delayed jobs does. @returns each job's delay in seconds */
  async #forward(jobs: readonly PutOff[], region: string): Promise<number[]> {
    const { account, delayedQueueName } = this.product;
    const eventSourceARN = `arn:aws:sqs:${region}:${account}:${delayedQueueName}`;
    const { batchItemFailures } = await this.#remediate(region, {
      Records: jobs.map(({ MessageBody }, index) =>
        delayedRecord(MessageBody, `delayed-${index}`, region, eventSourceARN),
      ),
    });
    expect(batchItemFailures, 'all are forwarded').toEqual([]);
    await this.work(region);
    return jobs.map(({ DelaySeconds }) => DelaySeconds);
  }

  async #remediate(
    region: string,
    event: SQSEvent,
    options: { readonly remainingMilliseconds?: number } = {},
  ): Promise<SQSBatchResponse> {
    const remediator =
      this.#remediators.get(region) ??
      startRemediator(this.product.remediatorEnvironment(region), this.#time);
    this.#remediators.set(region, remediator);
    const { result, thrown, lines } = await remediator.invoke(event, options);
    this.lines.push(...lines);
    if (result === undefined) throw thrown;
    return result;
  }

  /** Runs a whole poll of these findings. */
  async run(rule: string, items: readonly TenantItem[], asOf = nextMoment()): Promise<PollResult> {
    this.#harness.tenant.setFindings(items);
    const { thrown } = await this.collect({ rule, asOf });
    if (thrown !== undefined) throw thrown;
    for (const region of this.product.regions) {
      await this.work(region);
      await this.finish(region);
    }
    return this.resultOf({ rule, asOf }, items.length);
  }

  /**
   * Reads the result of a poll. Checks that it adds up: every item of the tenant is counted once, and every finding and
   * every unprocessable item has one object in the bucket and one event.
   */
  async resultOf(poll: PollName, items: number): Promise<PollResult> {
    const summary = await this.product.summary(poll.rule, poll.asOf);
    if (summary === undefined)
      throw new Error(`the collector wrote no summary of ${poll.rule} at ${poll.asOf}`);
    // The summary's schema has checked its counts against its items.
    expect(summary.items, 'items counted').toBe(items);
    return { summary, ...(await this.outcomesOf(poll, summary.findings)) };
  }

  /**
   * Reads the outcomes of a poll's jobs and its unprocessable items. Checks that they add up.
   */
  async outcomesOf({ rule, asOf }: PollName, findings: number): Promise<Omit<PollResult, 'summary'>> {
    const [outcomes, unprocessable] = await Promise.all([
      this.product.outcomes(rule, asOf),
      this.product.unprocessable(rule, asOf),
    ]);
    const isOurs = ({ poll }: OutcomeEvent): boolean => poll.rule === rule && poll.asOf === asOf;
    const all = await this.product.events(
      (known) =>
        keysOf(known.filter(isOurs).filter(({ outcome }) => outcome !== 'closed')).size >=
        outcomes.length + unprocessable.length,
    );
    const events = all.filter((event) => isOurs(event) && event.outcome !== 'closed');
    expect(outcomes.length, 'outcomes, one per finding').toBe(findings);
    expect(keysOf(events), 'events, one per outcome').toEqual(
      new Set([
        ...outcomes.map(({ finding }) => findingKey(finding)),
        ...unprocessable.map(({ item }) => JSON.stringify(item)),
      ]),
    );
    // The last of several events of a finding agrees with the object.
    const last = new Map(events.map((event) => [keyOf(event), event]));
    for (const { finding, outcome, plan, applied } of outcomes) {
      expect(last.get(findingKey(finding)), 'an event agrees with the evidence').toMatchObject({
        outcome,
        plan: plan.map(({ line }) => line),
        applied: applied.map(({ line }) => line),
      });
    }
    return { outcomes, unprocessable, events };
  }

  /** The messages of log lines of one level, in order. */
  messages(level: 'ERROR' | 'WARN' | 'INFO'): string[] {
    return this.lines.flatMap((line) => (line.level === level && line.message ? line.message : []));
  }

  /** A metric's totals by rule ('' if it has no such dimension). */
  metric(name: string): Readonly<Record<string, number>> {
    const values: Record<string, number> = {};
    for (const line of this.lines) {
      const { _aws, rule = '', [name]: value } = line;
      if (_aws === undefined || typeof value !== 'number') continue;
      values[String(rule)] = (values[String(rule)] ?? 0) + value;
    }
    return values;
  }

  /** The calls by target roles that may have changed something, failed or not. */
  writes(): readonly ProxiedCall[] {
    return this.#harness.proxy.calls.filter(
      ({ isWrite, principal }) =>
        isWrite &&
        principal.roleArn?.endsWith(`:role/${this.product.targetRoleName}`) === true &&
        principal.assumedBy?.account === this.product.account,
    );
  }

  /** The parts of an account that the tested rules could change, as AWS returns it. */
  snapshot(account: string, regions = this.product.regions): Promise<readonly string[]> {
    return snapshot(this.#harness.endpoint, [account], regions);
  }
}

const putOffSchema = z.looseObject({
  QueueUrl: z.string(),
  MessageBody: z.string(),
  DelaySeconds: z.number(),
});
type PutOff = z.infer<typeof putOffSchema>;

/** More checks than a job needs until AWS's reads must be up to date, but a limit for one that never ends. */
const MOST_LOOKS = 30;

function delayedRecord(
  body: string,
  messageId: string,
  awsRegion: string,
  eventSourceARN: string,
): SQSRecord {
  return {
    messageId,
    receiptHandle: messageId,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'remediator',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion,
  };
}

function keyOf({ poll, finding, item }: OutcomeEvent): string {
  return finding === undefined ? JSON.stringify(item) : findingKey({ rule: poll.rule, ...finding });
}

function keysOf(events: readonly OutcomeEvent[]): Set<string> {
  return new Set(events.map(keyOf));
}

/** Names what a changing call changes: rule ids, ports, buckets, keys. */
function effectOf({ operation, parameters }: ProxiedCall): string[] {
  const values = (pattern: RegExp): string[] =>
    Object.entries(parameters).flatMap(([name, value]) => (pattern.test(name) ? String(value) : []));
  switch (operation) {
    case 'ModifySecurityGroupRules':
      return values(/^SecurityGroupRule\.\d+\.SecurityGroupRuleId$/).map((id) => `shrink ${id}`);
    case 'RevokeSecurityGroupIngress':
    case 'AuthorizeSecurityGroupIngress': {
      const verb = operation === 'AuthorizeSecurityGroupIngress' ? 'authorize' : 'revoke';
      const numbers = new Set(
        Object.keys(parameters).flatMap((name) => /^IpPermissions\.(\d+)\./.exec(name)?.[1] ?? []),
      );
      return [...numbers].map((number) => {
        const [protocol, from = -1, to = -1] = ['IpProtocol', 'FromPort', 'ToPort'].map(
          (name) => parameters[`IpPermissions.${number}.${name}`],
        );
        const source =
          parameters[`IpPermissions.${number}.IpRanges.1.CidrIp`] ??
          parameters[`IpPermissions.${number}.Ipv6Ranges.1.CidrIpv6`];
        return `${verb} ${parameters['GroupId']} ${protocol} ${from}-${to} ${source}`;
      });
    }
    case 'PutPublicAccessBlock':
      return [`block ${parameters['Bucket']}`];
    case 'UpdateAccessKey':
      return [`key ${parameters['AccessKeyId']} ${parameters['Status']}`];
    default:
      return [`${operation} (unknown to this test)`];
  }
}

interface PlannedRule {
  readonly id?: string;
  readonly protocol?: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly source?: string;
}

function isRule(value: unknown): value is PlannedRule {
  return typeof value === 'object' && value !== null;
}

type RecordedChange = Outcome['plan'][number]['change'];

function rulesIn(change: RecordedChange, name: string): PlannedRule[] {
  return Array.isArray(change[name]) ? change[name].filter(isRule) : [];
}

/** Names what a planned change changes. */
function plannedEffects(change: RecordedChange): string[] {
  const { kind, resource } = change;
  const rules = rulesIn(change, 'rules');
  const words = (verb: string, rule: PlannedRule): string =>
    `${verb} ${resource} ${rule.protocol} ${rule.fromPort}-${rule.toPort} ${rule.source}`;
  const authorized = (rule: PlannedRule): string => words('authorize', rule);
  switch (kind) {
    case 'security-group-rule-shrink':
      return [
        ...rulesIn(change, 'pieces').map(authorized),
        ...[change['before']].filter(isRule).map(({ id }) => `shrink ${id}`),
      ];
    case 'security-group-rules-revoke':
      return rules.map((rule) => words('revoke', rule));
    case 'security-group-rules-authorize':
      return rules.map(authorized);
    case 's3-public-access-block-set':
      return [`block ${resource}`];
    case 'iam-access-key-status-set':
      return [`key ${change['key']} ${change['after']}`];
    default:
      return [];
  }
}

/** Selects the recorded changes that only removed what a recorded change had added: no plan contains them. */
function takeBacks(applied: readonly { readonly change: RecordedChange }[]): RecordedChange[] {
  const made = new Set(applied.flatMap(({ change }) => rulesIn(change, 'made').map(({ id }) => id)));
  return applied.flatMap(({ change }) => {
    const isTakeBack =
      change.kind === 'security-group-rules-revoke' &&
      rulesIn(change, 'revoked').length > 0 &&
      rulesIn(change, 'rules').every(({ id }) => id !== undefined && made.has(id));
    return isTakeBack ? [change] : [];
  });
}

/**
 * Checks that every change that was sent to AWS is in one of these plans. The removal of what a plan added is not: it
 * must be recorded among the applied changes.
 */
export function expectWritesWithin(
  writes: readonly ProxiedCall[],
  plans: readonly (Pick<Outcome, 'plan'> & Partial<Pick<Outcome, 'applied'>>)[],
): void {
  const shown = plans.flatMap(({ plan, applied = [] }) => [
    ...plan.map(({ change }) => change),
    ...takeBacks(applied),
  ]);
  const planned = new Set(shown.flatMap(plannedEffects));
  const surprising = writes.flatMap(effectOf).filter((effect) => !planned.has(effect));
  expect(surprising, 'changes that are not in a plan').toEqual([]);
}
