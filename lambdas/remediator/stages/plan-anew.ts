import type { AwsSession } from '../../aws/session.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { readingOf } from '../reading.ts';
import { type Verdicts, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { assessEach } from './assess.ts';
import { type Planned, planFixes } from './plan.ts';

/**
 * Reads resources and plans their fixes again, because they may have been deleted, exempted by a tag, or fixed by their
 * owner in the meantime.
 */
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
  const planned = await planFixes(session, findings, assessments, work, endings, readingOf(session, work));
  return { fixes: planned.fixes, verdicts: withPlans(planned.verdicts, fixes, work) };
}

/** Adds the earlier plan to the verdicts on resources for which changes were applied. The other plans had no effect. */
function withPlans(verdicts: Verdicts, fixes: readonly PlannedFix[], { journal }: ConfiguredWork): Verdicts {
  const details = new Map(fixes.map((fix) => [fix.finding.resource, fix.details]));
  return new Map(
    [...verdicts].map(([resource, verdict]) => {
      const isBegun = journal.applied(resource).length > 0;
      return [resource, isBegun ? withDetails(verdict, details.get(resource) ?? {}) : verdict];
    }),
  );
}
