import type { AwsSession } from '../../aws/session.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { readingOf } from '../reading.ts';
import type { ConfiguredWork } from '../work.ts';
import { assessEach } from './assess.ts';
import { type Planned, planFixes } from './plan.ts';

/** Reads resources and plans their fixes anew: one may be gone, exempt by its tag or fixed by its owner meanwhile. */
export async function planAnew(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  work: ConfiguredWork,
): Promise<Planned> {
  if (fixes.length === 0) return { fixes: [], verdicts: new Map() };
  const findings = fixes.map(({ finding }) => finding);
  const endings = new Map(
    fixes.flatMap(({ finding, ending }) =>
      ending === undefined ? [] : [[finding.resource, ending] as const],
    ),
  );
  const resources = findings.map(({ resource }) => resource);
  const assessments = await assessEach(work.rule, session, resources, work.settings.options);
  return planFixes(findings, assessments, work, endings, readingOf(session, work));
}
