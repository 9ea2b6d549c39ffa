import { testEveryCall } from '../harness/every-call.ts';

testEveryCall(
  'security-group-ssh-open',
  [
    'ec2:DescribeSecurityGroups 1',
    'ec2:DescribeSecurityGroupRules 1',
    // The look directly before the first write, and the one before the rule is shrunk.
    'ec2:DescribeSecurityGroupRules 2',
    'ec2:AuthorizeSecurityGroupIngress 1',
    'ec2:DescribeSecurityGroupRules 3',
    'ec2:ModifySecurityGroupRules 1',
    'ec2:DescribeSecurityGroups 2',
    'ec2:DescribeSecurityGroupRules 4',
  ],
  'thorough',
);
