import type { Finding } from '../../model/finding.ts';
import { type Occasion, pollId } from '../../model/job.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { FindingRecord } from './findings-store.ts';

/**
 * Number of fixes within a week from which a finding counts as recurring: whoever causes the violation does not know
 * about the fix.
 */
const FIXES = 3;
const WITHIN_MILLISECONDS = 7 * 86_400_000;

/** The tag that CloudFormation adds to the resources it creates (user guide, "Resource tag"). */
const STACK_TAG = 'aws:cloudformation:stack-name';

/**
 * Counts the fixes of a finding within a week, including the fix at this poll. Returns undefined if the finding is not
 * recurring.
 * @param known the finding's record before this poll
 * @param now milliseconds since 1970
 */
export function recurrenceOf(
  known: FindingRecord | undefined,
  poll: Occasion,
  now: number,
): Outcome['recurring'] {
  const before = (known?.changes ?? []).filter(
    (change, index, changes) =>
      change.outcome === 'remediated' &&
      !isUndone(changes.slice(index + 1)) &&
      pollId(change.poll) !== pollId(poll) &&
      now - Date.parse(change.at) < WITHIN_MILLISECONDS,
  );
  const [first] = before;
  if (first === undefined || before.length + 1 < FIXES) return undefined;
  return { times: before.length + 1, since: first.at };
}

/**
 * Checks whether later outcomes show that an operator undid the fix, so that nobody else caused the violation again.
 */
function isUndone(since: FindingRecord['changes']): boolean {
  return since.find(({ outcome }) => outcome === 'remediated' || outcome === 'undone')?.outcome === 'undone';
}

/** Describes a recurring finding, and what to do about it. @param tags the tags of its resource, if they were read */
export function recurrenceWords(
  { times, since }: NonNullable<Outcome['recurring']>,
  { resource, account }: Finding,
  tags: Readonly<Record<string, string>> | undefined,
): string {
  const stack = tags?.[STACK_TAG];
  const whose =
    stack === undefined
      ? `find out in CloudTrail in account ${account} who changes it; if Terraform or CloudFormation does, fix the code`
      : `it belongs to the CloudFormation stack ${stack}, whose template causes the violation again: fix the template`;
  return `${resource} has been fixed ${times} times since ${since}, and keeps violating the rule: ${whose}, or exempt it`;
}
