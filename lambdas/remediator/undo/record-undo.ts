import type { Outcome } from '../../model/outcome.ts';
import type { Fix } from '../../model/requests.ts';
import { FindingMemory } from '../record/finding-memory.ts';
import type { RecordedOutcome } from '../record/outcome-log.ts';
import type { FixToUndo } from './fix-to-undo.ts';
import { noteUndone } from './note-undone.ts';
import type { UndoVerdict } from './undo-verdict.ts';
import { type UndoWork, undoEvidenceKey } from './undo-work.ts';

/** The outcome of a fix's undo, and the key of its evidence. */
export type RecordedUndo = RecordedOutcome;

type LastWord = Extract<UndoVerdict, { is: 'undone' | 'undo_refused' }>;
type Fixed = Pick<FixToUndo, 'fix' | 'line'> & Partial<FixToUndo>;

/**
 * Finds the outcome that an earlier attempt at this request wrote, and publishes it again in case that attempt did not.
 * Repetition is safe: events keep their ids, and evidence is added to a finding only once.
 */
export async function recordedBefore(fix: Fix, work: UndoWork): Promise<RecordedUndo | undefined> {
  const evidence = undoEvidenceKey(work, fix);
  const [outcome] = (await work.ports.evidence.readOutcomes(evidence)) ?? [];
  if (outcome === undefined) return undefined;
  await makeKnown({ outcome, evidence }, work);
  return { outcome, evidence };
}

/**
 * Records the final outcome of a fix's undo, in this order: the applied changes in the table, the evidence, the events,
 * and the finding's history.
 */
export async function recordUndo(verdict: LastWord, fixed: Fixed, work: UndoWork): Promise<RecordedUndo> {
  const { fix, steps = [], journal } = fixed;
  await journal?.writeNews();
  const outcome = outcomeOf(verdict, fixed, work);
  if (outcome.applied.length > 0) await noteUndone(fix, steps, outcome, work);
  const evidence = undoEvidenceKey(work, fix);
  const { requests } = work.ports;
  await requests.announce(work.request, { account: work.request.account, rule: fix.rule, evidence });
  if (!(await work.ports.evidence.writeOutcomes(evidence, [outcome]))) {
    // Another attempt at the same request was faster.
    const before = await recordedBefore(fix, work);
    if (before !== undefined) return before;
  }
  await makeKnown({ outcome, evidence }, work);
  if (journal !== undefined && verdict.is === 'undone') {
    journal.publish([outcome]);
    await journal.write();
  }
  return { outcome, evidence };
}

function outcomeOf(verdict: LastWord, { fix, line, steps = [], journal }: Fixed, work: UndoWork): Outcome {
  const { request, name, beganAt, ports } = work;
  const { resource } = line.finding;
  const unconfirmed = journal?.unresolved(resource) ?? [];
  const gate = verdict.is === 'undo_refused' ? verdict.gate : undefined;
  return {
    version: 1,
    poll: { source: 'undo', rule: fix.rule, asOf: request.at },
    finding: line.finding,
    outcome: verdict.is,
    ...(verdict.reason !== undefined && { reason: verdict.reason }),
    ...(gate !== undefined && { gate }),
    plan: steps.map(({ inverse }) => inverse),
    applied: journal?.applied(resource) ?? [],
    ...(unconfirmed.length > 0 && { unconfirmed }),
    undo: {
      request: name,
      by: request.by,
      reason: request.reason,
      undoes: fix.evidence,
      ...(request.force && { force: true as const }),
    },
    startedAt: journal?.start(beganAt) ?? beganAt,
    finishedAt: new Date(ports.clock.now()).toISOString(),
  };
}

async function makeKnown(recorded: RecordedUndo, { request, ports, lease }: UndoWork): Promise<void> {
  const { finding, poll } = recorded.outcome;
  const { account, region } = request;
  const { findings } = await ports.table.recall([finding], [], { rule: poll.rule, account, region, poll });
  const memory = new FindingMemory();
  memory.keep(findings);
  const { changed, toWrite } = memory.learn([recorded]);
  const job = { version: 1 as const, poll, account, region, chunk: 0, findings: [finding] };
  await ports.publish({ job, withEvent: [recorded], recorded: [recorded], changed, notices: [] });
  await lease.write(toWrite);
}
