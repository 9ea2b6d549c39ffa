import { z } from 'zod';
import type { FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import { UnreadableItemError } from '../../model/errors.ts';
import { accountIdSchema, regionSchema } from '../../model/finding.ts';
import { formatIssues } from '../../model/issues.ts';
import {
  type PendingItem,
  pendingItemSchema,
  pendingKey,
  type RequestItem,
  type RequestName,
  type RequestResult,
  requestItemSchema,
  requestKey,
  requestKindSchema,
  requestResultSchema,
  resultKey,
  type UndoneItem,
  undoneKey,
} from '../../model/requests.ts';
import { type ItemKey, parseItem } from '../../model/table-items.ts';
import type { FoundRequest, FoundResult, RequestPlace, RequestsStore } from '../undo/requests-store.ts';

/** Part of a request that names its account, region, and kind. Requests of newer versions also have it. */
const addressedSchema = z.object({ account: accountIdSchema, region: regionSchema, kind: requestKindSchema });

const keySchema = z.looseObject({ pk: z.string() });

/** Days for which results are kept: as long as the leases, which make sure that a request is carried out only once. */
const RESULT_DAYS = 30;

/** Requests and their results in the findings table. */
export class RequestsRecord implements RequestsStore {
  readonly #table: Pick<FindingsTable, 'read' | 'writeAll'>;
  readonly #clock: Clock;

  constructor(table: Pick<FindingsTable, 'read' | 'writeAll'>, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(name: RequestName): Promise<FoundRequest | undefined> {
    const [item] = await this.#table.read([requestKey(name)]);
    if (item === undefined) return undefined;
    const parsed = requestItemSchema.safeParse(item);
    if (parsed.success) return parsed.data;
    const { data: addressed } = addressedSchema.safeParse(item);
    return { problem: formatIssues(parsed.error), ...(addressed !== undefined && { addressed }) };
  }

  async readPending(place: RequestPlace): Promise<PendingItem['requests']> {
    const [item] = await this.#table.read([pendingKey(place)]);
    return pendingItemSchema.safeParse(item).data?.requests ?? [];
  }

  async readResults(
    place: RequestPlace,
    names: readonly RequestName[],
  ): Promise<readonly (FoundResult | undefined)[]> {
    if (names.length === 0) return [];
    const keys = names.map((name) => resultKey(place, name));
    const items = await this.#table.read(keys);
    const found = new Map(items.map((item) => [keySchema.parse(item).pk, item]));
    return keys.map(({ pk }) => (found.has(pk) ? resultOf(found.get(pk)) : undefined));
  }

  async writeResult(
    place: RequestPlace,
    name: RequestName,
    result: Omit<RequestResult, 'version' | 'expiresAt'>,
  ): Promise<void> {
    await this.#write({ ...result, ...resultKey(place, name) });
  }

  async announce(
    request: Pick<RequestItem, 'region' | 'at'>,
    undone: Omit<UndoneItem, 'version' | 'expiresAt'>,
  ): Promise<void> {
    await this.#write({ ...undone, ...undoneKey(request, undone.evidence) });
  }

  async #write(item: ItemKey & Readonly<Record<string, unknown>>): Promise<void> {
    const expiresAt = Math.floor(this.#clock.now() / 1000) + RESULT_DAYS * 86_400;
    await this.#table.writeAll([{ item: { ...item, version: 1, expiresAt } }]);
  }
}

function resultOf(item: unknown): FoundResult {
  try {
    return parseItem(requestResultSchema, item);
  } catch (error) {
    if (error instanceof UnreadableItemError) return { unreadable: error };
    throw error;
  }
}
