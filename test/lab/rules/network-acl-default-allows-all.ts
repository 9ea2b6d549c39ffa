import { defineLabRule } from './lab-rule.ts';
import { bestPractice } from './netskope-words.ts';
import { networkAclCalls, networkAclScenarios, networkAcls } from './shared/network-acls.ts';

export const labRule = defineLabRule({
  code: 'BPR-0-6',
  words: {
    rule_name:
      'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in default Network ACL',
    severity: 'Medium',
    resource_type: 'NetworkACL',
    resource_category: 'Network',
    ...bestPractice('5', 'PR.AC', 'Network integrity is protected'),
  },
  ids: ['acl-0123abcd', 'acl-0123456789abcdef0'],
  notIds: ['acl-0123', 'vpc-0123abcd', 'arn:aws:ec2:eu-central-1:111122223333:network-acl/acl-0123abcd'],
  check: networkAcls,
  calls: networkAclCalls,
  options: { replacement_cidrs: ['vpc'] },
  violate: ({ builder, region }) => builder.openDefaultNetworkAcl(region),
  scenarios: networkAclScenarios(({ builder, region }) =>
    builder.openDefaultNetworkAcl(region, { withSubnet: true }),
  ),
});
