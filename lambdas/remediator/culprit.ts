import { z } from 'zod';
import { cloudTrailLookups } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';
import type { Finding } from '../model/finding.ts';
import { type Investigation, isPollId } from '../model/job.ts';

/** Maximum number of pages of a resource's events that are read, newest first. A page has 50 events. */
const MOST_PAGES = 3;
const MAX_TEXT = 200;

/** Region with the events of global services, by partition (CloudTrail user guide, "Global service events"). */
const globalEvents: Readonly<Record<string, string>> = {
  'aws-cn': 'cn-north-1',
  'aws-eusc': 'eusc-de-east-1',
  'aws-us-gov': 'us-gov-west-1',
};

/**
 * Text in an event (CloudTrail user guide, "CloudTrail record contents"). Callers of AWS choose some of it, so it is
 * shortened, and all but printable ASCII characters are replaced.
 */
const text = z.string().transform((given) => given.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_TEXT));
const recordSchema = z.object({
  eventName: text,
  eventTime: text,
  userAgent: text.default(''),
  errorCode: z.string().optional(),
  userIdentity: z.object({ arn: text.optional(), invokedBy: text.optional(), type: text.optional() }),
});
export type EventRecord = z.infer<typeof recordSchema>;

/** Permission to query CloudTrail. Target roles have it if `cloudtrail_lookup` is true. */
export const lookupPermission = { actions: ['cloudtrail:LookupEvents'], resources: ['*'] } as const;

/** Finds the last change of a resource by someone else within a period. */
export async function findCulprit(
  session: AwsSession,
  { region }: Pick<Finding, 'region'>,
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
        StartTime: wholeSecond(from),
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

/** Rounds a time down: CloudTrail's times are whole seconds, so an event can have an earlier time than it happened. */
function wholeSecond(moment: string): Date {
  return new Date(Math.floor(Date.parse(moment) / 1000) * 1000);
}

/** Parses an event's record. Returns undefined if it does not match the schema. */
function recordOf(json: string): EventRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** Describes who made a change, with which call, and when. */
export function culpritWords({
  userIdentity: { arn, invokedBy, type },
  eventName,
  eventTime,
}: EventRecord): string {
  return `${arn ?? invokedBy ?? type ?? 'somebody'}: ${eventName} at ${eventTime}`;
}

/** Returns what to do about a change that Terraform or CloudFormation made; otherwise an empty string. */
export function hintOf({ userAgent, userIdentity: { invokedBy = '' } }: EventRecord): string {
  if (/terraform|opentofu/i.test(userAgent)) {
    return ", with Terraform: the owner's code will cause the violation again, so fix it there";
  }
  if (/cloudformation/i.test(`${userAgent} ${invokedBy}`)) {
    return ", with CloudFormation: the owner's template will cause the violation again, so fix it there";
  }
  return '';
}
