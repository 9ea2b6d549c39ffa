import pLimit from 'p-limit';
import { type Clock, systemClock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import type { ItemKey } from '../model/table-items.ts';
import { batches, chunks } from './batches.ts';
import type { AwsClientOptions } from './client-defaults.ts';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  marshall,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  unmarshall,
} from './dynamodb.ts';
import { isAwsError } from './errors.ts';
import { type AttributeChanges, updateExpression } from './update-expression.ts';

export interface FindingsTableOptions {
  readonly table: string;
  /** The table's region. */
  readonly region: string;
  readonly clientOptions: AwsClientOptions;
  readonly clock?: Clock;
}

/** An item: its key and other attributes that can be written as JSON. */
export type Item = ItemKey & Readonly<Record<string, unknown>>;

/**
 * A condition on the existing item. If it is not met, nothing is written (DynamoDB developer guide, "Condition
 * expressions").
 */
export interface Condition {
  readonly expression: string;
  /** Names of attributes by `#name`. */
  readonly names: Readonly<Record<string, string>>;
  /** Values by `:name`. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** A write of a whole item, optionally with a condition. */
export interface ItemWrite {
  readonly item: Item;
  readonly condition?: Condition;
}

/** An item that guards the writes of several transactions, because each of them also writes it. */
export interface Guard {
  /** The write of the guard in every transaction except the last. It leaves the guard unchanged. */
  readonly each: Required<ItemWrite>;
  /** The write of the guard in the last transaction. */
  readonly last: Required<ItemWrite>;
}

/**
 * An update of some attributes of an item. A missing item is created. The condition is required because the SDK may
 * send the update twice.
 */
export interface ItemUpdate extends AttributeChanges {
  readonly key: ItemKey;
  readonly condition: Condition;
}

/** The result of a conditional write. */
export type Put =
  | { readonly isWritten: true /** The previous item, if any. */; readonly replaced?: unknown }
  /** `found`: the existing item, which does not meet the condition. */
  | { readonly isWritten: false; readonly found: unknown };

/** Maximum number of keys in BatchGetItem, and of items in TransactWriteItems, of 4 MB in total (API reference). */
const MAX_ITEMS = 100;
const MAX_TRANSACTION_BYTES = 3_500_000;
/** Maximum number of parallel calls for one read. */
const READS_AT_ONCE = 8;
const ATTEMPTS = 4;

/** Client of the findings table. The items that it reads are parsed by the callers. */
export class FindingsTable {
  readonly #options: FindingsTableOptions;
  readonly #clock: Clock;
  #client: DynamoDBClient | undefined;

  constructor(options: FindingsTableOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Reads the existing items with these keys, in no particular order.
   * @param mayLag whether the items may lack writes of the last seconds, which halves the price (DynamoDB developer
   *   guide, "Read consistency")
   */
  async read(keys: readonly ItemKey[], mayLag = false): Promise<unknown[]> {
    const found = await pLimit(READS_AT_ONCE).map(chunks(keys, MAX_ITEMS), (batch) =>
      this.#readBatch(batch, !mayLag),
    );
    return found.flat();
  }

  async #readBatch(batch: readonly ItemKey[], ConsistentRead: boolean): Promise<unknown[]> {
    const client = this.#connect();
    const { table } = this.#options;
    const items: unknown[] = [];
    let pending = batch.map(({ pk, sk }) => marshall({ pk, sk }));
    for (let attempt = 1; pending.length > 0; attempt += 1) {
      const answer = await client.send(
        new BatchGetItemCommand({
          RequestItems: { [table]: { Keys: pending, ConsistentRead } },
        }),
      );
      items.push(...(answer.Responses?.[table] ?? []).map((item) => unmarshall(item)));
      // Keys whose items did not fit into the answer, or were throttled.
      pending = answer.UnprocessedKeys?.[table]?.Keys ?? [];
      if (pending.length === 0) break;
      if (attempt === ATTEMPTS) {
        throw new DeliveryError(
          `table ${table} did not return ${pending.length} of ${batch.length} items after ${ATTEMPTS} attempts`,
        );
      }
      await this.#clock.sleep(100 * 2 ** attempt);
    }
    return items;
  }

