import pLimit from 'p-limit';
import { ALL, type HoldName, regionOfHold } from '../../../lambdas/model/operator-items.ts';
import type { Caller } from '../../caller.ts';
import { holdText } from '../../deployed/holds.ts';
import { putHold } from '../../deployed/put-hold.ts';
import type { Table } from '../../deployed/table.ts';
import type { UndoableFix } from '../../undo/fixes.ts';

const HOLDS_AT_ONCE = 16;

/** The holds that were written, in words, and the error that stopped further ones. */
export interface Holds {
  readonly held: string[];
  readonly error?: unknown;
}

/**
 * Holds the restored resources, so that no poll fixes them again.
 * @throws AWS's error if no hold could be written
 */
export async function holdAll(
  table: Table,
  fixes: readonly UndoableFix[],
  { reason, until }: { readonly reason: string; readonly until?: string | undefined },
  { arn: by }: Caller,
): Promise<Holds> {
  const hold = { by, reason: `undone: ${reason}`, ...(until !== undefined && { until }) };
  const names = namesOf(fixes);
  const written = new Set<HoldName>();
  const errors: unknown[] = [];
  await pLimit(HOLDS_AT_ONCE).map(names, async (name) => {
    if (errors.length > 0) return;
    try {
      await putHold(table, name, hold);
      written.add(name);
    } catch (error) {
      errors.push(error);
    }
  });
  const [error] = errors;
  if (error !== undefined && written.size === 0) throw error;
  const held = names
    .filter((name) => written.has(name))
    .map(({ account, region, resource }) => `${account} ${region} ${resource}`);
  return { held, ...(error !== undefined && { error }) };
}

function namesOf(fixes: readonly UndoableFix[]): HoldName[] {
  const names = fixes.flatMap(({ account, fix: { region }, resources }) =>
    resources.map((resource) => ({
      account,
      region: regionOfHold({ region, resource }),
      resource,
      rule: ALL,
    })),
  );
  return [...new Map(names.map((name) => [holdText(name), name])).values()];
}
