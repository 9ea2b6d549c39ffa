import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { ChangeKind } from '../change.ts';

const schema = z.object({
  kind: z.literal('log-group-create'),
  /** The log group's name. */
  resource: z.string(),
  retentionDays: z.number().int().positive(),
  kmsKeyArn: z.string().nullable(),
});
export type LogGroupCreate = z.infer<typeof schema>;

/** Marks the log groups that we made. */
const tag = { key: 'cspm-auto-remediation:made-by', value: 'cspm-auto-remediation' };

/** Whether a log group is one that we made and that has no retention yet: an earlier try was cut off in between. */
async function isUnfinished(session: AwsSession, name: string): Promise<boolean> {
  const { CloudWatchLogsClient, ListTagsForResourceCommand, paginateDescribeLogGroups } = await import(
    '../../aws/cloudwatch-logs.ts'
  );
  const client = session.client(CloudWatchLogsClient);
  let retained = false;
  for await (const page of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: name })) {
    const found = page.logGroups?.find(({ logGroupName }) => logGroupName === name);
    retained ||= found?.retentionInDays !== undefined;
    if (found !== undefined) break;
  }
  if (retained) return false;
  const { account, region, partition } = session;
  const { tags = {} } = await client.send(
    new ListTagsForResourceCommand({
      resourceArn: `arn:${partition}:logs:${region}:${account}:log-group:${name}`,
    }),
  );
  return tags[tag.key] === tag.value;
}

/**
 * Makes a log group with a retention. One that is there already is left as it is: a retention that someone chose, be
 * it for ever, is not shortened. AWS makes log groups without a retention and takes it by a second call: where an
 * earlier try came no further than the first, this one makes the second.
 */
export const changeKind: ChangeKind<LogGroupCreate> = {
  kind: 'log-group-create',
  schema,
  describe: (change) =>
    `+ log group ${change.resource}, unless there is one: kept ${change.retentionDays} days${change.kmsKeyArn === null ? '' : `, encrypted with ${change.kmsKeyArn}`}`,
  async apply(session, change) {
    const { CloudWatchLogsClient, CreateLogGroupCommand, PutRetentionPolicyCommand } = await import(
      '../../aws/cloudwatch-logs.ts'
    );
    const client = session.client(CloudWatchLogsClient);
    try {
      await client.send(
        new CreateLogGroupCommand({
          logGroupName: change.resource,
          tags: { [tag.key]: tag.value },
          ...(change.kmsKeyArn === null ? {} : { kmsKeyId: change.kmsKeyArn }),
        }),
      );
    } catch (error) {
      if (!isAwsError(error, 'ResourceAlreadyExists')) throw error;
      if (!(await isUnfinished(session, change.resource))) return change;
    }
    await client.send(
      new PutRetentionPolicyCommand({ logGroupName: change.resource, retentionInDays: change.retentionDays }),
    );
    return change;
  },
  // What was logged is evidence: an undo deletes the flow log and keeps its log group.
  inverse: () => undefined,
};
