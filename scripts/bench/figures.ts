import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pLimit from 'p-limit';
import { workOff } from '../../test/integration/harness/job-service.ts';
import { lambdaContext } from '../../test/integration/harness/lambda-context.ts';
import { freshAccount, Product } from '../../test/integration/harness/product.ts';
import { makeViolation, oldAccessKeys, type TestedRule } from '../../test/integration/harness/violations.ts';
import type { AwsProxy, ProxiedCall } from '../../test/lab/aws-proxy/index.ts';
import { type LabRule, labRuleIds, labRules } from '../../test/lab/rules/index.ts';
import { fleetFindings, type Tenant, type TenantItem } from '../../test/lab/tenant/index.ts';
import { type BuiltFunction, importBuilt, invokeBuilt } from './built.ts';

const REGION = 'eu-central-1';
/** All of them, with the options by which each can remediate what is made here. */
const rules: Readonly<Record<TestedRule, LabRule>> = labRules;
export const ruleIds = labRuleIds;
const MADE_AT_ONCE = 8;
/** Lambda's pollers for a queue, and what runs side by side here. */
const WORKERS = 5;
const COLLECTOR_HEAP = '--max-old-space-size=224';

/** Servers that the product calls. */
export interface Servers {
  /** The local AWS itself. */
  readonly endpoint: string;
  readonly proxy: AwsProxy;
  readonly tenant: Tenant;
}

/** The subject of the figures: the product, and its functions in this process. */
export interface Bench extends Servers {
  readonly product: Product;
  collect(rule: string, asOf: string): Promise<void>;
  work(event: SQSEvent): Promise<SQSBatchResponse>;
}

