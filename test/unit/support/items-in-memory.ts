import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { FindingsTable, ItemWrite, Put } from '../../../lambdas/aws/findings-table.ts';
import type { ItemKey } from '../../../lambdas/model/table-items.ts';
import { TableModel } from '../../chaos/accounting/table.ts';

/** The findings table as its class gives it, with DynamoDB's conditions, in memory. */
export class ItemsInMemory implements Pick<FindingsTable, 'read' | 'putIf'> {
  readonly #model = new TableModel();
  /** The number of writes that were carried out. */
  writes = 0;

  get items(): readonly Record<string, unknown>[] {
    return this.#model.items;
  }

  async read(keys: readonly ItemKey[]): Promise<unknown[]> {
    await Promise.resolve();
    return keys.flatMap((key) => this.#model.item(key) ?? []);
  }

  async putIf({ item, condition }: Required<ItemWrite>): Promise<Put> {
    await Promise.resolve();
    try {
      this.#model.put({
        Item: marshall(item, { removeUndefinedValues: true }),
        ConditionExpression: condition.expression,
        ExpressionAttributeNames: condition.names,
        ExpressionAttributeValues: marshall(condition.values),
      });
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { isWritten: false, found: error.Item && unmarshall(error.Item) };
    }
    this.writes += 1;
    return { isWritten: true };
  }
}
