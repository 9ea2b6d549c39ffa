import type { AwsState, FlowLog } from '../../lab/aws-model/state.ts';
import type { Problem, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';

/** The bucket that it writes to: AWS lets nothing of a flow log be changed, but what it says of its delivery. */
export const flowLogText = (bucket: string): string => `to ${bucket}`;

/** Tells whether traffic is logged by it: also what AWS does not know yet counts. */
const logs = ({ status, failsAt }: FlowLog): boolean => status !== 'FAILED' && failsAt === undefined;

/** Judges what is done to the flow logs of VPCs. */
export class FlowLogOracle extends TextsOracle {
  protected textsOf(resource: string, state: AwsState): ReadonlyMap<string, string> {
    const flowLogs = state.vpcs[resource]?.flowLogs ?? [];
    return new Map(flowLogs.map(({ id, bucket }) => [id, flowLogText(bucket)]));
  }

  problemsOf(write: Write): Problem[] {
    const { resource, before, job } = write;
    const logging = (before.vpcs[resource]?.flowLogs ?? []).find(({ status }) => status !== 'FAILED');
    return this.changedBy(write).flatMap(({ item, from, to }) => {
      if (from !== null) return [`deleted flow log ${item}`];
      return [
        ...(logging === undefined ? [] : [`made flow log ${item} of ${resource}, which ${logging.id} logs`]),
        ...(to === flowLogText(String(job.options['destination']))
          ? []
          : [`made flow log ${item} ${to}, which the plan does not name`]),
      ];
    });
  }

  violates(resource: string, state: AwsState): boolean {
    const vpc = state.vpcs[resource];
    return vpc !== undefined && !(vpc.flowLogs ?? []).some(logs);
  }
}
