import { type Job, journalId } from '../../model/job.ts';
import type { Entry } from '../book.ts';
import { isWithinReason } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, type Verdicts } from '../verdict.ts';
import type { Work } from '../work.ts';

const FIRST_LOOK_SECONDS = 15;
const LONGEST_LOOK_SECONDS = 300;

/**
 * Enqueues a follow-up job for changes that AWS takes minutes to finish or to show: no function waits for them. One that
 * has taken too long has failed.
 * @returns the verdicts on findings that no follow-up job looks at
 */
export async function scheduleFollowUp(
  waiting: readonly Entry<'in_progress'>[],
  { job, journal, ports }: Work,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  const followed: Entry<'in_progress'>[] = [];
  for (const entry of waiting) {
    const { resource } = entry.finding;
    // Findings of one job may have begun at different attempts.
    const [first] = journal.applied(resource);
    if (first === undefined || isWithinReason(first.appliedAt, ports.clock.now())) followed.push(entry);
    else {
      const reason = `not done since ${first.appliedAt}: ${entry.reason}; look at ${resource} by hand`;
      verdicts.set(resource, conclude('failed', { ...entry.details, willRetry: true, reason }));
    }
  }
  if (followed.length === 0) return verdicts;
  try {
    await journal.write();
    const { look = 0 } = job.continues ?? {};
    const delaySeconds = Math.min(FIRST_LOOK_SECONDS * 2 ** look, LONGEST_LOOK_SECONDS);
    await ports.lookAgain(followUpOf(job, followed, look + 1), delaySeconds);
  } catch (error) {
    for (const { finding, details } of followed) verdicts.set(finding.resource, retry(error, details));
  }
  return verdicts;
}

function followUpOf(job: Job, followed: readonly Entry<'in_progress'>[], look: number): Job {
  const findings = followed.map(({ finding }) => finding);
  return { ...job, findings, continues: { job: journalId(job), look } };
}
