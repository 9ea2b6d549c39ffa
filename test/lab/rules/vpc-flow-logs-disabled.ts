import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client, paginateDescribeFlowLogs, paginateDescribeVpcs } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { AwsCall } from '../aws-proxy/index.ts';
import { createTags, describe, ec2Requirement, tagsByKind } from '../permissions/ec2.ts';
import {
  arnOf,
  type Calls,
  onNothing,
  optionalText,
  type Requirement,
  requestTags,
  requirement,
  text,
  texts,
} from '../permissions/requirement.ts';
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

/**
 * A dry run (`DryRun`) requires the same as the call.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
const flowLogCalls: Calls = {
  'ec2:DescribeFlowLogs': describe,
  'ec2:DescribeVpcs': describe,

  /**
   * Lists the additional permissions for creating a flow log, which depend on its destination.
   * https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
   * https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
   */
  'ec2:CreateFlowLogs'(call) {
    const kind = text(call, 'ResourceType');
    if (kind !== 'VPC') throw new Error(`the lab's map of calls has no flow logs of ${kind}`);
    const role = optionalText(call, 'DeliverLogsPermissionArn');
    const tags = tagsByKind(call).get('vpc-flow-log') ?? {};
    return [
      ...texts(call, 'ResourceId').map((vpc) => ec2Requirement(call, call.operation, `vpc/${vpc}`)),
      ec2Requirement(call, call.operation, 'vpc-flow-log/*', requestTags(tags)),
      ...createTags(call),
      ...(role === undefined
        ? []
        : [
            requirement(call, 'iam:PassRole', role, {
              'iam:PassedToService': 'vpc-flow-logs.amazonaws.com',
            }),
          ]),
      ...(optionalText(call, 'LogDestinationType') === 's3'
        ? [requirement(call, 'logs:CreateLogDelivery', '*')]
        : []),
    ];
  },
  async 'ec2:DeleteFlowLogs'(call, state) {
    const asked: Requirement[] = [];
    for (const id of texts(call, 'FlowLogId')) {
      const flowLog = await state.flowLog(call.principal.account, call.region, id);
      const tags = Object.entries(flowLog?.tags ?? {}).flatMap(([key, value]) => [
        [`aws:ResourceTag/${key}`, value],
        [`ec2:ResourceTag/${key}`, value],
      ]);
      asked.push(
        ec2Requirement(call, call.operation, `vpc-flow-log/${id}`, Object.fromEntries(tags)),
        ...(flowLog?.destination === 's3' ? [requirement(call, 'logs:DeleteLogDelivery', '*')] : []),
      );
    }
    return asked;
  },
};

/** The ARN of a log group as CloudWatch Logs evaluates it and names it in denials, for all actions except for those on tags. */
const logGroup = (call: AwsCall): string =>
  arnOf(call, 'logs', `log-group:${text(call, 'logGroupName')}:log-stream:`);

const tagsSchema = z.record(z.string(), z.string());

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html */
const logGroupCalls: Calls = {
  'logs:CreateLogGroup'(call) {
    const { tags } = call.parameters;
    const asked = tags === undefined ? {} : requestTags(tagsSchema.parse(tags));
    const untailed = arnOf(call, 'logs', `log-group:${text(call, 'logGroupName')}`);
    return [
      requirement(call, 'logs:CreateLogGroup', logGroup(call), asked),
      ...(tags === undefined ? [] : [requirement(call, 'logs:TagResource', untailed, asked)]),
    ];
  },
  'logs:PutRetentionPolicy': (call) => [requirement(call, 'logs:PutRetentionPolicy', logGroup(call))],
  'logs:TagResource': (call) => [
    requirement(
      call,
      'logs:TagResource',
      text(call, 'resourceArn').replace(/:\*$/, ''),
      requestTags(tagsSchema.parse(call.parameters['tags'])),
    ),
  ],
  'logs:DescribeLogGroups': onNothing,
  'logs:ListTagsForResource': (call) => [
    requirement(call, 'logs:ListTagsForResource', text(call, 'resourceArn').replace(/:\*$/, '')),
  ],
};

const calls: Calls = { ...flowLogCalls, ...logGroupCalls };

export const labRule = defineLabRule({
  code: 'CIS-1-2-0-2-9',
  words: {
    rule_name: 'Baseline network operations and data flows: Ensure VPC flow logging is enabled in all VPCs',
    severity: 'Medium',
    resource_type: 'VPC',
    resource_category: 'Network',
    ...cis('2.9', 'Logging', 'Ensure VPC flow logging is enabled in all VPCs'),
  },
  ids: ['vpc-0123abcd', 'vpc-0123456789abcdef0'],
  notIds: ['vpc-0123', 'subnet-0123abcd'],
  check: flowLogs,
  calls,
  options: {},
  scenarios: [
    {
      name: 'to CloudWatch Logs',
      options: toCloudWatchLogs,
      make: ({ builder, region }) => builder.vpc(region),
    },
    {
      // An earlier attempt created it without setting the retention, which is set now.
      name: 'to a log group without retention',
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
