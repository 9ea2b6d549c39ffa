import { randomUUID } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import {
  type PendingItem,
  pendingItemSchema,
  pendingKey,
  REQUEST_VALID_MILLISECONDS,
  type RequestItem,
  type RequestMessage,
  type RequestName,
  requestKey,
} from '../model/requests.ts';
import type { FindingsTable } from './findings-table.ts';
import type { JobQueue } from './job-queue.ts';

/** Places that a request goes to. */
export interface RequestDesk {
  readonly table: Pick<FindingsTable, 'putIf' | 'read'>;
  /** The queue of the request's region. */
  readonly queue: Pick<JobQueue, 'forward'>;
  readonly clock: Clock;
}

/** The most attempts at a write: others may write in between each time. */
const MOST_WRITES = 10;
/** The most requests that are listed: the newest. */
const MOST_LISTED = 200;
const KEPT_SECONDS = 86_400;

/**
 * Hands in an operator's request: writes it, lists it for the jobs that wait before it, and sends the message that wakes a
 * remediator. Holds are to be written before.
 * @param principal the caller's own `aws:userid`: IAM lets nobody write below another
 * @throws DeliveryError where others always list theirs first; AWS's own error
 */
export async function submitRequest(
  request: RequestItem,
  principal: string,
  { table, queue, clock }: RequestDesk,
): Promise<RequestName> {
  const name = { principal, id: randomUUID() };
  await table.putIf({
    item: { ...request, ...requestKey(name) },
    // The SDK may send it twice.
    condition: {
      expression: 'attribute_not_exists(pk) OR #at = :at',
      names: { '#at': 'at' },
      values: { ':at': request.at },
    },
  });
  await list(name, request, table, clock);
  const { kind, account, region } = request;
  const message: RequestMessage = { version: 1, kind, request: name, account, region };
  await queue.forward(message);
  return name;
}

async function list(
  name: RequestName,
  request: RequestItem,
  table: RequestDesk['table'],
  clock: Clock,
): Promise<void> {
  const key = pendingKey(request);
  const writer = randomUUID();
  for (let writes = 0; writes < MOST_WRITES; writes += 1) {
    const [found] = await table.read([key]);
    // One that nobody understands is written over: it only says where to look.
    const known = pendingItemSchema.safeParse(found).data;
    const pending = (known?.requests ?? []).filter(
      ({ at }) => clock.now() - Date.parse(at) < REQUEST_VALID_MILLISECONDS,
    );
    const item: PendingItem = {
      version: 1,
      writer,
      requests: [...pending, { ...name, at: request.at }].slice(-MOST_LISTED),
      expiresAt: Math.floor(clock.now() / 1000) + KEPT_SECONDS,
    };
    const put = await table.putIf({
      item: { ...item, ...key },
      condition: {
        expression: `attribute_not_exists(pk) OR #writer = :own OR ${known === undefined ? 'attribute_exists(pk)' : '#writer = :known'}`,
        names: { '#writer': 'writer' },
        values: { ':own': writer, ...(known !== undefined && { ':known': known.writer }) },
      },
    });
    if (put.isWritten) return;
  }
  throw new DeliveryError(
    `${key.pk}: others wrote ${MOST_WRITES} times in a row before this request was listed`,
  );
}
