import { z } from 'zod';
import { defineFacts } from '../facts.ts';
import { inRegion } from '../permission.ts';

// The values that AWS supports.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const LONGEST_VPC_ID = 'vpc-0123456789abcdef0';

const optionsSchema = z.strictObject({
  destination: z
    .union([
      z.literal('cloud-watch-logs'),
      z
        .string()
        .regex(
          /^arn:aws[a-z-]*:s3:::[a-z0-9.-]{3,63}(\/[^ \t\r\n]*)?$/,
          'expected cloud-watch-logs or an S3 bucket ARN',
        ),
    ])
    .default('cloud-watch-logs')
    .meta({
      description:
        "The destination of flow logs: cloud-watch-logs, or the ARN of an S3 bucket, optionally with a folder. The bucket's policy must allow delivery.logs.amazonaws.com to write to it for the protected accounts.",
    }),
  log_group_name: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_./#{}-]+$/, "expected a log group name, with {vpc_id} for the VPC's id")
    .refine(
      (name) => name.includes('{vpc_id}') && !/[{}]/.test(name.replaceAll('{vpc_id}', '')),
      'expected {vpc_id}, and no other braces, in the name, so that each VPC has its own log group',
    )
    .refine(
      (name) => name.replaceAll('{vpc_id}', LONGEST_VPC_ID).length <= 512,
      "expected at most 512 characters with a VPC's id",
    )
    .default('/cspm-auto-remediation/vpc-flow-logs/{vpc_id}')
    .meta({ description: "The log group's name; {vpc_id} stands for the VPC's id." }),
  retention_days: z.literal(retentionDays).default(90).meta({
    description:
      'The retention of a new log group in days, one of the values that CloudWatch Logs supports. An existing log group keeps its retention.',
  }),
  kms_key_arn: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:kms:([a-z0-9-]+|\{region\}):\d{12}:key\/[A-Za-z0-9-]+$/,
      'expected the ARN of a KMS key',
    )
    .optional()
    .meta({
      description:
        "The KMS key that encrypts new log groups; {region} stands for the VPC's region (a multi-Region key). Its policy must allow CloudWatch Logs to use it. Not set: CloudWatch Logs' own encryption.",
    }),
  traffic_type: z
    .enum(['ACCEPT', 'REJECT', 'ALL'])
    .default('ALL')
    .meta({ description: 'The traffic to log: ALL, ACCEPT or REJECT.' }),
  max_aggregation_interval: z.literal([60, 600]).default(600).meta({
    description:
      'The interval in seconds over which the packets of a flow are aggregated: 600, or 60, which creates more records.',
  }),
  delivery_role_name: z
    .string()
    .regex(
      /^([A-Za-z0-9_+=,.@-]+\/)*[A-Za-z0-9_+=,.@-]{0,54}-flow-logs$/,
      'expected a role name that ends with -flow-logs, optionally preceded by its path',
    )
    .default('cspm-auto-remediation-flow-logs')
    .meta({
      description:
        'The role in the target account that writes flow logs to CloudWatch Logs, with its path but without a leading slash. With another `name` or path of the target roles, Terraform sets it to `<path><name>-flow-logs`.',
    }),
});

export type Options = z.infer<typeof optionsSchema>;

export const facts = defineFacts({
  id: 'vpc-flow-logs-disabled',
  title: 'VPC flow logs are enabled',
  legacyId: 'CIS-1-2-0-2-9',
  resourceType: 'AWS::EC2::VPC',
  scope: 'regional',
  severity: 'medium',
  resourceId: z
    .string()
    .regex(/^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/, 'expected a VPC id: vpc- and 8 or 17 hexadecimal digits'),
  options: optionsSchema,
  documentation: {
    control: 'CIS AWS Foundations Benchmark 1.2.0, 2.9',
    finds:
      'VPCs without an active flow log that delivers. Any flow log counts, regardless of who created it and its destination, except one whose delivery AWS reports as `FAILED`.',
    changes:
      "Creates a log group for the VPC, with a retention, and a flow log to it; or a flow log to an S3 bucket. Both carry the tags `cspm-auto-remediation:made-by`, and `…:made-for` with the id of the job, whose record is `jobs/<id>.json` in the evidence bucket. AWS shows only minutes after the creation of a flow log whether it can deliver, so the finding is observed for 20 minutes before it is `remediated`. If it cannot deliver, the finding is `failed`, with AWS's message, and the flow log remains for you to repair. If a flow log to the same destination exists and delivers nothing, AWS allows no second one: the finding is `failed`, with AWS's message.",
    neverTouches:
      'Existing flow logs and log groups, including those that deliver nothing; VPCs that another account shares; the policy of an S3 bucket, which must already allow flow logs.',
    undo: 'Deletes only the flow log that was created. The log group remains, with its logs.',
    cost: 'AWS charges for each GB that a flow log delivers, less to S3 than to CloudWatch Logs, and for keeping it.',
  },
  permissions: {
    read: [{ actions: ['ec2:DescribeVpcs', 'ec2:DescribeFlowLogs'], resources: ['*'], conditions: inRegion }],
    write: [
      {
        actions: ['ec2:CreateFlowLogs'],
        resources: [
          'arn:${partition}:ec2:${region}:${account}:vpc/*',
          'arn:${partition}:ec2:${region}:${account}:vpc-flow-log/*',
        ],
      },
      {
        actions: ['ec2:CreateTags'],
        resources: ['arn:${partition}:ec2:${region}:${account}:vpc-flow-log/*'],
        conditions: { StringEquals: { 'ec2:CreateAction': ['CreateFlowLogs'] } },
      },
      {
        actions: [
          'logs:CreateLogGroup',
          'logs:TagResource',
          'logs:PutRetentionPolicy',
          'logs:ListTagsForResource',
        ],
        resources: ['arn:${partition}:logs:${region}:${account}:log-group:*'],
      },
      // Creating a flow log to S3 also requires `logs:CreateLogDelivery`.
      {
        actions: ['logs:DescribeLogGroups', 'logs:CreateLogDelivery'],
        resources: ['*'],
        conditions: inRegion,
      },
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${partition}:iam::${account}:role/*-flow-logs'],
        conditions: { StringEquals: { 'iam:PassedToService': ['vpc-flow-logs.amazonaws.com'] } },
      },
    ],
    undo: [
      { actions: ['ec2:DescribeFlowLogs'], resources: ['*'], conditions: inRegion },
      {
        actions: ['ec2:DeleteFlowLogs'],
        resources: ['arn:${partition}:ec2:${region}:${account}:vpc-flow-log/*'],
        conditions: {
          StringEquals: { 'aws:ResourceTag/cspm-auto-remediation:made-by': ['cspm-auto-remediation'] },
        },
      },
      // Deleting a flow log to S3 requires this.
      { actions: ['logs:DeleteLogDelivery'], resources: ['*'], conditions: inRegion },
    ],
  },
});
