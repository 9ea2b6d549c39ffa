import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { z } from 'zod';
import { batches } from '../../lambdas/aws/batches.ts';
import type { Deployment } from '../../lambdas/model/deployment.ts';
import { DeliveryError } from '../../lambdas/model/errors.ts';
import { type ItemKey, parseItem } from '../../lambdas/model/table-items.ts';
import type { Clients } from '../aws/clients.ts';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  marshall,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  unmarshall,
} from '../aws/dynamodb.ts';

/** BatchGetItem takes at most 100 keys. */
const MAX_KEYS = 100;
const BATCHES_AT_ONCE = 8;
const ATTEMPTS = 5;

/** A range of sort keys, including both ends. */
export interface SortKeys {
  readonly from: string;
  readonly to: string;
}

/** The findings table, as operators read and write it: by keys only. */
export class Table {
  readonly #client: DynamoDBClient;
  readonly #name: string;

  constructor(clients: Clients, { home_region: region, findings_table: name }: Deployment) {
    this.#client = clients.client(DynamoDBClient, region);
    this.#name = name;
  }

  /**
   * Reads the existing items with these keys, in any order.
   * @throws UnreadableItemError if an item has another version
   */
  async read<T>(schema: z.ZodType<T>, keys: readonly ItemKey[]): Promise<T[]> {
    const parts = batches(unique(keys), MAX_KEYS, Number.POSITIVE_INFINITY, () => 0);
    const items = await pLimit(BATCHES_AT_ONCE).map(parts, (part) => this.#readBatch(part));
    return items.flat().map((item) => parseItem(schema, item));
  }

  async #readBatch(keys: readonly ItemKey[]): Promise<unknown[]> {
    const items: unknown[] = [];
    let pending = keys.map(({ pk, sk }) => marshall({ pk, sk }));
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#client.send(
        new BatchGetItemCommand({
          RequestItems: { [this.#name]: { Keys: pending, ConsistentRead: true } },
        }),
      );
      items.push(...(answer.Responses?.[this.#name] ?? []).map((item) => unmarshall(item)));
      pending = answer.UnprocessedKeys?.[this.#name]?.Keys ?? [];
      if (pending.length === 0) return items;
      if (attempt === ATTEMPTS) {
        throw new DeliveryError(
          `table ${this.#name} is throttled: ${pending.length} items could not be read`,
        );
      }
      await delay(100 * 2 ** attempt);
    }
  }

  /** Reads all items of a partition, or those of a range of it, in the order of their sort keys. */
  async partition(pk: string, range?: SortKeys): Promise<unknown[]> {
    const items: unknown[] = [];
    let start: QueryCommandOutput['LastEvaluatedKey'];
    do {
      const answer = await this.#client.send(
        new QueryCommand({
          TableName: this.#name,
          KeyConditionExpression: range === undefined ? 'pk = :pk' : 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: marshall({
            ':pk': pk,
            ...(range !== undefined && { ':from': range.from, ':to': range.to }),
          }),
          ConsistentRead: true,
          ...(start !== undefined && { ExclusiveStartKey: start }),
        }),
      );
      items.push(...(answer.Items ?? []).map((item) => unmarshall(item)));
      start = answer.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  }

  /** Writes an item, and overwrites an existing one. */
  async put(item: ItemKey & Readonly<Record<string, unknown>>): Promise<void> {
    await this.#client.send(
      new PutItemCommand({ TableName: this.#name, Item: marshall(item, { removeUndefinedValues: true }) }),
    );
  }

  /**
   * Writes an item if there is none, or overwrites the one with the given `writer`.
   * @returns whether it was written
   */
  async putOver(
    item: ItemKey & Readonly<Record<string, unknown>>,
    writer: string | undefined,
  ): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#name,
          Item: marshall(item, { removeUndefinedValues: true }),
          ...(writer === undefined
            ? { ConditionExpression: 'attribute_not_exists(pk)' }
            : {
                ConditionExpression: '#writer = :writer',
                ExpressionAttributeNames: { '#writer': 'writer' },
                ExpressionAttributeValues: marshall({ ':writer': writer }),
              }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** Deletes an item. @returns whether there was one */
  async remove({ pk, sk }: ItemKey): Promise<boolean> {
    const { Attributes } = await this.#client.send(
      new DeleteItemCommand({ TableName: this.#name, Key: marshall({ pk, sk }), ReturnValues: 'ALL_OLD' }),
    );
    return Attributes !== undefined;
  }
}

/** Returns a text that identifies a key. */
export function keyText({ pk, sk }: ItemKey): string {
  return JSON.stringify([pk, sk]);
}

/** DynamoDB refuses a request with the same key twice. */
function unique(keys: readonly ItemKey[]): ItemKey[] {
  return [...new Map(keys.map((key) => [keyText(key), key])).values()];
}