  /**
   * Writes an item if its condition is met. The SDK may send the write twice, so the condition must also accept the new
   * item.
   */
  async putIf({ item, condition }: Required<ItemWrite>): Promise<Put> {
    const client = this.#connect();
    try {
      const { Attributes = {} } = await client.send(
        new PutItemCommand({
          ...this.#put({ item, condition }),
          ReturnValues: 'ALL_OLD',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      // Every item has at least its keys, so an answer without attributes means that there was no item.
      const isReplaced = Object.keys(Attributes).length > 0;
      return { isWritten: true, ...(isReplaced && { replaced: unmarshall(Attributes) }) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { isWritten: false, found: error.Item && unmarshall(error.Item) };
    }
  }

  /** Updates an item if its condition is met. */
  async updateIf({ key, condition, ...change }: ItemUpdate): Promise<Put> {
    const client = this.#connect();
    const { expression, names, values } = updateExpression(change);
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: this.#options.table,
          Key: marshall({ pk: key.pk, sk: key.sk }),
          UpdateExpression: expression,
          ConditionExpression: condition.expression,
          ExpressionAttributeNames: { ...names, ...condition.names },
          // DynamoDB accepts no empty map.
          ...(Object.keys(values).length + Object.keys(condition.values).length > 0 && {
            ExpressionAttributeValues: marshall({ ...values, ...condition.values }),
          }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { isWritten: true };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { isWritten: false, found: error.Item && unmarshall(error.Item) };
    }
  }

  /**
   * Writes all items or none. If they do not fit into one transaction, several are used, and each also writes the
   * guard's item, so that the guard's condition applies to all of them.
   */
  async writeAll(writes: readonly ItemWrite[], guard?: Guard): Promise<Put> {
    const bytesOf = ({ item }: ItemWrite): number => Buffer.byteLength(JSON.stringify(item));
    const [maxItems, maxBytes] =
      guard === undefined
        ? [MAX_ITEMS, MAX_TRANSACTION_BYTES]
        : [MAX_ITEMS - 1, MAX_TRANSACTION_BYTES - bytesOf(guard.last)];
    const parts = batches(writes, maxItems, maxBytes, bytesOf);
    for (const [index, part] of parts.entries()) {
      const guarded = index === parts.length - 1 ? guard?.last : guard?.each;
      const put = await this.#transact(guarded === undefined ? part : [...part, guarded]);
      if (!put.isWritten) return put;
    }
    return { isWritten: true };
  }

  async #transact(writes: readonly ItemWrite[]): Promise<Put> {
    const client = this.#connect();
    const TransactItems = writes.map((write) => ({
      Put: { ...this.#put(write), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const },
    }));
    try {
      await client.send(new TransactWriteItemsCommand({ TransactItems }));
      return { isWritten: true };
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const against = error.CancellationReasons?.find(({ Code }) => Code === 'ConditionalCheckFailed');
      if (against !== undefined) {
        return { isWritten: false, found: against.Item && unmarshall(against.Item) };
      }
      throw isConflict(error)
        ? new DeliveryError(conflictWords(this.#options.table), { cause: error })
        : error;
    }
  }

  #put({ item, condition }: ItemWrite) {
    return {
      TableName: this.#options.table,
      Item: marshall(item, { removeUndefinedValues: true }),
      ...(condition !== undefined && {
        ConditionExpression: condition.expression,
        ExpressionAttributeNames: { ...condition.names },
        ExpressionAttributeValues: marshall(condition.values),
      }),
    };
  }

  #connect(): DynamoDBClient {
    const { clientOptions, region } = this.#options;
    this.#client ??= new DynamoDBClient({ ...clientOptions, region });
    return this.#client;
  }
}

/**
 * Reports whether a transaction may succeed later, because another one used the same item or the table was throttled.
 */
function isConflict(error: unknown): boolean {
  return isAwsError(error, 'TransactionCanceledException', 'TransactionConflictException');
}

function conflictWords(table: string): string {
  return `table ${table} cancelled a transaction although all its conditions were met`;
}
