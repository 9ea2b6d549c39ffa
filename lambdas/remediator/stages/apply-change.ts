import { errorKind, isNotTaken } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { checkingChanges, isRead } from '../../aws/session-client.ts';
import type { Change, Note, TakenPart } from '../../changes/change.ts';
import { applyChange, canTakeBack, describeChange } from '../../changes/index.ts';
import type { Clock } from '../../model/clock.ts';
import { BlockedError, OutdatedError, StalePlanError } from '../../model/errors.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import { IN_PART } from '../record/in-part.ts';
import type { Journal } from '../record/journal.ts';
import { type OutcomeDetails, retry, type Verdict, verdictOfError, withDetails } from '../verdict.ts';
import type { Application } from './application.ts';
import { appliedChange } from './applied-change.ts';

/**
 * Time after which holds, pause, window and time left are asked for again before a call is sent. Hold and pause are
 * remembered for 2 s, and no call leaves 5 s after one.
 */
export const MOST_MILLISECONDS_SINCE_ASKED = 2_500;

/** Circumstances in which one change is applied. */
export interface ChangeContext {
  /** The finding's resource, by which the journal knows it. */
  readonly resource: string;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Details of the verdict where it is not made. */
  readonly details: OutcomeDetails;
  /** Asks whether a change may be made now, and between its calls. @returns the verdict where it must not */
  ask(): Promise<Verdict | undefined>;
  /** Lists our changes to the changed resource of the last minutes. @throws where that can't be found out */
  ours(): Promise<readonly Change[]>;
}

/** Applies one change, noting it in the journal before and as it goes. Never throws. */
export async function applyOneChange(
  session: AwsSession,
  change: Change,
  context: ChangeContext,
): Promise<Application> {
  const { resource, journal, clock, details } = context;
  // Before it is made: nothing may go wrong between a change and the note of it.
  const line = await describeChange(change);
  let askedAt = clock.now();
  const known = await oursOf(context);
  if ('state' in known) return { applied: [], end: { is: 'stopped', verdict: known } };
  const blockedBy = (await whyNotNow(context)) ?? (await begin(line, context));
  if (blockedBy !== undefined) return { applied: [], end: { is: 'stopped', verdict: blockedBy } };
  const callsBefore = session.calls.length;
  const takenParts: TakenPart[] = [];
  let soFar: Change | undefined;
  let isMadeInPart = false;
  let blockedAmid: Verdict | undefined;
  const mayContinue = async (): Promise<void> => {
    askedAt = clock.now();
    blockedAmid = await context.ask();
    if (blockedAmid !== undefined) throw new BlockedError(`"${line}" is held between its calls`);
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
      journal.note(resource, { change: { ...noted }, line });
      return outlives ? journal.write() : undefined;
    };
    const tookBack = (part: TakenPart): void => void takenParts.push(part);
    const amid = { mayContinue, tookBack, ours: known.ours };
    const made = await checkingChanges(check, () => applyChange(session, change, note, amid));
    return { applied: [record(made, line)], end: { is: 'applied' } };
  } catch (error) {
    const applied = await recordParts(takenParts, line, record);
    if (error instanceof StalePlanError) {
      // What it wrote has been taken back. Until reads show that, the resource is not planned again.
      journal.cancel(resource, line);
      return { applied, end: { is: 'stale', words: error.message } };
    }
    const calls = session.calls.slice(callsBefore);
    // Between its calls, a change is held only where each is known to have succeeded, and is noted, or to have had no effect.
    const isHeld = error instanceof BlockedError && !(error instanceof OutdatedError);
    const isWithoutEffect = errorKind(error) === 'refused' || isNotTaken(error) || isHeld;
    // What its note says is all that was made, and nothing of it is taken back.
    const isNotedInFull = (isHeld || isNotTaken(error)) && !(await canTakeBack(change));
    const isUnmade = isWithoutEffect || calls.every(({ operation }) => isRead(operation));
    if (isMadeInPart ? isNotedInFull : isUnmade) journal.cancel(resource, line);
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

/** Finds our changes that its looks must show. @returns the verdict where they are not known */
async function oursOf({
  ours,
  details,
}: ChangeContext): Promise<{ readonly ours: readonly Change[] } | Verdict> {
  try {
    return { ours: await ours() };
  } catch (error) {
    return retry(error, details);
  }
}

/** Asks whether the change may be made now. @returns the verdict where it must not */
async function whyNotNow({ ask, details }: ChangeContext): Promise<Verdict | undefined> {
  const verdict = await ask();
  return verdict === undefined ? undefined : withDetails(verdict, details);
}

/** Writes down that the change is about to be made. @returns the verdict where that fails */
async function begin(
  line: string,
  { resource, details, journal, clock }: ChangeContext,
): Promise<Verdict | undefined> {
  try {
    journal.begin(resource, line, new Date(clock.now()));
    await journal.write();
    return undefined;
  } catch (error) {
    journal.cancel(resource, line);
    return retry(error, details);
  }
}
