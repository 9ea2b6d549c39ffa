import type { AwsCall } from '../aws-proxy/index.ts';
import {
  arnOf,
  type ConditionValues,
  optionalText,
  type Requirement,
  type Requires,
  requestTags,
  requirement,
  text,
  texts,
} from './requirement.ts';

function ec2Requirement(
  call: AwsCall,
  action: string,
  resource: string,
  conditions: ConditionValues = {},
): Requirement {
  const arn = resource === '*' ? resource : arnOf(call, 'ec2', resource);
  return requirement(call, `ec2:${action}`, arn, { 'ec2:Region': call.region, ...conditions });
}

/** The tags that a call gives what it makes, by the kind of resource. */
function tagsByKind({ parameters }: AwsCall): Map<string, Record<string, string>> {
  const kinds = new Map<string, Record<string, string>>();
  for (const [name, kind] of Object.entries(parameters)) {
    const number = /^TagSpecification\.(\d+)\.ResourceType$/.exec(name)?.[1];
    if (number === undefined || typeof kind !== 'string') continue;
    const tags: Record<string, string> = {};
    for (let tag = 1; ; tag += 1) {
      const key = parameters[`TagSpecification.${number}.Tag.${tag}.Key`];
      if (typeof key !== 'string') break;
      tags[key] = String(parameters[`TagSpecification.${number}.Tag.${tag}.Value`] ?? '');
    }
    kinds.set(kind, tags);
  }
  return kinds;
}

/**
 * What tagging at creation asks for.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
function createTags(call: AwsCall): Requirement[] {
  return [...tagsByKind(call)].map(([kind, tags]) =>
    ec2Requirement(call, 'CreateTags', `${kind}/*`, {
      'ec2:CreateAction': call.operation,
      ...requestTags(tags),
    }),
  );
}

/** `Describe…`: takes no resource. */
const describe: Requires = (call) => [ec2Requirement(call, call.operation, '*')];

const onNetworkAcl: Requires = (call) => [
  ec2Requirement(call, call.operation, `network-acl/${text(call, 'NetworkAclId')}`),
];

/**
 * A dry run (`DryRun`) asks for what the call asks for.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export const ec2Calls: Readonly<Record<string, Requires>> = {
  DescribeFlowLogs: describe,
  DescribeNetworkAcls: describe,
  DescribeSecurityGroupRules: describe,
  DescribeSecurityGroups: describe,
  DescribeSubnets: describe,
  DescribeVpcs: describe,

  AuthorizeSecurityGroupIngress(call) {
    const tags = tagsByKind(call).get('security-group-rule');
    return [
      ec2Requirement(call, call.operation, `security-group/${text(call, 'GroupId')}`),
      // The rules that it makes are asked about where they are to have tags.
      ...(tags === undefined
        ? []
        : [ec2Requirement(call, call.operation, 'security-group-rule/*', requestTags(tags))]),
      ...createTags(call),
    ];
  },
  ModifySecurityGroupRules: (call) => [
    ec2Requirement(call, call.operation, `security-group/${text(call, 'GroupId')}`),
    ...Object.entries(call.parameters)
      .filter(([name]) => /^SecurityGroupRule\.\d+\.SecurityGroupRuleId$/.test(name))
      .map(([, id]) => ec2Requirement(call, call.operation, `security-group-rule/${String(id)}`)),
  ],
  RevokeSecurityGroupIngress: (call) => [
    ec2Requirement(call, call.operation, `security-group/${text(call, 'GroupId')}`),
  ],

  CreateNetworkAclEntry: onNetworkAcl,
  DeleteNetworkAclEntry: onNetworkAcl,
  ReplaceNetworkAclEntry: onNetworkAcl,

  /**
   * What whoever makes a flow log needs besides depends on where it writes.
   * https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
   * https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
   */
  CreateFlowLogs(call) {
    const kind = text(call, 'ResourceType');
    if (kind !== 'VPC') throw new Error(`flow logs of ${kind} are not in the map of test/lab/permissions`);
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
  async DeleteFlowLogs(call, facts) {
    const asked: Requirement[] = [];
    for (const id of texts(call, 'FlowLogId')) {
      const flowLog = await facts.flowLog(call.principal.account, call.region, id);
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
