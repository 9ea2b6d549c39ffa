import { isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Meet } from '../../changes/change.ts';
import { waitForTurn } from '../../changes/index.ts';
import { burstOf, sideBySide } from '../../changes/side-by-side.ts';
import { MOST_SENDS, pauseAfter } from '../../changes/until-taken.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { resourcesOf } from '../record/holds.ts';
import { markInProgress, markPlace } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, wait, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Application } from './application.ts';
import { type AskedChange, askFor, beginChanges, type ChangeContext, makeChange } from './apply-change.ts';
import { ApplyingFix } from './applying-fix.ts';
import { lookAgain } from './look-again.ts';
import type { Planned } from './plan.ts';
import type { Shift } from './shift.ts';

/** Limits on applying plans. */
export interface Bounds {
  readonly shift: Shift;
  /** The verdicts on fixes that exceed the hourly limit. Nothing is changed before they are known. Never rejects. */
  readonly granted: Promise<Pick<Planned, 'verdicts'>>;
}

/**
 * Applies plans for different resources in parallel: the first change of each plan, then the second of each, and so on.
 * A plan ends at the first change that fails or that a gate prevents. No plan is started after the shift has ended.
 * Never throws. Before each change, holds, the pause, the maintenance window, and the remaining time are checked, and
 * the resource is read again unless its last read is fresh.
 */
export async function applyFixes(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  work: ConfiguredWork,
  { shift, granted }: Bounds,
): Promise<ReadonlyMap<PlannedFix, Application>> {
  const all = fixes.map((fix) => new ApplyingFix(fix));
  let marking = Promise.resolve();
  for (;;) {
    if (shift.isOver) await giveWay(left(all), work);
    const open = left(all);
    if (open.length === 0) break;
    const most = await burstOf(open.map(({ next }) => next));
    await makeNextChanges(session, open.slice(0, most), work, { granted, marking });
    // The final changes are recorded together with the next plans. If more changes follow, they start with reads, so
    // they do not wait for this write.
    if (left(all).length > 0) marking = work.journal.mark();
  }
  await marking;
  return new Map(all.map((each) => [each.fix, each.application]));
}

/**
 * Leaves plans that have not begun to a later job, which runs after the jobs that wait for the account. If a gate
 * prevents a plan, it gets the verdict of the gate instead.
 */
async function giveWay(applying: readonly ApplyingFix[], work: ConfiguredWork): Promise<void> {
  const waiting = applying.filter(({ index, sends }) => index === 0 && sends === 0);
  await Promise.all(waiting.map((each) => stopWhere(each, () => whyNotNow(each, work))));
  for (const each of left(waiting))
    each.stop(
      wait('a later job continues, so that other jobs of the account can run first', each.fix.details),
    );
}

/** Makes the next change of each plan. */
async function makeNextChanges(
  session: AwsSession,
  open: readonly ApplyingFix[],
  work: ConfiguredWork,
  { granted, marking }: Pick<Bounds, 'granted'> & { readonly marking: Promise<void> },
): Promise<void> {
  const sent = Math.max(...open.map(({ sends }) => sends));
  if (sent > 0) await work.ports.clock.sleep(pauseAfter(sent));
  // Waiting for AWS's rate comes first, because it may take seconds, and the reads and checks must be current when the
  // changes are made.
  await Promise.all(open.map(({ next }) => waitForTurn(session, next)));
  work.holds.watchOnly(
    open.map(({ fix: { finding, changes } }) => ({ finding, resources: resourcesOf(finding, changes) })),
  );
  await Promise.all(
    open.map((each) =>
      stopWhere(each, async () => (await whyNotNow(each, work)) ?? claim(session, each, work)),
    ),
  );
  await lookAgain(session, left(open), work);
  await marking;
  const begun = await begin(left(open), work, granted);
  const kinds = new Set([...begun.keys()].map(({ next }) => next.kind));
  await Promise.all(
    [...kinds].map((kind) => {
      const ofKind = [...begun].filter(([{ next }]) => next.kind === kind);
      return sideBySide(kind, ofKind, ([each, change], meet) => make(session, each, change, { work, meet }));
    }),
  );
}

