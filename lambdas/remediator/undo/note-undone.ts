import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { DeliveryError } from '../../model/errors.ts';
import type { AppliedChange, Outcome } from '../../model/outcome.ts';
import type { Fix } from '../../model/requests.ts';
import type { Changed } from '../record/findings-store.ts';
import type { InverseStep } from './fix-to-undo.ts';
import { type UndoWork, undoJournalId } from './undo-work.ts';

/** Maximum number of attempts to write, because other writers may be faster. */
const MOST_WRITES = 10;

/**
 * Writes what was undone to the table. Jobs then wait until AWS's reads show it, and no longer expect to see the
 * reverted changes. An item is only overwritten if it has not changed since it was read.
 * @throws DeliveryError if another writer changed the item during each attempt; AWS's own error otherwise
 */
export async function noteUndone(
  fix: Fix,
  steps: readonly InverseStep[],
  outcome: Outcome,
  { request, ports }: UndoWork,
): Promise<void> {
  const { account, region } = request;
  const job = undoJournalId(request, fix);
  const writer = randomUUID();
  const undone = steps
    .filter(({ inverse }) => outcome.applied.some((each) => each.line === inverse.line))
    .map(({ undoes }) => undoes);
  const isUndone = (each: AppliedChange): boolean =>
    undone.some(({ line, appliedAt }) => line === each.line && appliedAt === each.appliedAt);
  const resources = [...new Set([...undone, ...outcome.applied].map(({ change }) => change.resource))];
  for (let writes = 0; writes < MOST_WRITES; writes += 1) {
    const known = await ports.table.readChanged(resources.map((resource) => ({ account, region, resource })));
    const changed = resources.flatMap((resource): Changed[] => {
      const before = known.find((each) => each.resource === resource)?.changes ?? [];
      const others = before.filter((each) => each.job !== job && !isUndone(each));
      const own = outcome.applied
        .filter(({ change }) => change.resource === resource)
        .map((each) => ({ ...each, rule: fix.rule, job, undo: true as const }));
      const changes = [...others, ...own];
      return isDeepStrictEqual(changes, before) ? [] : [{ account, region, resource, writer, changes }];
    });
    if (changed.length === 0) return;
    const over = known.filter(({ resource }) => changed.some((each) => each.resource === resource));
    if (await ports.table.writeChanged(changed, over)) return;
  }
  throw new DeliveryError(
    `undone changes in account ${account} could not be written: another writer changed the item during each of ${MOST_WRITES} attempts`,
  );
}
