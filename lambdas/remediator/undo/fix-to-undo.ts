import { toLookAt } from '../../changes/index.ts';
import { type UndoStep, unconfirmedWords, undoStepsOf } from '../../changes/undo-steps.ts';
import { InvalidInputError } from '../../model/errors.ts';
import type { Outcome, RecordedChange } from '../../model/outcome.ts';
import type { Fix } from '../../model/requests.ts';
import type { Rule } from '../../rules/rule.ts';
import { Journal } from '../record/journal.ts';
import { findRule } from '../stages/find-rule.ts';
import { refuse, type UndoRefusal } from './undo-verdict.ts';
import { type UndoWork, undoJournalId } from './undo-work.ts';

/** Undo step that has an inverse change. */
export interface InverseStep extends UndoStep {
  readonly inverse: RecordedChange;
}

/** Fix to undo, as recorded in the evidence. */
export interface FixToUndo {
  readonly fix: Fix;
  readonly rule: Rule;
  /** The latest line of evidence for the finding. */
  readonly line: Outcome;
  /** The inverses of the fix's changes, in reverse order. */
  readonly steps: readonly InverseStep[];
  /** Descriptions of what the undo does not restore. */
  readonly leaves: readonly string[];
  /** The journal of the fix's undo, which all requests share. */
  readonly journal: Journal;
}

/** Maximum number of evidence objects that are read for one job. A job has one per attempt, including attempts after a redrive. */
const MOST_OBJECTS = 100;

/**
 * Reads a fix from the evidence, and the progress of its undo from the journal.
 * @returns the fix; a refusal if there is nothing to undo, with the line of evidence if there is one
 */
export async function findFix(
  fix: Fix,
  work: UndoWork,
): Promise<FixToUndo | { readonly verdict: UndoRefusal; readonly line?: Outcome }> {
  const { request, ports } = work;
  const rule = await ruleOf(fix.rule, ports);
  if (rule === undefined) return { verdict: refuse(`there is no rule ${fix.rule}`) };
  const id = rule.resourceId.safeParse(fix.resource);
  if (!id.success) return { verdict: refuse(`${fix.resource} is not the id of a resource of ${fix.rule}`) };
  if (fix.region === 'global' ? !ports.isHome : fix.region !== request.region) {
    const verdict = refuse(`the remediator of ${request.region} cannot undo a fix in ${fix.region}`);
    return { verdict };
  }
  const line = await lastLineOf(fix, work);
  if (line === undefined) {
    return { verdict: refuse(`${fix.evidence} has no line for ${fix.rule} and ${fix.resource}`) };
  }
  if (line.undo !== undefined) {
    const reason = `${fix.evidence} records an undo, which cannot be undone. To fix ${fix.resource} again, release its hold; the next poll that reports it will fix it`;
    return { verdict: refuse(reason), line };
  }
  const steps = await undoStepsOf(line.applied);
  const leaves = [...steps.flatMap(({ leaves }) => leaves ?? []), ...(await unconfirmedIn(line))];
  const inverses = steps.filter(hasInverse);
  if (inverses.length === 0) {
    const reason =
      leaves.length === 0 ? `nothing was changed: its outcome is ${line.outcome}` : leaves.join('; ');
    return { verdict: refuse(reason), line };
  }
  const journal = new Journal(undoJournalId(request, fix), ports.evidence);
  await journal.read();
  return { fix, rule, line, steps: inverses, leaves, journal };
}

/** Describes the changes of which it is unknown whether they were made, with what to check. */
function unconfirmedIn({ unconfirmed = [] }: Outcome): Promise<string[]> {
  return Promise.all(
    unconfirmed.map(async (each) => `${unconfirmedWords(each)}: check ${await toLookAt(each.change)}`),
  );
}

async function ruleOf(id: string, ports: UndoWork['ports']): Promise<Rule | undefined> {
  try {
    return await findRule(id, ports);
  } catch (error) {
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

function hasInverse(step: UndoStep): step is InverseStep {
  return step.inverse !== undefined;
}

/**
 * Finds a fix's line in the last evidence object of its job, because a later attempt or a redrive may have recorded
 * more.
 */
async function lastLineOf(
  { rule, region, resource, evidence }: Fix,
  { request, ports }: UndoWork,
): Promise<Outcome | undefined> {
  let last: Outcome | undefined;
  let key = evidence;
  for (let objects = 0; objects < MOST_OBJECTS; objects += 1) {
    const outcomes = await ports.evidence.readOutcomes(key);
    if (outcomes === undefined) return last;
    last =
      outcomes.find(
        ({ finding }) =>
          finding.rule === rule &&
          finding.account === request.account &&
          finding.region === region &&
          finding.resource === resource,
      ) ?? last;
    key = key.replace(/-(\d+)(\.jsonl\.gz)$/, (_, number, end) => `-${Number(number) + 1}${end}`);
  }
  return last;
}
