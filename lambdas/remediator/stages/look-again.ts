import { isDeepStrictEqual } from 'node:util';
import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import { looksAtAll } from '../../changes/index.ts';
import { readingOf } from '../reading.ts';
import type { ConfiguredWork } from '../work.ts';
import type { ApplyingFix } from './applying-fix.ts';
import { planAnew } from './plan-anew.ts';
import { targetOf } from './same-target.ts';

/** Maximum age of a fresh read. Later, the resource may be gone, exempt, or fixed by its owner. */
const FRESH_MILLISECONDS = 2_000;
/** Maximum number of calls that one change makes before its last write. */
const CALLS_OF_A_CHANGE = 3;

/**
 * Reads resources again in one batch before their next changes if their last reads are not fresh, and checks the gates.
 * A plan that has not begun must be unchanged. If a plan has begun, its remaining changes must still be part of the new
 * plan; each change itself checks the state that it depends on. Changes that read all of it immediately before they
 * write are left out. For rules that need several calls per resource, only what their changes do not read is read
 * again, such as tags, and everything only if it has changed. The result is noted in each plan.
 */
export async function lookAgain(
  session: AwsSession,
  applying: readonly ApplyingFix[],
  work: ConfiguredWork,
): Promise<void> {
  const lookThemselves = await Promise.all(applying.map(({ next }) => looksAtAll(next)));
  const notFresh = applying.filter(
    (each, index) => lookThemselves[index] === false && !isFresh(each, session, work),
  );
  const areUnchanged = await Promise.all(notFresh.map(hasSameRest));
  const restReadAt = readingOf(session, work);
  const old = notFresh.filter((each, index) => {
    if (areUnchanged[index] === true) each.looked(restReadAt);
    return areUnchanged[index] !== true;
  });
  if (old.length === 0) return;
  const { fixes, verdicts } = await planAnew(
    session,
    old.map(({ fix }) => fix),
    work,
  );
  const reading = readingOf(session, work);
  for (const each of old) {
    const { resource } = each;
    const verdict = verdicts.get(resource);
    const anew = fixes
      .filter(({ finding }) => finding.resource === resource)
      .flatMap(({ changes }) => changes);
    if (verdict !== undefined) each.stop(verdict);
    else if (isStillPlanned(each, anew)) each.looked(reading);
    else each.stale(`${resource} has changed since its fix was planned`);
  }
}

/**
 * Checks whether what the changes of a resource do not read themselves is still the same. Only for resources that have
 * not been changed yet, of rules that support it; otherwise false.
 */
async function hasSameRest({ index, fix: { rest } }: ApplyingFix): Promise<boolean> {
  if (index > 0 || rest === undefined) return false;
  try {
    return isDeepStrictEqual(await rest.again(), rest.seen);
  } catch {
    // The resource may be gone. The full read will show that.
    return false;
  }
}

function isStillPlanned({ index, fix }: ApplyingFix, anew: readonly Change[]): boolean {
  const left = fix.changes.slice(index);
  if (index === 0) return isDeepStrictEqual(anew, left);
  return left.every((change) => anew.some((other) => isAbout(other, change)));
}

/** Checks whether two changes have the same kind and concern the same part of the same resource. */
function isAbout(
  one: Change & { readonly key?: unknown },
  other: Change & { readonly key?: unknown },
): boolean {
  return (
    one.kind === other.kind &&
    one.resource === other.resource &&
    one.key === other.key &&
    targetOf({ ...one }) === targetOf({ ...other })
  );
}

function isFresh(
  { index, reading, callsSince }: ApplyingFix,
  session: AwsSession,
  { ports }: ConfiguredWork,
): boolean {
  if (ports.clock.now() - reading.at > FRESH_MILLISECONDS) return false;
  // Any calls since the read and before the first change were made for other findings.
  return index === 0 ? session.calls.length === reading.calls : callsSince <= CALLS_OF_A_CHANGE;
}
