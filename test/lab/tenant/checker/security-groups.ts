import { EC2Client, type IpPermission, paginateDescribeSecurityGroups } from '@aws-sdk/client-ec2';
import type { RuleCode } from './rule-book.ts';
import { type Check, given, tenantTags, type Verdict } from './verdict.ts';

/** What is not to be reachable from everywhere, by rule. */
const closed: readonly { rule: RuleCode; port: number; protocols: readonly string[] }[] = [
  { rule: 'CIS-1-2-0-4-1', port: 22, protocols: ['tcp'] },
  { rule: 'CIS-1-2-0-4-2', port: 3389, protocols: ['tcp', 'udp'] },
];

/** A CIDR block of zero bits: any address there is, of IPv4 or IPv6. */
function isWorld(block: string | undefined): boolean {
  return block?.endsWith('/0') === true;
}

/** Whether a group's inbound permission lets the whole world reach the port by one of the protocols. */
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
        for (const { rule, port, protocols } of closed) {
          verdicts.push({
            rule,
            resource,
            name: group.GroupName ?? resource,
            region: place.region,
            violated: (group.IpPermissions ?? []).some((permission) =>
              opensToWorld(permission, port, protocols),
            ),
            tags: tenantTags(group.Tags),
          });
        }
      }
    }
    return verdicts;
  },
};
