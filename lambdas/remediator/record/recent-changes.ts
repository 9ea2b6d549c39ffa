import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import { DeliveryError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId } from '../../model/job.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { Ports } from '../ports.ts';
import type { Changed } from './findings-store.ts';
import type { Journal } from './journal.ts';
import type { OutcomeLog } from './outcome-log.ts';
import { mayBeSince, nameOfOther } from './steps.ts';
import { notIn } from './take-place.ts';

/** The longest that AWS's reads are taken to lag behind a write. EC2 and IAM speak of minutes, S3 of 15. */
export const LAG_MILLISECONDS = 15 * 60_000;

/** Reports whether AWS's reads must show by now what was done at a moment. Both in milliseconds since 1970. */
export const isLagOver = (since: number, now: number): boolean => now - since >= LAG_MILLISECONDS;

/**
 * Time for which changes are remembered, so that a job which was cut off knows what others changed since: it may come
 * back from the dead letters.
 */
const KEPT_MILLISECONDS = 30 * 24 * 3_600_000;

/** A resource that is changed all the time: the newest changes are those that may not be visible. */
const MOST_CHANGES = 100;
/** Another writer is one that outlived its lease: there are no more of them than attempts. */
const MOST_WRITES = 5;
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
  /** The table's items by resource, once it was asked. */
  readonly #known = new Map<string, Changed | undefined>();
  /** Questions to the table whose answers are under way, by resource. */
  readonly #asked = new Map<string, Promise<void>>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The recent changes to any of some resources, by any rule. Oldest first. */
  async of(resources: Iterable<string>): Promise<RecentChange[]> {
    const asked = [...new Set(resources)];
    await this.load(asked);
    return asked.flatMap((resource) => this.#within(LAG_MILLISECONDS, this.#changesOf(resource)));
  }

  /** Lists what other jobs applied to a resource, to its end or in part, as far as that may be since a moment. */
  async byOthers(resource: string, since: Date): Promise<RecentChange[]> {
    await this.load([resource]);
    const own = journalId(this.#context.job);
    const known = this.#knownOf(resource).filter(({ job = own }) => job !== own);
    return [...known, ...this.#recordedByOthers(resource, known)].filter((each) =>
      mayBeSince(since.getTime(), each),
    );
  }

  /** Names what other jobs recently applied to a resource, as a job notes it that is about to change it. */
  async namesOfOthers(resource: string): Promise<string[]> {
    const now = new Date(this.#context.ports.clock.now());
    return (await this.byOthers(resource, now)).map(nameOfOther);
  }

  /** Changes in the evidence of other jobs of the poll that are not in the table: they ended before they wrote it there. */
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
    const unasked = unknown.filter((resource) => !this.#asked.has(resource));
    if (unasked.length > 0) {
      const asking = this.#ask(unasked).finally(() => {
        for (const resource of unasked) this.#asked.delete(resource);
      });
      for (const resource of unasked) this.#asked.set(resource, asking);
    }
    await Promise.all(new Set(unknown.map((resource) => this.#asked.get(resource))));
  }

  async #ask(resources: readonly string[]): Promise<void> {
    const { account, region } = this.#context.job;
    const found = await this.#context.ports.table.readChanged(
      resources.map((resource) => ({ account, region, resource })),
    );
    this.keep(resources, found);
  }

  /** Takes what the table knows of resources. */
  keep(resources: readonly string[], found: readonly Changed[]): void {
    for (const resource of resources) this.#known.set(resource, undefined);
    for (const each of found) this.#known.set(each.resource, each);
  }

  /**
   * Lets other jobs know what this one applied, if they do not yet, before its evidence says so: one that ends in between may
   * lie in the dead letters, while others find what it made.
   * @returns the error if the table can't be written: it is attempted again before the lease ends
   */
  async write(): Promise<unknown[]> {
    try {
      await this.#write();
      return [];
    } catch (error) {
      return [error];
    }
  }

  /** @throws DeliveryError where others are always faster; AWS's own error */
  async #write(): Promise<void> {
    const writer = randomUUID();
    for (let writes = 0; writes < MOST_WRITES; writes += 1) {
      const changed = (await this.#toWrite()).map((each) => ({ ...each, writer }));
      const known = changed.flatMap(({ resource }) => this.#known.get(resource) ?? []);
      if (await this.#context.ports.table.writeChanged(changed, known)) return this.keep([], changed);
      // Another attempt outlived its lease, or this one did: what it recorded is added to.
      for (const { resource } of changed) this.#known.delete(resource);
    }
    const { account } = this.#context.job;
    throw new DeliveryError(
      `what was changed in account ${account} was written by others ${MOST_WRITES} times in a row`,
    );
  }

  /** Lists what the table does not know yet. It is asked first about resources of which this job knows only what it changed. */
  async #toWrite(): Promise<Changed[]> {
    const { job } = this.#context;
    const resources = [...new Set(this.#applied().map(({ change }) => change.resource))];
    await this.load(resources);
    return resources
      .map((resource) => ({
        account: job.account,
        region: job.region,
        resource,
        changes: bounded(this.#within(KEPT_MILLISECONDS, this.#changesOf(resource))),
      }))
      .filter(({ resource, changes }) => !isDeepStrictEqual(changes, this.#known.get(resource)?.changes));
  }

  #knownOf(resource: string): readonly RecentChange[] {
    return this.#known.get(resource)?.changes ?? [];
  }

  #changesOf(resource: string): RecentChange[] {
    const known = this.#knownOf(resource);
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
