import { z } from 'zod';
import type { Condition, FindingsTable } from '../../aws/findings-table.ts';
import { type TripItem, tripKey } from '../../model/breaker.ts';
import type { Clock } from '../../model/clock.ts';
import { LeaseHeldError } from '../../model/errors.ts';
import { resumeKey } from '../../model/operator-items.ts';
import { pendingItemSchema, pendingKey } from '../../model/requests.ts';
import {
  accountItemSchema,
  accountKey,
  type ChangedItem,
  type ChangedResource,
  changedItemSchema,
  changedKey,
  type DoneItem,
  doneItemSchema,
  doneKey,
  type FindingItem,
  findingItemKey,
  findingItemSchema,
  type LeaseItem,
  leaseItemSchema,
  leaseKey,
  parseItem,
  sentItemSchema,
  sentKey,
} from '../../model/table-items.ts';
import { mayEnd, mayTake, ofThisVersion, stillIs } from './conditions.ts';
import type {
  BreakerName,
  Changed,
  Done,
  FindingName,
  FindingRecord,
  FindingsStore,
  JobName,
  Known,
  Lease,
  OperatorItems,
  OperatorNames,
  PollPlace,
  Taken,
} from './findings-store.ts';
import { ItemsByKey } from './items-by-key.ts';
import { breakerIn, readOperatorItems } from './operator-items.ts';

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });

const DAY_SECONDS = 86_400;

/**
 * Days for which leases are kept. A job can return for as long as queues keep its message: 14 days in the job queue,
 * and 14 days in the dead-letter queue.
 */
const LEASE_DAYS = 30;
/** Days for which changes to resources are kept: as long as a job can return. */
const CHANGED_DAYS = 30;
/**
 * Days for which findings are kept. A finding that the source still reports is written at least weekly, so only
 * findings that have been closed for more than a year are deleted.
 */
const FINDING_DAYS = 400;

/** Part of the findings table that remediators write. */
export class FindingsRecord implements FindingsStore {
  readonly #table: Pick<FindingsTable, 'read' | 'putIf' | 'writeAll'>;
  readonly #clock: Clock;

