import { comesBack, type Unfinished } from '../job-result.ts';
import type { Learned } from '../learned.ts';
import { endLease } from '../record/lease.ts';
import type { RecordedOutcome } from '../record/outcome-log.ts';
import { type Due, dueOf, publishDue } from '../record/publish-recorded.ts';
import type { Work } from '../work.ts';
import { scheduleInvestigation } from './investigations.ts';
import { recordGates } from './record-gates.ts';

/** Result of an attempt before anything is published. */
interface Attempted {
  /** The outcomes that it recorded. */
  readonly written: readonly RecordedOutcome[];
  /** The findings that it leaves to the next attempt. */
  readonly unfinished: readonly Unfinished[];
  /** The errors that cause the job to be retried. */
  readonly failures: readonly unknown[];
}

/** Result of the end of an attempt. */
interface Published {
  readonly due: Due;
  /** True if the event bus accepted all events. */
  readonly isPublished: boolean;
  /** The errors that cause the job to be retried. */
  readonly failures: readonly unknown[];
}

/**
 * Publishes the recorded outcomes, ends the lease, and saves what the next attempt needs.
 * @returns what was due to be published, and all errors that cause the job to be retried
 */
export async function publishAndEnd(
  { written, unfinished, failures: before }: Attempted,
  work: Work,
  learned: Learned,
): Promise<Published> {
  const { lease } = learned;
  const left = work.attempt.last ? [] : unfinished.map(({ finding }) => finding.resource);
  const due = dueOf(work, written, new Set(left), learned);
  const endsBeside = isEnd(due, learned) && !comesBack({ unfinished, failures: before });
  const [unpublished, gateFailures, unrecorded = []] = await Promise.all([
    publishDue(work, due),
    recordGates(work, learned),
    endsBeside ? endLease(lease, 'recorded', due.toWrite, work, written) : undefined,
  ]);
  const isPublished = unpublished.length === 0;
  const failures = [...before, ...unpublished, ...gateFailures, ...unrecorded];
  try {
    if (isPublished) await scheduleInvestigation(due.notices, due.published, work);
    if (learned.isRoleRefused) await work.role.noteMissing();
  } catch (error) {
    failures.push(error);
  }
  const writeJournal = () => work.journal.write().catch((error: unknown) => failures.push(error));
  // The next attempt needs the journal. An attempt that has not read it must not overwrite it.
  const returns = comesBack({ unfinished, failures });
  if (returns && learned.isRecalled) await writeJournal();
  if (unrecorded.length > 0 || (endsBeside && !returns)) return { due, isPublished, failures };
  // Outcomes in the table would count as published.
  const toWrite = endsBeside || !isPublished ? [] : due.toWrite;
  const notEnded = await endLease(lease, returns ? 'released' : 'done', toWrite, work);
  failures.push(...notEnded);
  if (notEnded.length > 0 && !returns) await writeJournal();
  return { due, isPublished, failures };
}

/**
 * Checks whether the findings may be recorded while their outcomes are published. If the attempt is interrupted then,
 * the message's next delivery publishes the outcomes in the findings' histories again. Notices have no such history,
 * and count as published once they are recorded.
 */
function isEnd({ notices, deferrals }: Due, { lease, isRoleRefused }: Learned): boolean {
  return lease?.isFirst === true && notices.length === 0 && deferrals.length === 0 && !isRoleRefused;
}
