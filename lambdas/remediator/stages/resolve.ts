import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import { findChange } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import type { Work } from '../work.ts';
import { recordPlan } from './record-plan.ts';

/**
 * Finds out by reading which changes were made that an attempt began and of which no answer is known, and records them
 * as applied, with what their inverses need. What reads don't show stays unconfirmed.
 * @param planned what the resource needs now: such a change is made again
 */
export async function resolveBegun(
  session: AwsSession,
  { resource }: Finding,
  { journal }: Pick<Work, 'journal'>,
  planned: readonly Change[] = [],
): Promise<void> {
  const lines = new Set((await recordPlan(planned)).map(({ line }) => line));
  for (const { change, line } of journal.unresolved(resource)) {
    if (lines.has(line)) continue;
    const made = await findChange(session, change);
    if (made === undefined) continue;
    const appliedAt = (journal.begunAt(resource) ?? session.now()).toISOString();
    journal.apply(resource, [{ change: { ...made }, line, appliedAt, requestIds: [], found: true }]);
    journal.settle(resource, line);
  }
}
