import type { Change } from '../../changes/change.ts';
import { describeChange } from '../../changes/index.ts';
import type { RecordedChange } from '../../model/outcome.ts';

/** Converts changes to the form that evidence contains, with a line for people to read. */
export function recordPlan(plan: readonly Change[]): Promise<RecordedChange[]> {
  return Promise.all(
    plan.map(async (change) => ({ change: { ...change }, line: await describeChange(change) })),
  );
}
