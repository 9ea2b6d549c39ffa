import { errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Change } from '../../changes/change.ts';
import {
  canFind,
  canTakeBack,
  findChange,
  findsByMark,
  isPlannedAnyway,
  takesLong,
} from '../../changes/index.ts';
import { foundNothing } from '../../changes/made-by.ts';
import type { Finding } from '../../model/finding.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { IN_PART } from '../record/in-part.ts';
import { isLagOver } from '../record/recent-changes.ts';
import { isWithinReason } from '../runbooks/marks.ts';
import { type Verdict, type Verdicts, verdictOfError, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import { foundChange } from './applied-change.ts';
import { recordPlan } from './record-plan.ts';

/** The changes to check. */
interface Asked {
  /** The changes that the resource needs now: such a change is made again. Default: none. */
  readonly planned?: readonly Change[];
  /** Default: all. */
  readonly only?: (change: Change) => boolean;
}

/**
 * Finds out by reading which changes were made that an attempt began and whose answers are unknown, and records them
 * as applied, with what their inverses need. What reads don't show stays unconfirmed.
 */
export async function resolveBegun(
  session: AwsSession,
  { resource }: Finding,
  { journal, recent }: Pick<Work, 'journal' | 'recent'>,
  { planned = [], only = () => true }: Asked = {},
): Promise<void> {
  const lines = new Set((await recordPlan(planned)).map(({ line }) => line));
  const since = journal.startOf(session.now());
  for (const { change, line } of journal.unresolved(resource)) {
    if (!only(change)) continue;
    const isNeeded = lines.has(line);
    const known = journal.applied(resource).filter((each) => each.line === line);
    if (isNeeded && (known.length > 0 || !(await isPlannedAnyway(change)))) continue;
    const isMarked = await findsByMark(change);
    const byOthers = await recent.byOthers(change.resource, since);
    const others = byOthers.filter(
      (other) => other.line === line && journal.isByOtherSince(resource, line, other) !== false,
    );
    // What stands now is another job's doing, and in its record. A mark tells it from this job's own.
    if (others.length > 0 && !isMarked) {
      journal.settle(resource, line);
      continue;
    }
    const begunAt = journal.beginOf(resource, line) ?? session.now();
    const mustShow = isLagOver(begunAt.getTime(), session.now().getTime());
    if (!(mustShow || isMarked)) continue;
    const recorded = known.map((each) => each.change);
    const made = await findUnlessRefused(session, change, since, recorded);
    if (made === undefined || made === 'none') {
      // A read that is old may show another job's mark, and not yet this one's.
      // One that found it there, and made nothing more, says nothing about who made it.
      const isOfOther = others.some((other) => foundNothing(other.change));
      const isKnown = isOfOther || (made === 'none' && mustShow);
      if (isKnown) journal.settle(resource, line);
      continue;
    }
    const inPart = `${line}${IN_PART}`;
    // What was noted of it is part of it.
    journal.drop(resource, inPart);
    // It was made before what was begun after it.
    const [next] = journal.appliedSince(resource, line);
    const found = foundChange(made, isNeeded ? inPart : line, begunAt);
    journal.apply(resource, [found], next);
    if (!isMarked) await claim(found, resource, { journal, recent });
    if (!isNeeded) journal.settle(resource, line);
  }
}

/**
 * Tells other jobs at once what only the state shows: one that was cut off at the same change must not record it, too.
 * @throws whatever the table can't be written by; then it is found out again
 */
async function claim(
  { line, change }: AppliedChange,
  resource: string,
  { journal, recent }: Pick<Work, 'journal' | 'recent'>,
): Promise<void> {
  const [failure] = await recent.write();
  if (failure === undefined) return;
  journal.drop(resource, line, change);
  throw failure;
}

/** Reports whether a later read may still show that a change was made which was begun. */
export function isBegunLately(
  resource: string,
  { line }: RecordedChange,
  { journal, ports }: Pick<Work, 'journal' | 'ports'>,
): boolean {
  const now = ports.clock.now();
  return !isLagOver(journal.beginOf(resource, line)?.getTime() ?? now, now);
}

/** Reports whether AWS may still be working on a change that was begun, and takes long. */
function mayBeUnderWay(
  resource: string,
  { line }: RecordedChange,
  { journal, ports }: Pick<Work, 'journal' | 'ports'>,
): boolean {
  const begunAt = journal.beginOf(resource, line);
  return begunAt !== undefined && isWithinReason(begunAt.toISOString(), ports.clock.now());
}

/**
 * Holds findings of which a later read may still show what was begun: it is in no outcome before that.
 * @returns the verdicts on them: a later job checks again
 */
export async function awaitKnowledge(
  findings: readonly Finding[],
  work: Pick<Work, 'journal' | 'ports'>,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  for (const { resource } of findings) {
    for (const begun of work.journal.unresolved(resource)) {
      const { change, line } = begun;
      if (isStart(change) || !(await canFind(change)) || (await canTakeBack(change))) continue;
      const isLate = !isBegunLately(resource, begun, work);
      if (isLate && !((await takesLong(change)) && mayBeUnderWay(resource, begun, work))) continue;
      const why = isLate ? 'AWS may still be working on it' : "AWS's reads may be from before it";
      const words = `whether "${line}" was made is not known yet: ${why}`;
      verdicts.set(resource, wait(words));
    }
  }
  return verdicts;
}

/** A session that is not allowed to read cannot find out, so the result stays unknown. */
async function findUnlessRefused(
  session: AwsSession,
  change: Change,
  since: Date,
  known: readonly Change[],
): Promise<Change | 'none' | undefined> {
  try {
    return await findChange(session, change, since, known);
  } catch (error) {
    if (errorKind(error) === 'refused') return undefined;
    throw error;
  }
}

/** The findings for which it is not known yet what an attempt changed. */
export function unresolvedOf(
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
): readonly Finding[] {
  return findings.filter(({ resource }) => journal.unresolved(resource).length > 0);
}

/** Finds out what was begun of findings that a gate stops now. @returns the verdicts where that can't be found out yet */
export async function resolveStopped(
  session: AwsSession,
  findings: readonly Finding[],
  work: Pick<Work, 'journal' | 'recent'>,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  for (const finding of findings) {
    try {
      await resolveBegun(session, finding, work);
    } catch (error) {
      verdicts.set(finding.resource, verdictOfError(error));
    }
  }
  return verdicts;
}
