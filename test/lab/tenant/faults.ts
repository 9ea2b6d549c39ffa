import type { ItemList, TenantItem } from './item.ts';
import type { AssessmentQuery, FilterName } from './query.ts';

/** A fault that takes the place of the answer. */
export type AnswerFault =
  /** The token is refused, whatever it is, in the documented body. Which HTTP status comes with it is not documented. */
  | { readonly kind: 'token_refused'; readonly status?: 200 | 403 }
  /** An error in the documented body, by default in an HTTP 200. */
  | {
      readonly kind: 'error';
      readonly status?: number;
      readonly errorCode?: string;
      readonly errors?: readonly string[];
    }
  /** HTTP 302 to the page where people log in. */
  | { readonly kind: 'login_redirect' }
  /** A status with a page of the gateway's, not with JSON: 403, 404, 500, 503, … */
  | { readonly kind: 'status'; readonly status: number }
  /** HTTP 429. A number of seconds or a date goes into `Retry-After`; without either there is no such header. */
  | { readonly kind: 'rate_limited'; readonly retryAfter?: number | Date }
  /** HTTP 200, and JSON that breaks off. */
  | { readonly kind: 'broken_json' }
  /** HTTP 200 with a page for people. */
  | { readonly kind: 'html' }
  /** HTTP 200 with nothing. */
  | { readonly kind: 'empty_body' }
  /** HTTP 200 with any text, called JSON. */
  | { readonly kind: 'body'; readonly body: string };

/** Ways in which the answer is sent. The part is where this begins: before the head, or within the body. */
export type DeliveryFault =
  | { readonly kind: 'slow'; readonly milliseconds: number; readonly part?: 'head' | 'body' }
  /** Silence until one side closes the connection. */
  | { readonly kind: 'hang'; readonly part?: 'head' | 'body' }
  /** The connection is closed, by default within the body. */
  | { readonly kind: 'cut'; readonly part?: 'head' | 'body' };

/** A fault in the list of items, or in how it is cut into pages. */
export type ListFault =
  /**
   * More items in the list, of any form, whatever the filter says: malformed ones, of other clouds, of an unknown
   * region. They are counted and paged as the others are.
   */
  | {
      readonly kind: 'extra_items';
      readonly items: readonly unknown[];
      readonly place?: 'start' | 'end' | 'spread';
    }
  /** Parameters that are ignored, as if they were not known. */
  | { readonly kind: 'filters_ignored'; readonly parameters: readonly FilterName[] }
  /** `skip` is ignored: each page is the first. */
  | { readonly kind: 'page_repeated' }
  /** Each page but the first begins with the last `by` items of the page before. `by` is less than `limit`. */
  | { readonly kind: 'pages_overlap'; readonly by: number }
  /** No page has more than so many items, whatever `limit` says. */
  | { readonly kind: 'page_capped'; readonly to: number }
  /** Moves an item after the first page from behind it to before it: what ended that page begins the next. */
  | { readonly kind: 'item_moved' }
  /** The items of each page come in reverse. */
  | { readonly kind: 'items_reversed' }
  /**
   * A scan runs: with each request that names no `as_of` the list has moved up by another `by` items, so that a client
   * misses as many a page; down where `by` is negative, so that it meets them twice.
   */
  | { readonly kind: 'drift'; readonly by: number };

export type TenantFault = AnswerFault | DeliveryFault | ListFault;

/** The requests that a fault meets; by default all. */
export interface FaultScope {
  /** The first so many that fit the rest. */
  readonly requests?: number;
  /** Requests with at least this `skip`. */
  readonly skipFrom?: number;
}

/** A fault that has been switched on. */
export interface ActiveFault {
  readonly fault: TenantFault;
  /** Number of requests that have met it. */
  readonly hits: number;
  remove(): void;
}

interface Entry {
  readonly fault: TenantFault;
  readonly scope: FaultScope;
  hits: number;
}

/** A fault that a request meets, with how many requests met it before. */
interface Met<Fault> {
  readonly fault: Fault;
  readonly before: number;
}

/** The faults that one request meets: of the first two kinds one at most, the one switched on first. */
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

/** The faults that are switched on, in that order. */
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
   * Finds the faults that a request meets, and counts it.
   * @param query what it asks for; undefined if it is none for items
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

/** The filter that is left when some parameters are ignored. */
export function withoutIgnored(
  filter: AssessmentQuery['filter'],
  faults: MetFaults['list'],
): AssessmentQuery['filter'] {
  const ignored = new Set<string>(
    faults.flatMap(({ fault }) => (fault.kind === 'filters_ignored' ? fault.parameters : [])),
  );
  return Object.fromEntries(Object.entries(filter).filter(([name]) => !ignored.has(name)));
}

/** The list with items among it that do not belong there; `spread` puts them at even distances. */
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

/** The page that a request gets. */
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