/** Deploys the product for figures. Only one in a process: functions keep what they made in their first invocation. */
export async function startBench(servers: Servers): Promise<Bench> {
  const { endpoint, proxy, tenant } = servers;
  const product = await Product.deploy({
    endpoint,
    functionEndpoint: proxy.endpoint,
    netskopeUrl: tenant.url,
    token: tenant.token,
    account: freshAccount(),
    rules: Object.fromEntries(
      Object.entries(rules).map(([rule, { options }]) => [rule, { mode: 'enforce', options }]),
    ),
  });
  const quiet = { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' };
  Object.assign(process.env, product.collectorEnvironment, product.remediatorEnvironment(REGION), quiet);
  const collector = await import('../../lambdas/collector/index.ts');
  const remediator = await import('../../lambdas/remediator/index.ts');
  return {
    ...servers,
    product,
    async collect(rule, asOf) {
      await collector.handler({ rule, scheduled_time: asOf }, lambdaContext());
    },
    work: (event) => remediator.handler(event, lambdaContext()),
  };
}

let minute = 0;

function nextMoment(): string {
  minute += 1;
  return new Date(Date.UTC(2026, 0, 31, 0, minute)).toISOString();
}

export interface ColdImport {
  readonly rule: string;
  readonly files: number;
  /** Of several fresh processes. */
  readonly medianMilliseconds: number;
  readonly fastestMilliseconds: number;
  readonly slowestMilliseconds: number;
  readonly medianCpuMilliseconds: number;
}

/**
 * Measures how long a cold remediator takes to load what one job of a rule needs: the files are those that a real job
 * loads, imported one after another in a fresh process without the calls between.
 */
export async function coldImport(
  { product, endpoint, proxy }: Bench,
  built: BuiltFunction,
  rule: TestedRule,
  processes = 9,
): Promise<ColdImport> {
  const account = freshAccount();
  const item = await makeViolation(endpoint, rule, account, REGION);
  const resource = item.resource_id;
  const aging = proxy.inject(oldAccessKeys);
  const job = {
    version: 1,
    poll: { source: 'netskope', rule, asOf: nextMoment() },
    account,
    region: REGION,
    chunk: 0,
    findings: [{ rule, account, region: item.region_name === 'global' ? 'global' : REGION, resource }],
  };
  const event = {
    Records: [
      {
        messageId: 'first',
        receiptHandle: 'none',
        body: JSON.stringify(job),
        attributes: { ApproximateReceiveCount: '1', MessageGroupId: account },
        eventSource: 'aws:sqs',
        eventSourceARN: `arn:aws:sqs:${REGION}:${product.account}:${product.name}-jobs.fifo`,
        awsRegion: REGION,
      },
    ],
  };
  const { loaded } = await invokeBuilt(built, event, product.remediatorEnvironment(REGION));
  aging.remove();
  const [outcome] = await product.outcomes(rule, job.poll.asOf);
  if (outcome?.outcome !== 'remediated') throw new Error(`the built function did not remediate ${resource}`);
  const runs: Awaited<ReturnType<typeof importBuilt>>[] = [];
  for (let run = 0; run < processes; run++) runs.push(await importBuilt(built, loaded));
  const times = runs.map(({ milliseconds }) => milliseconds);
  return {
    rule,
    files: loaded.length,
    medianMilliseconds: median(times),
    fastestMilliseconds: Math.min(...times),
    slowestMilliseconds: Math.max(...times),
    medianCpuMilliseconds: median(runs.map(({ cpuMilliseconds }) => cpuMilliseconds)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export interface CallFigures {
  readonly rule: string;
  readonly findings: number;
  /** That change a resource. */
  readonly changes: number;
  /** That read a resource. */
  readonly reads: number;
  /** Of the functions in their own roles: settings, role, evidence, events, queue. */
  readonly own: number;
  /** Reads and own calls, for each finding. */
  readonly beyondChangesPerFinding: number;
}

/** The calls to AWS for findings of one account and region, the collector's and the remediator's. */
export async function callsPerFinding(
  bench: Bench,
  say: (line: string) => void,
  sizes: readonly number[] = [1, 25, 500],
): Promise<readonly CallFigures[]> {
  const { proxy } = bench;
  const aging = proxy.inject(oldAccessKeys);
  const figures: CallFigures[] = [];
  for (const rule of ruleIds) {
    for (const findings of sizes) {
      say(`calls: ${findings} findings of ${rule}`);
      const items = await makeViolations(bench, rule, [freshAccount()], findings);
      const asOf = nextMoment();
      bench.tenant.setFindings(items);
      proxy.clear();
      await bench.collect(rule, asOf);
      await workOff(bench.product, REGION, bench.work);
      await expectRemediated(bench, rule, asOf, findings);
      const isTarget = ({ principal }: ProxiedCall): boolean => principal.assumedBy !== undefined;
      const target = proxy.calls.filter(isTarget);
      const changes = target.filter(({ isWrite }) => isWrite).length;
      // Of several rules that it makes at once the local AWS tells the last alone, and the product looks for the others.
      // AWS tells all.
      const artefacts = target.filter(({ parameters }) => 'IpPermissions.2.IpProtocol' in parameters).length;
      const reads = target.length - changes - artefacts;
      const own = proxy.calls.filter(
        (call) => !isTarget(call) && call.accessKeyId === bench.product.account,
      ).length;
      const beyondChangesPerFinding = (reads + own) / findings;
      figures.push({ rule, findings, changes, reads, own, beyondChangesPerFinding });
    }
  }
  aging.remove();
  return figures;
}

export interface Throughput {
  /** Put before every call. */
  readonly latencyMilliseconds: number;
  readonly findings: number;
  readonly accounts: number;
  readonly collectorFindingsPerSecond: number;
  readonly remediatorFindingsPerSecond: number;
}

/** Findings a second: the collector by itself, then as many remediators side by side as Lambda starts with. */
export async function throughput(
  bench: Bench,
  say: (line: string) => void,
  latencies: readonly number[] = [0, 50],
): Promise<readonly Throughput[]> {
  const rule = 'security-group-ssh-open';
  const accounts = Array.from({ length: 10 }, freshAccount);
  const findings = 250;
  const figures: Throughput[] = [];
  for (const latencyMilliseconds of latencies) {
    say(
      `throughput: ${findings} findings in ${accounts.length} accounts, ${latencyMilliseconds} ms before every call`,
    );
    bench.tenant.setFindings(await makeViolations(bench, rule, accounts, findings));
    const asOf = nextMoment();
    bench.proxy.latencyMilliseconds = latencyMilliseconds;
    const start = performance.now();
    await bench.collect(rule, asOf);
    const collected = performance.now();
    await Promise.all(Array.from({ length: WORKERS }, () => workOff(bench.product, REGION, bench.work)));
    const done = performance.now();
    bench.proxy.latencyMilliseconds = 0;
    await expectRemediated(bench, rule, asOf, findings);
    figures.push({
      latencyMilliseconds,
      findings,
      accounts: accounts.length,
      collectorFindingsPerSecond: (findings * 1000) / (collected - start),
      remediatorFindingsPerSecond: (findings * 1000) / (done - collected),
    });
  }
  return figures;
}

export interface Memory {
  readonly findings: number;
  readonly maxRssBytes: number;
  readonly seconds: number;
}

/**
 * Measures what the built collector holds while 50,000 findings go through it, within the heap that Lambda would give
 * it.
 */
export async function collectorMemory(
  { tenant, product }: Bench,
  built: BuiltFunction,
  findings = 50_000,
): Promise<Memory> {
  tenant.setFindings(fleetFindings(findings, { accounts: 200, regions: [REGION] }));
  const event = { rule: 'security-group-ssh-open', scheduled_time: nextMoment() };
  const { maxRss, milliseconds } = await invokeBuilt(built, event, product.collectorEnvironment, [
    COLLECTOR_HEAP,
  ]);
  return { findings, maxRssBytes: maxRss, seconds: milliseconds / 1000 };
}

async function makeViolations(
  { endpoint }: Bench,
  rule: TestedRule,
  accounts: readonly string[],
  count: number,
): Promise<readonly TenantItem[]> {
  const places = Array.from({ length: count }, (_, index) => accounts[index % accounts.length] ?? '');
  return pLimit(MADE_AT_ONCE).map(places, (account) => makeViolation(endpoint, rule, account, REGION));
}

async function expectRemediated(
  { product }: Bench,
  rule: string,
  asOf: string,
  findings: number,
): Promise<void> {
  const outcomes = await product.outcomes(rule, asOf);
  const remediated = outcomes.filter(({ outcome }) => outcome === 'remediated').length;
  if (remediated !== findings)
    throw new Error(`${remediated} of ${findings} findings of ${rule} were remediated`);
}
