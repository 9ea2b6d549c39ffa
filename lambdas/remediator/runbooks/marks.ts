import pLimit from 'p-limit';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId, pollId } from '../../model/job.ts';
import type { Runbook } from '../../rules/runbook.ts';
import type { Ports } from '../ports.ts';
import type { InProgressMark, Place } from '../record/evidence-store.ts';
import { isLagOver, LAG_MILLISECONDS } from '../record/recent-changes.ts';

const CALLS_AT_ONCE = 8;

/**
 * Maximum time that AWS may take for a change before it counts as failed. A large Redshift cluster may take half an
 * hour.
 */
const LONGEST_IN_PROGRESS_MILLISECONDS = 2 * 3_600_000;

export function isWithinReason(since: string, now: number): boolean {
  return now - Date.parse(since) <= LONGEST_IN_PROGRESS_MILLISECONDS;
}

/**
 * The resource as its mark names it: in the region in which the document runs. A multi-region trail is found from each
 * of its regions, but has only one mark.
 */
export function markPlace(finding: Finding, runbook: Runbook, job: Pick<Job, 'region'>): Place {
  const { rule, account, resource } = finding;
  return { rule, account, region: runbook.regionOf?.(resource) ?? job.region, resource };
}

/** Checks whether a mark is for another job's execution. A job whose mark is too old is considered lost. */
export function isHeldBy(mark: InProgressMark, job: Job, now: number): boolean {
  return mark.endedAt === undefined && mark.job !== journalId(job) && isWithinReason(mark.since, now);
}

/** Checks whether a read that shows a violation may predate the work of the execution, which is over. */
function mayHide({ endedAt }: InProgressMark, now: number): boolean {
  return endedAt !== undefined && !isLagOver(Date.parse(endedAt), now);
}

/** The reason to leave a resource to another job's execution. */
export function startedElsewhere({ since, poll }: InProgressMark): string {
  const end = new Date(Date.parse(since) + LONGEST_IN_PROGRESS_MILLISECONDS).toISOString();
  const why = `in progress since ${since}: poll ${pollId(poll)} began it, and reports its outcome; this one waits for the next poll`;
  return `${why}, until ${end} at the latest; to end it earlier, stop the automation execution`;
}

/**
 * The reason not to start an execution yet, because one has just ended; undefined if the mark's execution is still
 * running.
 */
export function endedRecently({ endedAt, poll }: InProgressMark): string | undefined {
  if (endedAt === undefined) return undefined;
  const until = new Date(Date.parse(endedAt) + LAG_MILLISECONDS).toISOString();
  return `the execution of poll ${pollId(poll)} has ended, as was seen at ${endedAt}, and AWS's reads may be from before its work: none is started again before ${until}`;
}

/**
 * Marks a resource for which the job is about to start an automation execution. A cluster that is being changed shows
 * this to every poll, but a resource that an execution works on does not.
 * @returns the mark if another job was faster, or if reads may not show the work of its execution yet; undefined if the
 *   resource is now marked for this job
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

/** A resource without a running execution. */
export interface IdlePlace {
  readonly place: Place;
  /** True if there was one, so that reads may predate its work. */
  readonly wasWorkedOn: boolean;
}

/**
 * Notes in the job's marks that the execution is over, and removes the marks of resources for which none was started.
 * If that is unknown, because the execution can't be followed or the job has no attempts left, the mark stays until it
 * is too old to count.
 * @param idle the resources that are known to have no running execution
 * @returns the errors; a mark that can't be written only defers its finding for a while
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
