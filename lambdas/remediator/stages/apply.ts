import { isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Change } from '../../changes/change.ts';
import { waitForTurn } from '../../changes/index.ts';
import { MOST_SENDS, pauseAfter } from '../../changes/until-taken.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { markInProgress, markPlace, startedElsewhere } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Application } from './application.ts';
import { applyOneChange, type ChangeContext } from './apply-change.ts';
import { lookAgain } from './look-again.ts';

/**
 * Applies the changes of a plan, in order, up to the first that fails or that a gate holds. Never throws. Holds,
 * pause, maintenance window, time and, where the last look is not fresh, the resource itself are looked at before each change.
 */
export async function applyFix(
  session: AwsSession,
  fix: PlannedFix,
  work: ConfiguredWork,
): Promise<Application> {
  const applied: AppliedChange[] = [];
  let last = fix.reading;
  for (const [index, change] of fix.changes.entries()) {
    for (let sends = 1; ; sends += 1) {
      // First, as they may take seconds: what is read and asked then is true when the change is made.
      await waitForTurn(session, change);
      const claimed = (await whyNotNow(fix, work)) ?? (await claim(change, fix, work));
      if (claimed !== undefined) return { applied, end: { is: 'stopped', verdict: claimed } };
      const looked = await lookAgain(session, fix, index, work, last);
      if (looked.end !== undefined) return { applied, end: looked.end };
      last = looked.reading;
      const step = await applyOneChange(session, change, contextOf(change, fix, work));
      applied.push(...step.applied);
      // The next look must know of it.
      work.journal.apply(fix.finding.resource, step.applied);
      if (step.end.is === 'applied') break;
      if (sends === MOST_SENDS || !isUntouched(step)) return { applied, end: step.end };
      await work.ports.clock.sleep(pauseAfter(sends));
    }
    // The last one is marked with its plan.
    if (index < fix.changes.length - 1) await work.journal.mark();
  }
  return { applied, end: { is: 'applied' } };
}

/** Tells whether AWS did not take a change, so that nothing was done and it may be sent again. */
function isUntouched({ applied, end }: Application): boolean {
  return applied.length === 0 && end.is === 'stopped' && isNotTaken(end.error);
}

function contextOf(
  { resource }: Change,
  { finding, changes, details }: PlannedFix,
  work: ConfiguredWork,
): ChangeContext {
  const { journal, recent, ports } = work;
  const ask = () => firstVerdict(gatesAt('beforeEachChange'), finding, { ...work, changes });
  const ours = async () => (await recent.of([resource])).map(({ change }) => change);
  return { resource: finding.resource, journal, clock: ports.clock, details, ask, ours };
}

/** Asks whether the change may be made now. @returns the verdict where it must not */
async function whyNotNow(
  { finding, changes, details }: PlannedFix,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const verdict = await firstVerdict(gatesAt('beforeEachChange'), finding, { ...work, changes });
  return verdict === undefined ? undefined : withDetails(verdict, details);
}

/** Marks a resource before a runbook is started for it. @returns the verdict where another job's execution has it */
async function claim(
  change: Change,
  { finding, details }: PlannedFix,
  { job, runbook, ports }: ConfiguredWork,
): Promise<Verdict | undefined> {
  if (!isStart(change) || runbook === undefined) return undefined;
  try {
    const other = await markInProgress(job, markPlace(finding, runbook, job), ports);
    if (other === undefined) return undefined;
    return conclude('deferred', { ...details, willRetry: true, reason: startedElsewhere(other) });
  } catch (error) {
    return retry(error, details);
  }
}
