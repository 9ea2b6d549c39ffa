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
  check: networkAcls,
  calls: networkAclCalls,
  options: { replacement_cidrs: ['vpc'] },
  scenarios: networkAclScenarios(({ builder, region }) => builder.openDefaultNetworkAcl(region)),
});
