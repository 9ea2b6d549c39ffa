import pLimit from 'p-limit';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId, pollId } from '../../model/job.ts';
import type { Runbook } from '../../rules/runbook.ts';
import type { Ports } from '../ports.ts';
import type { InProgressMark, Place } from '../record/evidence-store.ts';
import { isLagOver, LAG_MILLISECONDS } from '../record/recent-changes.ts';

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

/** Reports whether a mark stands for an execution of another job. Whoever set one that is too old is lost. */
export function isHeldBy(mark: InProgressMark, job: Job, now: number): boolean {
  return mark.endedAt === undefined && mark.job !== journalId(job) && isWithinReason(mark.since, now);
}

/** Reports whether a read that shows a violation may be from before the work of the execution, which is over. */
function mayHide({ endedAt }: InProgressMark, now: number): boolean {
  return endedAt !== undefined && !isLagOver(Date.parse(endedAt), now);
}

/** The reason to leave a resource to another job's execution. */
export function startedElsewhere({ since, poll }: InProgressMark): string {
  const end = new Date(Date.parse(since) + LONGEST_IN_PROGRESS_MILLISECONDS).toISOString();
  const why = `in progress since ${since}: poll ${pollId(poll)} began it, and reports its outcome; this one waits for the next poll`;
  return `${why}, until ${end} at the latest; to end it earlier, stop the automation execution`;
}

/** The reason to start no execution yet, as one has ended a moment ago; undefined if the mark is of one that runs. */
export function endedRecently({ endedAt, poll }: InProgressMark): string | undefined {
  if (endedAt === undefined) return undefined;
  const until = new Date(Date.parse(endedAt) + LAG_MILLISECONDS).toISOString();
  return `the execution of poll ${pollId(poll)} has ended, as was seen at ${endedAt}, and AWS's reads may be from before its work: none is started again before ${until}`;
}

/**
 * Marks a resource for which the job is about to start an automation execution. A cluster that is being changed says so
 * to every poll by itself; a resource that an execution works on does not.
 * @returns the mark of another job that was there first, or of an execution whose work reads may not show yet; undefined
 *   where the resource is marked for this one
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

/** A place without a running execution. */
export interface IdlePlace {
  readonly place: Place;
  /** True if one did: reads may be from before its work. */
  readonly wasWorkedOn: boolean;
}

/**
 * Notes in the job's marks that the execution is over, and takes away those of resources for which none was started. Where
 * that is not known (it can't be followed, or the job has no attempts left) the mark stays until it is too old to count.
 * @param idle those of which it is known
 * @returns the errors: a mark that can't be written only defers its finding for a while
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
