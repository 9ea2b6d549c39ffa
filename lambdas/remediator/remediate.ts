import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import type { SettingsError } from '../model/errors.ts';
import { type Job, journalId } from '../model/job.ts';
import type { Outcome } from '../model/outcome.ts';
import { loadRule } from '../rules/index.ts';
import { Conclusions, type InProgressFinding, type Unfinished } from './conclusions.ts';
import type { EvidenceStore } from './evidence.ts';
import { endInProgress, goOn } from './in-progress.ts';
import { Journal } from './journal.ts';
import type { Attempt, Surroundings } from './surroundings.ts';
import { Work } from './work.ts';

/** What came of a job. Each of its findings has an outcome, from this attempt or an earlier one, or is unfinished. */
export interface JobResult {
  /** What this attempt wrote and told, one a finding, and what earlier ones wrote but did not get round to telling. */
  readonly outcomes: readonly Outcome[];
  /** What must be worked on again. In a last attempt these findings have outcomes, too. */
  readonly unfinished: readonly Unfinished[];
  /** What AWS works on for minutes: a further job looks at it. */
  readonly inProgress: readonly InProgressFinding[];
  /** Set where the settings can't be used, so that nothing was done. */
  readonly settingsError?: SettingsError;
  /** What else went wrong: the event bus did not take the outcomes, or the journal could not be written. */
  readonly failures: readonly unknown[];
}

const READS_AT_ONCE = 8;

/**
 * Works on a job: reads the resources, plans, applies (where the rule's mode is `enforce` and nothing stands against
 * it), reads back, writes one outcome a finding and tells it. What goes wrong on the way is part of the result.
 * @throws InvalidInputError when the job names a rule that there is not
 */
export async function remediate(job: Job, attempt: Attempt, surroundings: Surroundings): Promise<JobResult> {
  const { evidence, clock } = surroundings;
  const rule = await loadRule(job.poll.rule);
  const journal = new Journal(journalId(job), evidence);
  const conclusions = new Conclusions(job, journal, clock);
  let isRecalled = false;
  let settingsError: SettingsError | undefined;
  try {
    await recall(job, attempt, evidence, journal, conclusions);
    isRecalled = true;
    settingsError = await new Work(job, rule, attempt, surroundings, journal, conclusions).run();
  } catch (error) {
    conclusions.putBackAll(error);
  }
  try {
    await goOn(job, surroundings, journal, conclusions);
  } catch (error) {
    for (const { finding, facts } of conclusions.inProgress) conclusions.putBack(finding, error, facts);
  }
  if (attempt.last) conclusions.giveUp(attempt.number);

  // Before the outcomes: an attempt that finds those written has nothing left to look at.
  const failures = await endInProgress(job, conclusions.idle, surroundings);
  const written = await conclusions.write(evidence);
  const outcomes = [...conclusions.untold, ...written];
  try {
    await surroundings.tell(outcomes);
    journal.tell(outcomes);
  } catch (error) {
    failures.push(error);
  }
  // The next attempt must know what this one did. One that did not learn what is there would write over it.
  const comesBack = conclusions.unfinished.length > 0 || failures.length > 0;
  if (comesBack && isRecalled) await journal.write().catch((error: unknown) => failures.push(error));
  return {
    outcomes,
    unfinished: conclusions.unfinished,
    inProgress: conclusions.inProgress,
    ...(settingsError !== undefined && { settingsError }),
    failures,
  };
}

/**
 * Finds out what earlier attempts at a job did. A message that comes back from the dead-letter queue counts its
 * attempts from 1 again, so the journal is always asked.
 */
async function recall(
  job: Job,
  attempt: Attempt,
  evidence: EvidenceStore,
  journal: Journal,
  conclusions: Conclusions,
): Promise<void> {
  const isKnown = await journal.read();
  if (attempt.number === 1 && !isKnown) return;
  const outcomes = await pLimit(READS_AT_ONCE).map(job.findings, (finding) =>
    evidence.readOutcome(job.poll, finding),
  );
  for (const outcome of outcomes) {
    if (outcome === undefined || outcome.deadLetter === true) continue;
    // One that knows nothing of what this job applied was written by another job of the same poll meanwhile.
    const applied = journal.applied(outcome.finding.resource);
    if (applied.every((change) => outcome.applied.some((known) => isDeepStrictEqual(known, change)))) {
      conclusions.keep(outcome);
    }
  }
}
