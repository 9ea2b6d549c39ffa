import { describeError, errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Fix } from '../../model/requests.ts';
import { applyInverses, isApplied, isBegun } from './apply-inverses.ts';
import { byWhom, differencesOf, foreignChanges, newerFixes } from './as-left.ts';
import { type FixToUndo, findFix, type InverseStep } from './fix-to-undo.ts';
import { mayUndo } from './may-undo.ts';
import { type RecordedUndo, recordedBefore, recordUndo } from './record-undo.ts';
import { refuse, type UndoVerdict } from './undo-verdict.ts';
import type { UndoWork } from './undo-work.ts';
import { withoutFailed } from './without-failed.ts';

/**
 * Time within which an undo must become visible. AWS's reads lag by minutes, and AWS carries out some changes only
 * after it has accepted them.
 */
const LONGEST_WAIT_MILLISECONDS = 3_600_000;

/** The end of an attempt to undo a fix, with its outcome if the undo is concluded. */
export type UndoEnd =
  | Extract<UndoVerdict, { is: 'waiting' | 'retry' }>
  | { readonly is: 'concluded'; readonly recorded: RecordedUndo }
  /** The fix is not in the evidence, so no outcome is written for it. */
  | { readonly is: 'unknown'; readonly reason: string };

/**
 * Undoes a fix: reads what was changed, checks that the resource is as the fix left it, applies the inverses in reverse
 * order, and reads back. Errors are returned, not thrown.
 */
export async function undoFix(fix: Fix, work: UndoWork): Promise<UndoEnd> {
  try {
    const before = await recordedBefore(fix, work);
    if (before !== undefined) return { is: 'concluded', recorded: before };
    const found = await findFix(fix, work);
    if (!('verdict' in found)) return await undoFound(found, work);
    const { verdict, line } = found;
    return line === undefined
      ? { is: 'unknown', reason: verdict.reason }
      : await conclude(verdict, { fix, line }, work);
  } catch (error) {
    return { is: 'retry', error };
  }
}

async function undoFound(fix: FixToUndo, work: UndoWork): Promise<UndoEnd> {
  const resources = fix.steps.map(({ undoes }) => undoes.change.resource);
  const busy = resources.find((resource) => work.busy.has(resource));
  if (busy !== undefined) return { is: 'waiting', reason: `a newer fix of ${busy} is being undone first` };
  const end = await conclude(await undoOrError(fix, work), fix, work);
  if (end.is === 'waiting') for (const resource of resources) work.busy.add(resource);
  return end;
}

/** Records the final outcome of a fix. If there is none yet, saves what the next attempt needs. */
async function conclude(
  given: UndoVerdict,
  fix: Pick<FixToUndo, 'fix' | 'line'> & Partial<FixToUndo>,
  work: UndoWork,
): Promise<UndoEnd> {
  const verdict = lastWord(given, work);
  if (verdict.is !== 'waiting' && verdict.is !== 'retry') {
    return { is: 'concluded', recorded: await recordUndo(verdict, fix, work) };
  }
  await fix.journal?.writeNews();
  return verdict;
}

/** Refuses an undo that has no attempts left or takes too long. A later request continues where this one stopped. */
function lastWord(verdict: UndoVerdict, { attempt, beganAt, ports }: UndoWork): UndoVerdict {
  if (verdict.is === 'retry' && attempt.last) {
    const reason = `not finished after ${attempt.number} attempts. Submit another request to continue. Last error: ${describeError(verdict.error)}`;
    return refuse(reason);
  }
  const isOver = ports.clock.now() - Date.parse(beganAt) >= LONGEST_WAIT_MILLISECONDS;
  if (verdict.is !== 'waiting' || !isOver) return verdict;
  return refuse(`${verdict.reason}. This has not changed since ${beganAt}: check the resource by hand`);
}

async function undoOrError(fix: FixToUndo, work: UndoWork): Promise<UndoVerdict> {
  try {
    return await undo(fix, work);
  } catch (error) {
    if (errorKind(error) !== 'refused') return { is: 'retry', error };
    const isComplete = fix.journal.completedAt(fix.line.finding.resource) !== undefined;
    const words = isComplete ? 'the undo was applied, but could not be read back: ' : '';
    return refuse(`${words}${describeError(error)}`);
  }
}

