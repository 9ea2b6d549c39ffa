import { defineLabRule } from './lab-rule.ts';
import { cis } from './netskope-words.ts';
import { portScenarios, securityGroupCalls, securityGroups, violateRange } from './shared/security-groups.ts';

export const labRule = defineLabRule({
  code: 'CIS-1-2-0-4-1',
  words: {
    rule_name:
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
    severity: 'High',
    resource_type: 'SecurityGroup',
    resource_category: 'Network',
    ...cis('4.1', 'Networking', 'Ensure no security groups allow ingress from 0.0.0.0/0 to port 22'),
  },
  ids: ['sg-0123abcd', 'sg-0123456789abcdef0'],
  notIds: ['sg-0123', 'arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0123abcd'],
  hasRunbook: true,
  check: securityGroups,
  calls: securityGroupCalls,
  options: {},
  violate: violateRange(22),
  scenarios: portScenarios(22),
});
