import { isDeepStrictEqual } from 'node:util';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId } from '../../model/job.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { Ports } from '../ports.ts';
import type { Changed } from './findings-store.ts';
import type { Journal } from './journal.ts';
import type { OutcomeLog } from './outcome-log.ts';
import { notIn } from './take-place.ts';

/** The longest that AWS's reads are taken to lag behind a write. EC2 and IAM speak of minutes, S3 of 15. */
export const LAG_MILLISECONDS = 15 * 60_000;

/**
 * Time for which changes are remembered, so that a job which was cut off knows what others changed since: it may come
 * back from the dead letters.
 */
const KEPT_MILLISECONDS = 30 * 24 * 3_600_000;

/** A resource that is changed all the time: the newest changes are those that may not be visible. */
const MOST_CHANGES = 100;
/** An item holds 400 KB. */
const MOST_BYTES = 300_000;

export type RecentChange = Changed['changes'][number];

interface Context {
  readonly job: Job;
  readonly ports: Pick<Ports, 'clock' | 'table'>;
  readonly journal: Journal;
  readonly log: Pick<OutcomeLog, 'appliedByOthers'>;
}

/**
 * Changes that were applied to resources within the last 15 minutes: by this job, as its journal says, and by others
 * before.
 */
export class RecentChanges {
  readonly #context: Context;
  /** Changes that the table knows, by resource, once it was asked. */
  readonly #known = new Map<string, readonly RecentChange[]>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The recent changes to any of some resources, by whichever rule. Oldest first. */
  async of(resources: Iterable<string>): Promise<RecentChange[]> {
    const asked = [...new Set(resources)];
    await this.load(asked);
    return asked.flatMap((resource) => this.#within(LAG_MILLISECONDS, this.#changesOf(resource)));
  }

  /** Lists what other jobs applied to a resource, to its end or in part, since a moment. */
  async byOthers(resource: string, since: Date): Promise<RecentChange[]> {
    await this.load([resource]);
    const own = journalId(this.#context.job);
    const known = (this.#known.get(resource) ?? []).filter(({ job = own }) => job !== own);
    return [...known, ...this.#recordedByOthers(resource, known)].filter(
      ({ appliedAt }) => Date.parse(appliedAt) >= since.getTime(),
    );
  }

  /** Changes in the evidence of other jobs of the poll that are not in the table: they ended before they told it. */
  #recordedByOthers(resource: string, known: readonly RecentChange[]): RecentChange[] {
    const { job, journal, log } = this.#context;
    const applied = log.appliedByOthers().filter(({ change }) => change.resource === resource);
    const own = job.findings.flatMap((finding) => journal.applied(finding.resource));
    const isKnown = ({ line, appliedAt }: AppliedChange): boolean =>
      known.some((each) => each.line === line && each.appliedAt === appliedAt);
    return notIn(applied, own)
      .filter((each) => !isKnown(each))
      .map((each) => ({ ...each, rule: job.poll.rule }));
  }

  /** Asks the table about resources that it was not asked about. */
  async load(resources: readonly string[]): Promise<void> {
    const unknown = [...new Set(resources)].filter((resource) => !this.#known.has(resource));
    if (unknown.length === 0) return;
    const { account, region } = this.#context.job;
    const found = await this.#context.ports.table.readChanged(
      unknown.map((resource) => ({ account, region, resource })),
    );
    this.keep(unknown, found);
  }

  /** Takes what the table knows of resources. */
  keep(resources: readonly string[], found: readonly Changed[]): void {
    for (const resource of resources) this.#known.set(resource, []);
    for (const { resource, changes } of found) this.#known.set(resource, changes);
  }

  /**
   * Lets other jobs know what this one applied, before its evidence says so: one that ends in between may lie in the dead
   * letters, while others find what it made.
   * @returns the error where the table can't be written: the end of the lease writes it then
   */
  async tell(): Promise<unknown[]> {
    try {
      const changed = await this.toWrite();
      if (changed.length === 0) return [];
      await this.#context.ports.table.writeChanged(changed);
      for (const { resource, changes } of changed) this.#known.set(resource, changes);
      return [];
    } catch (error) {
      return [error];
    }
  }

  /**
   * Lists what other jobs must know of the changes that this job applied. Of resources that it changed and knows
   * nothing else about, the table is asked first. Of what it knows, nothing.
   */
  async toWrite(): Promise<Changed[]> {
    const { job } = this.#context;
    const resources = [...new Set(this.#applied().map(({ change }) => change.resource))];
    if (resources.length === 0) return [];
    await this.load(resources);
    return resources
      .map((resource) => ({
        account: job.account,
        region: job.region,
        resource,
        changes: bounded(this.#within(KEPT_MILLISECONDS, this.#changesOf(resource))),
      }))
      .filter(({ resource, changes }) => !isDeepStrictEqual(changes, this.#known.get(resource)));
  }

  #changesOf(resource: string): RecentChange[] {
    const known = this.#known.get(resource) ?? [];
    const own = this.#ownTo(resource).filter(
      (each) => !known.some((other) => isDeepStrictEqual(other, each)),
    );
    return [...known, ...own];
  }

  #ownTo(resource: string): RecentChange[] {
    return this.#applied().filter(({ change }) => change.resource === resource);
  }

  /** Lists what this job applied. That an execution was started changes nothing by itself. */
  #applied(): RecentChange[] {
    const { job, journal } = this.#context;
    const applied = job.findings.flatMap((finding) => appliedTo(finding, journalId(job), journal));
    return this.#within(KEPT_MILLISECONDS, applied);
  }

  #within(milliseconds: number, changes: readonly RecentChange[]): RecentChange[] {
    const now = this.#context.ports.clock.now();
    return changes.filter(({ appliedAt }) => now - Date.parse(appliedAt) < milliseconds);
  }
}

function appliedTo({ rule, resource }: Finding, job: string, journal: Journal): RecentChange[] {
  return journal
    .applied(resource)
    .filter(({ change }) => !isStart(change))
    .map((applied: AppliedChange) => ({ ...applied, rule, job }));
}

/** The newest, as many as an item holds. */
function bounded(changes: readonly RecentChange[]): RecentChange[] {
  const kept: RecentChange[] = [];
  let bytes = 0;
  for (const change of changes.slice(-MOST_CHANGES).reverse()) {
    bytes += Buffer.byteLength(JSON.stringify(change));
    if (bytes > MOST_BYTES) break;
    kept.unshift(change);
  }
  return kept;
}
