import { isDeepStrictEqual } from 'node:util';
import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { type Reading, readingOf } from '../reading.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Application } from './application.ts';
import { planAnew } from './plan-anew.ts';
import { targetOf } from './same-target.ts';

/** Time after which a resource may be gone, exempt or fixed by its owner since it was read. */
const FRESH_MILLISECONDS = 2_000;
/** The calls that one change makes at most before its last write. */
const CALLS_OF_A_CHANGE = 3;

/**
 * Reads a resource again before a change where the last reading is not fresh, and passes it through the gates. A plan of
 * which nothing is applied yet must come out as it was. Of one that is begun, what is left must still be planned: each
 * change looks for itself whether what it rests on is as it was.
 * @param index of the change that is to be made next
 */
export async function lookAgain(
  session: AwsSession,
  fix: PlannedFix,
  index: number,
  work: ConfiguredWork,
  last: Reading,
): Promise<{ readonly reading: Reading; readonly end?: Application['end'] }> {
  if (isFresh(last, index, session, work)) return { reading: last };
  const { resource } = fix.finding;
  const { fixes, verdicts } = await planAnew(session, [fix], work);
  const reading = readingOf(session, work);
  const verdict = verdicts.get(resource);
  if (verdict !== undefined) return { reading, end: { is: 'stopped', verdict } };
  const anew = fixes.flatMap(({ changes }) => changes);
  const left = fix.changes.slice(index);
  const isPlanned =
    index === 0
      ? isDeepStrictEqual(anew, left)
      : left.every((change) => anew.some((other) => isAbout(other, change)));
  if (isPlanned) return { reading };
  return { reading, end: { is: 'stale', words: `${resource} is not as it was when its fix was planned` } };
}

/** Tells whether two changes of a kind are about the same part of the same resource. */
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

function isFresh(last: Reading, index: number, session: AwsSession, { ports }: ConfiguredWork): boolean {
  // Calls before the first change were made for another finding, and took their time.
  const calls = index === 0 ? 0 : CALLS_OF_A_CHANGE;
  return session.calls.length - last.calls <= calls && ports.clock.now() - last.at <= FRESH_MILLISECONDS;
}
