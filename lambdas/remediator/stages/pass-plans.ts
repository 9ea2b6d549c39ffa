import type { Change } from '../../changes/change.ts';
import { firstVerdict, type Gate } from '../gates/gate.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { resourcesOf } from '../record/holds.ts';
import { type Verdict, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Planned } from './plan.ts';

/**
 * Checks plans against gates.
 * @returns the plans that pass, and the verdicts on the others, which include their plans
 */
export async function passPlans<Context extends ConfiguredWork>(
  fixes: readonly PlannedFix[],
  gates: readonly Gate<Context & { readonly changes: readonly Change[] }>[],
  context: Context,
): Promise<Planned> {
  const verdicts = new Map<string, Verdict>();
  if (gates.length === 0) return { fixes, verdicts };
  // The holds are read once for all plans.
  const asked = fixes.map(({ finding, changes }) => ({ finding, resources: resourcesOf(finding, changes) }));
  context.holds.watch(asked);
  for (const { finding, changes, details } of fixes) {
    const verdict = await firstVerdict(gates, finding, { ...context, changes });
    if (verdict !== undefined) verdicts.set(finding.resource, withDetails(verdict, details));
  }
  return { fixes: fixes.filter(({ finding }) => !verdicts.has(finding.resource)), verdicts };
}
