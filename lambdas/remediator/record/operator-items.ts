import type { ZodType } from 'zod';
import type { FindingsTable } from '../../aws/findings-table.ts';
import { tripItemSchema, tripKey } from '../../model/breaker.ts';
import { countKey } from '../../model/count-item.ts';
import { formatIssues } from '../../model/issues.ts';
import { countersOf } from '../../model/limits.ts';
import {
  holdItemSchema,
  holdKey,
  resumeItemSchema,
  resumeKey,
  retryItemSchema,
  retryKey,
} from '../../model/operator-items.ts';
import { parseItem } from '../../model/table-items.ts';
import type { BreakerName, BreakerState, OperatorItems, OperatorNames } from './findings-store.ts';
import { ItemsByKey } from './items-by-key.ts';

/**
 * Reads, in one call, the items that operators have written under these names, a breaker with the item that resumes it,
 * and counters.
 */
export async function readOperatorItems(
  table: Pick<FindingsTable, 'read'>,
  { holds = [], retries = [], breaker, counted }: OperatorNames,
): Promise<OperatorItems> {
  const counters = counted === undefined ? [] : countersOf(counted).map(countKey);
  const keys = [
    ...new Map(
      [...holds.map(holdKey), ...retries.map(retryKey)].map((key) => [`${key.pk} ${key.sk}`, key]),
    ).values(),
    ...(breaker === undefined ? [] : [tripKey(breaker), resumeKey(breaker)]),
    ...counters,
  ];
  const items = new ItemsByKey(await table.read(keys));
  return {
    holds: holds.flatMap((name) => writtenAs(holdItemSchema, name, items.at(holdKey(name)))),
    retries: retries.flatMap((name) => writtenAs(retryItemSchema, name, items.at(retryKey(name)))),
    breaker: breaker === undefined ? { item: undefined, resume: undefined } : breakerIn(items, breaker),
    counters: items.all(counters),
  };
}

/** Returns the state of a breaker whose keys were read. */
export function breakerIn(items: ItemsByKey, breaker: BreakerName): BreakerState {
  const trip = items.at(tripKey(breaker));
  return {
    item: trip === undefined ? undefined : parseItem(tripItemSchema, trip),
    resume: resumeOf(items.at(resumeKey(breaker))),
  };
}

/**
 * Parses the item that an operator wrote under a name.
 * @returns its content or its parse error; an empty list if there is no item
 */
function writtenAs<Name, Content extends { readonly version: 1 }>(
  schema: ZodType<Content>,
  name: Name,
  item: unknown,
): ({ readonly name: Name } & (Omit<Content, 'version'> | { readonly problem: string }))[] {
  if (item === undefined) return [];
  const parsed = schema.safeParse(item);
  if (!parsed.success) return [{ name, problem: formatIssues(parsed.error) }];
  const { version: _, ...content } = parsed.data;
  return [{ name, ...content }];
}

function resumeOf(item: unknown): BreakerState['resume'] {
  if (item === undefined) return undefined;
  const parsed = resumeItemSchema.safeParse(item);
  return parsed.success ? parsed.data : { problem: formatIssues(parsed.error) };
}
