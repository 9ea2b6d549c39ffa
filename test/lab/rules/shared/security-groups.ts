import {
  AuthorizeSecurityGroupIngressCommand,
  EC2Client,
  type IpPermission,
  paginateDescribeSecurityGroups,
} from '@aws-sdk/client-ec2';
import { createTags, describe, ec2Requirement, tagsByKind } from '../../permissions/ec2.ts';
import { type Calls, requestTags, text } from '../../permissions/requirement.ts';
import { type Check, given, tenantTags, type Verdict } from '../check.ts';
import type { LabRule, Site } from '../lab-rule.ts';

interface ClosedPort {
  readonly port: number;
  readonly protocols: readonly string[];
}
const ssh: ClosedPort = { port: 22, protocols: ['tcp'] };
const rdp: ClosedPort = { port: 3389, protocols: ['tcp', 'udp'] };

/** Ports that must not be reachable from everywhere, by rule. */
const closed: readonly { rule: string; ports: readonly ClosedPort[] }[] = [
  { rule: 'CIS-1-2-0-4-1', ports: [ssh] },
  { rule: 'CIS-1-2-0-4-2', ports: [rdp] },
  { rule: 'CIS-1-4-0-5-2', ports: [ssh, rdp] },
];

/** A CIDR block of zero bits: every IPv4 or IPv6 address. */
function isWorld(block: string | undefined): boolean {
  return block?.endsWith('/0') === true;
}

/** Reports whether a group's inbound permission allows the whole world to reach the port by one of the protocols. */
export function opensToWorld(permission: IpPermission, port: number, protocols: readonly string[]): boolean {
  const sources = [
    ...(permission.IpRanges ?? []).map(({ CidrIp }) => CidrIp),
    ...(permission.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
  ];
  if (!sources.some(isWorld)) return false;
  if (permission.IpProtocol === '-1') return true;
  const { IpProtocol = '', FromPort = Number.NaN, ToPort = Number.NaN } = permission;
  return protocols.includes(IpProtocol) && FromPort <= port && port <= ToPort;
}

export const securityGroups: Check = {
  reads: 'security groups',
  rules: closed.map(({ rule }) => rule),
  async run(place) {
    const verdicts: Verdict[] = [];
    for await (const page of paginateDescribeSecurityGroups(
      { client: new EC2Client(place.settings()) },
      {},
    )) {
      for (const group of page.SecurityGroups ?? []) {
        const resource = given(group.GroupId, 'GroupId');
        for (const { rule, ports } of closed) {
          verdicts.push({
            rule,
            resource,
            name: group.GroupName ?? resource,
            region: place.region,
            violated: (group.IpPermissions ?? []).some((permission) =>
              ports.some(({ port, protocols }) => opensToWorld(permission, port, protocols)),
            ),
            tags: tenantTags(group.Tags),
          });
        }
      }
    }
    return verdicts;
  },
};

/**
 * A dry run (`DryRun`) requires the same as the call.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export const securityGroupCalls: Calls = {
  'ec2:DescribeSecurityGroupRules': describe,
  'ec2:DescribeSecurityGroups': describe,

  'ec2:AuthorizeSecurityGroupIngress'(call) {
    const tags = tagsByKind(call).get('security-group-rule');
    return [
      ec2Requirement(call, call.operation, `security-group/${text(call, 'GroupId')}`),
      // New rules are only part of the requirement if the call tags them.
      ...(tags === undefined
        ? []
        : [ec2Requirement(call, call.operation, 'security-group-rule/*', requestTags(tags))]),
      ...createTags(call),
    ];
  },
  'ec2:ModifySecurityGroupRules': (call) => [
    ec2Requirement(call, call.operation, `security-group/${text(call, 'GroupId')}`),
    ...Object.entries(call.parameters)
      .filter(([name]) => /^SecurityGroupRule\.\d+\.SecurityGroupRuleId$/.test(name))
      .map(([, id]) => ec2Requirement(call, call.operation, `security-group-rule/${String(id)}`)),
  ],
  'ec2:RevokeSecurityGroupIngress': (call) => [
    ec2Requirement(call, call.operation, `security-group/${text(call, 'GroupId')}`),
  ],
};

const WORLD = '0.0.0.0/0';

/** A group with this permission, in addition to port 443. */
async function makeGroup({ builder, region, name }: Site, permission: IpPermission): Promise<string> {
  const group = await builder.securityGroup(region, await builder.vpc(region), name, [
    { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: WORLD }] },
  ]);
  await new EC2Client(builder.settings(region)).send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: group,
      IpPermissions: [permission],
      TagSpecifications: [{ ResourceType: 'security-group-rule', Tags: [{ Key: 'team', Value: 'web' }] }],
    }),
  );
  return group;
}

/** The scenarios of a rule against groups that open a port to the world. */
export function portScenarios(port: number): LabRule['scenarios'] {
  const wide: IpPermission = {
    IpProtocol: 'tcp',
    FromPort: port - 1,
    ToPort: port + 1,
    IpRanges: [{ CidrIp: WORLD, Description: 'legacy' }],
  };
  return [
    { name: 'a range with tags', make: (site) => makeGroup(site, wide) },
    {
      // The undo restores a rule that was revoked completely as a new rule, with its tags.
      name: 'exactly the port, with tags',
      make: (site) => makeGroup(site, { ...wide, FromPort: port, ToPort: port }),
    },
  ];
}

/** A group that opens exactly the port to the world. */
export function violateExactly(port: number): (site: Site) => Promise<string> {
  return async ({ builder, region, name }) =>
    builder.securityGroup(region, await builder.anyVpc(region), name, [
      { IpProtocol: 'tcp', FromPort: port, ToPort: port, IpRanges: [{ CidrIp: WORLD }] },
    ]);
}

/** A group that opens a range of ports to the world, and the port among them to an office. */
export function violateRange(port: number): (site: Site) => Promise<string> {
  return async ({ builder, region, name }) =>
    builder.securityGroup(region, await builder.anyVpc(region), name, [
      {
        IpProtocol: 'tcp',
        FromPort: port - 2,
        ToPort: port + 421,
        IpRanges: [{ CidrIp: WORLD, Description: 'legacy application' }],
      },
      {
        IpProtocol: 'tcp',
        FromPort: port,
        ToPort: port,
        IpRanges: [{ CidrIp: '198.51.100.0/24', Description: 'office' }],
      },
    ]);
}
