import { tagMap } from '../../aws/tags.ts';
import type { FlowLogCreate } from '../../changes/flow-log/create.ts';
import type { LogGroupCreate } from '../../changes/flow-log/log-group-create.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts, type Options } from './facts.ts';

type Seen = {
  account: string;
  partition: string;
  region: string;
  /** Flow logs that the VPC has but that log nothing: their ids. */
  inactiveFlowLogs: string[];
};

export const rule = defineRule<Seen, Options>(facts, {
  async inspect(session, resources) {
    const { EC2Client, paginateDescribeFlowLogs, paginateDescribeVpcs } = await import('../../aws/ec2.ts');
    const client = session.client(EC2Client);
    const inspections = new Map<string, Inspection<Seen>>(
      resources.map((resource) => [resource, { state: 'gone' }]),
    );
    const tagsOf = new Map<string, Record<string, string>>();
    // By filter: an id that is gone would fail the whole read if it were named.
    const vpcPages = paginateDescribeVpcs(
      { client },
      { Filters: [{ Name: 'vpc-id', Values: [...resources] }] },
    );
    for await (const { Vpcs = [] } of vpcPages) {
      for (const { VpcId = '', OwnerId, Tags } of Vpcs) {
        if (OwnerId !== undefined && OwnerId !== session.account) {
          inspections.set(VpcId, {
            state: 'not_applicable',
            reason: `VPC ${VpcId} is shared by account ${OwnerId}: only its owner can log its traffic`,
          });
          continue;
        }
        tagsOf.set(VpcId, tagMap(Tags));
      }
    }
    const active = new Set<string>();
    const inactive = new Map<string, string[]>();
    if (tagsOf.size > 0) {
      const pages = paginateDescribeFlowLogs(
        { client },
        { Filter: [{ Name: 'resource-id', Values: [...tagsOf.keys()] }] },
      );
      for await (const { FlowLogs = [] } of pages) {
        for (const { ResourceId = '', FlowLogStatus, FlowLogId = '' } of FlowLogs) {
          // Any active flow log counts, whoever made it and wherever it writes.
          if (FlowLogStatus === 'ACTIVE') active.add(ResourceId);
          else inactive.set(ResourceId, [...(inactive.get(ResourceId) ?? []), FlowLogId]);
        }
      }
    }
    for (const [vpc, tags] of tagsOf) {
      const seen = {
        account: session.account,
        partition: session.partition,
        region: session.region,
        inactiveFlowLogs: inactive.get(vpc) ?? [],
      };
      inspections.set(vpc, active.has(vpc) ? { state: 'compliant' } : { state: 'violation', seen, tags });
    }
    return inspections;
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
      },
      { ...flowLog, destination: { type: 'cloud-watch-logs', logGroup, deliveryRoleArn } },
    ];
  },
});
