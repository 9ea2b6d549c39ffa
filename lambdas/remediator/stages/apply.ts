import { isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import { waitForTurn } from '../../changes/index.ts';
import { burstOf, type Meet, sideBySide } from '../../changes/side-by-side.ts';
import { MOST_SENDS, pauseAfter } from '../../changes/until-taken.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { resourcesOf } from '../record/holds.ts';
import { endedRecently, markInProgress, markPlace, startedElsewhere } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, wait, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Application } from './application.ts';
import { type AskedChange, askFor, beginChanges, type ChangeContext, makeChange } from './apply-change.ts';
import { ApplyingFix } from './applying-fix.ts';
import { lookAgain } from './look-again.ts';
import type { Planned } from './plan.ts';
import type { Shift } from './shift.ts';

/** The bounds of what is applied. */
export interface Bounds {
  readonly shift: Shift;
  /** The verdicts on fixes that there is no room for: nothing is changed before they are known. It never rejects. */
  readonly granted: Promise<Pick<Planned, 'verdicts'>>;
}

/**
 * Applies plans side by side, none of which changes what another one does: the first change of each, then the second of
 * each, up to the first of a plan that fails or that a gate holds. Begins none once the shift is over. Never throws. Holds, pause, maintenance window, time and,
 * where the last look is not fresh, the resource itself are checked before each change.
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
    // The last ones are marked with their plans. What comes next reads first, and need not wait for it.
    if (left(all).length > 0) marking = work.journal.mark();
  }
  await marking;
  return new Map(all.map((each) => [each.fix, each.application]));
}

/** Leaves the plans of which nothing is begun, unless a gate holds them, to a later job: it comes after what waits for the account. */
async function giveWay(applying: readonly ApplyingFix[], work: ConfiguredWork): Promise<void> {
  const waiting = applying.filter(({ index, sends }) => index === 0 && sends === 0);
  await Promise.all(waiting.map((each) => stopWhere(each, () => whyNotNow(each, work))));
  for (const each of left(waiting))
    each.stop(wait('the job gives way to others of its account', each.fix.details));
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
  // First, as they may take seconds: what is read and asked then is true when the changes are made.
  await Promise.all(open.map(({ next }) => waitForTurn(session, next)));
  work.holds.watchOnly(
    open.map(({ fix: { finding, changes } }) => ({ finding, resources: resourcesOf(finding, changes) })),
  );
  await Promise.all(
    open.map((each) => stopWhere(each, async () => (await whyNotNow(each, work)) ?? claim(each, work))),
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

/** The plans that nothing prevents. */
function left(applying: readonly ApplyingFix[]): ApplyingFix[] {
  return applying.filter(({ end }) => end === undefined);
}

/**
 * Asks again, and records that the next changes are about to be made, while room for them may still be being reserved.
 * @returns those that may be made
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
  // The next look must know of it.
  work.journal.apply(each.resource, made.applied);
  each.made(made, isUntouched(made) && each.sends < MOST_SENDS - 1);
}

/** Reports whether AWS did not take a change, so that nothing was done and it may be sent again. */
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

/** Asks whether the change may be made now. @returns the verdict where it must not */
async function whyNotNow(
  { fix: { finding, changes, details } }: ApplyingFix,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const verdict = await firstVerdict(gatesAt('beforeEachChange'), finding, { ...work, changes });
  return verdict === undefined ? undefined : withDetails(verdict, details);
}

/** Marks a resource before a runbook is started for it. @returns the verdict where another execution has it, or had it recently */
async function claim(
  { fix: { finding, details }, next }: ApplyingFix,
  { job, runbook, ports }: ConfiguredWork,
): Promise<Verdict | undefined> {
  if (!isStart(next) || runbook === undefined) return undefined;
  try {
    const other = await markInProgress(job, markPlace(finding, runbook, job), ports);
    if (other === undefined) return undefined;
    const ended = endedRecently(other);
    if (ended !== undefined) return wait(ended, details);
    return conclude('deferred', { ...details, willRetry: true, reason: startedElsewhere(other) });
  } catch (error) {
    return retry(error, details);
  }
}