async function undo(fix: FixToUndo, work: UndoWork): Promise<UndoVerdict> {
  const { journal, rule, line } = fix;
  const { resource } = line.finding;
  const completedAt = journal.completedAt(resource);
  if (completedAt !== undefined && journal.isPublished(resource)) {
    return refuse(`it was already undone at ${completedAt.toISOString()}`);
  }
  const blocked = completedAt === undefined ? await mayUndo(rule.id, work) : undefined;
  if (blocked !== undefined) return blocked;
  const session = await work.sessions.of(rule);
  if ('is' in session) return session;
  journal.start(work.beganAt);
  if (completedAt === undefined) return invert(session, fix, work);
  const anew = await withoutFailed(session, fix, work);
  if (anew === fix) return readBack(session, fix, []);
  return (await mayUndo(rule.id, work)) ?? invert(session, anew, work);
}

/** Applies the inverses that were not applied yet, unless something prevents it, and reads back. */
async function invert(session: AwsSession, fix: FixToUndo, work: UndoWork): Promise<UndoVerdict> {
  const { journal, line, steps } = fix;
  const foreign = await whatStandsAgainst(session, fix, work);
  if (!(foreign instanceof Map)) return foreign;
  const inverted = await applyInverses(session, fix, foreign, work);
  if ('stopped' in inverted) return stoppedWords(inverted.stopped, fix);
  const { left } = inverted;
  if (!steps.some((step) => isApplied(step, fix))) {
    return refuse(`no part of the fix can be undone: ${left.join('; ')}`);
  }
  journal.complete(line.finding.resource, new Date(work.ports.clock.now()));
  await journal.write();
  return readBack(session, fix, left);
}

/**
 * Finds later changes that prevent the undo.
 * @returns the steps that they prevent; the verdict if they prevent all of it
 */
async function whatStandsAgainst(
  session: AwsSession,
  fix: FixToUndo,
  work: UndoWork,
): Promise<Map<InverseStep, string> | UndoVerdict> {
  const fresh = fix.steps.filter((step) => !isBegun(step, fix));
  if (fresh.length === fix.steps.length) {
    const newer = await newerFixes(fix, work);
    if (newer.length > 0) {
      return refuse(`a later change must be undone first, or with it: ${newer.join('; ')}`);
    }
  }
  const foreign = new Map(await foreignChanges(session, fresh));
  const [first] = foreign;
  if (first === undefined || work.request.force) return foreign;
  const who = await byWhom(fix, first[0], work);
  return refuse(
    `the resource has changed since the fix: ${[...foreign.values()].join('; ')}${who}. To undo the rest of the fix, use --force`,
  );
}

/** Adds to the reason what was undone before the undo had to stop. */
function stoppedWords<V extends UndoVerdict>(stopped: V, fix: FixToUndo): V {
  const done = fix.steps.filter((step) => isApplied(step, fix)).map(({ inverse }) => `"${inverse.line}"`);
  if (stopped.is !== 'undo_refused' || done.length === 0) return stopped;
  return {
    ...stopped,
    reason: `${stopped.reason}; already undone: ${done.join(', ')}. Submit another request to continue`,
  };
}

/** Checks whether the resource is in the state that the inverses produce. */
async function readBack(session: AwsSession, fix: FixToUndo, left: readonly string[]): Promise<UndoVerdict> {
  const { journal, line, steps, leaves } = fix;
  const { resource } = line.finding;
  const made = steps.flatMap(({ inverse }) => {
    const applied = journal.applied(resource).findLast((each) => each.line === inverse.line);
    return applied === undefined ? [] : [applied.change];
  });
  const differences = [...(await differencesOf(session, made)).values()];
  if (differences.length > 0) {
    return {
      is: 'waiting',
      reason: `the undo was applied, but is not visible yet: ${differences.join('; ')}`,
    };
  }
  const notMade = steps.filter((step) => !isApplied(step, fix)).map(({ undoes }) => `"${undoes.line}"`);
  const words = [
    ...(notMade.length === 0 ? [] : [`not undone: ${[notMade.join(', '), ...left].join('; ')}`]),
    ...leaves,
  ];
  return { is: 'undone', ...(words.length > 0 && { reason: words.join('; ') }) };
}
