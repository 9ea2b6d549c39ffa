import type { AwsSession } from '../../aws/session.ts';
import {
  isDeliveryOpen,
  isLogging,
  MINUTES_UNTIL_DELIVERY_IS_KNOWN,
  readFlowLogs,
  type VpcFlowLog,
} from '../../changes/flow-log/flow-logs.ts';
import type { LogGroupCreate } from '../../changes/flow-log/log-group-create.ts';
import type { FlowLogCreate } from '../../changes/flow-log/schemas.ts';
import { readVpcs, type Vpc } from '../../changes/flow-log/vpcs.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts, type Options } from './facts.ts';

type Seen = {
  account: string;
  partition: string;
  region: string;
  /** The ids of the VPC's flow logs that log nothing. */
  inactiveFlowLogs: string[];
};

/** Returns notes on flow logs if AWS reports for none of them that it delivers, or can't know yet. */
function unsure(flowLogs: readonly VpcFlowLog[], now: Date): string[] {
  const isNew = ({ created }: VpcFlowLog) => created !== undefined && isDeliveryOpen(created, now);
  if (flowLogs.some((flowLog) => flowLog.isSaidToDeliver && !isNew(flowLog))) return [];
  return flowLogs.map((flowLog) =>
    isNew(flowLog)
      ? `flow log ${flowLog.id} is less than ${MINUTES_UNTIL_DELIVERY_IS_KNOWN} minutes old: only after that does AWS show whether it can deliver`
      : `AWS does not report whether flow log ${flowLog.id} delivers`,
  );
}

function judge(session: AwsSession, tags: Vpc['tags'], flowLogs: readonly VpcFlowLog[]): Inspection<Seen> {
  const logging = flowLogs.filter(isLogging);
  if (logging.length > 0) {
    const notes = unsure(logging, session.now());
    return { state: 'compliant', ...(notes.length > 0 && { notes }) };
  }
  const { account, partition, region } = session;
  return {
    state: 'violation',
    seen: { account, partition, region, inactiveFlowLogs: flowLogs.map(({ id }) => id) },
    tags,
    notes: flowLogs.flatMap(({ id, destination, failure }) =>
      failure === undefined
        ? []
        : [`flow log ${id} to ${destination} delivers nothing (AWS: ${failure}) and is not changed`],
    ),
  };
}

/**
 * Creates a flow log for VPCs without one that is active and does not fail to deliver, regardless of its creator and
 * destination.
 */
export const rule = defineRule<Seen, Options>(facts, {
  async inspect(session, resources) {
    const [vpcs, flowLogs] = await Promise.all([
      readVpcs(session, resources),
      readFlowLogs(session, resources),
    ]);
    return new Map(
      resources.map((id): [string, Inspection<Seen>] => {
        const vpc = vpcs.get(id);
        if (vpc === undefined) return [id, { state: 'gone' }];
        const { owner = session.account, tags } = vpc;
        if (owner !== session.account) {
          const reason = `VPC ${id} is shared by account ${owner}: only its owner can log its traffic`;
          return [id, { state: 'not_applicable', reason }];
        }
        return [id, judge(session, tags, flowLogs.get(id) ?? [])];
      }),
    );
  },

  plan(resource, seen, options): readonly (LogGroupCreate | FlowLogCreate)[] {
    const flowLog = {
      kind: 'flow-log-create',
      resource,
      trafficType: options.traffic_type,
      maxAggregationInterval: options.max_aggregation_interval,
      flowLogId: null,
    } as const;
    if (options.destination !== 'cloud-watch-logs') {
      return [{ ...flowLog, destination: { type: 's3', arn: options.destination } }];
    }
    const logGroup = options.log_group_name.replaceAll('{vpc_id}', resource);
    const deliveryRoleArn = `arn:${seen.partition}:iam::${seen.account}:role/${options.delivery_role_name}`;
    return [
      {
        kind: 'log-group-create',
        resource: logGroup,
        retentionDays: options.retention_days,
        kmsKeyArn: options.kms_key_arn?.replaceAll('{region}', seen.region) ?? null,
        vpc: resource,
      },
      { ...flowLog, destination: { type: 'cloud-watch-logs', logGroup, deliveryRoleArn } },
    ];
  },
});
