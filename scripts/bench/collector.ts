import { systemClock } from '../../lambdas/model/clock.ts';
import { NetskopeClient } from '../../lambdas/sources/netskope/client.ts';
import { Pacer } from '../../lambdas/sources/netskope/pacer.ts';
import { NetskopeFindingSource } from '../../lambdas/sources/netskope/source.ts';
import {
  fleetFindings,
  type ItemList,
  startTenant,
  type Tenant,
  type TenantItem,
} from '../../test/lab/tenant/index.ts';
import { collectorVariables, jobsOf, startAws } from '../../test/unit/collector/support/invocation.ts';
import { type BuiltFunction, invokeBuilt } from './built.ts';

const RULE = 'security-group-ssh-open';
const REGIONS = ['eu-central-1', 'us-east-1', 'us-west-2', 'eu-west-1'];
/** The heap size of a Lambda function with 512 MB. */
const HEAP = '--max-old-space-size=224';
const COLLECTORS = 10;
const MEBIBYTE = 2 ** 20;

export interface Poll {
  readonly jobs: number;
  /** Calls that send jobs. */
  readonly sends: number;
  readonly seconds: number;
  /** The peak memory of the process. */
  readonly megabytes: number;
}

/** Polls a tenant once, with the built collector in its own process. */
async function poll(
  built: BuiltFunction,
  findings: ItemList<TenantItem>,
  { pageMilliseconds = 0 }: { readonly pageMilliseconds?: number } = {},
): Promise<Poll> {
  const tenant = await startTenant({});
  const aws = await startAws();
  try {
    tenant.setFindings(findings);
    if (pageMilliseconds > 0) tenant.setFault({ kind: 'slow', milliseconds: pageMilliseconds, part: 'head' });
    const variables = collectorVariables({ tenant: new URL(tenant.url), aws });
    const event = { rule: RULE, scheduled_time: '2026-01-31T12:00:00Z' };
    const { maxRss, milliseconds, result } = await invokeBuilt(built, event, variables, [HEAP]);
    const jobs = jobsOf(aws);
    const given = jobs.reduce((sum, job) => sum + job.findings.length, 0);
    if (given !== findings.length)
      throw new Error(`${given} of ${findings.length} findings are in jobs: ${JSON.stringify(result)}`);
    const sends = aws.calls.filter((call) => call.headers['x-amz-target'] === 'AmazonSQS.SendMessageBatch');
    const megabytes = maxRss / MEBIBYTE;
    return { jobs: jobs.length, sends: sends.length, seconds: milliseconds / 1000, megabytes };
  } finally {
    await Promise.all([tenant, aws].map((server) => server[Symbol.asyncDispose]()));
  }
}

export interface CollectorFigures {
  /** 100,000 findings of 1,000 accounts in four regions, mixed. */
  readonly mixed: Poll;
  /** 20,000 findings of one account. */
  readonly oneAccount: Poll;
  /** 50,000 findings of 200 accounts, a second per page. */
  readonly slow: Poll;
  readonly atOnce: AtOnce;
}

/** Measures the built collector against a tenant with the documented rate limit. */
export async function measureCollector(
  built: BuiltFunction,
  say: (line: string) => void,
): Promise<CollectorFigures> {
  say('collector: 100,000 findings of 1,000 accounts in 4 regions, mixed');
  const mixed = await poll(built, shuffled(fleetFindings(100_000, { accounts: 1_000, regions: REGIONS })));
  say('collector: 20,000 findings of one account');
  const oneAccount = await poll(built, fleetFindings(20_000, { accounts: 1, regions: ['eu-central-1'] }));
  say('collector: 50,000 findings, a second per page');
  const slow = await poll(built, fleetFindings(50_000, { accounts: 200, regions: REGIONS }), {
    pageMilliseconds: 1_000,
  });
  say(`collector: ${COLLECTORS} at once`);
  return { mixed, oneAccount, slow, atOnce: await collectAtOnce() };
}

export interface AtOnce {
  readonly collectors: number;
  readonly findingsEach: number;
  /** The number of collectors that failed, or missed findings. */
  readonly failed: number;
  readonly seconds: number;
  readonly requests: number;
  /** The number of requests that the tenant refused. */
  readonly refused: number;
}

/** Lets several independent collectors query one tenant at the same time. */
async function collectAtOnce(findingsEach = 10_000): Promise<AtOnce> {
  const tenant = await startTenant({});
  try {
    const findings = fleetFindings(findingsEach);
    tenant.setFindings(findings);
    const ruleName = findings.at(0)?.rule_name ?? '';
    const start = performance.now();
    const results = await Promise.all(
      Array.from({ length: COLLECTORS }, () => readAll(tenant, ruleName).catch(() => 0)),
    );
    return {
      collectors: COLLECTORS,
      findingsEach,
      failed: results.filter((given) => given !== findingsEach).length,
      seconds: (performance.now() - start) / 1000,
      requests: tenant.requests.length,
      refused: tenant.requests.filter(({ status }) => status === 429).length,
    };
  } finally {
    await tenant.stop();
  }
}

/** @returns the number of findings from a source */
async function readAll({ url, token }: Tenant, ruleName: string): Promise<number> {
  const client = new NetskopeClient({
    url: new URL(url),
    token: { name: 'token', read: async () => token },
    clock: systemClock,
    pacer: new Pacer(systemClock, 24, 5_000),
  });
  const source = new NetskopeFindingSource({ client });
  let given = 0;
  for await (const { findings } of source.pages({ ruleNames: [ruleName], asOf: new Date() }))
    given += findings.length;
  return given;
}

/** Shuffles a list, in the same order each time. */
function shuffled<T>(items: ItemList<T>): ItemList<T> {
  const order = Array.from({ length: items.length }, (_, index) => index);
  let seed = 1;
  for (let index = order.length - 1; index > 0; index -= 1) {
    seed = (seed * 48_271) % 2_147_483_647;
    const other = seed % (index + 1);
    [order[index], order[other]] = [order[other] ?? 0, order[index] ?? 0];
  }
  return { length: items.length, at: (index) => items.at(order[index] ?? items.length) };
}
