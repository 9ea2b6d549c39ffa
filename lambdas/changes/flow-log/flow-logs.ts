import type { FlowLog } from '@aws-sdk/client-ec2';
import { chunks } from '../../aws/batches.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';
import { tagMap } from '../../aws/tags.ts';

export interface VpcFlowLog {
  readonly id: string;
  readonly vpc: string;
  /** Destination of what it writes: the log group's name, or the ARN of anything else. */
  readonly destination: string;
  /** AWS's words for why nothing is delivered; undefined if it is, or AWS does not know yet. */
  readonly failure: string | undefined;
  /** True if AWS says that it delivers: it does until it knows better. */
  readonly isSaidToDeliver: boolean;
  readonly isActive: boolean;
  readonly created: Date | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Time that AWS may take until it shows that a new flow log can't deliver. `DeliverLogsStatus` is `SUCCESS` as soon
 * as the flow log is made, and `FAILED` only when AWS has attempted to deliver: traffic is put together for up to 10
 * minutes, then takes about 5 more to CloudWatch Logs and about 10 to S3.
 * https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html ("Aggregation interval")
 */
export const MINUTES_UNTIL_DELIVERY_IS_KNOWN = 20;

/**
 * `FlowLogStatus` is only ever `ACTIVE`: whether anything is delivered stands in `DeliverLogsStatus`.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
 */
function parse(flowLog: FlowLog): VpcFlowLog {
  const { FlowLogId = '', ResourceId = '', LogGroupName, LogDestination, DeliverLogsStatus } = flowLog;
  return {
    id: FlowLogId,
    vpc: ResourceId,
    destination: LogGroupName ?? LogDestination ?? '',
    failure:
      DeliverLogsStatus === 'FAILED' ? (flowLog.DeliverLogsErrorMessage ?? 'no error message') : undefined,
    isSaidToDeliver: DeliverLogsStatus === 'SUCCESS',
    isActive: flowLog.FlowLogStatus === 'ACTIVE',
    created: flowLog.CreationTime,
    tags: tagMap(flowLog.Tags),
  };
}

/**
 * Reports whether the VPC's traffic is logged by it, as far as AWS knows. Anyone's flow log counts, wherever it writes.
 */
export const isLogging = ({ isActive, failure }: VpcFlowLog): boolean => isActive && failure === undefined;

/** Reports whether AWS may not know yet that a flow log, as old as this, can't deliver. */
export const isDeliveryOpen = (created: Date, now: Date): boolean =>
  now.getTime() - created.getTime() < MINUTES_UNTIL_DELIVERY_IS_KNOWN * 60_000;

/** EC2 takes at most 200 values in one filter of a request. */
const VPCS_PER_CALL = 200;

/** Reads the flow logs of VPCs. @returns them by the VPC; one without any has no entry */
export async function readFlowLogs(
  session: AwsSession,
  vpcs: readonly string[],
): Promise<Map<string, VpcFlowLog[]>> {
  const { EC2Client, paginateDescribeFlowLogs } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);
  const flowLogs = new Map<string, VpcFlowLog[]>();
  for (const Values of chunks(vpcs, VPCS_PER_CALL)) {
    const pages = paginateDescribeFlowLogs({ client }, { Filter: [{ Name: 'resource-id', Values }] });
    for await (const page of pages) {
      for (const flowLog of (page.FlowLogs ?? []).map(parse))
        flowLogs.set(flowLog.vpc, [...(flowLogs.get(flowLog.vpc) ?? []), flowLog]);
    }
  }
  return flowLogs;
}

const readShared = sharedRead(readFlowLogs);

/** Reads the flow logs of one VPC, together with others. */
export async function readFlowLogsOf(session: AwsSession, vpc: string): Promise<readonly VpcFlowLog[]> {
  return (await readShared(session, vpc)) ?? [];
}
