import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pLimit from 'p-limit';
import { systemClock } from '../../lambdas/model/clock.ts';
import { workOff } from '../../test/integration/harness/job-service.ts';
import { lambdaContext } from '../../test/integration/harness/lambda-context.ts';
import { freshAccount, Product } from '../../test/integration/harness/product.ts';
import type { AwsProxy } from '../../test/lab/aws-proxy/index.ts';
import { type LabRule, labRules } from '../../test/lab/rules/index.ts';
import type { Tenant, TenantItem } from '../../test/lab/tenant/index.ts';

export const REGION = 'eu-central-1';
const MADE_AT_ONCE = 8;
/** Accounts in which every rule only plans. */
const DRY_ACCOUNTS = 40;
/** Limits that no measurement reaches. */
const unlimited = { per_account_per_hour: 1_000_000, per_rule_per_hour: 1_000_000 };

/** The servers that the product calls. */
export interface Servers {
  /** The local AWS itself. */
  readonly endpoint: string;
  readonly proxy: AwsProxy;
  readonly tenant: Tenant;
}

/** The subject of the figures: the product, with its functions in this process, which never sleep. */
export interface Deployed extends Servers {
  readonly product: Product;
  /** A new account in which rules make changes. */
  account(): string;
  /** A new account in which rules only plan. */
  dryAccount(): string;
  collect(rule: string, asOf: string): Promise<void>;
  /**
   * Processes the jobs in the queue.
   * @param isOver called after each job; if true, the other jobs are left in the queue
   */
  workOff(isOver?: () => Promise<boolean>): Promise<{ readonly invocations: number }>;
}

/** Deploys the product for figures. Only once per process, because functions keep the state of their first invocation. */
export async function deploy(servers: Servers): Promise<Deployed> {
  const { endpoint, proxy, tenant } = servers;
  const dryAccounts = Array.from({ length: DRY_ACCOUNTS }, freshAccount);
  const rules: Readonly<Record<string, LabRule>> = labRules;
  const product = await Product.deploy({
    endpoint,
    functionEndpoint: proxy.endpoint,
    netskopeUrl: tenant.url,
    token: tenant.token,
    account: freshAccount(),
    rules: Object.fromEntries(
      Object.entries(rules).map(([rule, { options }]) => [
        rule,
        { mode: 'enforce', options, limits: unlimited },
      ]),
    ),
    accounts: {
      events: 'changed',
      mode_by_account: Object.fromEntries(dryAccounts.map((account) => [account, 'dry_run'])),
    },
  });
  const quiet = { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' };
  Object.assign(process.env, product.collectorEnvironment, product.remediatorEnvironment(REGION), quiet);
  jumpOverWaits();
  const collector = await import('../../lambdas/collector/index.ts');
  const remediator = await import('../../lambdas/remediator/index.ts');
  const work = (event: SQSEvent): Promise<SQSBatchResponse> => remediator.handler(event, lambdaContext());
  return {
    ...servers,
    product,
    account: freshAccount,
    dryAccount() {
      const account = dryAccounts.pop();
      if (account === undefined) throw new Error(`more than ${DRY_ACCOUNTS} accounts that only plan`);
      return account;
    },
    async collect(rule, asOf) {
      await collector.handler({ rule, scheduled_time: asOf }, lambdaContext());
    },
    workOff(isOver = async () => false) {
      return workOff(product, REGION, work, { isOver });
    },
  };
}

let ahead = 0;

/** Advances the functions' clock. */
export function passTime(milliseconds: number): void {
  ahead += milliseconds;
}

/**
 * Makes sleeps return immediately, at a later time of the clock. Sleeps that begin together overlap. No figure depends on rates or on
 * the load of the machine.
 */
function jumpOverWaits(): void {
  const begun = Date.now();
  Object.assign(systemClock, {
    now: () => begun + ahead,
    sleep: async (milliseconds: number) => {
      const until = ahead + milliseconds;
      await nextTurn();
      ahead = Math.max(ahead, until);
    },
  });
}

let minute = 0;

/** A time that no earlier poll has. */
export function nextMoment(): string {
  minute += 1;
  return new Date(Date.UTC(2026, 0, 31, 0, minute)).toISOString();
}

/** Creates violations, a few in parallel. */
export function makeItems(count: number, make: () => Promise<TenantItem>): Promise<TenantItem[]> {
  return pLimit(MADE_AT_ONCE).map(Array.from({ length: count }), make);
}
