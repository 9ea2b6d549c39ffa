import pLimit from 'p-limit';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId, pollId } from '../../model/job.ts';
import type { Runbook } from '../../rules/runbook.ts';
import type { Ports } from '../ports.ts';
import type { InProgressMark, Place } from '../record/evidence-store.ts';
import { isLagOver, LAG_MILLISECONDS } from '../record/recent-changes.ts';

const CALLS_AT_ONCE = 8;

/** Maximum duration of a change in AWS before it counts as failed. A large Redshift cluster can take half an hour. */
const LONGEST_IN_PROGRESS_MILLISECONDS = 2 * 3_600_000;

export function isWithinReason(since: string, now: number): boolean {
  return now - Date.parse(since) <= LONGEST_IN_PROGRESS_MILLISECONDS;
}

/**
 * Returns the resource that is marked, in the region in which the document runs. A multi-region trail is found in each
 * of its regions, but has only one mark.
 */
export function markPlace(finding: Finding, runbook: Runbook, job: Pick<Job, 'region'>): Place {
  const { rule, account, resource } = finding;
  return { rule, account, region: runbook.regionOf?.(resource) ?? job.region, resource };
}

/**
 * Checks whether a mark is for another job's execution. A mark that is too old does not count, because its job may have
 * been lost.
 */
export function isHeldBy(mark: InProgressMark, job: Job, now: number): boolean {
  return mark.endedAt === undefined && mark.job !== journalId(job) && isWithinReason(mark.since, now);
}

/** Checks whether a read that shows a violation may be older than the changes of an execution that has ended. */
function mayHide({ endedAt }: InProgressMark, now: number): boolean {
  return endedAt !== undefined && !isLagOver(Date.parse(endedAt), now);
}

/** Returns the reason to leave a resource to another job's execution. */
export function startedElsewhere({ since, poll }: InProgressMark): string {
  const end = new Date(Date.parse(since) + LONGEST_IN_PROGRESS_MILLISECONDS).toISOString();
  const why = `in progress since ${since}: poll ${pollId(poll)} started an automation execution for it, and reports the outcome; this finding waits for a later poll`;
  return `${why}, until ${end} at the latest; to end this earlier, stop the automation execution`;
}

/**
 * Returns the reason not to start an execution yet, because one has just ended. Returns undefined if the mark's
 * execution may still be running.
 */
export function endedRecently({ endedAt, poll }: InProgressMark): string | undefined {
  if (endedAt === undefined) return undefined;
  const until = new Date(Date.parse(endedAt) + LAG_MILLISECONDS).toISOString();
  return `the execution of poll ${pollId(poll)} was found to have ended at ${endedAt}, and AWS's reads may be older than its changes: no other execution is started before ${until}`;
}

/**
 * Marks a resource for which the job is about to start an automation execution. The mark is necessary because a
 * resource does not show that an execution is working on it, unlike a cluster that is being changed.
 * @returns the other job's mark, if another job was faster or if reads may not show the changes of its execution yet;
 *   undefined if the resource is now marked for this job
 */
export async function markInProgress(
  job: Job,
  place: Place,
  { evidence, clock }: Pick<Ports, 'evidence' | 'clock'>,
): Promise<InProgressMark | undefined> {
  const since = new Date(clock.now()).toISOString();
  const mark: InProgressMark = { version: 1, job: journalId(job), poll: job.poll, since };
  const found = await evidence.readInProgress(place);
  const now = clock.now();
  if (found !== undefined && (isHeldBy(found, job, now) || mayHide(found, now))) return found;
  if (await evidence.writeInProgress(place, mark, found)) return undefined;
  return (await evidence.readInProgress(place)) ?? mark;
}

/** Resource without a running execution. */
export interface IdlePlace {
  readonly place: Place;
  /** True if there was one, so that reads may be older than its changes. */
  readonly wasWorkedOn: boolean;
}

/**
 * Notes in the job's marks that the executions have ended, and removes the marks of resources for which none was
 * started. If this is unknown, because an execution can't be followed or the job has no attempts left, the mark remains
 * until it is too old to count.
 * @param idle the resources that are known to have no running execution
 * @returns the errors; a mark that can't be written only defers its finding for some time
 */
export async function endMarks(
  job: Job,
  idle: readonly IdlePlace[],
  { evidence, clock }: Pick<Ports, 'evidence' | 'clock'>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await pLimit(CALLS_AT_ONCE).map(idle, async ({ place, wasWorkedOn }) => {
    try {
      const mark = await evidence.readInProgress(place);
      if (mark?.job !== journalId(job) || mark.endedAt !== undefined) return;
      const endedAt = new Date(clock.now()).toISOString();
      if (wasWorkedOn) await evidence.writeInProgress(place, { ...mark, endedAt }, mark);
      else await evidence.endInProgress(place);
    } catch (error) {
      failures.push(error);
    }
  });
  return failures;
}
