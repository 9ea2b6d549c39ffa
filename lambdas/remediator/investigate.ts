import { describeError, errorKind } from '../aws/errors.ts';
import type { Finding } from '../model/finding.ts';
import { type FindingNotice, findingNotices } from '../model/finding-notice.ts';
import { type Job, pollId } from '../model/job.ts';
import { culpritWords, type EventRecord, findCulprit, hintOf, lookupPermission } from './culprit.ts';
import type { Attempt, Ports } from './ports.ts';

/**
 * Searches CloudTrail for who undid the fixes of a job's findings, and publishes a notice. Nothing is changed, and
 * nothing depends on the result: if the role lacks the permission, or the last attempt finds nothing, no notice is
 * published.
 * @returns lines for the log
 * @throws AWS's own error if another attempt may succeed
 */
export async function investigate(job: Job, attempt: Attempt, ports: Ports): Promise<string[]> {
  const { account, region, poll, investigates = {} } = job;
  const lines: string[] = [];
  const undone: Undone[] = [];
  try {
    const permissions = [lookupPermission];
    const session = await ports.openSession({ account, region, name: pollId(poll), permissions });
    for (const finding of job.findings) {
      const asked = investigates[finding.resource];
      if (asked === undefined) continue;
      const culprit = await findCulprit(session, finding, asked, ports.automationRoleArn(account));
      if (culprit === undefined)
        lines.push(`CloudTrail has no event that shows who undid the fix of ${finding.resource}`);
      else undone.push(undoneBy(finding, culprit));
    }
  } catch (error) {
    if (errorKind(error) !== 'refused' && !attempt.last) throw error;
    lines.push(
      `CloudTrail in account ${account} could not be queried to find out who undid fixes: ${describeError(error)}`,
    );
  }
  // One notice for all findings, because several often recur together.
  const words = undone.map(({ reason }) => reason).join('; ');
  const notices = findingNotices('undone_by', job, undone, words);
  if (notices.length === 0) return lines;
  try {
    await ports.publish({ job, withEvent: [], recorded: [], changed: [], notices });
  } catch (error) {
    if (!attempt.last) throw error;
    lines.push(`the notice about who undid fixes could not be published: ${describeError(error)}`);
  }
  return lines;
}

type Undone = FindingNotice['findings'][number];

function undoneBy({ resource }: Finding, by: EventRecord): Undone {
  const reason = `the fix of ${resource} was undone by ${culpritWords(by)}${hintOf(by)}`;
  return { resource, since: new Date(Date.parse(by.eventTime)).toISOString(), reason };
}
