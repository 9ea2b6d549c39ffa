import type { ItemList, TenantItem } from './item.ts';
import type { AssessmentQuery, FilterName } from './query.ts';

/** A fault that replaces the answer. */
export type AnswerFault =
  /** Every token is refused, with the documented body. The HTTP status is not documented. */
  | { readonly kind: 'token_refused'; readonly status?: 200 | 403 }
  /** An error in the documented body, by default in an HTTP 200. */
  | {
      readonly kind: 'error';
      readonly status?: number;
      readonly errorCode?: string;
      readonly errors?: readonly string[];
    }
  /** HTTP 302 to the login page. */
  | { readonly kind: 'login_redirect' }
  /** A status with an HTML page of the gateway instead of JSON: 403, 404, 500, 503, … */
  | { readonly kind: 'status'; readonly status: number }
  /** HTTP 429. `Retry-After` has a number of seconds or a date; without either, there is no such header. */
  | { readonly kind: 'rate_limited'; readonly retryAfter?: number | Date }
  /** HTTP 200 with incomplete JSON. */
  | { readonly kind: 'broken_json' }
  /** HTTP 200 with an HTML page. */
  | { readonly kind: 'html' }
  /** HTTP 200 with an empty body. */
  | { readonly kind: 'empty_body' }
  /** HTTP 200 with any text as JSON. */
  | { readonly kind: 'body'; readonly body: string };

/** Faults of the way in which the answer is sent. The part is where this begins: before the head, or within the body. */
export type DeliveryFault =
  | { readonly kind: 'slow'; readonly milliseconds: number; readonly part?: 'head' | 'body' }
  /** Silence until one side closes the connection. */
  | { readonly kind: 'hang'; readonly part?: 'head' | 'body' }
  /** The connection is closed, by default within the body. */
  | { readonly kind: 'cut'; readonly part?: 'head' | 'body' };

/** A fault in the list of items, or in its pages. */
export type ListFault =
  /**
   * More items in the list, of any form, regardless of the filter: malformed ones, of other clouds, of an unknown
   * region. They are counted and paged like the others.
   */
  | {
      readonly kind: 'extra_items';
      readonly items: readonly unknown[];
      readonly place?: 'start' | 'end' | 'spread';
    }
  /** Parameters that are ignored, as if they were unknown. */
  | { readonly kind: 'filters_ignored'; readonly parameters: readonly FilterName[] }
  /** `skip` is ignored: each page is the first one. */
  | { readonly kind: 'page_repeated' }
  /** Each page except for the first begins with the last `by` items of the page before. `by` is less than `limit`. */
  | { readonly kind: 'pages_overlap'; readonly by: number }
  /** No page has more than this many items, regardless of `limit`. */
  | { readonly kind: 'page_capped'; readonly to: number }
  /** Moves an item from behind the first page to before it: the last item of that page begins the next one. */
  | { readonly kind: 'item_moved' }
  /** The items of each page are reversed. */
  | { readonly kind: 'items_reversed' }
  /**
   * A running scan: with each request without `as_of`, the list moves up by another `by` items, so that a client misses as
   * many per page; down if `by` is negative, so that a client gets them twice.
   */
  | { readonly kind: 'drift'; readonly by: number };

export type TenantFault = AnswerFault | DeliveryFault | ListFault;

/** The requests that a fault affects; by default all. */
export interface FaultScope {
  /** Number of requests that are affected: the first ones that match the other conditions. */
  readonly requests?: number;
  /** Requests with at least this `skip`. */
  readonly skipFrom?: number;
}

/** An active fault. */
export interface ActiveFault {
  readonly fault: TenantFault;
  /** Number of requests that it has affected. */
  readonly hits: number;
  remove(): void;
}

interface Entry {
  readonly fault: TenantFault;
  readonly scope: FaultScope;
  hits: number;
}

/** A fault of a request, with the number of requests that it affected before. */
interface Met<Fault> {
  readonly fault: Fault;
  readonly before: number;
}

/** The faults of one request: at most one of the first two kinds, the one that was switched on first. */
export interface MetFaults {
  readonly answer: AnswerFault | undefined;
  readonly delivery: DeliveryFault | undefined;
  readonly list: readonly Met<ListFault>[];
}

