import { defineLabRule } from './lab-rule.ts';
import { bestPractice } from './netskope-words.ts';
import { networkAclCalls, networkAclScenarios, networkAcls } from './shared/network-acls.ts';

export const labRule = defineLabRule({
  code: 'BPR-0-1-0',
  words: {
    rule_name:
      'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in Network ACL which is associated with a subnet',
    severity: 'Medium',
    resource_type: 'NetworkACL',
    resource_category: 'Network',
    ...bestPractice('5', 'PR.AC', 'Network integrity is protected'),
  },
  ids: ['acl-0123abcd', 'acl-0123456789abcdef0'],
  notIds: ['acl-0123', 'subnet-0123abcd', 'ACL-0123abcd'],
  check: networkAcls,
  calls: networkAclCalls,
  options: { replacement_cidrs: ['vpc'] },
  scenarios: networkAclScenarios(({ builder, region }) => builder.openSubnetNetworkAcl(region)),
});
