import type { Job, Poll } from '../model/job.ts';
import {
  type LeftAloneReason,
  leftAloneReasons,
  type PollSummary,
  sum,
  type UnprocessableKind,
} from '../model/poll-summary.ts';
import type { FindingPage } from '../sources/source.ts';
import type { Refusal } from './finding-reader.ts';

/** Maximum number of region labels that are counted separately. */
const MAX_LABELS = 50;
const OTHER_LABELS = '(other labels)';

/** Counts the results of one poll. */
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
  #skipped = 0;
  readonly #skippedPlaces = new Set<string>();
  #behind: PollSummary['behind'] = [];
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

  /** Counts a finding of an account and region whose previous jobs are still pending. */
  skipped(account: string, region: string): void {
    this.#skipped += 1;
    this.#skippedPlaces.add(`${account} ${region}`);
  }

  /** Sets the accounts and regions whose jobs have been pending for a long time. */
  behind(places: PollSummary['behind']): void {
    this.#behind = places;
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

  /** Counts a sent job. */
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
      skipped: this.#skipped,
      skippedPlaces: this.#skippedPlaces.size,
      behind: this.#behind,
      closed: this.#closed,
      unprocessable: { ...this.#unprocessable },
      leftAlone: { ...this.#leftAlone },
      unknownRegionLabels: Object.fromEntries(this.#labels),
      jobs: destinations.reduce((total, { jobs }) => total + jobs, 0),
      destinations,
    };
  }
}
