import type { Change } from '../../changes/change.ts';
import { describeChange } from '../../changes/index.ts';
import type { RecordedChange } from '../../model/outcome.ts';

/** The changes in the form that evidence keeps and a person reads. */
export function recordPlan(plan: readonly Change[]): Promise<RecordedChange[]> {
  return Promise.all(
    plan.map(async (change) => ({ change: { ...change }, line: await describeChange(change) })),
  );
}
