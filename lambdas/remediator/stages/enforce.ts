import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import { endsLater } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import type { Acted } from '../action.ts';
import { gatesAt } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { LAG_MILLISECONDS } from '../record/recent-changes.ts';
import { conclude, type Verdict, wait } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Application } from './application.ts';
import { type Bounds as ApplyBounds, applyFixes } from './apply.ts';
import { noteApplication, noteUndone } from './note-results.ts';
import { waitForOwnChanges } from './own-changes.ts';
import { passPlans } from './pass-plans.ts';
import type { Planned } from './plan.ts';
import { planAnew } from './plan-anew.ts';
import { readBack } from './read-back.ts';
import { ReservedRoom } from './reserve.ts';
import { Shift } from './shift.ts';
import { waitForTakeBack } from './wait-for-take-back.ts';

/** Maximum number of new plans for a resource that keeps changing; after that, it is left to the next poll. */
const MOST_PLANS_ANEW = 2;

/** A fix whose plan is out of date, because the state that it depends on has changed. */
interface Stale {
  readonly fix: PlannedFix;
  readonly words: string;
}

/** Limits on what an attempt changes. */
interface Bounds {
  readonly room: ReservedRoom;
  readonly shift: Shift;
}

/** The result of one round of applying. */
interface Round {
  readonly verdicts: Map<string, Verdict>;
  readonly changed: PlannedFix[];
  readonly stale: Stale[];
  readonly idle: Finding[];
}

/**
 * Applies the plans and reads the resources back. If the state that a plan depends on has changed, the resource is read
 * and the fix is planned again, at most twice.
 */
export async function enforce(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  work: ConfiguredWork,
): Promise<Acted> {
  const verdicts = new Map<string, Verdict>();
  const changed: PlannedFix[] = [];
  const idle: Finding[] = [];
  const room = new ReservedRoom(work);
  const shift = new Shift(work.ports.clock);
  let planned: Planned = { fixes, verdicts };
  for (let plans = 0; planned.fixes.length > 0; plans += 1) {
    const round = await applyRound(session, planned.fixes, { room, shift }, work);
    addAll(verdicts, round.verdicts);
    changed.push(...round.changed);
    idle.push(...round.idle);
    if (plans === MOST_PLANS_ANEW) {
      for (const each of round.stale) verdicts.set(each.fix.finding.resource, keepsChanging(each));
      break;
    }
    planned = await planAnew(
      session,
      round.stale.map(({ fix }) => fix),
      work,
    );
    addAll(verdicts, planned.verdicts);
  }
  // Room is released, results are noted, and evidence is announced while the resources are read back.
  const [{ kept: counted, failures }, results] = await Promise.all([
    room.release(),
    readBack(session, changed, work),
    work.journal.mark(),
    announce(changed, work),
  ]);
  addAll(verdicts, results);
  const { reached, accountLimitUsed } = room;
  return { verdicts, idle, counted, reached, accountLimitUsed, failures };
}

/**
 * Records in the table, for other jobs, what was changed, and announces the evidence, while the resources are read
 * back. Both must be recorded before the evidence is written. If this fails, it is repeated then.
 */
async function announce(changed: readonly PlannedFix[], { recent, log }: ConfiguredWork): Promise<void> {
  if (changed.length === 0) return;
  const changes = changed.flatMap((fix) => fix.changes);
  const areLater = await Promise.all(changes.map(endsLater));
  await Promise.all([recent.write(), ...(areLater.includes(true) ? [] : [log.announceAhead()])]);
}

