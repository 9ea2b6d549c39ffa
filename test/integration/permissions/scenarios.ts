import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { AuthorizeSecurityGroupIngressCommand, EC2Client, type IpPermission } from '@aws-sdk/client-ec2';
import type { AccountBuilder } from '../../lab/account-builder.ts';

export const REGION = 'eu-central-1';

/** The user names whose access keys are to be old begin so. */
export const OLD_USERS = 'old-user-';

/** A violation of a rule, made so that its cure and its undo need what others don't. */
export interface Scenario {
  readonly name: string;
  readonly options?: Readonly<Record<string, string | boolean | string[]>>;
  /** Makes a new resource that violates the rule. @returns its id in a finding */
  make(builder: AccountBuilder, number: number): Promise<string>;
}

const world = '0.0.0.0/0';

function portScenarios(port: number): readonly Scenario[] {
  const wide: IpPermission = {
    IpProtocol: 'tcp',
    FromPort: port - 1,
    ToPort: port + 1,
    IpRanges: [{ CidrIp: world, Description: 'legacy' }],
  };
  const make = async (builder: AccountBuilder, permission: IpPermission): Promise<string> => {
    const group = await builder.securityGroup(REGION, await builder.vpc(REGION), 'application', [
      { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: world }] },
    ]);
    await ec2(builder).send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: group,
        IpPermissions: [permission],
        TagSpecifications: [{ ResourceType: 'security-group-rule', Tags: [{ Key: 'team', Value: 'web' }] }],
      }),
    );
    return group;
  };
  return [
    { name: 'a range with tags', make: (builder) => make(builder, wide) },
    {
      // What is revoked whole is put back by the undo as a new rule, with its tags.
      name: 'exactly the port, with tags',
      make: (builder) => make(builder, { ...wide, FromPort: port, ToPort: port }),
    },
  ];
}

const aclScenarios = (make: Scenario['make']): readonly Scenario[] => [
  {
    name: 'narrower entries in place of the open one',
    options: { replacement_cidrs: ['10.0.0.0/8', '192.0.2.0/24'] },
    make,
  },
  { name: 'nothing in place of the open entry', options: { allow_isolation: true }, make },
];

const LOG_GROUPS = '/cspm/flow-logs/';
const FLOW_LOG_BUCKET = `flow-logs-${process.pid}`;
let flowLogBucket: Promise<string> | undefined;

/** What brings every action of a rule's permissions into play, together. */
export const scenarios: Readonly<Record<string, readonly Scenario[]>> = {
  'cloudtrail-log-file-validation': [
    {
      name: 'a trail',
      make: (builder, number) => builder.unvalidatedTrail(REGION, `trail-${builder.account}-${number}`),
    },
  ],
  'iam-access-key-unrotated': [
    {
      name: 'a user with an old key',
      async make(builder, number) {
        await builder.userWithKeys(`${OLD_USERS}${number}`, 1);
        return `${OLD_USERS}${number}`;
      },
    },
  ],
  'network-acl-default-allows-all': aclScenarios((builder) => builder.openDefaultNetworkAcl(REGION)),
  'network-acl-subnet-allows-all': aclScenarios((builder) => builder.openSubnetNetworkAcl(REGION)),
  'rds-snapshot-public': [
    {
      name: "an instance's snapshot",
      make: (builder, number) => builder.instanceWithPublicSnapshot(REGION, `instance-${number}`),
    },
    {
      name: "a cluster's snapshot",
      make: (builder, number) => builder.clusterWithPublicSnapshot(REGION, `cluster-${number}`),
    },
  ],
  'redshift-cluster-public': [
    {
      name: 'a cluster',
      make: (builder, number) => builder.publicRedshiftCluster(REGION, `warehouse-${number}`),
    },
  ],
  's3-bucket-public': [
    {
      name: 'a bucket',
      make: (builder, number) => builder.bucketPublicByAcl(REGION, `public-${builder.account}-${number}`),
    },
  ],
  'security-group-rdp-open': portScenarios(3389),
  'security-group-ssh-open': portScenarios(22),
  'vpc-flow-logs-disabled': [
    {
      name: 'to CloudWatch Logs',
      options: { delivery_role_name: 'cspm-flow-logs', log_group_name: `${LOG_GROUPS}{vpc_id}` },
      make: (builder) => builder.vpc(REGION),
    },
    {
      // An earlier try came no further than to make it: then its retention is set now.
      name: 'to a log group that lacks its retention',
      options: { delivery_role_name: 'cspm-flow-logs', log_group_name: `${LOG_GROUPS}{vpc_id}` },
      async make(builder) {
        const vpc = await builder.vpc(REGION);
        await new CloudWatchLogsClient(settings(builder)).send(
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
      async make(builder) {
        flowLogBucket ??= builder.privateBucket(REGION, FLOW_LOG_BUCKET);
        await flowLogBucket;
        return builder.vpc(REGION);
      },
    },
  ],
};

function ec2(builder: AccountBuilder): EC2Client {
  return new EC2Client(settings(builder));
}

function settings({ endpoint, account }: AccountBuilder) {
  return { endpoint, region: REGION, credentials: { accessKeyId: account, secretAccessKey: 'test' } };
}
