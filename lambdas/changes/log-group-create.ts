import { z } from 'zod';
import { isAwsError } from '../shared/aws-errors.ts';
import type { ChangeKind } from './change.ts';

const schema = z.object({
  kind: z.literal('log-group-create'),
  /** The log group's name. */
  resource: z.string(),
  retentionDays: z.number().int().positive(),
  kmsKeyArn: z.string().nullable(),
});
export type LogGroupCreate = z.infer<typeof schema>;

/** Makes a log group with a retention. One that is there already is left as it is. */
export const changeKind: ChangeKind<LogGroupCreate> = {
  kind: 'log-group-create',
  schema,
  describe: (change) =>
    `+ log group ${change.resource}, kept ${change.retentionDays} days${change.kmsKeyArn === null ? '' : `, encrypted with ${change.kmsKeyArn}`}`,
  async apply(session, change) {
    const { CloudWatchLogsClient, CreateLogGroupCommand, PutRetentionPolicyCommand } = await import(
      '../aws/cloudwatch-logs.ts'
    );
    const client = session.client(CloudWatchLogsClient);
    try {
      await client.send(
        new CreateLogGroupCommand({
          logGroupName: change.resource,
          ...(change.kmsKeyArn === null ? {} : { kmsKeyId: change.kmsKeyArn }),
        }),
      );
    } catch (error) {
      if (isAwsError(error, 'ResourceAlreadyExists')) return change;
      throw error;
    }
    await client.send(
      new PutRetentionPolicyCommand({ logGroupName: change.resource, retentionInDays: change.retentionDays }),
    );
    return change;
  },
  // What was logged is evidence: an undo deletes the flow log and keeps its log group.
  inverse: () => undefined,
};
