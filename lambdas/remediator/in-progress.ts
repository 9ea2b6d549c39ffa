import pLimit from 'p-limit';
import type { Clock } from '../shared/clock.ts';
import type { Finding } from '../shared/finding.ts';
import { type Job, journalId, pollId } from '../shared/job.ts';
import type { Outcome } from '../shared/outcome.ts';
import type { Conclusions } from './conclusions.ts';
import type { EvidenceStore } from './evidence.ts';
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
  { evidence, clock, lookAgain }: Surroundings,
  journal: Journal,
  conclusions: Conclusions,
): Promise<void> {
  if (conclusions.inProgress.length === 0) return;
  const now = new Date(clock.now()).toISOString();
  const { look = 0, since = now } = job.continues ?? {};
  if (Date.parse(now) - Date.parse(since) > LONGEST_IN_PROGRESS_MILLISECONDS) {
    for (const { finding, reason, facts } of conclusions.inProgress) {
      const words = `not done since ${since}: ${reason}; look at ${finding.resource} by hand`;
      conclusions.conclude(finding, 'failed', { ...facts, willRetry: true, reason: words });
    }
    return;
  }
  await journal.write();
  const findings = conclusions.inProgress.map(({ finding }) => finding);
  const continues = { job: journalId(job), look: look + 1, since };
  // That a resource is being changed, AWS tells every poll by itself; that an execution works on it, it does not.
  const executed = findings.filter(({ resource }) => journal.execution(resource) !== undefined);
  await pLimit(CALLS_AT_ONCE).map(executed, (finding) =>
    evidence.writeInProgress(finding, { version: 1, job: continues.job, poll: job.poll, since }),
  );
  const delaySeconds = Math.min(FIRST_LOOK_SECONDS * 2 ** look, LONGEST_LOOK_SECONDS);
  await lookAgain({ ...job, findings, continues }, delaySeconds);
}

/** Takes the marks away. One that can't be taken away only defers the finding for a while. */
export async function endInProgress(
  outcomes: readonly Outcome[],
  evidence: EvidenceStore,
  journal: Journal,
  failures: unknown[],
): Promise<void> {
  const executed = outcomes.filter(({ finding }) => journal.execution(finding.resource) !== undefined);
  await pLimit(CALLS_AT_ONCE).map(executed, async ({ finding }) => {
    await evidence.endInProgress(finding).catch((error: unknown) => failures.push(error));
  });
}

/** Defers what another job works on: it is not begun again. */
export async function deferWhatIsInProgress(
  job: Job,
  findings: readonly Finding[],
  { evidence, clock }: { readonly evidence: EvidenceStore; readonly clock: Clock },
  conclusions: Conclusions,
): Promise<void> {
  await pLimit(CALLS_AT_ONCE).map(findings, async (finding) => {
    const known = await evidence.readInProgress(finding);
    if (known === undefined || known.job === journalId(job)) return;
    // Whoever began it is lost if it has gone on for longer than any job goes on.
    if (clock.now() - Date.parse(known.since) > LONGEST_IN_PROGRESS_MILLISECONDS) return;
    const reason = `in progress since ${known.since}: poll ${pollId(known.poll)} began it`;
    conclusions.conclude(finding, 'deferred', { willRetry: true, reason });
  });
}
