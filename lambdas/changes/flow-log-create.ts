import { z } from 'zod';
import { ChangeRefusedError } from '../shared/errors.ts';
import type { ChangeKind } from './change.ts';
import type { FlowLogDelete } from './flow-log-delete.ts';

export const flowLogSchema = z.object({
  /** The VPC's id. */
  resource: z.string(),
  trafficType: z.enum(['ACCEPT', 'REJECT', 'ALL']),
  /** In seconds: 60 or 600. */
  maxAggregationInterval: z.union([z.literal(60), z.literal(600)]),
  destination: z.discriminatedUnion('type', [
    z.object({ type: z.literal('cloud-watch-logs'), logGroup: z.string(), deliveryRoleArn: z.string() }),
    z.object({ type: z.literal('s3'), arn: z.string() }),
  ]),
});

const schema = flowLogSchema.extend({
  kind: z.literal('flow-log-create'),
  /** What AWS called it; null until it is made, and where another flow log for the same was there already. */
  flowLogId: z.string().nullable(),
});
export type FlowLogCreate = z.infer<typeof schema>;

/** Marks the flow logs that we made: an undo may delete these and no others. */
export const FLOW_LOG_TAG = { Key: 'cspm-auto-remediation:made-by', Value: 'cspm-auto-remediation' };

/** Starts to log a VPC's traffic. */
export const changeKind: ChangeKind<FlowLogCreate> = {
  kind: 'flow-log-create',
  schema,
  describe(change) {
    const { destination } = change;
    const to = destination.type === 's3' ? destination.arn : `log group ${destination.logGroup}`;
    return `+ flow log of ${change.resource}, ${change.trafficType} traffic every ${change.maxAggregationInterval} s, to ${to}`;
  },
  async apply(session, change) {
    const { CreateFlowLogsCommand, EC2Client } = await import('../aws/ec2.ts');
    const { destination } = change;
    const answer = await session.client(EC2Client).send(
      new CreateFlowLogsCommand({
        ResourceType: 'VPC',
        ResourceIds: [change.resource],
        TrafficType: change.trafficType,
        MaxAggregationInterval: change.maxAggregationInterval,
        TagSpecifications: [{ ResourceType: 'vpc-flow-log', Tags: [FLOW_LOG_TAG] }],
        ...(destination.type === 's3'
          ? { LogDestinationType: 's3', LogDestination: destination.arn }
          : {
              LogDestinationType: 'cloud-watch-logs',
              LogGroupName: destination.logGroup,
              DeliverLogsPermissionArn: destination.deliveryRoleArn,
            }),
      }),
    );
    // The call answers 200 with its failures inside.
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
    const failure = answer.Unsuccessful?.[0]?.Error;
    if (failure !== undefined) {
      if (failure.Code === 'FlowLogAlreadyExists') return { ...change, flowLogId: null };
      throw new ChangeRefusedError(
        `no flow log was made for ${change.resource}: ${failure.Code ?? 'no code'}: ${failure.Message ?? 'no message'}`,
      );
    }
    const flowLogId = answer.FlowLogIds?.[0];
    if (flowLogId === undefined) {
      throw new ChangeRefusedError(
        `no flow log was made for ${change.resource}: AWS named none and gave no reason`,
      );
    }
    return { ...change, flowLogId };
  },
  inverse(applied): FlowLogDelete | undefined {
    const { flowLogId, kind: _, ...flowLog } = applied;
    return flowLogId === null ? undefined : { ...flowLog, kind: 'flow-log-delete', flowLogId };
  },
};
