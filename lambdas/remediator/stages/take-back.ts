import { describeError, errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { canTakeBack, describeChange, takeBackChange } from '../../changes/index.ts';
import { TakeBackError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gates } from '../gates/index.ts';
import { noteRecentChanges } from '../record/recent-changes.ts';
import { retry, type Verdict, type Verdicts, wait } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { IN_PART } from './apply.ts';

/**
 * Takes back what earlier attempts wrote before they were cut off and what has no purpose any more. Each is recorded as
 * an applied change.
 * @returns the verdicts on findings of which something could not be taken back: they stay open work
 */
export async function takeBackUnfinished(
  session: AwsSession,
  findings: readonly Finding[],
  work: ConfiguredWork,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  for (const finding of findings) {
    const verdict = await takeBackOf(session, finding, work);
    if (verdict !== undefined) verdicts.set(finding.resource, verdict);
  }
  return verdicts;
}

/** Holds findings of which something may have to be taken back while nothing may be changed. */
export async function holdUnfinished(
  findings: readonly Finding[],
  { journal }: Pick<ConfiguredWork, 'journal'>,
  why: string,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  for (const { resource } of findings) {
    const [first] = await takeable(journal.unresolved(resource));
    if (first === undefined) continue;
    verdicts.set(resource, wait(heldWords(first, why)));
  }
  return verdicts;
}

async function takeBackOf(
  session: AwsSession,
  finding: Finding,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  const { journal } = work;
  const { resource } = finding;
  for (const planned of await takeable(journal.unresolved(resource))) {
    const held = await firstVerdict(gates.beforeEachChange, finding, work);
    if (held !== undefined)
      return held.state === 'concluded' ? wait(heldWords(planned, held.details.reason)) : held;
    // The change as far as it was noted, where it was.
    const noted = journal.applied(resource).findLast(({ line }) => line === `${planned.line}${IN_PART}`);
    const callsBefore = session.calls.length;
    try {
      const taken = await takeBackChange(session, (noted ?? planned).change);
      if (taken === undefined) continue;
      const requestIds = session.calls.slice(callsBefore).flatMap(({ requestId }) => requestId ?? []);
      const line = await describeChange(taken);
      const applied: AppliedChange = {
        change: { ...taken },
        line,
        appliedAt: session.now().toISOString(),
        requestIds,
      };
      journal.apply(resource, [applied]);
      journal.settle(resource, planned.line);
      await noteRecentChanges(finding, [applied], work);
    } catch (error) {
      return retry(errorKind(error) === 'refused' ? asTakeBackError(error, planned) : error);
    }
  }
  return undefined;
}

async function takeable(changes: readonly RecordedChange[]): Promise<RecordedChange[]> {
  const can = await Promise.all(changes.map(({ change }) => canTakeBack(change)));
  return changes.filter((_, index) => can[index] === true);
}

function heldWords({ line }: RecordedChange, why = ''): string {
  return `an attempt was cut off at "${line}", and what it may have added could not be taken back yet: ${why}`;
}

/** What was not even allowed to be looked at may still stand: it stays open work. */
function asTakeBackError(error: unknown, { line }: RecordedChange): TakeBackError {
  return new TakeBackError(
    `what an attempt that was cut off at "${line}" may have added could not be taken back: ${describeError(error)}`,
    { cause: error },
  );
}
