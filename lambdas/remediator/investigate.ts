import { z } from 'zod';
import { describeError, errorKind } from '../aws/errors.ts';
import { cloudTrailLookups } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';
import { eventId } from '../model/event-id.ts';
import type { Finding } from '../model/finding.ts';
import type { FindingNotice } from '../model/finding-notice.ts';
import { type Investigation, isPollId, type Job, pollId } from '../model/job.ts';
import type { Attempt, Ports } from './ports.ts';

/** The most pages of a resource's events, of 50 each: newest first. */
const MOST_PAGES = 3;
const MAX_TEXT = 200;

/** The region that has the events of services of no region, by partition (CloudTrail user guide, "Global service events"). */
const globalEvents: Readonly<Record<string, string>> = {
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};

/** The fields that are read of an event (CloudTrail user guide, "CloudTrail record contents"). Others decide about them. */
const text = z.string().transform((given) => given.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_TEXT));
const recordSchema = z.object({
  eventName: text,
  eventTime: text,
  userAgent: text.default(''),
  errorCode: z.string().optional(),
  userIdentity: z.object({ arn: text.optional(), invokedBy: text.optional(), type: text.optional() }),
});
type EventRecord = z.infer<typeof recordSchema>;

/**
 * Asks CloudTrail who undid the fixes of a job's findings, and tells people. Nothing is changed, and nothing depends on it:
 * where the role may not ask, or CloudTrail has no answer in the end, nothing is told.
 * @returns what a log is to have
 * @throws AWS's own error where another attempt may have an answer
 */
export async function investigate(job: Job, attempt: Attempt, ports: Ports): Promise<string[]> {
  const { account, region, poll, investigates = {} } = job;
  const lines: string[] = [];
  try {
    const permissions = [{ actions: ['cloudtrail:LookupEvents'], resources: ['*'] }];
    const session = await ports.openSession({ account, region, name: pollId(poll), permissions });
    for (const finding of job.findings) {
      const asked = investigates[finding.resource];
      if (asked === undefined) continue;
      const culprit = await findCulprit(session, finding, asked, ports.automationRoleArn(account));
      if (culprit === undefined)
        lines.push(`CloudTrail names nobody who undid the fix of ${finding.resource}`);
      else
        await ports.publish({
          job,
          withEvent: [],
          recorded: [],
          changed: [],
          notices: [noticeOf(job, finding, culprit)],
        });
    }
    return lines;
  } catch (error) {
    if (errorKind(error) !== 'refused' && !attempt.last) throw error;
    return [
      ...lines,
      `CloudTrail of account ${account} was not asked who undid fixes: ${describeError(error)}`,
    ];
  }
}

/** The last change of a resource by somebody else between two moments. */
async function findCulprit(
  session: AwsSession,
  { region }: Finding,
  { changed, from, to }: Investigation,
  automationRoleArn: string,
): Promise<EventRecord | undefined> {
  const { CloudTrailClient, LookupEventsCommand } = await import('../aws/cloudtrail.ts');
  const place = region === 'global' ? (globalEvents[session.partition] ?? 'us-east-1') : region;
  const client = session.client(CloudTrailClient, place);
  const automation = `/${automationRoleArn.split('/').at(-1)}/`;
  let NextToken: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    await session.turn(cloudTrailLookups);
    const answer = await client.send(
      new LookupEventsCommand({
        LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: changed }],
        StartTime: new Date(from),
        EndTime: new Date(to),
        MaxResults: 50,
        ...(NextToken !== undefined && { NextToken }),
      }),
    );
    for (const { ReadOnly, CloudTrailEvent = '' } of answer.Events ?? []) {
      const record = ReadOnly === 'true' ? undefined : recordOf(CloudTrailEvent);
      if (record === undefined || record.errorCode !== undefined) continue;
      const { arn = '' } = record.userIdentity;
      if (!isPollId(arn.split('/').at(-1) ?? '') && !arn.includes(automation)) return record;
    }
    NextToken = answer.NextToken;
    if (NextToken === undefined) return undefined;
  }
  return undefined;
}

/** An event's record; undefined where it has another form. */
function recordOf(json: string): EventRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

function noticeOf({ poll, account, region }: Job, { resource }: Finding, by: EventRecord): FindingNotice {
  const { arn, invokedBy, type } = by.userIdentity;
  const who = arn ?? invokedBy ?? type ?? 'somebody';
  const reason = `the fix of ${resource} was undone by ${who}: ${by.eventName} at ${by.eventTime}${hintOf(by)}`;
  return {
    version: 1,
    id: eventId(`${poll.rule} ${account} ${region} ${poll.asOf}`, `undone_by ${resource}`),
    kind: 'undone_by',
    rule: poll.rule,
    account,
    region,
    findings: [{ resource, since: new Date(Date.parse(by.eventTime)).toISOString(), reason }],
    words: reason,
  };
}

/** Explains a change by a tool that makes resources what its code says. */
function hintOf({ userAgent, userIdentity: { invokedBy = '' } }: EventRecord): string {
  if (/terraform|opentofu/i.test(userAgent)) {
    return ", with Terraform: the owner's code will bring it back, so it is to be fixed there";
  }
  if (/cloudformation/i.test(`${userAgent} ${invokedBy}`)) {
    return ", with CloudFormation: the owner's template will bring it back, so it is to be fixed there";
  }
  return '';
}
