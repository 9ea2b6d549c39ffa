import { randomUUID } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import {
  type PendingItem,
  pendingItemSchema,
  pendingKey,
  REQUEST_VALID_MILLISECONDS,
  type RequestItem,
  type RequestName,
  requestKey,
} from '../model/requests.ts';
import { isAnswerLost } from './errors.ts';
import type { FindingsTable } from './findings-table.ts';
import type { JobQueue } from './job-queue.ts';

/** The destinations of requests. */
export interface RequestDesk {
  readonly table: Pick<FindingsTable, 'putIf' | 'read'>;
  /** The queue of the requests' region. */
  readonly queue: Pick<JobQueue, 'forward'>;
  readonly clock: Clock;
}

/** A request, and how far its submission got. */
export interface HandedIn<R extends RequestItem = RequestItem> {
  readonly request: R;
  readonly name: RequestName;
  /**
   * `not listed`: it begins only when its message arrives, after the jobs that were queued before. `not woken`: it is
   * listed and begins with the account's next job, but has no message. `not submitted`: it is neither listed nor has a
   * message, so nothing finds it. `perhaps submitted`: it has no message, and it is unknown whether it is listed.
   */
  readonly is: 'submitted' | 'not listed' | 'not woken' | 'not submitted' | 'perhaps submitted';
  /** The error that stopped the submission. */
  readonly error?: unknown;
}

/** Maximum number of attempts at a write, because others may write in between. */
const MOST_WRITES = 10;
const FIRST_PAUSE_MILLISECONDS = 50;
const LONGEST_PAUSE_MILLISECONDS = 2_000;
/** Maximum number of listed requests. */
const MOST_LISTED = 200;
const KEPT_SECONDS = 86_400;

/**
 * Submits an operator's requests for one account and region: writes them; lists them in one write, so that jobs that
 * were queued earlier find them; and sends, in order, the messages that start a remediator. Holds must be written
 * first. An error with one request is part of its result, and does not stop the others.
 * @param principal the caller's own `aws:userid`, because IAM does not allow writing under another one
 */
export async function submitRequests<R extends RequestItem>(
  requests: readonly R[],
  principal: string,
  { table, queue, clock }: RequestDesk,
): Promise<HandedIn<R>[]> {
  const all: HandedIn<R>[] = [];
  for (const request of requests) {
    const name = { principal, id: randomUUID() };
    const error = await errorOf(() => write(name, request, table));
    all.push(
      error === undefined
        ? { request, name, is: 'submitted' }
        : { request, name, is: 'not submitted', ...error },
    );
  }
  const written = all.filter(({ is }) => is === 'submitted');
  const notListed = await tryToList(written, table, clock);
  const handedIn: HandedIn<R>[] = [];
  for (const each of all) {
    if (each.is === 'not submitted') {
      handedIn.push(each);
      continue;
    }
    const notWoken = await errorOf(() => wake(each, queue));
    const isListed = notListed === undefined;
    if (notWoken !== undefined) {
      const is = notListed?.isLost === true ? 'perhaps submitted' : 'not submitted';
      handedIn.push({ ...each, is: isListed ? 'not woken' : is, ...notWoken });
    } else handedIn.push(isListed ? each : { ...each, is: 'not listed', error: notListed.error });
  }
  return handedIn;
}

/** Runs work. @returns its error; undefined if it succeeds */
async function errorOf(work: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

async function write(name: RequestName, request: RequestItem, table: RequestDesk['table']): Promise<void> {
  await table.putIf({
    item: { ...request, ...requestKey(name) },
    // The SDK may send it twice.
    condition: {
      expression: 'attribute_not_exists(pk) OR #at = :at',
      names: { '#at': 'at' },
      values: { ':at': request.at },
    },
  });
}

function wake(
  { request: { kind, account, region }, name }: Pick<HandedIn, 'request' | 'name'>,
  queue: RequestDesk['queue'],
): Promise<void> {
  return queue.forward({ version: 1, kind, request: name, account, region });
}

/**
 * Lists requests of one place. @returns the error and whether the requests may be listed anyway; undefined if they are
 * listed
 */
async function tryToList(
  requests: readonly Pick<HandedIn, 'request' | 'name'>[],
  table: RequestDesk['table'],
  clock: Clock,
): Promise<{ readonly error: unknown; readonly isLost: boolean } | undefined> {
  let isLost = false;
  const put: RequestDesk['table']['putIf'] = async (write) => {
    try {
      return await table.putIf(write);
    } catch (error) {
      isLost = isAnswerLost(error);
      throw error;
    }
  };
  try {
    await list(requests, { table, put, clock });
    return undefined;
  } catch (error) {
    return { error, isLost };
  }
}

interface Listing {
  readonly table: Pick<RequestDesk['table'], 'read'>;
  readonly put: RequestDesk['table']['putIf'];
  readonly clock: Clock;
}

/** Adds requests to the list of their place. @throws DeliveryError if another writer changed it during each attempt; AWS's own error otherwise */
async function list(
  requests: readonly Pick<HandedIn, 'request' | 'name'>[],
  { table, put, clock }: Listing,
): Promise<void> {
  const [first] = requests;
  if (first === undefined) return;
  const key = pendingKey(first.request);
  const writer = randomUUID();
  // Requests that do not fit into the list still have their messages, which arrive in the same order.
  const own = requests.slice(0, MOST_LISTED).map(({ name, request: { at } }) => ({ ...name, at }));
  for (let writes = 0; writes < MOST_WRITES; writes += 1) {
    if (writes > 0) await clock.sleep(pauseBefore(writes));
    const [found] = await table.read([key]);
    // An unreadable item is overwritten, because it contains only references to requests.
    const known = pendingItemSchema.safeParse(found).data;
    const pending = (known?.requests ?? []).filter(
      ({ at }) => clock.now() - Date.parse(at) < REQUEST_VALID_MILLISECONDS,
    );
    const item: PendingItem = {
      version: 1,
      writer,
      requests: [...pending, ...own].slice(-MOST_LISTED),
      expiresAt: Math.floor(clock.now() / 1000) + KEPT_SECONDS,
    };
    const { isWritten } = await put({
      item: { ...item, ...key },
      condition: {
        expression: `attribute_not_exists(pk) OR #writer = :own OR ${known === undefined ? 'attribute_exists(pk)' : '#writer = :known'}`,
        names: { '#writer': 'writer' },
        values: { ':own': writer, ...(known !== undefined && { ':known': known.writer }) },
      },
    });
    if (isWritten) return;
  }
  throw new DeliveryError(
    `${key.pk}: other writers changed the list ${MOST_WRITES} times in a row, so these requests could not be listed`,
  );
}

/** Returns a random wait in milliseconds, so that competing writers do not conflict again. */
function pauseBefore(attempt: number): number {
  return Math.random() * Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** attempt, LONGEST_PAUSE_MILLISECONDS);
}
