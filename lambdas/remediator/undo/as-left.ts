import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import { differenceOf, inverseOf } from '../../changes/index.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import { culpritWords, findCulprit } from '../culprit.ts';
import { IN_PART } from '../record/in-part.ts';
import type { FixToUndo, InverseStep } from './fix-to-undo.ts';
import type { UndoWork } from './undo-work.ts';

/** AWS's reads may lag behind a change by seconds, so differences are checked again. */
const LOOKS = 4;
const BETWEEN_LOOKS_MILLISECONDS = 2_000;

/**
 * Checks whether resources are as changes left them.
 * @returns what differs, in words, by the change's index
 */
export async function differencesOf(
  session: AwsSession,
  changes: readonly Change[],
): Promise<ReadonlyMap<number, string>> {
  for (let looks = 1; ; looks += 1) {
    const found = new Map<number, string>();
    for (const [index, change] of changes.entries()) {
      const words = await differenceOf(session, change);
      if (words !== undefined) found.set(index, `${change.resource}: ${words}`);
    }
    if (found.size === 0 || looks === LOOKS) return found;
    await session.sleep(BETWEEN_LOOKS_MILLISECONDS);
  }
}

/** Finds the changes of a fix that someone has altered since, described in words by step. */
export async function foreignChanges(
  session: AwsSession,
  steps: readonly InverseStep[],
): Promise<ReadonlyMap<InverseStep, string>> {
  const differences = await differencesOf(
    session,
    steps.map(({ undoes }) => undoes.change),
  );
  return new Map(
    steps.flatMap((step, index): [InverseStep, string][] => {
      const words = differences.get(index);
      return words === undefined ? [] : [[step, words]];
    }),
  );
}

/** Names who has changed the resource since, if CloudTrail knows and may be asked; otherwise the empty string. */
export async function byWhom(
  { rule, line }: FixToUndo,
  { undoes }: InverseStep,
  { sessions, ports, request }: UndoWork,
): Promise<string> {
  try {
    const session = await sessions.toAsk(rule);
    const to = new Date(ports.clock.now()).toISOString();
    const asked = { changed: undoes.change.resource, from: undoes.appliedAt, to };
    const automation = ports.automationRoleArn(request.account);
    const culprit = await findCulprit(session, line.finding, asked, automation);
    return culprit === undefined ? '' : ` (changed by ${culpritWords(culprit)})`;
  } catch {
    // Nothing depends on this, and a role may lack the permission.
    return '';
  }
}

/**
 * Lists our later changes to the same things that are not undone yet, and must be undone before the fix or with it.
 */
export async function newerFixes(
  { line, steps }: FixToUndo,
  { request, ports }: UndoWork,
): Promise<string[]> {
  const { account, region } = request;
  const resources = [...new Set(steps.map(({ undoes }) => undoes.change.resource))];
  const known = await ports.table.readChanged(resources.map((resource) => ({ account, region, resource })));
  const [first] = line.applied;
  const since = Date.parse(first?.appliedAt ?? line.startedAt);
  const changes = known.flatMap((each) => each.changes);
  const isOfFix = (each: AppliedChange): boolean =>
    line.applied.some(({ line: own, appliedAt }) => own === each.line && appliedAt === each.appliedAt);
  // The table may contain both the first record of a change and what was found out about it later.
  const jobs = new Set(changes.filter(isOfFix).flatMap(({ job = [] }) => job));
  const lines = new Set(line.applied.map(({ line: own }) => wholeLine(own)));
  const isKnownOfFix = ({ job = '', line: told }: (typeof changes)[number]): boolean =>
    jobs.has(job) && lines.has(wholeLine(told));
  const newer = changes.filter(
    (each) =>
      each.undo !== true && Date.parse(each.appliedAt) >= since && !isOfFix(each) && !isKnownOfFix(each),
  );
  const words: string[] = [];
  for (const { rule, line: what, appliedAt, change } of newer) {
    if ((await inverseOf(change)) !== undefined) words.push(`${rule} at ${appliedAt} (${what})`);
  }
  return words;
}

/** The line of a change without the suffix that it was made in part. */
function wholeLine(line: string): string {
  return line.endsWith(IN_PART) ? line.slice(0, -IN_PART.length) : line;
}