const deliveryKinds: ReadonlySet<string> = new Set<DeliveryFault['kind']>(['slow', 'hang', 'cut']);
const listKinds: ReadonlySet<string> = new Set<ListFault['kind']>([
  'extra_items',
  'filters_ignored',
  'page_repeated',
  'pages_overlap',
  'page_capped',
  'item_moved',
  'items_reversed',
  'drift',
]);

function isDelivery(fault: TenantFault): fault is DeliveryFault {
  return deliveryKinds.has(fault.kind);
}

function isList(fault: TenantFault): fault is ListFault {
  return listKinds.has(fault.kind);
}

/** The active faults, in the order of their activation. */
export class Faults {
  #entries: Entry[] = [];

  add(fault: TenantFault, scope: FaultScope = {}): ActiveFault {
    const entry: Entry = { fault, scope, hits: 0 };
    this.#entries.push(entry);
    return {
      fault,
      get hits() {
        return entry.hits;
      },
      remove: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  clear(): void {
    this.#entries = [];
  }

  /**
   * Finds the faults of a request, and counts it.
   * @param query the query; undefined if it is not a query for items
   */
  meet(query: AssessmentQuery | undefined): MetFaults {
    let answer: AnswerFault | undefined;
    let delivery: DeliveryFault | undefined;
    const list: Met<ListFault>[] = [];
    for (const entry of this.#entries) {
      const { fault, scope, hits } = entry;
      const { requests = Number.POSITIVE_INFINITY, skipFrom = 0 } = scope;
      if (hits >= requests || (query?.skip ?? 0) < skipFrom) continue;
      if (fault.kind === 'drift' && (query === undefined || query.asOf !== undefined)) continue;
      if (isDelivery(fault)) {
        if (delivery !== undefined) continue;
        delivery = fault;
      } else if (isList(fault)) {
        list.push({ fault, before: hits });
      } else {
        if (answer !== undefined) continue;
        answer = fault;
      }
      entry.hits++;
    }
    return { answer, delivery, list };
  }
}

/** The filter without the ignored parameters. */
export function withoutIgnored(
  filter: AssessmentQuery['filter'],
  faults: MetFaults['list'],
): AssessmentQuery['filter'] {
  const ignored = new Set<string>(
    faults.flatMap(({ fault }) => (fault.kind === 'filters_ignored' ? fault.parameters : [])),
  );
  return Object.fromEntries(Object.entries(filter).filter(([name]) => !ignored.has(name)));
}

/** The list with added items that do not belong there; `spread` distributes them evenly. */
export function withExtraItems(
  items: ItemList<unknown>,
  extra: readonly unknown[],
  place: 'start' | 'end' | 'spread' = 'spread',
): ItemList<unknown> {
  const length = items.length + extra.length;
  const positions = extra.map((_, index) => {
    if (place === 'start') return index;
    if (place === 'end') return items.length + index;
    return Math.floor(((index + 0.5) * length) / extra.length);
  });
  return {
    length,
    at: (index) => {
      const found = positions.indexOf(index);
      if (found !== -1) return extra[found];
      return items.at(index - positions.filter((position) => position < index).length);
    },
  };
}

/** The list with its last item before all others. */
function withLastFirst(items: ItemList<unknown>): ItemList<unknown> {
  const { length } = items;
  return { length, at: (index) => (index < length ? items.at((index + length - 1) % length) : undefined) };
}

/** The page of a request. */
export function pageOf(
  matching: ItemList<TenantItem>,
  { limit, skip }: Pick<AssessmentQuery, 'limit' | 'skip'>,
  faults: MetFaults['list'] = [],
): unknown[] {
  let items: ItemList<unknown> = matching;
  let start = skip;
  let size = limit;
  let reversed = false;
  for (const { fault, before } of faults) {
    switch (fault.kind) {
      case 'extra_items':
        items = withExtraItems(items, fault.items, fault.place);
        break;
      case 'page_repeated':
        start = 0;
        break;
      case 'pages_overlap':
        start -= fault.by * Math.ceil(skip / limit);
        break;
      case 'page_capped':
        size = Math.min(size, fault.to);
        break;
      case 'item_moved':
        if (skip > 0) items = withLastFirst(items);
        break;
      case 'drift':
        start += fault.by * before;
        break;
      case 'items_reversed':
        reversed = true;
        break;
      case 'filters_ignored':
        break;
    }
  }
  start = Math.max(0, start);
  const end = Math.min(start + size, items.length);
  const page: unknown[] = [];
  for (let index = start; index < end; index++) page.push(items.at(index));
  return reversed ? page.reverse() : page;
}
