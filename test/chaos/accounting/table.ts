import {
  type AttributeValue,
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';

const attributeSchema = z.union([z.object({ S: z.string() }), z.object({ N: z.string() })]);
const itemSchema = z.custom<Record<string, AttributeValue>>(
  (value) => typeof value === 'object' && value !== null,
);
const putSchema = z.looseObject({
  Item: itemSchema,
  ConditionExpression: z.string().optional(),
  ExpressionAttributeNames: z.record(z.string(), z.string()).default({}),
  ExpressionAttributeValues: z.record(z.string(), attributeSchema).default({}),
});
type Put = z.infer<typeof putSchema>;
const updateSchema = z.looseObject({
  Key: itemSchema,
  UpdateExpression: z.string(),
  ConditionExpression: z.string(),
  ExpressionAttributeNames: z.record(z.string(), z.string()).default({}),
  ExpressionAttributeValues: z.record(z.string(), attributeSchema).default({}),
});
type Item = Put['Item'];
const keySchema = z.looseObject({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) });
const batchSchema = z.looseObject({
  RequestItems: z.record(z.string(), z.object({ Keys: z.array(itemSchema), ConsistentRead: z.boolean() })),
});
const transactionSchema = z.looseObject({ TransactItems: z.array(z.object({ Put: putSchema })).max(100) });

function keyOf(item: Item): string {
  const { pk, sk } = keySchema.parse(item);
  return JSON.stringify([pk.S, sk.S]);
}

/** DynamoDB, as far as the product uses it: conditional puts of whole items, transactions, and updates of one item. */
export class TableModel {
  readonly #items = new Map<string, Item>();
  /** Items as they were before their last write. */
  readonly #before = new Map<string, Item | undefined>();
  #laggingReads = 0;
  /** Transactions that were executed: one that the SDK sends again is not executed again. */
  readonly #done = new WeakSet<object>();

  /** All items, as plain values. */
  get items(): readonly Record<string, unknown>[] {
    return [...this.#items.values()].map((item) => unmarshall(item));
  }

  /** The item under a key, as plain values. */
  item(key: { readonly pk: string; readonly sk: string }): Record<string, unknown> | undefined {
    const found = this.#items.get(JSON.stringify([key.pk, key.sk]));
    return found && unmarshall(found);
  }

  /** Deletes an item, as DynamoDB does when it has expired. */
  delete(key: { readonly pk: string; readonly sk: string }): void {
    this.#items.delete(JSON.stringify([key.pk, key.sk]));
  }

  /** Reads items. Every second read that need not be consistent lacks the last write of each item. */
  batchGet(input: unknown): object {
    const Responses = Object.entries(batchSchema.parse(input).RequestItems).map(
      ([table, { Keys, ConsistentRead }]) => {
        const isOld = !ConsistentRead && this.#laggingReads++ % 2 === 0;
        const items = isOld ? this.#before : this.#items;
        return [
          table,
          Keys.map((key) => structuredClone(items.get(keyOf(key)))).filter((item) => item !== undefined),
        ];
      },
    );
    return { Responses: Object.fromEntries(Responses) };
  }

  #set(key: string, item: Item): void {
    this.#before.set(key, this.#items.get(key));
    this.#items.set(key, item);
  }

  put(input: unknown): object {
    const put = putSchema.parse(input);
    const found = this.#items.get(keyOf(put.Item));
    if (!holds(put, found)) {
      throw new ConditionalCheckFailedException({
        message: 'The conditional request failed',
        $metadata: { httpStatusCode: 400 },
        ...(found !== undefined && { Item: structuredClone(found) }),
      });
    }
    this.#set(keyOf(put.Item), structuredClone(put.Item));
    return found !== undefined && put['ReturnValues'] === 'ALL_OLD' ? { Attributes: found } : {};
  }

  update(input: unknown): object {
    const update = updateSchema.parse(input);
    const key = keyOf(update.Key);
    const found = this.#items.get(key);
    if (!holds(update, found)) {
      throw new ConditionalCheckFailedException({
        message: 'The conditional request failed',
        $metadata: { httpStatusCode: 400 },
        ...(found !== undefined && { Item: structuredClone(found) }),
      });
    }
    this.#set(key, updated(update, { ...update.Key, ...found }));
    return {};
  }

