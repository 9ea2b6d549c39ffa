import { loggingCalls } from '../../aws/call-log.ts';
import { errorKind, isNotTaken } from '../../aws/errors.ts';
import type { AwsCall, AwsSession } from '../../aws/session.ts';
import { checkingChanges, isRead } from '../../aws/session-client.ts';
import type { Change, Meet, Note, TakenPart } from '../../changes/change.ts';
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
 * Time after which holds, the pause, the maintenance window, and the remaining time are checked again before a call is
 * sent. Holds and pauses are cached for 2 s, so no call is sent more than 5 s after one of them is set.
 */
export const MOST_MILLISECONDS_SINCE_ASKED = 2_500;

/** Context in which a change is applied. */
export interface ChangeContext {
  /** The finding's resource, which is its key in the journal. */
  readonly resource: string;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Details of the verdict if the change is not made. */
  readonly details: OutcomeDetails;
  /** Checks, before a change and between its calls, whether it may be made. @returns the verdict if it must not */
  ask(): Promise<Verdict | undefined>;
  /**
   * Lists our recent changes to the changed resource, which AWS's reads may not show yet.
   * @throws if they can't be determined
   */
  ours(): Promise<readonly Change[]>;
  /** Waits for the changes that started at the same time. Omitted if there are none. */
  readonly meet?: Meet;
  /** Lists the names of other jobs' changes, for the journal. Omitted if no other job changes the resource. */
  others?(): Promise<readonly string[]>;
}

/** A change that all gates have allowed. */
export interface AskedChange {
  readonly change: Change;
  readonly line: string;
  /** Time of the check, in milliseconds since 1970. */
  readonly askedAt: number;
  /** Our earlier changes that reads of the resource must show. */
  readonly ours: readonly Change[];
  /** Changes of other jobs, by name, for the journal. */
  readonly others: readonly string[] | undefined;
  /** The last note that an earlier attempt wrote about this change, if the result of that attempt is unknown. */
  readonly begun: Change | undefined;
}

/** Result of one change, and the number of calls that it made. */
export interface MadeChange extends Application {
  readonly calls: number;
}

/** Applies one change, and notes it in the journal before and after each call. Never throws. */
export async function applyOneChange(
  session: AwsSession,
  change: Change,
  context: ChangeContext,
): Promise<Application> {
  const stopped = (verdict: Verdict): Application => ({ applied: [], end: { is: 'stopped', verdict } });
  const asked = await askFor(change, context);
  if ('state' in asked) return stopped(asked);
  try {
    await beginChanges([{ asked, context }], context.journal);
  } catch (error) {
    return stopped(retry(error, context.details));
  }
  return makeChange(session, asked, context);
}

/** Checks whether a change may be made now. @returns the verdict if it must not */
export async function askFor(change: Change, context: ChangeContext): Promise<AskedChange | Verdict> {
  const { clock, details } = context;
  // The description is created first, because nothing may fail between a change and its note.
  const line = await describeChange(change);
  const askedAt = clock.now();
  const begun = begunBefore(line, context);
  try {
    const ours = await context.ours();
    const others = await context.others?.();
    const verdict = await context.ask();
    return verdict === undefined
      ? { change, line, askedAt, ours, others, begun }
      : withDetails(verdict, details);
  } catch (error) {
    return retry(error, details);
  }
}

/**
 * Finds the note of an earlier application of a change whose result is unknown. Returns nothing if some applications
 * have no note, because the last note may then belong to another application.
 */
function begunBefore(line: string, { resource, journal }: ChangeContext): Change | undefined {
  const isBegun = journal.unresolved(resource).some((each) => each.line === line);
  const { notes, isWhole } = journal.noted(resource, line);
  return isBegun && isWhole ? notes.at(-1)?.change : undefined;
}

/**
 * Records in the journal, with one write, that changes are about to be made.
 * @throws if that fails; the changes must not be made then
 */
