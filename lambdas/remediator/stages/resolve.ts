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

/** Selection of the changes to check. */
interface Asked {
  /** The changes that the resource still needs, which will be made again. Default: none. */
  readonly planned?: readonly Change[];
  /** Selects changes. Default: all. */
  readonly only?: (change: Change) => boolean;
}

/**
 * Determines which changes with unknown results were made, and records them as applied, with the data that their inverses
 * need. Changes that reads don't show remain unconfirmed.
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
    // Another job produced the current state, and has recorded it. Only a mark would distinguish this job's change from
    // it.
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
      // A stale read may show another job's mark, and not yet this job's. If another job only recorded that the
      // resource already existed, its record does not show who created it.
      const isOfOther = others.some((other) => foundNothing(other.change));
      const isKnown = isOfOther || (made === 'none' && mustShow);
      if (isKnown) journal.settle(resource, line);
      continue;
    }
    const inPart = `${line}${IN_PART}`;
    // The complete record includes the noted part.
    journal.drop(resource, inPart);
    // The change was made before those that were begun after it.
    const [next] = journal.appliedSince(resource, line);
    const found = foundChange(made, isNeeded ? inPart : line, begunAt);
    journal.apply(resource, [found], next);
    if (!isMarked) await claim(found, resource, { journal, recent });
    if (!isNeeded) journal.settle(resource, line);
  }
}

/**
 * Immediately records, for other jobs, a change that only the state of the resource shows. Otherwise, another job that
 * was interrupted at the same change could also record it.
 * @throws the error if the table can't be written; the change is then resolved again
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

/** Checks whether a later read may still show that a begun change was made. */
export function isBegunLately(
  resource: string,
  { line }: RecordedChange,
  { journal, ports }: Pick<Work, 'journal' | 'ports'>,
): boolean {
  const now = ports.clock.now();
  return !isLagOver(journal.beginOf(resource, line)?.getTime() ?? now, now);
}

/** Checks whether AWS may still be carrying out a begun change of a slow kind. */
function mayBeUnderWay(
  resource: string,
  { line }: RecordedChange,
  { journal, ports }: Pick<Work, 'journal' | 'ports'>,
): boolean {
  const begunAt = journal.beginOf(resource, line);
  return begunAt !== undefined && isWithinReason(begunAt.toISOString(), ports.clock.now());
}

/**
 * Keeps findings pending if a later read may still show that their begun changes were made. No outcome is written until
 * that is known.
 * @returns the verdicts on them; a later job checks again
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
      const why = isLate ? 'AWS may still be carrying it out' : "AWS's reads may be older than the call";
      const words = `it is not known yet whether "${line}" was applied: ${why}`;
      verdicts.set(resource, wait(words));
    }
  }
  return verdicts;
}

/** Checks whether a change was made. If the session lacks the permission, the result remains unknown. */
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

/** Selects the findings that have changes with unknown results. */
export function unresolvedOf(
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
): readonly Finding[] {
  return findings.filter(({ resource }) => journal.unresolved(resource).length > 0);
}

/**
 * Determines the results of changes that were begun for findings that a gate now stops.
 * @returns the verdicts on findings for which they can't be determined yet
 */
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
