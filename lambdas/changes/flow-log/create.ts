import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';
import type { FlowLogDelete } from './delete.ts';

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
const tag = { Key: 'cspm-auto-remediation:made-by', Value: 'cspm-auto-remediation' };

const gone = ['InvalidVpcID.NotFound', 'InvalidVpcId.NotFound'];

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
    const { CreateFlowLogsCommand, EC2Client } = await import('../../aws/ec2.ts');
    const { destination } = change;
    const vpc = `VPC ${change.resource}`;
    let failure: { Code?: string | undefined; Message?: string | undefined } | undefined;
    let flowLogId: string | undefined;
    try {
      const answer = await session.client(EC2Client).send(
        new CreateFlowLogsCommand({
          // A call that the SDK sends again after a lost answer makes no second flow log, and is told the first one's id.
          ClientToken: randomUUID(),
          ResourceType: 'VPC',
          ResourceIds: [change.resource],
          TrafficType: change.trafficType,
          MaxAggregationInterval: change.maxAggregationInterval,
          TagSpecifications: [{ ResourceType: 'vpc-flow-log', Tags: [tag] }],
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
      failure = answer.Unsuccessful?.[0]?.Error;
      flowLogId = answer.FlowLogIds?.[0];
    } catch (error) {
      if (isAwsError(error, 'FlowLogAlreadyExists')) return { ...change, flowLogId: null };
      throw refusal(error, vpc, { gone });
    }
    if (failure?.Code === 'FlowLogAlreadyExists') return { ...change, flowLogId: null };
    if (failure !== undefined) {
      throw new ChangeRefusedError(
        `no flow log was made for ${vpc}: ${failure.Code ?? 'no code'}: ${failure.Message ?? 'no message'}`,
        { because: gone.includes(failure.Code ?? '') ? 'gone' : 'refused' },
      );
    }
    if (flowLogId === undefined) {
      throw new ChangeRefusedError(`no flow log was made for ${vpc}: AWS named none and gave no reason`);
    }
    return { ...change, flowLogId };
  },
  inverse(applied): FlowLogDelete | undefined {
    const { flowLogId, kind: _, ...flowLog } = applied;
    return flowLogId === null ? undefined : { ...flowLog, kind: 'flow-log-delete', flowLogId };
  },
};