async function applyRound(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  { room, shift }: Bounds,
  work: ConfiguredWork,
): Promise<Round> {
  const { journal } = work;
  const visible = await waitForOwnChanges(session, fixes, work);
  // Gates apply to these plans, because resources that we changed recently were planned again.
  const settled = await waitForTakeBack(visible.fixes, work);
  for (const { finding } of settled.fixes) noteUndone(finding, work);
  const passed = await passPlans(settled.fixes, gatesAt('beforePlanIsApplied'), work);
  const { isLikely, granted } = room.for(passed.fixes);
  // If there is probably room under the limits, the planned changes are written to the journal while it is reserved.
  const ready = isLikely ? passed.fixes : (await granted).fixes;
  const verdicts = new Map([...visible.verdicts, ...settled.verdicts, ...passed.verdicts]);
  const round: Round = { verdicts, changed: [], stale: [], idle: [] };
  for (const { finding, details } of ready) journal.plan(finding.resource, details.plan, details.seen);
  let now: PlannedFix[] = [];
  // Two findings may concern the same resource, such as the snapshots of a cluster. AWS's reads must show the change
  // for the first finding before the change for the second one is made.
  const others: PlannedFix[] = [];
  const toChange = new Set<string>();
  for (const fix of ready) {
    const unknown = unknownOf(fix, work);
    if (unknown !== undefined) {
      const words = `it is not known yet whether ${unknown} was changed for another finding of this poll`;
      round.verdicts.set(fix.finding.resource, wait(words, fix.details));
    } else if (fix.changes.some(({ resource }) => toChange.has(resource))) others.push(fix);
    else {
      now.push(fix);
      for (const { resource } of fix.changes) toChange.add(resource);
    }
  }
  const withRoom = async (fixes: PlannedFix[]): Promise<PlannedFix[]> => {
    const refused = (await granted).verdicts;
    return fixes.filter(({ finding }) => !refused.has(finding.resource));
  };
  while (now.length > 0) {
    const batch = now.splice(0, work.breaker.mostAtOnce(now.length));
    await applyBatch(session, batch, { work, shift, granted }, round);
    now = await withRoom(now);
  }
  addAll(round.verdicts, (await granted).verdicts);
  const later = await withRoom(others);
  if (later.length === 0) return round;
  const next = await applyRound(session, later, { room, shift }, work);
  addAll(round.verdicts, next.verdicts);
  return {
    verdicts: round.verdicts,
    changed: [...round.changed, ...next.changed],
    stale: [...round.stale, ...next.stale],
    idle: [...round.idle, ...next.idle],
  };
}

/**
 * Finds a resource that may have just been changed for another finding: the result is unknown, and reads may not show
 * it yet. If this fix changed the resource too, the same change could be made and recorded twice.
 */
function unknownOf(
  { finding, changes }: PlannedFix,
  { journal, ports }: Pick<ConfiguredWork, 'journal' | 'ports'>,
): string | undefined {
  const since = ports.clock.now() - LAG_MILLISECONDS;
  return changes
    .map(({ resource }) => resource)
    .find((resource) => journal.isBegunElsewhere(resource, finding.resource, new Date(since)));
}

/** Applies fixes of different resources in parallel, and adds their results to the round. */
async function applyBatch(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  { work, ...bounds }: { readonly work: ConfiguredWork } & ApplyBounds,
  round: Round,
): Promise<void> {
  const { journal, ports } = work;
  // The previous changes may have opened the breaker.
  const passed = await passPlans(fixes, gatesAt('beforePlanIsApplied'), work);
  addAll(round.verdicts, passed.verdicts);
  for (const [fix, application] of await applyFixes(session, passed.fixes, work, bounds)) {
    const { resource } = fix.finding;
    const { end } = application;
    noteApplication(fix.finding, application, work);
    if (end.is === 'stale') round.stale.push({ fix, words: end.words });
    else if (end.is === 'stopped') round.verdicts.set(resource, end.verdict);
    else if (fix.changes.some(isStart))
      round.verdicts.set(resource, wait('the runbook was started', fix.details));
    else {
      journal.complete(resource, new Date(ports.clock.now()));
      round.changed.push(fix);
    }
    if (isIdle(fix, application, work)) round.idle.push(fix.finding);
  }
}

/**
 * Checks whether the start of a runbook was not sent, not accepted, or refused, so that no execution works on the
 * finding.
 */
function isIdle(
  { finding, changes }: PlannedFix,
  { end }: Application,
  { journal }: ConfiguredWork,
): boolean {
  if (end.is === 'applied' || !changes.some(isStart)) return false;
  // A start with an unknown answer, by any attempt, may have succeeded.
  return !journal.unresolved(finding.resource).some(({ change }) => isStart(change));
}

function keepsChanging({ fix: { finding, details }, words }: Stale): Verdict {
  const reason = `${finding.resource} keeps changing: ${MOST_PLANS_ANEW + 1} plans in a row were out of date before they could be applied. Last reason: ${words}`;
  return conclude('deferred', { ...details, willRetry: true, reason });
}

function addAll(verdicts: Map<string, Verdict>, more: ReadonlyMap<string, Verdict>): void {
  for (const [resource, verdict] of more) verdicts.set(resource, verdict);
}
