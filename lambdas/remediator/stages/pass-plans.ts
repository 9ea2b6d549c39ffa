import { firstVerdict } from '../gates/gate.ts';
import { resourcesOf } from '../gates/held.ts';
import { gates } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { type Verdict, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Planned } from './plan.ts';

/** Passes plans through the gates that go by what would be changed. @returns those that pass, and verdicts on the others */
export async function passPlans(fixes: readonly PlannedFix[], work: ConfiguredWork): Promise<Planned> {
  const verdicts = new Map<string, Verdict>();
  if (work.mode !== 'enforce') return { fixes, verdicts };
  const passed: PlannedFix[] = [];
  await work.holds.prepare(
    fixes.map(({ finding, changes }) => ({ finding, resources: resourcesOf(finding, changes) })),
  );
  for (const fix of fixes) {
    const verdict = await passPlan(fix, work);
    if (verdict === undefined) passed.push(fix);
    else verdicts.set(fix.finding.resource, verdict);
  }
  return { fixes: passed, verdicts };
}

/** Passes one plan through the gates that go by what would be changed. @returns the verdict where one holds it */
export async function passPlan(
  { finding, changes, details }: PlannedFix,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const verdict = await firstVerdict(gates.beforePlanIsApplied, finding, { ...work, changes });
  return verdict === undefined ? undefined : withDetails(verdict, details);
}
