import type { Change } from '../change.ts';
import type { Standing } from './calls.ts';
import { describeEntry } from './entry.ts';
import { madeOf, narrowSchema } from './narrow.ts';
import { restoreSchema } from './restore.ts';

/** Returns the descriptions of the entries that our changes deleted or replaced, and have not restored since. */
function endedBy(ours: readonly Change[]): ReadonlySet<string> {
  const ended = new Set<string>();
  for (const change of ours) {
    const narrowed = narrowSchema.safeParse(change).data;
    if (narrowed !== undefined) {
      for (const entry of madeOf(narrowed)) ended.delete(describeEntry(entry));
      if (narrowed.closed === 'yes') {
        ended.add(describeEntry(narrowed.before));
        if (narrowed.after !== null) ended.delete(describeEntry(narrowed.after));
      }
    }
    const restored = restoreSchema.safeParse(change).data;
    if (restored === undefined) continue;
    if (restored.over !== null) ended.add(describeEntry(restored.over));
    if (restored.open !== null) ended.delete(describeEntry(restored.open));
    for (const entry of restored.remove) ended.add(describeEntry(entry));
  }
  return ended;
}

/** Checks whether a read of a network ACL shows our latest changes: it has no entry that we deleted or replaced. */
export function showsOurs({ entries }: Standing, ours: readonly Change[]): boolean {
  const ended = endedBy(ours);
  return entries.every((entry) => !ended.has(describeEntry(entry)));
}
