/** Maximum number of pages that are requested at once; a tenant serves five per second. */
const MOST_AT_ONCE = 6;

/** A page, and the offset of its request. */
export interface PageAt<P> {
  readonly page: P;
  readonly skip: number;
}

/**
 * Reads the pages of one query in order until one is empty, because the API returns neither a total nor a next token.
 * While all pages are full, the following ones are requested ahead at `skip = k × pageSize`: first one, and then twice
 * as many with each page. After a page that is not full, requests ahead are dropped, and the next page is requested
 * from the number of items seen, one at a time.
 * @param ask requests one page; its signal is aborted if the answer is no longer needed
 */
export async function* pagesAhead<P extends { readonly items: readonly unknown[] }>(
  ask: (skip: number, signal: AbortSignal) => Promise<P>,
  pageSize: number,
): AsyncGenerator<PageAt<P>> {
  let ahead = new Ahead(ask, pageSize, 0);
  let areFull = true;
  try {
    for (let skip = 0, atOnce = 1; ; ) {
      ahead.fill(atOnce);
      const page = await ahead.next();
      const { length } = page.items;
      if (length === 0) return yield { page, skip };
      areFull &&= length === pageSize;
      atOnce = areFull ? Math.min(2 * atOnce, MOST_AT_ONCE) : 1;
      if (!areFull) {
        ahead.drop();
        ahead = new Ahead(ask, pageSize, skip + length);
      }
      // The next pages arrive while this one is processed.
      ahead.fill(atOnce);
      yield { page, skip };
      skip += length;
    }
  } finally {
    ahead.drop();
  }
}

/** Pages that have been requested and not read yet. */
class Ahead<P> {
  readonly #ask: (skip: number, signal: AbortSignal) => Promise<P>;
  readonly #pageSize: number;
  readonly #dropped = new AbortController();
  readonly #pages: Promise<P>[] = [];
  #skip: number;

  constructor(ask: (skip: number, signal: AbortSignal) => Promise<P>, pageSize: number, skip: number) {
    this.#ask = ask;
    this.#pageSize = pageSize;
    this.#skip = skip;
  }

  /** Requests further pages until this many are pending. */
  fill(atOnce: number): void {
    while (this.#pages.length < atOnce) {
      const page = this.#ask(this.#skip, this.#dropped.signal);
      // A request whose result nobody reads must not end the process when it fails.
      page.catch(() => undefined);
      this.#pages.push(page);
      this.#skip += this.#pageSize;
    }
  }

  /** Returns the next page, which must have been requested. */
  async next(): Promise<P> {
    const [page] = this.#pages.splice(0, 1);
    if (page === undefined) throw new Error('no page was requested');
    return page;
  }

  /** Aborts the pending requests. */
  drop(): void {
    this.#dropped.abort();
  }
}
