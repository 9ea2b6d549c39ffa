import type { FlowLog } from '@aws-sdk/client-ec2';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';

export interface VpcFlowLog {
  readonly id: string;
  readonly vpc: string;
  /** Where it writes: the log group's name, or the ARN of anything else. */
  readonly destination: string;
  /** AWS's words for why nothing is delivered; undefined where it is, or AWS does not know yet. */
  readonly failure: string | undefined;
  readonly isActive: boolean;
  readonly created: Date | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** How long AWS may take until it shows that a new flow log can't deliver. */
export const MINUTES_UNTIL_DELIVERY_IS_KNOWN = 10;

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
    isActive: flowLog.FlowLogStatus === 'ACTIVE',
    created: flowLog.CreationTime,
    tags: tagMap(flowLog.Tags),
  };
}

/** Whether the VPC's traffic is logged by it, as far as AWS knows. Anyone's flow log counts, wherever it writes. */
export const isLogging = ({ isActive, failure }: VpcFlowLog): boolean => isActive && failure === undefined;

/** The flow logs of these VPCs. */
export async function readFlowLogs(session: AwsSession, vpcs: readonly string[]): Promise<VpcFlowLog[]> {
  const { EC2Client, paginateDescribeFlowLogs } = await import('../../aws/ec2.ts');
  const flowLogs: VpcFlowLog[] = [];
  const pages = paginateDescribeFlowLogs(
    { client: session.client(EC2Client) },
    { Filter: [{ Name: 'resource-id', Values: [...vpcs] }] },
  );
  for await (const page of pages) flowLogs.push(...(page.FlowLogs ?? []).map(parse));
  return flowLogs;
}
