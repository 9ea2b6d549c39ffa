import {
  type CountItem,
  countItemSchema,
  countKey,
  endOfSlot,
  slotsIn,
} from '../../lambdas/model/count-item.ts';
import type { Counter } from '../../lambdas/model/limits.ts';
import type { Table } from './table.ts';

/** Counts the changes of the last hour that count toward a limit, by scope of the counters. */
export async function changesCounted(
  table: Table,
  counters: readonly Counter[],
  now: Date,
): Promise<ReadonlyMap<string, number>> {
  const items = await table.read(countItemSchema, counters.map(countKey));
  return new Map(
    counters.map((counter) => {
      const { pk } = countKey(counter);
      const item = items.find((each) => each['pk'] === pk);
      return [counter.scope, item === undefined ? 0 : countingIn(item, now)];
    }),
  );
}

function countingIn(item: CountItem, now: Date): number {
  return [...slotsIn(item)]
    .filter(([slot]) => endOfSlot(slot) > now.getTime())
    .reduce((sum, [, changes]) => sum + changes, 0);
}
