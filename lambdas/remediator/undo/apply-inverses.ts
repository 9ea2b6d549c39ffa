import { isAwsError, isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import { canFind, differenceOf, endsLater, findChange, waitForTurn } from '../../changes/index.ts';
import { MOST_SENDS, pauseAfter } from '../../changes/until-taken.ts';
import { isLagOver } from '../record/recent-changes.ts';
import type { Application } from '../stages/application.ts';
import { foundChange } from '../stages/applied-change.ts';
import { applyOneChange } from '../stages/apply-change.ts';
import { conclude, retry, type Verdict } from '../verdict.ts';
import type { FixToUndo, InverseStep } from './fix-to-undo.ts';
import { mayUndo } from './may-undo.ts';
import { refuse, type UndoVerdict } from './undo-verdict.ts';
import type { UndoWork } from './undo-work.ts';

/**
 * Result of applying inverses: descriptions of the steps that were skipped, or the verdict that ended the undo early.
 */
export type Inverted =
  | { readonly left: readonly string[] }
  | { readonly stopped: Exclude<UndoVerdict, { is: 'undone' }> };

/**
 * Applies the inverses of a fix's changes in reverse order. Inverses that an earlier attempt has applied are skipped.
 * The journal is written before and after each inverse. Without `force`, the first inverse that can't be applied ends
 * the undo.
 * @param foreign steps to skip because someone has changed their resource since, with a description of the difference
 */
export async function applyInverses(
  session: AwsSession,
  fix: FixToUndo,
  foreign: ReadonlyMap<InverseStep, string>,
  work: UndoWork,
): Promise<Inverted> {
  const { journal, steps, line } = fix;
  const { resource } = line.finding;
  const left: string[] = [...foreign.values()];
  journal.plan(
    resource,
    steps.map(({ inverse }) => inverse),
  );
  for (const step of steps) {
    if (foreign.has(step) || isApplied(step, fix)) continue;
    const end = await applyInverse(session, step, fix, work);
    if (end === undefined) {
      await journal.mark();
      continue;
    }
    if (end.is !== 'undo_refused' || end.gate !== undefined || !work.request.force) return { stopped: end };
    left.push(end.reason);
  }
  return { left };
}

/** Checks whether a step's inverse is known to be completely applied. */
export function isApplied({ inverse }: InverseStep, { journal, line }: FixToUndo): boolean {
  const { resource } = line.finding;
  if (journal.unresolved(resource).some((each) => each.line === inverse.line)) return false;
  return journal.applied(resource).some((each) => each.line === inverse.line);
}

/**
 * Checks whether any attempt has begun a step's inverse. If so, the resource may differ from the state that the fix
 * left.
 */
export function isBegun({ inverse }: InverseStep, { journal, line }: FixToUndo): boolean {
  const { resource } = line.finding;
  return [...journal.unresolved(resource), ...journal.applied(resource)].some(
    (each) => each.line === inverse.line || each.line.startsWith(`${inverse.line} (`),
  );
}

/** Applies the inverse of one step. @returns undefined if it was applied; otherwise the verdict */
async function applyInverse(
  session: AwsSession,
  { inverse }: InverseStep,
  fix: FixToUndo,
  work: UndoWork,
): Promise<Exclude<UndoVerdict, { is: 'undone' }> | undefined> {
  const { journal, rule, line } = fix;
  const { resource } = line.finding;
  const { clock } = work.ports;
  try {
    const isBegunBefore = journal.unresolved(resource).some((each) => each.line === inverse.line);
    if (isBegunBefore && (await recordIfMade(session, inverse, fix))) return undefined;
    const ask = async () => verdictOf(await mayUndo(rule.id, work));
    const ours = () => oursTo(inverse.change.resource, fix, work);
    for (let sends = 1; ; sends += 1) {
      await waitForTurn(session, inverse.change);
      const context = { resource, journal, clock, details: {}, ask, ours };
      const application = await applyOneChange(session, inverse.change, context);
      journal.apply(resource, application.applied);
      if (application.end.is === 'applied') return undefined;
      if (sends === MOST_SENDS || !isUntouched(application)) {
        // It may be rejected now because an earlier attempt had already applied part of it.
        if (isBegunBefore && (await recordIfMade(session, inverse, fix))) return undefined;
        return endOf(application.end, inverse.line);
      }
      await clock.sleep(pauseAfter(sends));
    }
  } catch (error) {
    return { is: 'retry', error };
  }
}

/**
 * Records an inverse that an interrupted attempt applied, if reads show it, or show that AWS is still carrying it out.
 * @returns whether it was applied
 */
async function recordIfMade(
  session: AwsSession,
  { change, line: words }: InverseStep['inverse'],
  { journal, line }: FixToUndo,
): Promise<boolean> {
  if ((await differenceOf(session, change)) !== undefined && !(await isUnderWay(session, change)))
    return false;
  const { resource } = line.finding;
  journal.apply(resource, [foundChange(change, words, journal.beginOf(resource, words) ?? session.now())]);
  return true;
}

/** Checks whether AWS accepted a change that it completes only later, of a kind that reads show in the meantime. */
async function isUnderWay(session: AwsSession, change: Change): Promise<boolean> {
  if (!(await endsLater(change)) || !(await canFind(change))) return false;
  const found = await findChange(session, change, session.now());
  return found !== undefined && found !== 'none';
}

/** Lists our changes to a resource that AWS's reads may not show yet, including those of this undo, oldest first. */
async function oursTo(
  resource: string,
  { journal, line }: FixToUndo,
  { request, ports }: UndoWork,
): Promise<readonly Change[]> {
  const { account, region } = request;
  const known = await ports.table.readChanged([{ account, region, resource }]);
  const own = journal.applied(line.finding.resource).filter(({ change }) => change.resource === resource);
  return [...known.flatMap(({ changes }) => changes), ...own]
    .filter(({ appliedAt }) => !isLagOver(Date.parse(appliedAt), ports.clock.now()))
    .map(({ change }) => change);
}

function isUntouched({ applied, end }: Application): boolean {
  return applied.length === 0 && end.is === 'stopped' && isNotTaken(end.error);
}

/** Converts the gate's verdict to the form that changes expect. */
function verdictOf(verdict: Awaited<ReturnType<typeof mayUndo>>): Verdict | undefined {
  if (verdict === undefined) return undefined;
  if (verdict.is === 'retry') return retry(verdict.error);
  const { reason, gate } = verdict;
  return conclude('undo_refused', { reason, ...(gate !== undefined && { gate }) });
}

function endOf(
  end: Exclude<Application['end'], { is: 'applied' }>,
  line: string,
): Exclude<UndoVerdict, { is: 'undone' }> {
  if (end.is === 'stale') return refuse(`"${line}" was not applied: ${end.words}`);
  const { verdict, error } = end;
  if (verdict.state === 'retry') return { is: 'retry', error: verdict.error };
  if (verdict.state === 'in_progress') return { is: 'waiting', reason: verdict.reason };
  const { reason = verdict.outcome, gate } = verdict.details;
  if (verdict.outcome === 'deferred') return { is: 'waiting', reason };
  if (gate === 'pause' || gate === 'settings') return { ...refuse(reason), gate };
  const advice = isAwsError(error, 'AccessDenied', 'UnauthorizedOperation', 'Client.UnauthorizedOperation')
    ? '. The permissions for undo require undo = true: set it in the module target or target-stackset, and apply'
    : '';
  return refuse(`"${line}" was not applied: ${reason}${advice}`);
}
