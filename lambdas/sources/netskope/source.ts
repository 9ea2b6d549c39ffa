import { FindingSourceError } from '../../model/errors.ts';
import type {
  FindingPage,
  FindingQuery,
  FindingSource,
  LeftAloneReason,
  RejectedItem,
  SourceFinding,
} from '../source.ts';
import type { NetskopeClient } from './client.ts';
import { itemReader, type ReadItem } from './item.ts';

/** The documented `limit` is below 10,000. A thousand items are about two megabytes: quick to send again. */
const PAGE_SIZE = 1000;

export interface NetskopeFindingSourceOptions {
  readonly client: Pick<NetskopeClient, 'violations'>;
  /** Findings asked for at once, below 10,000. */
  readonly pageSize?: number;
}

/**
 * The findings of a Netskope tenant's security assessment (Netskope REST API v1, "View Security Assessment
 * Violations"). A rule is asked for by its name, exactly, so each spelling is a query of its own. All pages name the
 * same moment: offset paging drifts while a scan runs.
 */
export class NetskopeFindingSource implements FindingSource {
  readonly #client: Pick<NetskopeClient, 'violations'>;
  readonly #pageSize: number;

  constructor({ client, pageSize = PAGE_SIZE }: NetskopeFindingSourceOptions) {
    this.#client = client;
    this.#pageSize = pageSize;
  }

  async *pages({ ruleNames, asOf }: FindingQuery): AsyncGenerator<FindingPage> {
    const readItem = itemReader(ruleNames);
    for (const ruleName of new Set(ruleNames)) {
      for await (const items of this.#itemPages(ruleName, asOf)) yield toPage(items.map(readItem));
    }
  }

  async *#itemPages(ruleName: string, asOf: Date): AsyncGenerator<readonly unknown[]> {
    let previousDigest = '';
    for (let skip = 0; ; ) {
      const { items, digest } = await this.#client.violations({
        cloud_provider: 'aws',
        status: 'Failed',
        muted: 'No',
        rule_name: ruleName,
        as_of: Math.floor(asOf.getTime() / 1000),
        limit: this.#pageSize,
        skip,
      });
      // There is no total and no next token: a page that is not full is the last.
      if (items.length < this.#pageSize) {
        yield items;
        return;
      }
      if (digest === previousDigest) {
        throw new FindingSourceError(
          `Netskope gave the same ${items.length} items for skip=${skip} as for the page before (rule_name=${ruleName}): it does not page, so the findings can't be told to be complete`,
        );
      }
      previousDigest = digest;
      yield items;
      skip += items.length;
    }
  }
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