  constructor(table: Pick<FindingsTable, 'read' | 'putIf' | 'writeAll'>, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async takeLease(job: JobName, lease: Lease, now: number, isFromOthers = false): Promise<Taken> {
    const item = this.#leaseItem(job, lease);
    const put = await this.#table.putIf({ item, condition: mayTake(lease, now, isFromOthers) });
    if (put.isWritten) return { is: 'taken', isFirst: put.replaced === undefined };
    const by = parseItem(leaseItemSchema, put.found);
    return by.state === 'done' || by.state === 'recorded' ? { is: 'done' } : { is: 'held', by };
  }

  async endLease(job: JobName, lease: Lease, findings: readonly FindingRecord[]): Promise<void> {
    const item = this.#leaseItem(job, lease);
    const last = { item, condition: mayEnd(lease.holder) };
    const each = { ...last, item: this.#leaseItem(job, { ...lease, state: 'held' }) };
    const writes = findings.map((finding) => ({
      item: this.#findingItem(finding),
      condition: ofThisVersion,
    }));
    const put =
      writes.length === 0
        ? await this.#table.putIf(last)
        : await this.#table.writeAll(writes, { each, last });
    if (put.isWritten) return;
    if (put.found !== undefined && keySchema.parse(put.found).pk !== item.pk)
      parseItem(findingItemSchema, put.found);
    throw new LeaseHeldError(`job ${job.job} was taken over by another attempt`);
  }

  async writeDone(done: Done, known: Done | undefined): Promise<{ readonly found?: Done }> {
    const put = await this.#table.putIf({ item: this.#doneItem(done), condition: stillIs(known, done) });
    return put.isWritten ? {} : { found: parseItem(doneItemSchema, put.found) };
  }

  async recall(
    findings: readonly FindingName[],
    resources: readonly ChangedResource[],
    poll: PollPlace,
  ): Promise<Known> {
    const keys = {
      findings: findings.map(findingItemKey),
      changed: resources.map(changedKey),
      others: [doneKey(poll), accountKey(poll.account), tripKey(poll)],
    };
    // Without the last write of these items, an open breaker stays open for this job, a request is left to its own
    // message, and findings are processed although a newer poll's jobs process them again.
    const lagging = [pendingKey(poll), sentKey(poll), resumeKey(poll)];
    const [current, older] = await Promise.all([
      this.#table.read(Object.values(keys).flat()),
      this.#table.read(lagging, true),
    ]);
    const items = new ItemsByKey([...current, ...older]);
    const [done, account] = keys.others.map((key) => items.at(key));
    const [pending, sent] = lagging.map((key) => items.at(key));
    return {
      changed: items.all(keys.changed).map((item) => parseItem(changedItemSchema, item)),
      findings: items.all(keys.findings).map((item) => parseItem(findingItemSchema, item)),
      done: done === undefined ? undefined : parseItem(doneItemSchema, done),
      account: account === undefined ? undefined : parseItem(accountItemSchema, account),
      sent: sent === undefined ? undefined : parseItem(sentItemSchema, sent),
      // Operators write this item, and it only makes requests faster: their own messages arrive later. Therefore, an
      // item that can't be parsed is ignored.
      pending: pendingItemSchema.safeParse(pending).data?.requests ?? [],
      breaker: breakerIn(items, poll),
    };
  }

  async writeChanged(changed: readonly Changed[], known: readonly Changed[]): Promise<boolean> {
    const writes = changed.map((each) => ({
      item: this.#changedItem(each),
      condition: stillIs(
        known.find(({ resource }) => resource === each.resource),
        each,
      ),
    }));
    const [only, ...others] = writes;
    if (only === undefined) return true;
    const put = others.length === 0 ? await this.#table.putIf(only) : await this.#table.writeAll(writes);
    // An item of another schema version can't be added to.
    if (!put.isWritten && put.found !== undefined) parseItem(changedItemSchema, put.found);
    return put.isWritten;
  }

  async readChanged(resources: readonly ChangedResource[]): Promise<Changed[]> {
    const items = await this.#table.read(resources.map(changedKey));
    return items.map((item) => parseItem(changedItemSchema, item));
  }

  async readOperatorItems(names: OperatorNames): Promise<OperatorItems> {
    return readOperatorItems(this.#table, names);
  }

  async writeBreaker(item: TripItem, condition: Condition): Promise<boolean> {
    return (await this.#table.putIf({ item, condition })).isWritten;
  }

  async claimBreakerCount(name: BreakerName, hour: number): Promise<boolean> {
    const item = { ...tripKey(name), sk: 'counted', version: 1, hour, expiresAt: this.#inDays(1) };
    const condition = {
      expression: 'attribute_not_exists(pk) OR #hour < :hour',
      names: { '#hour': 'hour' },
      values: { ':hour': hour },
    };
    return (await this.#table.putIf({ item, condition })).isWritten;
  }

  #leaseItem({ region, job }: JobName, lease: Lease): LeaseItem {
    return { ...lease, ...leaseKey(region, job), version: 1, expiresAt: this.#inDays(LEASE_DAYS) };
  }

  #changedItem(changed: Changed): ChangedItem {
    return { ...changed, ...changedKey(changed), version: 1, expiresAt: this.#inDays(CHANGED_DAYS) };
  }

  #findingItem(finding: FindingRecord): FindingItem {
    return {
      ...finding,
      ...findingItemKey(finding),
      version: 1,
      expiresAt: this.#inDays(FINDING_DAYS),
    };
  }

  #doneItem(done: Done): DoneItem {
    return { ...done, ...doneKey(done), version: 1, expiresAt: this.#inDays(LEASE_DAYS) };
  }

  #inDays(days: number): number {
    return Math.floor(this.#clock.now() / 1000) + days * DAY_SECONDS;
  }
}
