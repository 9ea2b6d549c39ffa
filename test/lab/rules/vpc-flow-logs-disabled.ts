import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client, paginateDescribeFlowLogs, paginateDescribeVpcs } from '@aws-sdk/client-ec2';
import { type Check, given, nameOf, tenantTags, type Verdict } from './check.ts';
import { defineLabRule } from './lab-rule.ts';
import { cis } from './netskope-words.ts';

const flowLogs: Check = {
  reads: 'VPCs and their flow logs',
  rules: ['CIS-1-2-0-2-9'],
  async run(place) {
    const client = new EC2Client(place.settings());
    const logged = new Set<string>();
    for await (const page of paginateDescribeFlowLogs({ client }, {})) {
      for (const { ResourceId, FlowLogStatus, DeliverLogsStatus } of page.FlowLogs ?? []) {
        if (FlowLogStatus === 'ACTIVE' && DeliverLogsStatus !== 'FAILED')
          logged.add(given(ResourceId, 'ResourceId'));
      }
    }
    const verdicts: Verdict[] = [];
    for await (const page of paginateDescribeVpcs({ client }, {})) {
      for (const vpc of page.Vpcs ?? []) {
        const resource = given(vpc.VpcId, 'VpcId');
        verdicts.push({
          rule: 'CIS-1-2-0-2-9',
          resource,
          name: nameOf(resource, vpc.Tags),
          region: place.region,
          violated: !logged.has(resource),
          tags: tenantTags(vpc.Tags),
        });
      }
    }
    return verdicts;
  },
};

const LOG_GROUPS = '/cspm/flow-logs/';
const FLOW_LOG_BUCKET = `flow-logs-${process.pid}`;
let flowLogBucket: Promise<string> | undefined;

const toCloudWatchLogs = {
  delivery_role_name: 'cspm-flow-logs',
  log_group_name: `${LOG_GROUPS}{vpc_id}`,
};

export const labRule = defineLabRule({
  code: 'CIS-1-2-0-2-9',
  words: {
    rule_name: 'Baseline network operations and data flows: Ensure VPC flow logging is enabled in all VPCs',
    severity: 'Medium',
    resource_type: 'VPC',
    resource_category: 'Network',
    ...cis('2.9', 'Logging', 'Ensure VPC flow logging is enabled in all VPCs'),
  },
  check: flowLogs,
  options: {},
  scenarios: [
    {
      name: 'to CloudWatch Logs',
      options: toCloudWatchLogs,
      make: ({ builder, region }) => builder.vpc(region),
    },
    {
      // An earlier attempt came no further than to make it: then its retention is set now.
      name: 'to a log group that lacks its retention',
      options: toCloudWatchLogs,
      async make({ builder, region }) {
        const vpc = await builder.vpc(region);
        await new CloudWatchLogsClient(builder.settings(region)).send(
          new CreateLogGroupCommand({
            logGroupName: `${LOG_GROUPS}${vpc}`,
            tags: { 'cspm-auto-remediation:made-by': 'cspm-auto-remediation' },
          }),
        );
        return vpc;
      },
    },
    {
      name: 'to a bucket',
      options: { destination: `arn:aws:s3:::${FLOW_LOG_BUCKET}` },
      async make({ builder, region }) {
        flowLogBucket ??= builder.privateBucket(region, FLOW_LOG_BUCKET);
        await flowLogBucket;
        return builder.vpc(region);
      },
    },
  ],
});
