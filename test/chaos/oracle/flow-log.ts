import type { AwsState, FlowLog } from '../../lab/aws-model/state.ts';
import type { Problem, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';

/** The bucket of a flow log. AWS allows no changes of flow logs; only the delivery status changes. */
export const flowLogText = (bucket: string): string => `to ${bucket}`;

/** Tells whether a flow log works, or AWS does not know yet that it does not. */
const logs = ({ status, failsAt }: FlowLog): boolean => status !== 'FAILED' && failsAt === undefined;

/** Judges changes of VPCs' flow logs. */
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
        ...(logging === undefined
          ? []
          : [`created flow log ${item} of ${resource}, which ${logging.id} logs`]),
        ...(to === flowLogText(String(job.options['destination']))
          ? []
          : [`created flow log ${item} ${to}, which the plan does not name`]),
      ];
    });
  }

  violates(resource: string, state: AwsState): boolean {
    const vpc = state.vpcs[resource];
    return vpc !== undefined && !(vpc.flowLogs ?? []).some(logs);
  }
}
