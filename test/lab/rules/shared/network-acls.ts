import { EC2Client, type NetworkAclEntry, paginateDescribeNetworkAcls } from '@aws-sdk/client-ec2';
import { describe, ec2Requirement } from '../../permissions/ec2.ts';
import { type Calls, type Requires, text } from '../../permissions/requirement.ts';
import { type Check, given, nameOf, tenantTags, type Verdict } from '../check.ts';
import type { LabRule, Scenario } from '../lab-rule.ts';

/** Reports whether an entry allows all traffic in from everywhere. */
export function allowsAllIn(entry: NetworkAclEntry): boolean {
  const fromEverywhere = entry.CidrBlock === '0.0.0.0/0' || entry.Ipv6CidrBlock === '::/0';
  return entry.Egress === false && entry.RuleAction === 'allow' && entry.Protocol === '-1' && fromEverywhere;
}

/** Reports whether an entry allows everyone to reach SSH by TCP, or RDP by TCP or UDP. */
export function allowsAdminIn(entry: NetworkAclEntry): boolean {
  if (allowsAllIn(entry)) return true;
  const fromEverywhere = entry.CidrBlock === '0.0.0.0/0' || entry.Ipv6CidrBlock === '::/0';
  if (entry.Egress !== false || entry.RuleAction !== 'allow' || !fromEverywhere) return false;
  const { From = 0, To = 65_535 } = entry.PortRange ?? {};
  const holds = (port: number): boolean => From <= port && port <= To;
  if (entry.Protocol === '6') return holds(22) || holds(3389);
  return entry.Protocol === '17' && holds(3389);
}

/** The first rule judges default network ACLs, the second one network ACLs with subnets, and the third one all of them. */
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
 * A dry run (`DryRun`) requires the same as the call.
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

/** The scenarios of both rules, by the function that creates a violating network ACL. */
export function networkAclScenarios(make: Scenario['make']): LabRule['scenarios'] {
  return [
    {
      name: 'narrower entries instead of the open one',
      options: { replacement_cidrs: ['10.0.0.0/8', '192.0.2.0/24'] },
      make,
    },
    { name: 'nothing instead of the open entry', options: { allow_isolation: true }, make },
  ];
}
