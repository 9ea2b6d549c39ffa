import { z } from 'zod';
import type { FindingsTable } from '../../aws/findings-table.ts';
import { tripItemSchema, tripKey } from '../../model/breaker.ts';
import { formatIssues } from '../../model/issues.ts';
import {
  type HoldName,
  holdItemSchema,
  holdKey,
  type RetryName,
  resumeItemSchema,
  resumeKey,
  retryItemSchema,
  retryKey,
} from '../../model/operator-items.ts';
import { type ItemKey, parseItem } from '../../model/table-items.ts';
import type { BreakerState, Hold, OperatorItems, OperatorNames, RetryRequest } from './findings-store.ts';

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });

/** Reads by one question what operators have written under names, and the breaker that they may resume. */
export async function readOperatorItems(
  table: Pick<FindingsTable, 'read'>,
  { holds = [], retries = [], breaker }: OperatorNames,
): Promise<OperatorItems> {
  const keys = [
    ...new Map([...holds.map(holdKey), ...retries.map(retryKey)].map((key) => [textOf(key), key])).values(),
    ...(breaker === undefined ? [] : [tripKey(breaker), resumeKey(breaker)]),
  ];
  const found = (await table.read(keys)).map((item) => keySchema.parse(item));
  const items = new Map(found.map((item) => [textOf(item), item]));
  const itemOf = (key: ItemKey): unknown => items.get(textOf(key));
  const trip = breaker && itemOf(tripKey(breaker));
  return {
    holds: holds.flatMap((name) => holdOf(name, itemOf(holdKey(name)))),
    retries: retries.flatMap((name) => retryOf(name, itemOf(retryKey(name)))),
    breaker: {
      item: trip === undefined ? undefined : parseItem(tripItemSchema, trip),
      resume: breaker && resumeOf(itemOf(resumeKey(breaker))),
    },
  };
}

function holdOf(name: HoldName, item: unknown): Hold[] {
  if (item === undefined) return [];
  const parsed = holdItemSchema.safeParse(item);
  if (!parsed.success) return [{ name, problem: formatIssues(parsed.error) }];
  const { version: _, ...hold } = parsed.data;
  return [{ name, ...hold }];
}

function retryOf(name: RetryName, item: unknown): RetryRequest[] {
  if (item === undefined) return [];
  const parsed = retryItemSchema.safeParse(item);
  if (!parsed.success) return [{ name, problem: formatIssues(parsed.error) }];
  const { version: _, ...request } = parsed.data;
  return [{ name, ...request }];
}

function resumeOf(item: unknown): BreakerState['resume'] {
  if (item === undefined) return undefined;
  const parsed = resumeItemSchema.safeParse(item);
  return parsed.success ? parsed.data : { problem: formatIssues(parsed.error) };
}

function textOf({ pk, sk }: ItemKey): string {
  return JSON.stringify([pk, sk]);
}
