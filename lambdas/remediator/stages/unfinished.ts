import { describeError } from '../../aws/errors.ts';
import { canTakeBack } from '../../changes/index.ts';
import { TakeBackError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import type { RecordedChange } from '../../model/outcome.ts';
import type { Entry } from '../book.ts';
import { type Verdict, wait } from '../verdict.ts';
import type { Work } from '../work.ts';

/** Selects the findings for which an interrupted change may have left parts that must be taken back. */
export async function unfinishedOf(
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
): Promise<Finding[]> {
  const unfinished = await Promise.all(
    findings.map(async ({ resource }) => (await takeable(journal.unresolved(resource))).length > 0),
  );
  return findings.filter((_, index) => unfinished[index]);
}

/** Keeps the findings that may have something to take back pending while changes are not allowed. */
export function holdUnfinished(
  findings: readonly Finding[],
  work: Pick<Work, 'journal'>,
  why: string,
): Promise<Map<string, Verdict>> {
  return verdictsOnUnfinished(findings, work, why, (reason) => wait(reason));
}

/**
 * Keeps the findings that may have partial changes to take back open if an attempt stops before it can check, for example
 * because of invalid settings or a session that AWS refuses. A later job checks again.
 * @param why the reason why the other findings have failed
 */
export function keepUnfinished(
  findings: readonly Finding[],
  work: Pick<Work, 'journal'>,
  why: string,
): Promise<Map<string, Verdict>> {
  return verdictsOnUnfinished(findings, work, why, (reason) => ({
    ...wait(reason),
    stillOpen: new TakeBackError(reason),
  }));
}

async function verdictsOnUnfinished(
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
  why: string,
  verdictOf: (reason: string) => Verdict,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  for (const { resource } of findings) {
    const [first] = await takeable(journal.unresolved(resource));
    if (first !== undefined) verdicts.set(resource, verdictOf(heldWords(first, why)));
  }
  return verdicts;
}

/**
 * Keeps findings open that the last attempt could not finish and that may have partial changes to take back. Later jobs
 * continue until these are taken back.
 */
export async function keepGivenUp(
  entries: readonly Entry<'retry'>[],
  work: Pick<Work, 'journal'>,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  for (const { finding, error } of entries) {
    const kept = await keepUnfinished([finding], work, describeError(error));
    for (const [resource, verdict] of kept) verdicts.set(resource, verdict);
  }
  return verdicts;
}

/** Selects the changes whose interruption can leave parts that must be taken back. */
export async function takeable(changes: readonly RecordedChange[]): Promise<RecordedChange[]> {
  const can = await Promise.all(changes.map(({ change }) => canTakeBack(change)));
  return changes.filter((_, index) => can[index] === true);
}

/** Returns the reason that a finding may have a partial change to take back. */
export function heldWords({ line }: RecordedChange, why = ''): string {
  return `an attempt was interrupted at "${line}", and what it may have added could not be taken back yet: ${why}`;
}
