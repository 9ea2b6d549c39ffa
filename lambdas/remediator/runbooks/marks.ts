import pLimit from 'p-limit';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId, pollId } from '../../model/job.ts';
import type { Runbook } from '../../rules/runbook.ts';
import type { Ports } from '../ports.ts';
import type { InProgressMark, Place } from '../record/evidence-store.ts';

const CALLS_AT_ONCE = 8;

/** The longest that AWS may take for a change before it has failed. A large Redshift cluster may take half an hour. */
const LONGEST_IN_PROGRESS_MILLISECONDS = 2 * 3_600_000;

export function isWithinReason(since: string, now: number): boolean {
  return now - Date.parse(since) <= LONGEST_IN_PROGRESS_MILLISECONDS;
}

/**
 * The resource as its mark names it: in the region that the document runs in. A trail of many regions is found from each
 * of them, and still has one mark.
 */
export function markPlace(finding: Finding, runbook: Runbook, job: Pick<Job, 'region'>): Place {
  const { rule, account, resource } = finding;
  return { rule, account, region: runbook.regionOf?.(resource) ?? job.region, resource };
}

/** Tells whether a mark stands for an execution of another job. Whoever set one that is too old is lost. */
export function isHeldBy(mark: InProgressMark, job: Job, now: number): boolean {
  return mark.job !== journalId(job) && isWithinReason(mark.since, now);
}

/** The reason to leave a resource to another job's execution. */
export function startedElsewhere({ since, poll }: InProgressMark): string {
  const end = new Date(Date.parse(since) + LONGEST_IN_PROGRESS_MILLISECONDS).toISOString();
  const why = `in progress since ${since}: poll ${pollId(poll)} began it, and reports its outcome; this one waits for the next poll`;
  return `${why}, until ${end} at the latest; to end it earlier, stop the automation execution`;
}

/**
 * Marks a resource for which the job is about to start an automation execution. A cluster that is being changed says so
 * to every poll by itself; a resource that an execution works on does not.
 * @returns the mark of another job that was there first, or undefined where the resource is marked for this one
 */
export async function markInProgress(
  job: Job,
  place: Place,
  { evidence, clock }: Pick<Ports, 'evidence' | 'clock'>,
): Promise<InProgressMark | undefined> {
  const since = new Date(clock.now()).toISOString();
  const mark: InProgressMark = { version: 1, job: journalId(job), poll: job.poll, since };
  const found = await evidence.readInProgress(place);
  if (found !== undefined && isHeldBy(found, job, clock.now())) return found;
  if (await evidence.writeInProgress(place, mark, found)) return undefined;
  return (await evidence.readInProgress(place)) ?? mark;
}

/**
 * Takes the job's marks away from resources on which no execution works any more. Where that is not known (it can't be
 * followed, or the job has no attempts left) the mark stays until it is too old to count.
 * @param places those of which it is known
 * @returns the errors: a mark that can't be taken away only defers its finding for a while
 */
export async function removeMarks(
  job: Job,
  places: readonly Place[],
  { evidence }: Pick<Ports, 'evidence'>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await pLimit(CALLS_AT_ONCE).map(places, async (place) => {
    try {
      const mark = await evidence.readInProgress(place);
      if (mark?.job === journalId(job)) await evidence.endInProgress(place);
    } catch (error) {
      failures.push(error);
    }
  });
  return failures;
}