/** Selects the plans that have not ended. */
function left(applying: readonly ApplyingFix[]): ApplyingFix[] {
  return applying.filter(({ end }) => end === undefined);
}

/**
 * Repeats the checks, and records that the next changes are about to be made, possibly while room for them is still
 * being reserved.
 * @returns the changes that may be made
 */
async function begin(
  applying: readonly ApplyingFix[],
  work: ConfiguredWork,
  granted: Bounds['granted'],
): Promise<ReadonlyMap<ApplyingFix, AskedChange>> {
  const begun = new Map<ApplyingFix, AskedChange>();
  await Promise.all(
    applying.map(async (each) => {
      const asked = await askFor(each.next, contextOf(each, work));
      if ('state' in asked) each.stop(asked);
      else begun.set(each, asked);
    }),
  );
  if (begun.size === 0) return begun;
  try {
    const changes = [...begun].map(([each, asked]) => ({ asked, context: contextOf(each, work) }));
    await beginChanges(changes, work.journal);
    const { verdicts } = await granted;
    for (const [each, { line }] of begun) {
      const refused = verdicts.get(each.resource);
      if (refused === undefined) continue;
      work.journal.cancel(each.resource, line);
      each.stop(refused);
      begun.delete(each);
    }
    return begun;
  } catch (error) {
    for (const each of begun.keys()) each.stop(retry(error, each.fix.details));
    return new Map();
  }
}

async function make(
  session: AwsSession,
  each: ApplyingFix,
  begun: AskedChange,
  { work, meet }: { readonly work: ConfiguredWork; readonly meet: Meet },
): Promise<void> {
  const made = await makeChange(session, begun, { ...contextOf(each, work), meet });
  // The next read must take this change into account.
  work.journal.apply(each.resource, made.applied);
  each.made(made, isUntouched(made) && each.sends < MOST_SENDS - 1);
}

/** Checks whether AWS did not accept a change, so that it had no effect and may be sent again. */
function isUntouched({ applied, end }: Application): boolean {
  return applied.length === 0 && end.is === 'stopped' && isNotTaken(end.error);
}

function contextOf(applying: ApplyingFix, work: ConfiguredWork): ChangeContext {
  const { journal, recent, ports } = work;
  const { finding, changes, details } = applying.fix;
  const { resource } = applying.next;
  const ask = () => firstVerdict(gatesAt('beforeEachChange'), finding, { ...work, changes });
  const ours = async () => (await recent.of([resource])).map(({ change }) => change);
  const others = () => recent.namesOfOthers(resource);
  return { resource: finding.resource, journal, clock: ports.clock, details, ask, ours, others };
}

async function stopWhere(each: ApplyingFix, ask: () => Promise<Verdict | undefined>): Promise<void> {
  const verdict = await ask();
  if (verdict !== undefined) each.stop(verdict);
}

/** Checks whether the change may be made now. @returns the verdict if it must not */
async function whyNotNow(
  { fix: { finding, changes, details } }: ApplyingFix,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const verdict = await firstVerdict(gatesAt('beforeEachChange'), finding, { ...work, changes });
  return verdict === undefined ? undefined : withDetails(verdict, details);
}

/**
 * Marks a resource before a runbook is started for it. @returns the verdict if another execution is or was recently
 * working on it
 */
async function claim(
  session: AwsSession,
  { fix: { finding, details }, next }: ApplyingFix,
  { job, runbook, ports }: ConfiguredWork,
): Promise<Verdict | undefined> {
  if (!isStart(next) || runbook === undefined) return undefined;
  try {
    const obstacle = await markInProgress(session, job, markPlace(finding, runbook, job), ports);
    if (obstacle === undefined) return undefined;
    const { reason, isShort } = obstacle;
    return isShort ? wait(reason, details) : conclude('deferred', { ...details, willRetry: true, reason });
  } catch (error) {
    return retry(error, details);
  }
}
