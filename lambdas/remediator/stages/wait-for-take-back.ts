import type { Change } from '../../changes/change.ts';
import { restsOnAdded } from '../../changes/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { type Verdict, wait } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Planned } from './plan.ts';
import { isSameTarget } from './same-target.ts';
import { heldWords, takeable } from './unfinished.ts';

/**
 * Delays plans that depend on entries that an earlier attempt added for a change that these plans do not continue. The
 * entries are taken back first. Otherwise, they would have to stay, and in a network ACL without its open entry, they
 * would allow traffic that was not allowed before.
 * @returns the other plans, and the verdicts on the delayed findings, which a later job plans again
 */
export async function waitForTakeBack(
  fixes: readonly PlannedFix[],
  { journal }: Pick<ConfiguredWork, 'journal'>,
): Promise<Planned> {
  const verdicts = new Map<string, Verdict>();
  for (const { finding, changes, details } of fixes) {
    for (const begun of await takeable(journal.unresolved(finding.resource))) {
      const isContinued = changes.some((planned) => isSameTarget({ ...planned }, begun.change));
      if (isContinued || !(await restsOnAnyOf(changes, begun.change))) continue;
      verdicts.set(
        finding.resource,
        wait(heldWords(begun, 'the planned changes are made after that'), details),
      );
    }
  }
  return { fixes: fixes.filter(({ finding }) => !verdicts.has(finding.resource)), verdicts };
}

async function restsOnAnyOf(changes: readonly Change[], begun: Change): Promise<boolean> {
  const rest = await Promise.all(changes.map((planned) => restsOnAdded(planned, begun)));
  return rest.includes(true);
}
