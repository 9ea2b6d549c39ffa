import type { JobSink } from '../../../../lambdas/collector/job-sink.ts';
import type { Listing } from '../../../../lambdas/collector/listing.ts';
import type { PollRecords } from '../../../../lambdas/collector/poll-records.ts';
import type { Job, Poll } from '../../../../lambdas/model/job.ts';
import type { Unprocessable } from '../../../../lambdas/model/outcome.ts';
import type { PollSummary } from '../../../../lambdas/model/poll-summary.ts';
import type {
  FindingPage,
  FindingQuery,
  FindingSource,
  RejectedItem,
  SourceFinding,
} from '../../../../lambdas/sources/source.ts';

/** Creates a page of these findings. */
export function page(
  findings: readonly SourceFinding[],
  rejected: readonly RejectedItem[] = [],
  leftAlone: Partial<FindingPage['leftAlone']> = {},
): FindingPage {
  return {
    findings,
    rejected,
    leftAlone: { muted: 0, passed: 0, other_cloud: 0, other_rule: 0, ...leftAlone },
  };
}

/** A source that returns these pages; an error among them is thrown at its position. */
export class FakeSource implements Pick<FindingSource, 'pages'> {
  readonly queries: FindingQuery[] = [];
  readonly #pages: readonly (FindingPage | Error)[];

  constructor(...pages: readonly (FindingPage | Error)[]) {
    this.#pages = pages;
  }

  async *pages(query: FindingQuery): AsyncGenerator<FindingPage> {
    this.queries.push(query);
    for (const next of this.#pages) {
      if (next instanceof Error) throw next;
      yield next;
    }
  }
}

/** Accepts all jobs, except for regions whose queue fails. */
export class FakeJobs implements JobSink {
  readonly taken: Job[] = [];
  /** The region of each call. */
  readonly sends: string[] = [];
  readonly failing = new Map<string, Error>();

  async send(region: string, jobs: readonly Job[]): Promise<void> {
    this.sends.push(region);
    const error = this.failing.get(region);
    if (error !== undefined) throw error;
    this.taken.push(...jobs);
  }
}

export class FakeRecords implements PollRecords {
  readonly unprocessable: Unprocessable[] = [];
  readonly summaries: PollSummary[] = [];
  /** Listings by source and rule. */
  readonly listings = new Map<string, Listing>();

  async writeUnprocessable(unprocessable: readonly Unprocessable[]): Promise<void> {
    this.unprocessable.push(...unprocessable);
  }

  async readListing({ rule, source }: Poll): Promise<{ listing: Listing; etag: string } | undefined> {
    const listing = this.listings.get(`${source} ${rule}`);
    return listing === undefined ? undefined : { listing, etag: listing.poll.asOf };
  }

  async writeListing(listing: Listing, etag: string | undefined): Promise<void> {
    const name = `${listing.poll.source} ${listing.poll.rule}`;
    if (this.listings.get(name)?.poll.asOf === etag) this.listings.set(name, listing);
  }

  async writeSummary(summary: PollSummary): Promise<void> {
    this.summaries.push(summary);
  }
}
