import { defineLabRule } from './lab-rule.ts';
import { cis } from './netskope-words.ts';
import {
  portScenarios,
  securityGroupCalls,
  securityGroups,
  violateExactly,
} from './shared/security-groups.ts';

export const labRule = defineLabRule({
  code: 'CIS-1-2-0-4-2',
  words: {
    rule_name:
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 3389',
    severity: 'High',
    resource_type: 'SecurityGroup',
    resource_category: 'Network',
    ...cis('4.2', 'Networking', 'Ensure no security groups allow ingress from 0.0.0.0/0 to port 3389'),
  },
  ids: ['sg-0123abcd', 'sg-0123456789abcdef0'],
  notIds: ['sg-0123', 'default'],
  hasRunbook: true,
  check: securityGroups,
  calls: securityGroupCalls,
  options: {},
  violate: violateExactly(3389),
  scenarios: portScenarios(3389),
});
