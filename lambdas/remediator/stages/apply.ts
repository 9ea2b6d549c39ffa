import { errorKind, isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { checkingChanges, isRead } from '../../aws/session-client.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Change, Note, TakenPart } from '../../changes/change.ts';
import { applyChange, canTakeBack, describeChange, waitForTurn } from '../../changes/index.ts';
import { MOST_SENDS, pauseAfter } from '../../changes/until-taken.ts';
import { HeldError, OutdatedError, StalePlanError } from '../../model/errors.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gates } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { IN_PART } from '../record/in-part.ts';
import { markInProgress, markPlace, startedElsewhere } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, verdictOfError, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Application } from './application.ts';
import { appliedChange } from './applied-change.ts';
import { lookAgain } from './look-again.ts';

/**
 * Time after which pause, window and time left are asked for again before a call is sent. The pause is remembered for 2 s,
 * and no call leaves 5 s after it.
 */
export const MOST_MILLISECONDS_SINCE_ASKED = 2_500;

/**
 * Applies the changes of a plan, in order, up to the first that fails or that a gate holds. Never throws. Pause,
 * maintenance window, time and, where the last look is not fresh, the resource itself are looked at before each change.
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
      const step = await applyStep(session, change, fix, work);
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

async function applyStep(
  session: AwsSession,
  change: Change,
  fix: PlannedFix,
  work: ConfiguredWork,
): Promise<Application> {
  const { finding, details } = fix;
  const { clock } = work.ports;
  // Before it is made: nothing may go wrong between a change and the note of it.
  const line = await describeChange(change);
  let askedAt = clock.now();
  const blockedBy = (await whyNotNow(fix, work)) ?? (await begin(fix, line, work));
  if (blockedBy !== undefined) return { applied: [], end: { is: 'stopped', verdict: blockedBy } };
  const { resource } = finding;
  const callsBefore = session.calls.length;
  const takenParts: TakenPart[] = [];
  let soFar: Change | undefined;
  let isMadeInPart = false;
  let blockedAmid: Verdict | undefined;
  const mayContinue = async (): Promise<void> => {
    askedAt = clock.now();
    blockedAmid = await firstVerdict(gates.beforeEachChange, finding, work);
    if (blockedAmid !== undefined) throw new HeldError(`"${line}" is held amid its calls`);
  };
  const check = (): void => {
    if (clock.now() - askedAt <= MOST_MILLISECONDS_SINCE_ASKED) return;
    throw new OutdatedError(`"${line}" was not sent: what was asked and looked at before took too long`);
  };
  const record = (made: Change, words: string) => appliedChange(session, made, words, callsBefore);
  try {
    const note: Note = (noted, isMade = true, outlives = false) => {
      soFar = noted;
      isMadeInPart = isMade;
      work.journal.note(resource, { change: { ...noted }, line });
      return outlives ? work.journal.write() : undefined;
    };
    const tookBack = (part: TakenPart): void => void takenParts.push(part);
    const amid = { mayContinue, tookBack };
    const made = await checkingChanges(check, () => applyChange(session, change, note, amid));
    return { applied: [record(made, line)], end: { is: 'applied' } };
  } catch (error) {
    const applied = await recordParts(takenParts, line, record);
    if (error instanceof StalePlanError) {
      // What it wrote has been taken back. Until reads show that, the resource is not planned anew.
      work.journal.cancel(resource, line);
      return { applied, end: { is: 'stale', words: error.message } };
    }
    const calls = session.calls.slice(callsBefore);
    // Between its calls, a change is held only where each is known to have succeeded, and is noted, or to have had no effect.
    const isHeld = error instanceof HeldError && !(error instanceof OutdatedError);
    const isWithoutEffect = errorKind(error) === 'refused' || isNotTaken(error) || isHeld;
    // What its note says is all that was made, and nothing of it is taken back.
    const isNotedInFull = (isHeld || isNotTaken(error)) && !(await canTakeBack(change));
    const isUnmade = isWithoutEffect || calls.every(({ operation }) => isRead(operation));
    if (isMadeInPart ? isNotedInFull : isUnmade) work.journal.cancel(resource, line);
    if (soFar !== undefined && isMadeInPart) applied.push(record(soFar, `${line}${IN_PART}`));
    const verdict =
      blockedAmid === undefined ? verdictOfError(error, details) : withDetails(blockedAmid, details);
    return { applied, end: { is: 'stopped', verdict, error } };
  }
}

/**
 * Records the parts of a change that were taken back, each made and then taken.
 * @param line the change's own
 */
async function recordParts(
  parts: readonly TakenPart[],
  line: string,
  record: (change: Change, line: string) => AppliedChange,
): Promise<AppliedChange[]> {
  const applied: AppliedChange[] = [];
  for (const { made, taken } of parts) {
    if (made !== undefined) applied.push(record(made, `${line}${IN_PART}`));
    applied.push(record(taken, await describeChange(taken)));
  }
  return applied;
}

/** Asks whether the change may be made now. @returns the verdict where it must not */
async function whyNotNow(
  { finding, details }: PlannedFix,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const verdict = await firstVerdict(gates.beforeEachChange, finding, work);
  return verdict === undefined ? undefined : withDetails(verdict, details);
}

/** Writes down that the change is about to be made. @returns the verdict where that fails */
async function begin(
  { finding: { resource }, details }: PlannedFix,
  line: string,
  { journal, ports }: ConfiguredWork,
): Promise<Verdict | undefined> {
  try {
    journal.begin(resource, line, new Date(ports.clock.now()));
    await journal.write();
    return undefined;
  } catch (error) {
    journal.cancel(resource, line);
    return retry(error, details);
  }
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
