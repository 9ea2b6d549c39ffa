import type { Finding } from '../../model/finding.ts';
import { type Occasion, pollId } from '../../model/job.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { FindingRecord } from './findings-store.ts';

/** Number of fixes within a week after which a finding counts as recurring: whoever causes it does not know of the fix. */
const FIXES = 3;
const WITHIN_MILLISECONDS = 7 * 86_400_000;

/** The tag that CloudFormation adds to the resources it creates (user guide, "Resource tag"). */
const STACK_TAG = 'aws:cloudformation:stack-name';

/**
 * Counts the fixes of a finding within a week, including this poll's; undefined if it is not recurring.
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

/** Reports whether later events show that an operator had the fix undone, so that nobody else caused the violation again. */
function isUndone(since: FindingRecord['changes']): boolean {
  return since.find(({ outcome }) => outcome === 'remediated' || outcome === 'undone')?.outcome === 'undone';
}

/** Explains a recurring finding, and what to do. @param tags the tags of its resource, if they were read */
export function recurrenceWords(
  { times, since }: NonNullable<Outcome['recurring']>,
  { resource, account }: Finding,
  tags: Readonly<Record<string, string>> | undefined,
): string {
  const stack = tags?.[STACK_TAG];
  const whose =
    stack === undefined
      ? `CloudTrail in account ${account} shows who changes it; if it is Terraform or CloudFormation, fix the code`
      : `it belongs to the CloudFormation stack ${stack}, whose template brings the violation back: fix the template`;
  return `${resource} has been fixed ${times} times since ${since}, and keeps violating the rule: ${whose}, or exempt it`;
}
