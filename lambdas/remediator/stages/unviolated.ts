import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Finding } from '../../model/finding.ts';
import type { Assessment } from '../../rules/rule.ts';
import { reasonOf, type Violation } from '../planned-fix.ts';
import { IN_PART } from '../record/in-part.ts';
import { isLagOver } from '../record/recent-changes.ts';
import type { Ending } from '../runbooks/follow.ts';
import { conclude, type Verdict, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import { isBegunLately } from './resolve.ts';

type Unviolated = Exclude<Assessment, Violation>;

/** Determines the verdict on a resource that does not violate the rule, or that cannot be changed now. */
export function verdictOfUnviolated(
  { resource }: Finding,
  assessment: Unviolated,
  work: Pick<Work, 'job' | 'journal' | 'ports'>,
  ending: Ending | undefined,
): Verdict {
  const { journal } = work;
  switch (assessment.state) {
    case 'gone':
      return conclude('gone', { reason: `${resource} no longer exists` });
    case 'busy':
      // If this job changed the resource, or may have, it is followed until AWS has finished.
      if (
        journal.applied(resource).length > 0 ||
        journal.unresolved(resource).some((begun) => isBegunLately(resource, begun, work))
      )
        return wait(assessment.reason);
      return conclude('deferred', { willRetry: true, reason: assessment.reason });
    case 'compliant':
    case 'not_applicable':
      if (isOldPerhaps(resource, work)) return wait(lagWords(resource));
      if (mayHaveChanged(resource, work)) return verdictOfOwnWork(resource, assessment, work, ending);
      if (assessment.state === 'not_applicable') {
        return conclude('not_applicable', { reason: assessment.reason });
      }
      return conclude('compliant', reasonOf([...(assessment.notes ?? []), ...takenBack(resource, work)]));
  }
}

/**
 * Checks whether a read without a violation may be older than this job's recent changes. If the plan was completely
 * applied, it ended the violation. Otherwise, either someone else ended it, or the read is older than the violation,
 * which may still exist.
 */
function isOldPerhaps(resource: string, { journal, ports }: Pick<Work, 'journal' | 'ports'>): boolean {
  if (journal.completedAt(resource) !== undefined) return false;
  const applied = journal.applied(resource).filter(({ change }) => !isStart(change));
  const last = Math.max(...applied.map(({ appliedAt }) => Date.parse(appliedAt)));
  return !isLagOver(last, ports.clock.now());
}

function lagWords(resource: string): string {
  return `a read of ${resource} shows no violation, but may be older than this job's changes`;
}

/** Checks whether this job changed the resource, or began a change with an unknown result. */
function mayHaveChanged(resource: string, { journal }: Pick<Work, 'journal'>): boolean {
  return journal.hasApplied(resource) || journal.unresolved(resource).length > 0;
}

function takenBack(resource: string, { journal }: Pick<Work, 'journal'>): string[] {
  const applied = journal.applied(resource);
  if (applied.length === 0) return [];
  const isLeft = applied.every(({ line }) => line.endsWith(IN_PART));
  return [
    isLeft
      ? 'another job completed the change that this job began'
      : 'what this job had added was taken back',
  ];
}

/** Checks whether some of the planned changes were certainly not made. */
function isMadeInPart(resource: string, journal: Work['journal']): boolean {
  const begun = [...journal.applied(resource), ...journal.unresolved(resource)];
  const lines = new Set(begun.map(({ line }) => line));
  return journal.planned(resource).some(({ line }) => !lines.has(line));
}

/**
 * Determines the verdict on a resource that no longer needs a change after this job changed it, in this attempt or an
 * earlier one.
 */
function verdictOfOwnWork(
  resource: string,
  assessment: Unviolated,
  { job, journal }: Pick<Work, 'job' | 'journal'>,
  ending: Ending | undefined,
): Verdict {
  if (assessment.state === 'not_applicable' && assessment.violates === true) {
    const reason = `some of the planned changes were made, and ${resource} still violates the rule: ${assessment.reason}`;
    return conclude('failed', { willRetry: true, reason });
  }
  // A follow-up job normally finds that the changes of the earlier job are visible.
  const isLater = job.continues !== undefined && journal.completedAt(resource) !== undefined;
  if (ending?.status === 'Success' || (ending === undefined && isLater)) {
    return conclude('remediated', reasonOf(assessment.state === 'compliant' ? (assessment.notes ?? []) : []));
  }
  const notes = assessment.state === 'not_applicable' ? `; ${assessment.reason}` : '';
  if (ending !== undefined) {
    const reason = `${resource} complies after ${ending.execution}, although the execution ended as ${ending.result}${notes}`;
    return conclude('remediated', { reason });
  }
  const why = isMadeInPart(resource, journal)
    ? 'some of the planned changes were made, and the others were no longer needed'
    : 'an earlier attempt at this job planned these changes and was interrupted before it recorded an outcome';
  return conclude('remediated', { reason: `${why}; ${resource} complies now${notes}` });
}
