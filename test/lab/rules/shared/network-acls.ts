import { EC2Client, type NetworkAclEntry, paginateDescribeNetworkAcls } from '@aws-sdk/client-ec2';
import { describe, ec2Requirement } from '../../permissions/ec2.ts';
import { type Calls, type Requires, text } from '../../permissions/requirement.ts';
import { type Check, given, nameOf, tenantTags, type Verdict } from '../check.ts';
import type { LabRule, Scenario } from '../lab-rule.ts';

/** Reports whether an entry lets all traffic in from everywhere. */
export function allowsAllIn(entry: NetworkAclEntry): boolean {
  const fromEverywhere = entry.CidrBlock === '0.0.0.0/0' || entry.Ipv6CidrBlock === '::/0';
  return entry.Egress === false && entry.RuleAction === 'allow' && entry.Protocol === '-1' && fromEverywhere;
}

/** Reports whether an entry lets everyone reach SSH by tcp, or RDP by tcp or udp. */
export function allowsAdminIn(entry: NetworkAclEntry): boolean {
  if (allowsAllIn(entry)) return true;
  const fromEverywhere = entry.CidrBlock === '0.0.0.0/0' || entry.Ipv6CidrBlock === '::/0';
  if (entry.Egress !== false || entry.RuleAction !== 'allow' || !fromEverywhere) return false;
  const { From = 0, To = 65_535 } = entry.PortRange ?? {};
  const holds = (port: number): boolean => From <= port && port <= To;
  if (entry.Protocol === '6') return holds(22) || holds(3389);
  return entry.Protocol === '17' && holds(3389);
}

/** A network's default list is judged by the first rule, a list that guards a subnet by the second; some by both. All are by the third. */
export const networkAcls: Check = {
  reads: 'network ACLs',
  rules: ['BPR-0-6', 'BPR-0-1-0', 'CIS-1-4-0-5-1'],
  async run(place) {
    const verdicts: Verdict[] = [];
    for await (const page of paginateDescribeNetworkAcls({ client: new EC2Client(place.settings()) }, {})) {
      for (const acl of page.NetworkAcls ?? []) {
        const resource = given(acl.NetworkAclId, 'NetworkAclId');
        const verdict = {
          resource,
          name: nameOf(resource, acl.Tags),
          region: place.region,
          violated: (acl.Entries ?? []).some(allowsAllIn),
          tags: tenantTags(acl.Tags),
        };
        if (acl.IsDefault === true) verdicts.push({ ...verdict, rule: 'BPR-0-6' });
        if ((acl.Associations ?? []).length > 0) verdicts.push({ ...verdict, rule: 'BPR-0-1-0' });
        verdicts.push({
          ...verdict,
          rule: 'CIS-1-4-0-5-1',
          violated: (acl.Entries ?? []).some(allowsAdminIn),
        });
      }
    }
    return verdicts;
  },
};

const onNetworkAcl: Requires = (call) => [
  ec2Requirement(call, call.operation, `network-acl/${text(call, 'NetworkAclId')}`),
];

/**
 * A dry run (`DryRun`) asks for what the call asks for.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export const networkAclCalls: Calls = {
  'ec2:DescribeNetworkAcls': describe,
  'ec2:DescribeSubnets': describe,
  'ec2:DescribeVpcs': describe,

  'ec2:CreateNetworkAclEntry': onNetworkAcl,
  'ec2:DeleteNetworkAclEntry': onNetworkAcl,
  'ec2:ReplaceNetworkAclEntry': onNetworkAcl,
};

/** The scenarios of both rules, by how a network ACL that violates one is made. */
export function networkAclScenarios(make: Scenario['make']): LabRule['scenarios'] {
  return [
    {
      name: 'narrower entries in place of the open one',
      options: { replacement_cidrs: ['10.0.0.0/8', '192.0.2.0/24'] },
      make,
    },
    { name: 'nothing in place of the open entry', options: { allow_isolation: true }, make },
  ];
}