export async function beginChanges(
  changes: readonly { readonly asked: AskedChange; readonly context: ChangeContext }[],
  journal: Journal,
): Promise<void> {
  for (const { asked, context } of changes)
    journal.begin(context.resource, asked.line, new Date(context.clock.now()), asked.others);
  try {
    await journal.write();
  } catch (error) {
    for (const { asked, context } of changes) journal.cancel(context.resource, asked.line);
    throw error;
  }
}

/** Makes a change that the journal lists as begun, and notes its progress. Never throws. */
export async function makeChange(
  session: AwsSession,
  { change, line, askedAt: askedFirstAt, ours, begun }: AskedChange,
  context: ChangeContext,
): Promise<MadeChange> {
  const { resource, journal, clock, details, meet } = context;
  let askedAt = askedFirstAt;
  const calls: AwsCall[] = [];
  const takenParts: TakenPart[] = [];
  let soFar: Change | undefined;
  let unkept: Change | undefined;
  let isMadeInPart = false;
  let blockedAmid: Verdict | undefined;
  const mayContinue = async (): Promise<void> => {
    askedAt = clock.now();
    blockedAmid = await context.ask();
    if (blockedAmid !== undefined) throw new BlockedError(`"${line}" is held between its calls`);
  };
  const check = (): void => {
    if (clock.now() - askedAt <= MOST_MILLISECONDS_SINCE_ASKED) return;
    throw new OutdatedError(`"${line}" was not sent: the checks before it took too long`);
  };
  // The note is added to the journal when the change ends, or earlier if it must outlive the calls: the journal may be
  // written for other changes while these calls are in progress.
  const keepNote = (): void => {
    if (unkept !== undefined) journal.note(resource, { change: { ...unkept }, line });
    unkept = undefined;
  };
  const record = (made: Change, words: string) => appliedChange(session, made, words, calls);
  try {
    const note: Note = (noted, isMade = true, outlives = false) => {
      soFar = noted;
      unkept = noted;
      isMadeInPart = isMade;
      if (!outlives) return undefined;
      keepNote();
      return journal.write();
    };
    const tookBack = (part: TakenPart): void => void takenParts.push(part);
    const cameToNothing = (): void => journal.settle(resource, line);
    const amid = { mayContinue, tookBack, ours, cameToNothing, begun, meet };
    const make = () => loggingCalls(calls, () => applyChange(session, change, note, amid));
    const made = await checkingChanges(check, make).finally(keepNote);
    return { applied: [record(made, line)], end: { is: 'applied' }, calls: calls.length };
  } catch (error) {
    const applied = await recordParts(takenParts, line, record);
    if (error instanceof StalePlanError) {
      // Its writes have been taken back. The resource is not planned again until reads show this.
      journal.cancel(resource, line);
      return { applied, end: { is: 'stale', words: error.message }, calls: calls.length };
    }
    if (await isAllKnown(error, change, { isMadeInPart, calls })) journal.cancel(resource, line);
    if (soFar !== undefined && isMadeInPart) applied.push(record(soFar, `${line}${IN_PART}`));
    const verdict =
      blockedAmid === undefined ? verdictOfError(error, details) : withDetails(blockedAmid, details);
    return { applied, end: { is: 'stopped', verdict, error }, calls: calls.length };
  }
}

/** Checks whether the effects of a change that an error stopped are fully known, and nothing needs to be taken back. */
async function isAllKnown(
  error: unknown,
  change: Change,
  { isMadeInPart, calls }: { readonly isMadeInPart: boolean; readonly calls: readonly AwsCall[] },
): Promise<boolean> {
  // A change is held between its calls only if each of its calls has succeeded and is noted, or had no effect.
  const isHeld = error instanceof BlockedError && !(error instanceof OutdatedError);
  const isWithoutEffect = errorKind(error) === 'refused' || isNotTaken(error) || isHeld;
  // The note lists everything that was made, and nothing is taken back.
  if (isMadeInPart) return isWithoutEffect && !(await canTakeBack(change));
  return isWithoutEffect || calls.every(({ operation }) => isRead(operation));
}

/**
 * Records the parts of a change that were taken back, each as created and then removed.
 * @param line the line of the change
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
