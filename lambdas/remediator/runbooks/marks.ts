import pLimit from 'p-limit';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, journalId, pollId } from '../../model/job.ts';
import type { Runbook } from '../../rules/runbook.ts';
import type { Ports } from '../ports.ts';
import type { InProgressMark, Place } from '../record/evidence-store.ts';
import { Journal } from '../record/journal.ts';
import { isLagOver, LAG_MILLISECONDS } from '../record/recent-changes.ts';
import { executionState } from './execution.ts';

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
 * Checks whether a mark is for another job's execution. A mark that is too old does not count on its own, because its
 * job may have been lost.
 */
export function isHeldBy(mark: InProgressMark, job: Job, now: number): boolean {
  return isOfOther(mark, job) && isWithinReason(mark.since, now);
}

function isOfOther(mark: InProgressMark, job: Job): boolean {
  return mark.endedAt === undefined && mark.job !== journalId(job);
}

/** Reason not to start an execution. */
export interface Obstacle {
  readonly reason: string;
  /** True if an execution has just ended, so that another one can be started within minutes. */
  readonly isShort: boolean;
}

/** Returns the reason to leave a resource to another job's execution. */
export function startedElsewhere({ since, poll }: InProgressMark): string {
  const end = new Date(Date.parse(since) + LONGEST_IN_PROGRESS_MILLISECONDS).toISOString();
  const why = `in progress since ${since}: poll ${pollId(poll)} started an automation execution for it, and reports the outcome; this finding waits for a later poll`;
  return `${why}, and after ${end} only if the execution is still running; to end this earlier, stop the automation execution`;
}

/**
 * Returns the reason not to start an execution yet, because one has just ended. Returns undefined if the mark's
 * execution may still be running, or if reads must show its changes by now.
 */
function endedRecently(
  { endedAt, poll }: { readonly endedAt?: string | undefined; readonly poll: InProgressMark['poll'] },
  now: number,
): Obstacle | undefined {
  if (endedAt === undefined || isLagOver(Date.parse(endedAt), now)) return undefined;
  const until = new Date(Date.parse(endedAt) + LAG_MILLISECONDS).toISOString();
  const reason = `the execution of poll ${pollId(poll)} was found to have ended at ${endedAt}, and AWS's reads may be older than its changes: no other execution is started before ${until}`;
  return { reason, isShort: true };
}

/**
 * Marks a resource for which the job is about to start an automation execution. The mark is necessary because a
 * resource does not show that an execution is working on it, unlike a cluster that is being changed.
 * @returns the reason not to start one, if another job was faster, if the execution of an earlier job is still running,
 *   or if reads may not show its changes yet; undefined if the resource is now marked for this job
 */
export async function markInProgress(
  session: AwsSession,
  job: Job,
  place: Place,
  { evidence, clock }: Pick<Ports, 'evidence' | 'clock'>,
): Promise<Obstacle | undefined> {
  const since = new Date(clock.now()).toISOString();
  const mark: InProgressMark = { version: 1, job: journalId(job), poll: job.poll, since };
  const found = await evidence.readInProgress(place);
  const now = clock.now();
  if (found !== undefined) {
    if (isHeldBy(found, job, now)) return { reason: startedElsewhere(found), isShort: false };
    const obstacle = isOfOther(found, job)
      ? await stillRunning(session, found, place, { evidence, clock })
      : endedRecently(found, now);
    if (obstacle !== undefined) return obstacle;
  }
  if (await evidence.writeInProgress(place, mark, found)) return undefined;
  const other = (await evidence.readInProgress(place)) ?? mark;
  return endedRecently(other, now) ?? { reason: startedElsewhere(other), isShort: false };
}

/**
 * Checks whether the execution of a mark that is too old is still running, or has just ended: a step of a document can
 * wait for an approval for up to 30 days (Systems Manager user guide, "aws:approve"). Returns undefined if the job of
 * the mark is not known to have started one.
 * @throws AWS's own error if the execution can't be read
 */
async function stillRunning(
  session: AwsSession,
  mark: InProgressMark,
  { resource }: Place,
  { evidence, clock }: Pick<Ports, 'evidence' | 'clock'>,
): Promise<Obstacle | undefined> {
  const journal = new Journal(mark.job, evidence);
  await journal.read();
  const execution = journal.execution(resource);
  if (execution === undefined) return undefined;
  try {
    const state = await executionState(session, execution);
    if (state.isOver) return endedRecently({ ...mark, endedAt: state.endedAt?.toISOString() }, clock.now());
    const reason = `in progress since ${mark.since}: execution ${execution.executionId} of ${execution.document}, which poll ${pollId(mark.poll)} started, is ${state.status}; no other one is started before it ends; to end this earlier, stop the automation execution`;
    return { reason, isShort: false };
  } catch (error) {
    if (isAwsError(error, 'AutomationExecutionNotFound')) return undefined;
    throw error;
  }
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
