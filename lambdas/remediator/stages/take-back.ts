import { loggingCalls } from '../../aws/call-log.ts';
import { describeError, errorKind } from '../../aws/errors.ts';
import type { AwsCall, AwsSession } from '../../aws/session.ts';
import { checkingChanges } from '../../aws/session-client.ts';
import type { Change, TakenBack, TakenPart } from '../../changes/change.ts';
import { describeChange, takeBackChange } from '../../changes/index.ts';
import { MOST_SENDS } from '../../changes/until-taken.ts';
import { BlockedError, OutdatedError, TakeBackError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import type { RecordedChange } from '../../model/outcome.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import { IN_PART } from '../record/in-part.ts';
import { retry, type Verdict, wait } from '../verdict.ts';
import type { ConfiguredWork, Work } from '../work.ts';
import { appliedChange, foundChange } from './applied-change.ts';
import { MOST_MILLISECONDS_SINCE_ASKED } from './apply-change.ts';
import { circumstances } from './circumstances.ts';
import { heldWords, takeable } from './unfinished.ts';

/**
 * Takes back what interrupted attempts added and no plan uses, once the result of each finding is known. Each removal
 * is recorded as an applied change.
 * @returns the verdicts on findings that may still have partial changes; they stay pending
 */
export async function takeBackUnfinished(
  session: AwsSession,
  findings: readonly Finding[],
  work: ConfiguredWork,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  for (const finding of findings) {
    const verdict = await takeBackOf(session, finding, work);
    await work.journal.mark();
    if (verdict !== undefined) verdicts.set(finding.resource, verdict);
  }
  return verdicts;
}

async function takeBackOf(
  session: AwsSession,
  finding: Finding,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const { journal } = work;
  // The last change comes first: if it was made, it supersedes the earlier ones.
  for (const planned of (await takeable(journal.unresolved(finding.resource))).reverse()) {
    const askedAt = work.ports.clock.now();
    try {
      const blockedBy = await whyNotNow(finding, planned, work);
      if (blockedBy !== undefined)
        return blockedBy.state === 'concluded'
          ? wait(heldWords(planned, blockedBy.details.reason))
          : blockedBy;
      const isPending = await takeBackChangeOf(session, finding, planned, work, askedAt);
      if (isPending) return wait(heldWords(planned, "AWS's reads may not show yet what was added"));
    } catch (error) {
      return retry(errorKind(error) === 'refused' ? asTakeBackError(error, planned) : error);
    }
  }
  return undefined;
}

/** Checks whether a change may be taken back now. @returns the verdict if it must not */
function whyNotNow(
  finding: Finding,
  { change }: RecordedChange,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  return firstVerdict(gatesAt('beforeEachTakeBack'), finding, { ...work, changes: [change] });
}

/**
 * Takes back all parts of a change.
 * @param askedAt time of the last check of the gates
 * @returns whether parts may still exist
 */
async function takeBackChangeOf(
  session: AwsSession,
  finding: Finding,
  planned: RecordedChange,
  work: ConfiguredWork,
  askedAt: number,
): Promise<boolean> {
  const { journal } = work;
  const { resource } = finding;
  const known = await circumstances(session, finding, planned, work);
  const { notes, isWhole } = journal.noted(resource, planned.line);
  // The interrupted attempt without a note comes first: if it completed the change, what other attempts added is still
  // needed.
  const parts: Part[] = [
    ...(isWhole ? [] : [{ change: planned.change, isNoted: false }]),
    ...notes.map(({ change }) => ({ change, isNoted: true })).reverse(),
  ];
  const check = stillAllowed(askedAt, finding, planned, work);
  let isSettled = true;
  for (const part of parts) {
    const { isMade, state } = await takeBackPart(session, resource, planned, part, { known, check, journal });
    if (state === 'pending') return true;
    if (isMade) {
      if (parts.length === 1) journal.settle(resource, planned.line);
      // Another job that was interrupted at the same change must not also record it.
      const [failure] = await work.recent.write();
      if (failure !== undefined) throw failure;
      return false;
    }
    if (state === 'unconfirmed') isSettled = false;
  }
  if (isSettled) journal.settle(resource, planned.line);
  return false;
}

/** Progress that an attempt may have made with a change. */
interface Part {
  readonly change: RecordedChange['change'];
  /** True if the attempt wrote a note about it. */
  readonly isNoted: boolean;
}

interface PartContext extends Pick<Work, 'journal'> {
  readonly known: Awaited<ReturnType<typeof circumstances>>;
  /** Checks, before each call, whether it may be sent. */
  readonly check: () => Promise<void>;
}

/** Takes back one part of a change, and records it. @returns `isMade`: whether the change proved to be complete */
async function takeBackPart(
  session: AwsSession,
  resource: string,
  planned: RecordedChange,
  { change, isNoted }: Part,
  { known, check, journal }: PartContext,
): Promise<Pick<TakenBack, 'state'> & { readonly isMade: boolean }> {
  const begunAt = journal.beginOf(resource, planned.line) ?? session.now();
  const inPart = `${planned.line}${IN_PART}`;
  const calls: AwsCall[] = [];
  const recorded = [...journal.noted(resource, planned.line).notes, ...journal.applied(resource)]
    .map((each) => each.change)
    .filter((other) => other !== change);
  // The change was made before those that were begun after it.
  const [next] = journal.appliedSince(resource, planned.line);
  const record = (applied: Change, line: string) =>
    journal.apply(resource, [foundChange(applied, line, begunAt)], next);
  const takenParts: TakenPart[] = [];
  const takeBack = () =>
    loggingCalls(calls, () =>
      takeBackChange(session, change, { ...known, recorded, isNoted }, (part) => takenParts.push(part)),
    );
  const { made, done, state } = await checkingChanges(check, takeBack).finally(async () => {
    for (const part of takenParts) {
      if (part.made !== undefined) record(part.made, inPart);
      const line = await describeChange(part.taken);
      journal.apply(resource, [appliedChange(session, part.taken, line, calls)]);
    }
  });
  if (made !== undefined) record(made, inPart);
  if (done !== undefined) {
    // The complete record includes the noted part.
    if (isNoted) journal.drop(resource, inPart, change);
    record(done, planned.line);
  }
  return { isMade: done !== undefined, state };
}

/**
 * Creates the check that runs before each call: holds, the pause, the maintenance window, and the remaining time are
 * checked again until the result is fresh. The delay is safe, because the parts to remove are our own, regardless of
 * what the owner does in the meantime.
 */
function stillAllowed(
  asked: number,
  finding: Finding,
  planned: RecordedChange,
  work: ConfiguredWork,
): () => Promise<void> {
  const { line } = planned;
  const { clock } = work.ports;
  let askedAt = asked;
  const isFresh = (): boolean => clock.now() - askedAt <= MOST_MILLISECONDS_SINCE_ASKED;
  return async () => {
    for (let questions = 0; !isFresh(); questions += 1) {
      if (questions === MOST_SENDS)
        throw new OutdatedError(`"${line}" was not taken back: the checks before it took too long`);
      askedAt = clock.now();
      const blockedBy = await whyNotNow(finding, planned, work);
      if (blockedBy !== undefined) throw new BlockedError(`taking back "${line}" is held`);
    }
  };
}

/**
 * Creates an error that keeps the change pending, because its parts may still exist if AWS refused to read or remove
 * them.
 */
function asTakeBackError(error: unknown, { line }: RecordedChange): TakeBackError {
  return new TakeBackError(
    `an attempt was interrupted at "${line}", and what it may have added could not be taken back: ${describeError(error)}`,
    { cause: error },
  );
}