  transact(input: unknown, command: object): object {
    if (this.#done.has(command)) return {};
    const puts = transactionSchema.parse(input).TransactItems.map(({ Put: put }) => put);
    const CancellationReasons = puts.map((put) => ({
      Code: holds(put, this.#items.get(keyOf(put.Item))) ? 'None' : 'ConditionalCheckFailed',
    }));
    if (CancellationReasons.some(({ Code }) => Code !== 'None')) {
      throw new TransactionCanceledException({
        message: 'Transaction cancelled',
        $metadata: { httpStatusCode: 400 },
        CancellationReasons,
      });
    }
    for (const put of puts) this.#set(keyOf(put.Item), structuredClone(put.Item));
    this.#done.add(command);
    return {};
  }
}

/** An item after an update with `ADD`, `SET` with values or `if_not_exists`, and `REMOVE`, each for other attributes. */
function updated(
  { UpdateExpression, ExpressionAttributeNames, ExpressionAttributeValues }: z.infer<typeof updateSchema>,
  item: Item,
): Item {
  const next = structuredClone(item);
  const clauses = UpdateExpression.split(/ ?\b(ADD|SET|REMOVE) /).slice(1);
  for (let at = 0; at < clauses.length; at += 2) {
    for (const part of (clauses[at + 1] ?? '').split(/, (?=#)/)) {
      const [, placeholder = ''] = /^(#\w+)/.exec(part) ?? [];
      const [, value = ''] = /(:\w+)\)?$/.exec(part) ?? [];
      const name = ExpressionAttributeNames[placeholder];
      if (name === undefined) throw new Error(`the model does not support the update ${part}`);
      if (clauses[at] === 'REMOVE') {
        delete next[name];
        continue;
      }
      const given = ExpressionAttributeValues[value];
      if (given === undefined) throw new Error(`${value} has no value`);
      if (part.includes('if_not_exists') && next[name] !== undefined) continue;
      next[name] =
        clauses[at] === 'ADD' && 'N' in given
          ? { N: String(Number(next[name]?.N ?? 0) + Number(given.N)) }
          : given;
    }
  }
  return next;
}

/** Compares numbers by value, and texts by characters. */
function isLess(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  return String(left) < String(right);
}

/**
 * Tells whether an item meets a condition. Supports `AND`, `OR`, parentheses, comparisons, `attribute_exists` and its
 * opposite.
 */
function holds(
  {
    ConditionExpression,
    ExpressionAttributeNames,
    ExpressionAttributeValues,
  }: Pick<Put, 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>,
  found: Item | undefined,
): boolean {
  if (ConditionExpression === undefined) return true;
  const tokens = ConditionExpression.match(/\(|\)|<>|<=|>=|[=<>]|[#:\w]+/g) ?? [];
  const item: Record<string, unknown> = found === undefined ? {} : unmarshall(found);
  let at = 0;
  const take = (): string => {
    const token = tokens[at];
    if (token === undefined) throw new Error(`a condition ends too early: ${ConditionExpression}`);
    at += 1;
    return token;
  };
  const operand = (token: string): unknown => {
    if (!token.startsWith(':')) return item[ExpressionAttributeNames[token] ?? token];
    const value = ExpressionAttributeValues[token];
    if (value === undefined) throw new Error(`${token} has no value`);
    return 'S' in value ? value.S : Number(value.N);
  };
  const comparison = (): boolean => {
    const first = take();
    if (first === '(') {
      const result = disjunction();
      take();
      return result;
    }
    if (first === 'attribute_not_exists' || first === 'attribute_exists') {
      take();
      const isThere = operand(take()) !== undefined;
      take();
      return isThere === (first === 'attribute_exists');
    }
    const [left, operator, right] = [operand(first), take(), operand(take())];
    // A comparison with a missing attribute is false.
    if (left === undefined || typeof left !== typeof right) return false;
    switch (operator) {
      case '=':
        return left === right;
      case '<>':
        return left !== right;
      case '<':
        return isLess(left, right);
      case '<=':
        return left === right || isLess(left, right);
      default:
        throw new Error(`the model does not support ${operator}`);
    }
  };
  const conjunction = (): boolean => {
    let result = comparison();
    while (tokens[at] === 'AND') {
      at += 1;
      const next = comparison();
      result = result && next;
    }
    return result;
  };
  const disjunction = (): boolean => {
    let result = conjunction();
    while (tokens[at] === 'OR') {
      at += 1;
      const next = conjunction();
      result = result || next;
    }
    return result;
  };
  return disjunction();
}
