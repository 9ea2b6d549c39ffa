import type { FlowLog } from '@aws-sdk/client-ec2';
import { chunks, EC2_FILTER_VALUES } from '../../aws/batches.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';
import { tagMap } from '../../aws/tags.ts';
import { StalePlanError } from '../../model/errors.ts';

export interface VpcFlowLog {
  readonly id: string;
  readonly vpc: string;
  /** The destination of the logs: a log group's name, or the ARN of another destination. */
  readonly destination: string;
  /**
   * AWS's reason why nothing is delivered; undefined if logs are delivered, or if AWS does not report a failure yet.
   */
  readonly failure: string | undefined;
  /** True if AWS reports successful delivery, which it also does before the first attempt. */
  readonly isSaidToDeliver: boolean;
  readonly isActive: boolean;
  readonly created: Date | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Time after which AWS must show that a new flow log can't deliver. `DeliverLogsStatus` is `SUCCESS` as soon as the
 * flow log is created, and `FAILED` only after AWS has tried to deliver: traffic is aggregated for up to 10 minutes,
 * and delivery to CloudWatch Logs takes about 5 more minutes, to S3 about 10.
 * https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html ("Aggregation interval")
 */
export const MINUTES_UNTIL_DELIVERY_IS_KNOWN = 20;

/**
 * Parses a flow log. `FlowLogStatus` is always `ACTIVE`; only `DeliverLogsStatus` shows whether logs are delivered.
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
 * Checks whether a flow log logs the VPC's traffic according to AWS. Any flow log counts, regardless of its owner and
 * destination.
 */
export const isLogging = ({ isActive, failure }: VpcFlowLog): boolean => isActive && failure === undefined;

/** Checks that no flow log logs a VPC's traffic. @throws StalePlanError if one does */
export function checkUnlogged(vpc: string, flowLogs: readonly VpcFlowLog[]): void {
  const logging = flowLogs.find(isLogging);
  if (logging === undefined) return;
  throw new StalePlanError(`VPC ${vpc} has flow log ${logging.id}: someone else has created it`);
}

/** Checks whether a flow log is so new that AWS may not report yet that it can't deliver. */
export const isDeliveryOpen = (created: Date, now: Date): boolean =>
  now.getTime() - created.getTime() < MINUTES_UNTIL_DELIVERY_IS_KNOWN * 60_000;

/** Reads the flow logs of VPCs. @returns the flow logs by VPC; a VPC without any has no entry */
export async function readFlowLogs(
  session: AwsSession,
  vpcs: readonly string[],
): Promise<Map<string, VpcFlowLog[]>> {
  const { EC2Client, paginateDescribeFlowLogs } = await import('../../aws/ec2.ts');
  const client = session.client(EC2Client);
  const flowLogs = new Map<string, VpcFlowLog[]>();
  for (const Values of chunks(vpcs, EC2_FILTER_VALUES)) {
    const pages = paginateDescribeFlowLogs({ client }, { Filter: [{ Name: 'resource-id', Values }] });
    for await (const page of pages) {
      for (const flowLog of (page.FlowLogs ?? []).map(parse))
        flowLogs.set(flowLog.vpc, [...(flowLogs.get(flowLog.vpc) ?? []), flowLog]);
    }
  }
  return flowLogs;
}

const readShared = sharedRead(readFlowLogs);

/** Reads the flow logs of one VPC, batched with other reads. */
export async function readFlowLogsOf(session: AwsSession, vpc: string): Promise<readonly VpcFlowLog[]> {
  return (await readShared(session, vpc)) ?? [];
}
