import { type Clock, systemClock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import type { ItemKey } from '../model/table-items.ts';
import { batches } from './batches.ts';
import type { AwsClientOptions } from './client-defaults.ts';
import { isAwsError } from './errors.ts';

export interface FindingsTableOptions {
  readonly table: string;
  /** The table's region. */
  readonly region: string;
  readonly clientOptions: AwsClientOptions;
  readonly clock?: Clock;
}

/** An item: its key, and what can be written as JSON. */
export type Item = ItemKey & Readonly<Record<string, unknown>>;

/**
 * A condition on the item that stands there, without which nothing is written (DynamoDB developer guide, "Condition
 * expressions").
 */
export interface Condition {
  readonly expression: string;
  /** Names of attributes by `#name`. */
  readonly names: Readonly<Record<string, string>>;
  /** Values by `:name`. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** A write of a whole item, on condition or not. */
export interface ItemWrite {
  readonly item: Item;
  readonly condition?: Condition;
}

/** A change of some attributes of an item, which is made where there is none. On condition: the SDK may send it twice. */
export interface ItemUpdate {
  readonly key: ItemKey;
  /** Numbers that are added to attributes: one that is missing counts as 0. */
  readonly add: Readonly<Record<string, number>>;
  readonly set: Readonly<Record<string, string | number>>;
  /** Values of attributes that are missing. */
  readonly setMissing?: Readonly<Record<string, string | number>>;
  readonly remove: readonly string[];
  readonly condition: Condition;
}

/** The result of a conditional write. */
export type Put =
  | { readonly isWritten: true }
  /** `found`: what stands against it. */
  | { readonly isWritten: false; readonly found: unknown };

/** BatchGetItem takes at most 100 keys, TransactWriteItems at most 100 items of 4 MB together (API reference). */
const MAX_ITEMS = 100;
const MAX_TRANSACTION_BYTES = 3_500_000;
const ATTEMPTS = 4;

/** The findings table: one item per thing that is known, each with one writer. What is read is parsed by who reads it. */
export class FindingsTable {
  readonly #options: FindingsTableOptions;
  readonly #clock: Clock;
  #client: Promise<Client> | undefined;

  constructor(options: FindingsTableOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Reads the items that there are of these keys, as they stand now, in no order. */
  async read(keys: readonly ItemKey[]): Promise<unknown[]> {
    const { dynamodb, client } = await this.#connect();
    const { table } = this.#options;
    const items: unknown[] = [];
    for (const batch of batches(keys, MAX_ITEMS, Number.POSITIVE_INFINITY, () => 0)) {
      let pending = batch.map(({ pk, sk }) => dynamodb.marshall({ pk, sk }));
      for (let attempt = 1; pending.length > 0; attempt += 1) {
        const answer = await client.send(
          new dynamodb.BatchGetItemCommand({
            RequestItems: { [table]: { Keys: pending, ConsistentRead: true } },
          }),
        );
        items.push(...(answer.Responses?.[table] ?? []).map((item) => dynamodb.unmarshall(item)));
        // What did not fit into an answer, or was throttled.
        pending = answer.UnprocessedKeys?.[table]?.Keys ?? [];
        if (pending.length === 0) break;
        if (attempt === ATTEMPTS) {
          throw new DeliveryError(
            `table ${table} left ${pending.length} of ${batch.length} items unread ${ATTEMPTS} times`,
          );
        }
        await this.#clock.sleep(100 * 2 ** attempt);
      }
    }
    return items;
  }

  /** Writes an item if its condition holds. The SDK may send it twice: the condition must let the same item pass. */
  async putIf({ item, condition }: Required<ItemWrite>): Promise<Put> {
    const { dynamodb, client } = await this.#connect();
    try {
      await client.send(
        new dynamodb.PutItemCommand({
          ...this.#put(dynamodb, { item, condition }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { isWritten: true };
    } catch (error) {
      if (!(error instanceof dynamodb.ConditionalCheckFailedException)) throw error;
      return { isWritten: false, found: error.Item && dynamodb.unmarshall(error.Item) };
    }
  }

  /** Changes an item if its condition holds. */
  async updateIf({ key, condition, ...change }: ItemUpdate): Promise<Put> {
    const { dynamodb, client } = await this.#connect();
    const { expression, names, values } = updateExpression(change);
    try {
      await client.send(
        new dynamodb.UpdateItemCommand({
          TableName: this.#options.table,
          Key: dynamodb.marshall({ pk: key.pk, sk: key.sk }),
          UpdateExpression: expression,
          ConditionExpression: condition.expression,
          ExpressionAttributeNames: { ...names, ...condition.names },
          // DynamoDB takes no empty map.
          ...(Object.keys(values).length + Object.keys(condition.values).length > 0 && {
            ExpressionAttributeValues: dynamodb.marshall({ ...values, ...condition.values }),
          }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { isWritten: true };
    } catch (error) {
      if (!(error instanceof dynamodb.ConditionalCheckFailedException)) throw error;
      return { isWritten: false, found: error.Item && dynamodb.unmarshall(error.Item) };
    }
  }

  /**
   * Writes items, all or none. More than a transaction takes are written in several, those of the end in the last one.
   * @returns whether they were written: false where a condition does not hold
   */
  async writeAll(writes: readonly ItemWrite[]): Promise<boolean> {
    const { dynamodb, client } = await this.#connect();
    const bytesOf = ({ item }: ItemWrite): number => Buffer.byteLength(JSON.stringify(item));
    for (const batch of batches(writes, MAX_ITEMS, MAX_TRANSACTION_BYTES, bytesOf)) {
      const TransactItems = batch.map((write) => ({ Put: this.#put(dynamodb, write) }));
      try {
        await client.send(new dynamodb.TransactWriteItemsCommand({ TransactItems }));
      } catch (error) {
        if (
          error instanceof dynamodb.TransactionCanceledException &&
          error.CancellationReasons?.some(({ Code }) => Code === 'ConditionalCheckFailed') === true
        ) {
          return false;
        }
        throw isConflict(error)
          ? new DeliveryError(conflictWords(this.#options.table), { cause: error })
          : error;
      }
    }
    return true;
  }

  #put({ marshall }: DynamoDb, { item, condition }: ItemWrite) {
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

  #connect(): Promise<Client> {
    this.#client ??= connect(this.#options);
    return this.#client;
  }
}

/** Makes an update expression with placeholders for names: an attribute may be called like a reserved word of DynamoDB. */
function updateExpression({ add, set, setMissing = {}, remove }: Omit<ItemUpdate, 'key' | 'condition'>) {
  const names: Record<string, string> = {};
  const values: Record<string, string | number> = {};
  const nameOf = (attribute: string): string => {
    const name = `#u${Object.keys(names).length}`;
    names[name] = attribute;
    return name;
  };
  const placeholderOf = (value: string | number): string => {
    const name = `:u${Object.keys(values).length}`;
    values[name] = value;
    return name;
  };
  const clauses = {
    ADD: Object.entries(add).map(([name, number]) => `${nameOf(name)} ${placeholderOf(number)}`),
    SET: [
      ...Object.entries(set).map(([name, value]) => `${nameOf(name)} = ${placeholderOf(value)}`),
      ...Object.entries(setMissing).map(([attribute, value]) => {
        const name = nameOf(attribute);
        return `${name} = if_not_exists(${name}, ${placeholderOf(value)})`;
      }),
    ],
    REMOVE: remove.map(nameOf),
  };
  const expression = Object.entries(clauses)
    .flatMap(([word, parts]) => (parts.length === 0 ? [] : `${word} ${parts.join(', ')}`))
    .join(' ');
  return { expression, names, values };
}

type DynamoDb = typeof import('./dynamodb.ts');

interface Client {
  readonly dynamodb: DynamoDb;
  readonly client: InstanceType<DynamoDb['DynamoDBClient']>;
}

async function connect({ clientOptions, region }: FindingsTableOptions): Promise<Client> {
  const dynamodb = await import('./dynamodb.ts');
  return { dynamodb, client: new dynamodb.DynamoDBClient({ ...clientOptions, region }) };
}

/** Another transaction was at the same item, or the table was throttled: the same write may go well later. */
function isConflict(error: unknown): boolean {
  return isAwsError(error, 'TransactionCanceledException', 'TransactionConflictException');
}

function conflictWords(table: string): string {
  return `table ${table} cancelled a transaction that nothing stands against`;
}
