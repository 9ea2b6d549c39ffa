import { z } from 'zod';
import { accountIdSchema, regionSchema, timestampSchema } from '../model/finding.ts';
import { type Job, type Poll, pollSchema } from '../model/job.ts';
import { type FindingPage, type LeftAloneReason, leftAloneReasons } from '../sources/source.ts';
import { type Refusal, type UnprocessableKind, unprocessableKinds } from './finding-reader.ts';

const count = z.int().nonnegative();

/**
 * The result of one poll in numbers. Findings in = outcomes out: every item that the source gave is counted once, in
 * a job, as a duplicate of another, as unprocessable or as left alone.
 */
export const pollSummarySchema = z
  .object({
    version: z.literal(1),
    poll: pollSchema,
    /** The names of findings that the source was asked for. */
    ruleNames: z.array(z.string()),
    startedAt: timestampSchema,
    finishedAt: timestampSchema,
    pages: count,
    items: count,
    /** Findings in jobs. */
    findings: count,
    duplicates: count,
    /** Findings that the source's own remediation is at work on. Summaries of the first version have none. */
    deferred: count.default(0),
    /** Findings of the last complete poll that the source no longer gives; not part of the items. */
    closed: count.default(0),
    unprocessable: z.record(z.enum(unprocessableKinds), count),
    leftAlone: z.record(z.enum(leftAloneReasons), count),
    /** Findings by the region label that nobody knows; part of `unprocessable`. */
    unknownRegionLabels: z.record(z.string(), count),
    jobs: count,
    /** The jobs by the account that they are for and the region whose queue they went to. */
    destinations: z.array(
      z.object({ account: accountIdSchema, region: regionSchema, jobs: count, findings: count }),
    ),
  })
  .superRefine((summary, context) => {
    const outcomes =
      summary.findings +
      summary.duplicates +
      summary.deferred +
      sum(summary.unprocessable) +
      sum(summary.leftAlone);
    if (outcomes !== summary.items) {
      context.addIssue({
        code: 'custom',
        path: ['items'],
        message: `expected as many items as outcomes, got ${summary.items} and ${outcomes}`,
      });
    }
  });
export type PollSummary = z.infer<typeof pollSummarySchema>;

/** Number of labels that are counted one by one, of a source that makes them up. */
const MAX_LABELS = 50;
const OTHER_LABELS = '(other labels)';

/** All of a record's counts together. */
export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, value) => total + value, 0);
}

/** Counts what becomes of one poll's items. */
export class PollTally {
  readonly #poll: Poll;
  readonly #ruleNames: readonly string[];
  readonly #startedAt: Date;
  readonly #destinations = new Map<string, PollSummary['destinations'][number]>();
  readonly #labels = new Map<string, number>();
  readonly #unprocessable: Record<UnprocessableKind, number> = {
    malformed_item: 0,
    malformed_account: 0,
    malformed_resource: 0,
    malformed_finding: 0,
    unknown_region_label: 0,
    region_missing: 0,
    region_not_deployed: 0,
  };
  readonly #leftAlone: Record<LeftAloneReason, number> = {
    muted: 0,
    passed: 0,
    other_cloud: 0,
    other_rule: 0,
  };
  #pages = 0;
  #items = 0;
  #duplicates = 0;
  #deferred = 0;
  #closed = 0;

  constructor(poll: Poll, ruleNames: readonly string[], startedAt: Date) {
    this.#poll = poll;
    this.#ruleNames = ruleNames;
    this.#startedAt = startedAt;
  }

  page(page: FindingPage): void {
    this.#pages += 1;
    this.#items += page.findings.length + page.rejected.length + sum(page.leftAlone);
    for (const reason of leftAloneReasons) this.#leftAlone[reason] += page.leftAlone[reason];
  }

  duplicate(): void {
    this.#duplicates += 1;
  }

  deferred(): void {
    this.#deferred += 1;
  }

  closed(findings: number): void {
    this.#closed += findings;
  }

  unprocessable({ kind, label }: Refusal): void {
    this.#unprocessable[kind] += 1;
    if (label === undefined) return;
    const name = this.#labels.has(label) || this.#labels.size < MAX_LABELS ? label : OTHER_LABELS;
    this.#labels.set(name, (this.#labels.get(name) ?? 0) + 1);
  }

  /** A job that was sent. */
  job({ account, region, findings }: Job): void {
    const key = `${account} ${region}`;
    const destination = this.#destinations.get(key) ?? { account, region, jobs: 0, findings: 0 };
    destination.jobs += 1;
    destination.findings += findings.length;
    this.#destinations.set(key, destination);
  }

  summary(finishedAt: Date): PollSummary {
    const destinations = [...this.#destinations.values()];
    return {
      version: 1,
      poll: this.#poll,
      ruleNames: [...this.#ruleNames],
      startedAt: this.#startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      pages: this.#pages,
      items: this.#items,
      findings: destinations.reduce((total, { findings }) => total + findings, 0),
      duplicates: this.#duplicates,
      deferred: this.#deferred,
      closed: this.#closed,
      unprocessable: { ...this.#unprocessable },
      leftAlone: { ...this.#leftAlone },
      unknownRegionLabels: Object.fromEntries(this.#labels),
      jobs: destinations.reduce((total, { jobs }) => total + jobs, 0),
      destinations,
    };
  }
}
