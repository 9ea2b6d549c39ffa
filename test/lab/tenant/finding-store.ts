import type { ItemList, TenantItem } from './item.ts';
import { type ItemFilter, matches } from './query.ts';
import { formatTenantTime } from './time.ts';

/** The finding of this resource, in one account or in any. */
export interface MuteTarget {
  readonly rule_name: string;
  readonly resource_id: string;
  readonly account_id?: string;
}

interface Mute extends MuteTarget {
  readonly by: string;
  readonly since: Date;
  readonly until: Date | undefined;
  /** Time at which someone ended it. */
  liftedAt: Date | undefined;
}

interface Scan {
  readonly at: Date;
  items: ItemList<TenantItem>;
}

/** Queries with cached results: a client requests the pages of one query one after another. */
const REMEMBERED_QUERIES = 16;

/** The data of a tenant: the results of its scans, each at its time, and mutes by people. */
export class FindingStore {
  /** Oldest first. */
  #scans: Scan[] = [];
  readonly #mutes: Mute[] = [];
  readonly #remembered = new Map<string, ItemList<TenantItem>>();

  /** Forgets all scans: the items are the results, for all times. */
  setFindings(items: ItemList<TenantItem>): void {
    this.#scans = [{ at: new Date(0), items }];
    this.#remembered.clear();
  }

  /** Adds results to the latest scan. */
  addFindings(items: readonly TenantItem[]): void {
    const latest = this.#scans.at(-1);
    if (latest === undefined) this.setFindings(items);
    else latest.items = concatenation(latest.items, items);
    this.#remembered.clear();
  }

  /** The results of one more scan. */
  addScan(at: Date, items: ItemList<TenantItem>): void {
    this.#scans.push({ at, items });
    this.#scans.sort((a, b) => a.at.getTime() - b.at.getTime());
    this.#remembered.clear();
  }

  /** The results of the latest scan up to that time, as the scan returned them. */
  scanned(asOf: Date): ItemList<TenantItem> {
    return this.#scanBefore(asOf)?.items ?? [];
  }

  #scanBefore(asOf: Date): Scan | undefined {
    return this.#scans.findLast(({ at }) => at <= asOf);
  }

  mute(
    target: MuteTarget,
    { by, since, until }: { by: string; since: Date; until?: Date | undefined },
  ): void {
    this.#mutes.push({ ...target, by, since, until, liftedAt: undefined });
    this.#remembered.clear();
  }

  unmute(target: MuteTarget, at: Date): void {
    for (const mute of this.#mutes) {
      if (mute.liftedAt === undefined && concerns(mute, target)) mute.liftedAt = at;
    }
    this.#remembered.clear();
  }

  /** Lists the findings that match the filter, as of that time, in the scan's order. */
  matching(filter: ItemFilter, asOf: Date): ItemList<TenantItem> {
    const scan = this.#scanBefore(asOf);
    if (scan === undefined) return [];
    // Between two scans only mutes can change the answer.
    const moment = this.#mutes.length > 0 ? asOf.getTime() : undefined;
    const key = JSON.stringify([this.#scans.indexOf(scan), moment, Object.entries(filter).sort()]);
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;

    const { items } = scan;
    const indexes: number[] = [];
    for (let index = 0; index < items.length; index++) {
      const item = items.at(index);
      if (item !== undefined && matches(filter, this.#withMute(item, asOf))) indexes.push(index);
    }
    const matching: ItemList<TenantItem> = {
      length: indexes.length,
      at: (position) => {
        const index = indexes.at(position);
        const item = index === undefined ? undefined : items.at(index);
        return item && this.#withMute(item, asOf);
      },
    };
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined && this.#remembered.size >= REMEMBERED_QUERIES) this.#remembered.delete(oldest);
    this.#remembered.set(key, matching);
    return matching;
  }

  #withMute(item: TenantItem, asOf: Date): TenantItem {
    const mute = this.#mutes.findLast((other) => other.since <= asOf && concerns(other, item));
    if (mute === undefined) return item;
    const ended = [mute.until, mute.liftedAt].some((end) => end !== undefined && end <= asOf);
    return {
      ...item,
      mute: ended ? 'false' : 'true',
      mute_time: formatTenantTime(mute.since),
      mute_by: mute.by,
      ...(mute.until !== undefined && { mute_until: formatTenantTime(mute.until) }),
    };
  }
}

function concerns(mute: MuteTarget, target: MuteTarget): boolean {
  return (
    mute.rule_name === target.rule_name &&
    mute.resource_id === target.resource_id &&
    (mute.account_id === undefined || mute.account_id === target.account_id)
  );
}

function concatenation<Item>(first: ItemList<Item>, second: ItemList<Item>): ItemList<Item> {
  return {
    length: first.length + second.length,
    at: (index) => (index < first.length ? first.at(index) : second.at(index - first.length)),
  };
}
