import type { AwsSession } from '../../aws/session.ts';
import { isChangeVisible } from '../../changes/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { type RecentChange, recentChanges } from '../record/recent-changes.ts';
import { retry, type Verdict, verdictOfError, wait, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Planned } from './plan.ts';
import { planAnew } from './plan-anew.ts';

/**
 * Holds fixes whose resources we changed lately, by any rule, until AWS's reads show these changes: nothing is changed on
 * a read from before them. Where they are visible now, the resource is read and planned anew, because the plan may still
 * rest on an older read.
 */
export async function waitForOwnChanges(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  work: ConfiguredWork,
): Promise<Planned> {
  const verdicts = new Map<string, Verdict>();
  const ready: PlannedFix[] = [];
  const changedLately: PlannedFix[] = [];
  for (const fix of fixes) {
    const seen = await ownChangesOf(session, fix, work);
    if (seen === 'none') ready.push(fix);
    else if (seen === 'visible') changedLately.push(fix);
    else verdicts.set(fix.finding.resource, withDetails(seen, fix.details));
  }
  const anew = await planAnew(session, changedLately, work);
  return { fixes: [...ready, ...anew.fixes], verdicts: new Map([...verdicts, ...anew.verdicts]) };
}

/** Whether we changed a fix's resources lately, and AWS shows it; a verdict where it does not, or nobody knows. */
async function ownChangesOf(
  session: AwsSession,
  { finding, changes }: PlannedFix,
  work: ConfiguredWork,
): Promise<'none' | 'visible' | Verdict> {
  let recent: readonly RecentChange[];
  try {
    recent = await recentChanges([finding.resource, ...changes.map(({ resource }) => resource)], work);
  } catch (error) {
    return retry(error);
  }
  try {
    for (const { change, line, rule, appliedAt } of recent) {
      if (await isChangeVisible(session, change)) continue;
      return wait(
        `AWS's reads of ${change.resource} do not show yet what ${rule} changed at ${appliedAt} (${line}): nothing is changed on a read from before that`,
      );
    }
  } catch (error) {
    return verdictOfError(error);
  }
  return recent.length === 0 ? 'none' : 'visible';
}
