import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import { DeliveryError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId } from '../../model/job.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { Ports } from '../ports.ts';
import type { Changed } from './findings-store.ts';
import { IN_PART, wholeLine } from './in-part.ts';
import type { Journal } from './journal.ts';
import type { OutcomeLog } from './outcome-log.ts';
import { mayBeSince, nameOfOther } from './steps.ts';
import { notIn } from './take-place.ts';

/**
 * Maximum time by which AWS's reads are assumed to lag behind a write. EC2 and IAM document minutes, S3 documents 15
 * minutes.
 */
export const LAG_MILLISECONDS = 15 * 60_000;

/**
 * Checks whether AWS's reads must now show a change that was made at `since`. Both times are in milliseconds since
 * 1970.
 */
export const isLagOver = (since: number, now: number): boolean => now - since >= LAG_MILLISECONDS;

/**
 * Time for which changes are kept, so that an interrupted job that returns from the dead-letter queue knows what others
 * have changed since.
 */
const KEPT_MILLISECONDS = 30 * 24 * 3_600_000;

/** Maximum number of changes per resource. The newest ones are kept, because they may not be visible yet. */
const MOST_CHANGES = 100;
/** Maximum number of writes. Only attempts that outlived their lease compete, and a job has only a few attempts. */
const MOST_WRITES = 5;
/** Maximum size in bytes, below DynamoDB's item limit of 400 KB. */
const MOST_BYTES = 300_000;

export type RecentChange = Changed['changes'][number];

interface Context {
  readonly job: Job;
  readonly ports: Pick<Ports, 'clock' | 'table'>;
  readonly journal: Journal;
  readonly log: Pick<OutcomeLog, 'appliedByOthers'>;
}

/** Recent changes to resources: by this job, according to its journal, and by other jobs, according to the table. */
export class RecentChanges {
  readonly #context: Context;
  /** The table's items that have been read, by resource. */
  readonly #known = new Map<string, Changed | undefined>();
  /** Reads of the table in progress, by resource. */
  readonly #asked = new Map<string, Promise<void>>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Lists the changes of the last 15 minutes to these resources, by any rule, oldest first. */
  async of(resources: Iterable<string>): Promise<RecentChange[]> {
    const asked = [...new Set(resources)];
    await this.load(asked);
    return asked.flatMap((resource) => this.#within(LAG_MILLISECONDS, this.#changesOf(resource)));
  }

  /**
   * Lists the changes that other jobs applied to a resource, completely or in part, and that may have been made since a
   * given time.
   */
  async byOthers(resource: string, since: Date): Promise<RecentChange[]> {
    await this.load([resource]);
    const own = journalId(this.#context.job);
    const known = this.#knownOf(resource).filter(({ job = own }) => job !== own);
    return [...known, ...this.#recordedByOthers(resource, known)].filter((each) =>
      mayBeSince(since.getTime(), each),
    );
  }

  /** Lists the names of other jobs' recent changes to a resource, for the journal of a job that is about to change it. */
  async namesOfOthers(resource: string): Promise<string[]> {
    const now = new Date(this.#context.ports.clock.now());
    return (await this.byOthers(resource, now)).map(nameOfOther);
  }

  /**
   * Lists changes in the evidence of other jobs of the poll that are missing in the table, because these jobs were
   * interrupted before they wrote them there.
   */
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

  /**
   * Adds to the journal what an earlier attempt at this job recorded in the table before it was interrupted, and no
   * longer noted in the journal. Otherwise, a read would find the change again, and it would be recorded twice.
   */
  async adopt(): Promise<void> {
    const { job, journal } = this.#context;
    const begun = job.findings.flatMap(({ resource }) => journal.unresolved(resource));
    if (begun.length === 0) return;
    const resources = [...new Set(begun.map(({ change }) => change.resource))];
    await this.load(resources);
    const own = resources.flatMap((resource) =>
      this.#knownOf(resource).filter((each) => each.job === journalId(job)),
    );
    journal.adopt(own.map(({ rule: _, job: __, undo: ___, ...applied }) => applied));
  }

  /** Reads the table's items of resources that have not been read yet. */
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

  /** Sets the items of resources as read from the table. */
  keep(resources: readonly string[], found: readonly Changed[]): void {
    for (const resource of resources) this.#known.set(resource, undefined);
    for (const each of found) this.#known.set(each.resource, each);
  }

  /**
   * Records this job's changes for other jobs. This happens before its evidence is written, because an interrupted job
   * may wait in the dead-letter queue while other jobs see its changes.
   * @returns the error if the table can't be written; the write is repeated before the lease ends
   */
  async write(): Promise<unknown[]> {
    try {
      await this.#write();
      return [];
    } catch (error) {
      return [error];
    }
  }

  /** @throws DeliveryError if another writer changed the item during each attempt; AWS's own error otherwise */
  async #write(): Promise<void> {
    const writer = randomUUID();
    for (let writes = 0; writes < MOST_WRITES; writes += 1) {
      const changed = (await this.#toWrite()).map((each) => ({ ...each, writer }));
      const known = changed.flatMap(({ resource }) => this.#known.get(resource) ?? []);
      if (await this.#context.ports.table.writeChanged(changed, known)) return this.keep([], changed);
      // This attempt or another one outlived its lease. The changes are added to what the other attempt recorded.
      for (const { resource } of changed) this.#known.delete(resource);
    }
    const { account } = this.#context.job;
    throw new DeliveryError(
      `changes in account ${account} could not be written: another writer changed the item during each of ${MOST_WRITES} attempts`,
    );
  }

  /** Lists the changes that are missing in the table, after reading the items that this job has not read yet. */
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
    const known = this.#knownOf(resource).filter((each) => !this.#isReplaced(each));
    return [...known, ...notIn(this.#ownTo(resource), known)];
  }

  /**
   * Checks whether this job recorded a change as made in part, and its journal now contains a later record of the same
   * change instead, which includes that part.
   */
  #isReplaced({ rule, job: name, ...known }: RecentChange): boolean {
    const { job, journal } = this.#context;
    if (name !== journalId(job) || !known.line.endsWith(IN_PART)) return false;
    const applied = journal.appliedToAny;
    if (notIn([known], applied).length === 0) return false;
    return applied.some(
      ({ line, change }) =>
        wholeLine(line) === wholeLine(known.line) && change.resource === known.change.resource,
    );
  }

  #ownTo(resource: string): RecentChange[] {
    return this.#applied().filter(({ change }) => change.resource === resource);
  }

  /** Lists the changes that this job applied, without starts of executions, which change nothing themselves. */
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

/** Returns the newest changes, as many as fit into an item. */
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
