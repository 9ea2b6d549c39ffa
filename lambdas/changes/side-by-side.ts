import type { Change } from './change.ts';
import { load } from './index.ts';

/** Counts how many of some changes, in their order, AWS takes at once without throttling them: at least one. */
export async function burstOf(changes: readonly Change[]): Promise<number> {
  const taken = new Map<string, number>();
  for (const [index, change] of changes.entries()) {
    const { pace, ...kind } = await load(change);
    if (pace === undefined) continue;
    const calls = (taken.get(pace.quota) ?? 0) + kind.calls(change);
    if (calls > pace.burst && index > 0) return index;
    taken.set(pace.quota, calls);
  }
  return changes.length;
}

/** Returns the number of resources to which a kind of change is applied in parallel. */
export async function atOnceOf(kind: string): Promise<number> {
  return (await load({ kind })).atOnce;
}
