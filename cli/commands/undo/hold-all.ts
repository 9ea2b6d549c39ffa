import pLimit from 'p-limit';
import { ALL, type HoldName, regionOfHold } from '../../../lambdas/model/operator-items.ts';
import type { Caller } from '../../caller.ts';
import { type Hold, holdText, readHolds } from '../../deployed/holds.ts';
import { putHold } from '../../deployed/put-hold.ts';
import type { Table } from '../../deployed/table.ts';
import type { UndoableFix } from '../../undo/fixes.ts';

const HOLDS_AT_ONCE = 16;

/** The held resources, in words. */
export interface HeldResources {
  /** The resources on which the command put a hold. */
  readonly held: string[];
  /** The resources whose earlier hold lasts at least as long, and remains as it is. */
  readonly heldBefore: string[];
}

/** The holds, and the error that stopped further ones. */
export interface Holds extends HeldResources {
  readonly error?: unknown;
}

/** The reason for the holds, and their last day. */
interface Holding {
  readonly reason: string;
  readonly until?: string | undefined;
}

/**
 * Holds the restored resources, so that no poll fixes them again. A hold that lasts at least as long remains as it is:
 * someone may need it for another reason.
 * @throws AWS's error if the existing holds can't be read, or no hold could be written
 */
export async function holdAll(
  table: Table,
  fixes: readonly UndoableFix[],
  holding: Holding,
  { arn: by }: Caller,
  now: Date,
): Promise<Holds> {
  const { until } = holding;
  const all = namesOf(fixes);
  const standing = new Map(
    (await readHolds(table, all, now)).map((hold) => [holdText(hold.name), hold] as const),
  );
  const isHeld = (name: HoldName): boolean => lasts(standing.get(holdText(name)), until);
  const names = all.filter((name) => !isHeld(name));
  const written = new Set<HoldName>();
  const errors: unknown[] = [];
  await pLimit(HOLDS_AT_ONCE).map(names, async (name) => {
    if (errors.length > 0) return;
    const reason = reasonOf(holding, standing.get(holdText(name)));
    try {
      await putHold(table, name, { by, reason, ...(until !== undefined && { until }) });
      written.add(name);
    } catch (error) {
      errors.push(error);
    }
  });
  const [error] = errors;
  if (error !== undefined && written.size === 0) throw error;
  return {
    held: names.filter((name) => written.has(name)).map(inWords),
    heldBefore: all.filter(isHeld).map(inWords),
    ...(error !== undefined && { error }),
  };
}

/** Reports whether a hold lasts at least until a day. One that cannot be parsed lasts until someone corrects it. */
function lasts(hold: Hold | undefined, until: string | undefined): boolean {
  if (hold === undefined) return false;
  const last = hold.says?.until;
  return last === undefined || (until !== undefined && last >= until);
}

/** Returns the reason for a hold, with that of the shorter hold that it replaces. */
function reasonOf({ reason }: Holding, replaced: Hold | undefined): string {
  const own = `undone: ${reason}`;
  if (replaced?.says === undefined) return own;
  const { by, until, reason: other } = replaced.says;
  return `${own}; also held by ${by} until ${until}: ${other}`;
}

function inWords({ account, region, resource }: HoldName): string {
  return `${account} ${region} ${resource}`;
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
