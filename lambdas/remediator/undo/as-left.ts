import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import { differenceOf, inverseOf } from '../../changes/index.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import { culpritWords, findCulprit } from '../culprit.ts';
import { wholeLine } from '../record/in-part.ts';
import type { FixToUndo, InverseStep } from './fix-to-undo.ts';
import type { UndoWork } from './undo-work.ts';

/** Maximum number of reads until a difference counts: AWS's reads may lag behind a change by seconds. */
const LOOKS = 4;
const BETWEEN_LOOKS_MILLISECONDS = 2_000;

/**
 * Compares resources with the state in which changes left them.
 * @returns a description of each difference, by the change's index
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

/** Finds the steps of a fix whose resource someone has changed since, with a description of each difference. */
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

/**
 * Describes who has changed the resource since the fix, according to CloudTrail. Returns an empty string if CloudTrail
 * does not show it or can't be queried.
 */
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
    // The refusal is valid without this information, and the role may lack the permission to query CloudTrail.
    return '';
  }
}

/**
 * Lists our later changes to the same resources that are not undone yet. They must be undone before the fix or with it.
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
  // Older versions left the first record of a change in the table when they added a later, more complete one.
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
