import pLimit from 'p-limit';
import type { Finding } from '../model/finding.ts';
import { type Job, journalId, pollId } from '../model/job.ts';
import type { Conclusions } from './conclusions.ts';
import type { Journal } from './journal.ts';
import type { Surroundings } from './surroundings.ts';

const CALLS_AT_ONCE = 8;

/** What takes AWS longer than this has failed. A large Redshift cluster may take half an hour. */
const LONGEST_IN_PROGRESS_MILLISECONDS = 2 * 3_600_000;
const FIRST_LOOK_SECONDS = 15;
const LONGEST_LOOK_SECONDS = 300;

/**
 * Sees to it that what AWS works on for minutes is looked at again, by a job of its own: no function waits for it. What
 * has taken too long has failed.
 */
export async function goOn(
  job: Job,
  { clock, lookAgain }: Pick<Surroundings, 'clock' | 'lookAgain'>,
  journal: Journal,
  conclusions: Conclusions,
): Promise<void> {
  const findings: Finding[] = [];
  for (const { finding, reason, facts } of conclusions.inProgress) {
    // Findings of one job may have begun at different attempts.
    const [first] = journal.applied(finding.resource);
    if (first === undefined || isWithinReason(first.appliedAt, clock.now())) findings.push(finding);
    else {
      const words = `not done since ${first.appliedAt}: ${reason}; look at ${finding.resource} by hand`;
      conclusions.conclude(finding, 'failed', { ...facts, willRetry: true, reason: words });
    }
  }
  if (findings.length === 0) return;
  await journal.write();
  const { look = 0 } = job.continues ?? {};
  const delaySeconds = Math.min(FIRST_LOOK_SECONDS * 2 ** look, LONGEST_LOOK_SECONDS);
  await lookAgain({ ...job, findings, continues: { job: journalId(job), look: look + 1 } }, delaySeconds);
}

function isWithinReason(since: string, now: number): boolean {
  return now - Date.parse(since) <= LONGEST_IN_PROGRESS_MILLISECONDS;
}

/**
 * Marks a finding for which the job is about to start an automation execution. A cluster that is being changed says so
 * to every poll by itself; what an execution works on does not.
 */
export function markInProgress(
  job: Job,
  finding: Finding,
  { evidence, clock }: Pick<Surroundings, 'evidence' | 'clock'>,
): Promise<void> {
  const since = new Date(clock.now()).toISOString();
  return evidence.writeInProgress(finding, { version: 1, job: journalId(job), poll: job.poll, since });
}

/** Defers what an execution of another job may work on: no second one is started. */
export async function deferWhatIsInProgress(
  job: Job,
  findings: readonly Finding[],
  { evidence, clock }: Pick<Surroundings, 'evidence' | 'clock'>,
  conclusions: Conclusions,
): Promise<void> {
  const marks = await pLimit(CALLS_AT_ONCE).map(findings, async (finding) => ({
    finding,
    mark: await evidence.readInProgress(finding),
  }));
  for (const { finding, mark } of marks) {
    if (mark === undefined || mark.job === journalId(job)) continue;
    // Whoever set it is lost if it stands for longer than anything may take.
    if (!isWithinReason(mark.since, clock.now())) continue;
    const reason = `in progress since ${mark.since}: poll ${pollId(mark.poll)} began it`;
    conclusions.conclude(finding, 'deferred', { willRetry: true, reason });
  }
}

/**
 * Takes the job's marks away from findings on which no execution works any more. Where that is not known (it can't be
 * followed, or the job has no tries left) the mark stays until it is too old to count.
 * @param findings those of which it is known
 * @returns what went wrong: a mark that can't be taken away only defers its finding for a while
 */
export async function endInProgress(
  job: Job,
  findings: readonly Finding[],
  { evidence }: Pick<Surroundings, 'evidence'>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await pLimit(CALLS_AT_ONCE).map(findings, async (finding) => {
    try {
      const mark = await evidence.readInProgress(finding);
      if (mark?.job === journalId(job)) await evidence.endInProgress(finding);
    } catch (error) {
      failures.push(error);
    }
  });
  return failures;
}
