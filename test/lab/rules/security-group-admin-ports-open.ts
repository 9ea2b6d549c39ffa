import { defineLabRule } from './lab-rule.ts';
import { cis14 } from './netskope-words.ts';
import {
  portScenarios,
  securityGroupCalls,
  securityGroups,
  violateExactly,
} from './shared/security-groups.ts';

const NAME = 'Ensure no security groups allow ingress from 0.0.0.0/0 to remote server administration ports';

export const labRule = defineLabRule({
  code: 'CIS-1-4-0-5-2',
  words: {
    rule_name: NAME,
    severity: 'High',
    resource_type: 'SecurityGroup',
    resource_category: 'Network',
    ...cis14('5.2', 'Networking', NAME),
  },
  names: [
    NAME,
    'Make sure no security groups attached to ec2 allow ingress from 0.0.0.0/0 to remote server administration ports',
  ],
  ids: ['sg-0123abcd', 'sg-0123456789abcdef0'],
  notIds: ['sg-0123', 'arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0123abcd'],
  hasRunbook: true,
  check: securityGroups,
  calls: securityGroupCalls,
  options: {},
  violate: violateExactly(3389),
  scenarios: portScenarios(3389),
});
