import { z } from 'zod';
import type { AwsCall } from '../aws-proxy/index.ts';
import { arnOf, type Calls, type Requirement, type Requires, requirement, text } from './requirement.ts';

/** The partition key of every table here. */
const itemSchema = z.looseObject({ pk: z.looseObject({ S: z.string() }) });

/**
 * Lists DynamoDB's requirements for an action on items of a table. `dynamodb:LeadingKeys` are the items' partition keys; a
 * request without items has no such key.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function onItems(
  call: AwsCall,
  action: string,
  table: string,
  items: readonly unknown[] | undefined,
): Requirement {
  const resource = table.startsWith('arn:') ? table : arnOf(call, 'dynamodb', `table/${table}`);
  const keys = [...new Set(items?.map((item) => itemSchema.parse(item).pk.S))];
  return requirement(
    call,
    `dynamodb:${action}`,
    resource,
    items === undefined ? {} : { 'dynamodb:LeadingKeys': keys },
  );
}

const onOneItem =
  (parameter: 'Item' | 'Key'): Requires =>
  (call) => [onItems(call, call.operation, text(call, 'TableName'), [call.parameters[parameter]])];

const batchGetSchema = z.record(z.string(), z.looseObject({ Keys: z.array(z.unknown()) }));
const batchWriteSchema = z.record(
  z.string(),
  z.array(
    z.looseObject({
      PutRequest: z.looseObject({ Item: z.unknown() }).optional(),
      DeleteRequest: z.looseObject({ Key: z.unknown() }).optional(),
    }),
  ),
);
const writeSchema = z.looseObject({
  TableName: z.string(),
  Item: z.unknown().optional(),
  Key: z.unknown().optional(),
});
const transactSchema = z.array(
  z.strictObject({
    Put: writeSchema.optional(),
    Update: writeSchema.optional(),
    Delete: writeSchema.optional(),
    ConditionCheck: writeSchema.optional(),
  }),
);

const valuesSchema = z.looseObject({ ':pk': z.looseObject({ S: z.string() }) });

/** The required actions for the parts of a transaction. There is none for the transaction itself. */
const actionsInTransactions = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
} as const;

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html */
export const tableCalls: Calls = {
  'dynamodb:GetItem': onOneItem('Key'),
  'dynamodb:PutItem': onOneItem('Item'),
  'dynamodb:UpdateItem': onOneItem('Key'),
  'dynamodb:DeleteItem': onOneItem('Key'),
  'dynamodb:BatchGetItem': (call) =>
    Object.entries(batchGetSchema.parse(call.parameters['RequestItems'])).map(([table, { Keys }]) =>
      onItems(call, 'BatchGetItem', table, Keys),
    ),
  'dynamodb:BatchWriteItem': (call) =>
    Object.entries(batchWriteSchema.parse(call.parameters['RequestItems'])).map(([table, writes]) =>
      onItems(
        call,
        'BatchWriteItem',
        table,
        writes.map(({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest?.Key),
      ),
    ),
  'dynamodb:TransactWriteItems': (call) =>
    transactSchema.parse(call.parameters['TransactItems']).flatMap((write) =>
      (['Put', 'Update', 'Delete', 'ConditionCheck'] as const).flatMap((kind) => {
        const part = write[kind];
        if (part === undefined) return [];
        return [onItems(call, actionsInTransactions[kind], part.TableName, [part.Item ?? part.Key])];
      }),
    ),
  /** The key is a value of the condition, whatever name the request gives it. */
  'dynamodb:Query'(call) {
    const { ':pk': key } = valuesSchema.parse(call.parameters['ExpressionAttributeValues']);
    return [onItems(call, 'Query', text(call, 'TableName'), [{ pk: key }])];
  },
  // A scan covers all items, and the request names no partition keys.
  'dynamodb:Scan': (call) => [onItems(call, 'Scan', text(call, 'TableName'), undefined)],
};
