import { createHash } from 'node:crypto';
import { FindingSourceError } from '../../model/errors.ts';
import type { FailingRule } from '../../model/failing-rules.ts';
import { jsonPieces } from '../../model/json-pieces.ts';
import type {
  FindingPage,
  FindingQuery,
  FindingSource,
  LeftAloneReason,
  RejectedItem,
  SourceFinding,
} from '../source.ts';
import type { ItemPage } from './answer.ts';
import type { NetskopeClient } from './client.ts';
import { itemReader, type ReadItem, readFailing } from './item.ts';
import { pagesAhead } from './pages-ahead.ts';

/**
 * Number of items per page; the documented maximum of `limit` is just below 10,000. A thousand items are about two
 * megabytes, so a retry is fast.
 */
const PAGE_SIZE = 1000;

export interface NetskopeFindingSourceOptions {
  readonly client: Pick<NetskopeClient, 'violations'>;
  /** The number of findings per request, below 10,000. */
  readonly pageSize?: number;
}

/**
 * The findings of a Netskope tenant's security assessment (Netskope REST API v1, "View Security Assessment
 * Violations"). The API filters by exact rule name, so each spelling is a separate query. All pages request the same
 * point in time, because offset paging would drift while a scan runs.
 */
export class NetskopeFindingSource implements FindingSource {
  readonly #client: Pick<NetskopeClient, 'violations'>;
  readonly #pageSize: number;

  constructor({ client, pageSize = PAGE_SIZE }: NetskopeFindingSourceOptions) {
    this.#client = client;
    this.#pageSize = pageSize;
  }

  async *pages({ ruleNames, asOf }: FindingQuery): AsyncGenerator<FindingPage> {
    const readItem = itemReader(ruleNames, asOf);
    for (const ruleName of new Set(ruleNames)) {
      for await (const items of this.#itemPages(ruleName, asOf)) yield toPage(items.map(readItem));
    }
  }

  async check(asOf: Date): Promise<void> {
    const as_of = Math.floor(asOf.getTime() / 1000);
    await this.#client.violations({
      cloud_provider: 'aws',
      status: 'Failed',
      muted: 'No',
      as_of,
      limit: 1,
      skip: 0,
    });
  }

  async failingRules(asOf: Date, signal: AbortSignal): Promise<readonly FailingRule[]> {
    const rules = new Map<string, RuleCount>();
    for await (const items of this.#itemPages(undefined, asOf)) {
      signal.throwIfAborted();
      for (const item of items) countItem(item, rules);
    }
    return [...rules].map(([name, { findings, accounts, severity }]) => ({
      name,
      findings,
      accounts: accounts.size,
      ...(severity !== undefined && { severity }),
    }));
  }

  /**
   * Reads the pages of one query, and compares each page with the earlier ones to detect a tenant that ignores paging.
   */
  async *#itemPages(ruleName: string | undefined, asOf: Date): AsyncGenerator<readonly unknown[]> {
    const of = ruleName === undefined ? 'all rules' : `rule_name=${ruleName}`;
    const ask = (skip: number, signal: AbortSignal): Promise<ItemPage> =>
      this.#client.violations(
        {
          cloud_provider: 'aws',
          status: 'Failed',
          muted: 'No',
          ...(ruleName !== undefined && { rule_name: ruleName }),
          as_of: Math.floor(asOf.getTime() / 1000),
          limit: this.#pageSize,
          skip,
        },
        signal,
      );
    const earlier = new Set<string>();
    for await (const { page, skip } of pagesAhead(ask, this.#pageSize)) {
      const { items, total } = page;
      const seen = skip + items.length;
      if (total !== undefined && (items.length === 0 ? total !== seen : total < seen)) {
        throw new FindingSourceError(
          `Netskope returned ${seen} items but reports ${total} (${of}): the findings may be incomplete`,
        );
      }
      if (items.length === 0) return;
      const digest = pageDigest(items);
      if (earlier.has(digest)) {
        throw new FindingSourceError(
          `Netskope returned the same ${items.length} items for skip=${skip} as for an earlier page (${of}): it ignores paging, so the findings may be incomplete`,
        );
      }
      earlier.add(digest);
      yield items;
    }
  }
}

interface RuleCount {
  findings: number;
  readonly accounts: Set<string>;
  readonly severity: string | undefined;
}

function countItem(item: unknown, rules: Map<string, RuleCount>): void {
  const failing = readFailing(item);
  if (failing === undefined) return;
  const { rule, account, severity } = failing;
  const count = rules.get(rule) ?? { findings: 0, accounts: new Set(), severity };
  count.findings += 1;
  count.accounts.add(account);
  rules.set(rule, count);
}

/** Computes a digest of a page that does not depend on the order of its items. */
function pageDigest(items: readonly unknown[]): string {
  const digests = items.map((item) => {
    const hash = createHash('sha256');
    for (const piece of jsonPieces(item)) hash.update(piece);
    return hash.digest('hex');
  });
  return createHash('sha256').update(digests.sort().join()).digest('hex');
}

function toPage(items: readonly ReadItem[]): FindingPage {
  const findings: SourceFinding[] = [];
  const rejected: RejectedItem[] = [];
  const leftAlone: Record<LeftAloneReason, number> = { muted: 0, passed: 0, other_cloud: 0, other_rule: 0 };
  for (const item of items) {
    switch (item.kind) {
      case 'finding':
        findings.push(item.finding);
        break;
      case 'rejected':
        rejected.push(item.rejected);
        break;
      case 'left_alone':
        leftAlone[item.reason]++;
        break;
    }
  }
  return { findings, rejected, leftAlone };
}
