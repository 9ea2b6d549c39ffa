import type { Change } from '../change.ts';
import { narrowSchema } from './narrow.ts';
import { restoreSchema } from './restore.ts';

/** Returns the numbers of the entries that changes have created and not deleted again. */
export function standingOf(changes: readonly Change[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const change of changes) {
    for (const number of narrowSchema.safeParse(change).data?.made ?? []) numbers.add(number);
    for (const { ruleNumber } of restoreSchema.safeParse(change).data?.remove ?? [])
      numbers.delete(ruleNumber);
  }
  return numbers;
}
