import type { AwsSession } from '../aws/session.ts';
import type { Change } from '../changes/change.ts';
import { applyChange, describeChange } from '../changes/index.ts';
import type { AppliedChange, RecordedChange } from '../model/outcome.ts';

/** How far a plan came. `error`: what stopped it; undefined when all of it was applied. */
export interface Application {
  readonly applied: readonly AppliedChange[];
  readonly error?: unknown;
}

/** A plan in the form that evidence keeps and a person reads. */
export function recordPlan(plan: readonly Change[]): Promise<RecordedChange[]> {
  return Promise.all(
    plan.map(async (change) => ({ change: { ...change }, line: await describeChange(change) })),
  );
}

/** Applies the changes of a plan, in order, up to the first that fails. Never throws. */
export async function applyPlan(session: AwsSession, plan: readonly Change[]): Promise<Application> {
  const applied: AppliedChange[] = [];
  for (const change of plan) {
    const callsBefore = session.calls.length;
    try {
      // Before it is made: nothing may go wrong between a change and the note of it.
      const line = await describeChange(change);
      const made = await applyChange(session, change);
      applied.push({
        change: { ...made },
        line,
        appliedAt: session.now().toISOString(),
        requestIds: session.calls.slice(callsBefore).flatMap(({ requestId }) => requestId ?? []),
      });
    } catch (error) {
      return { applied, error };
    }
  }
  return { applied };
}
