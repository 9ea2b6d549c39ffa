import { testEveryCall } from '../harness/every-call.ts';

testEveryCall(
  'security-group-ssh-open',
  [
    'ec2:DescribeSecurityGroups 1',
    'ec2:DescribeSecurityGroupRules 1',
    'ec2:AuthorizeSecurityGroupIngress 1',
    // The local AWS tells the last of several rules that it has made, so that the change looks for the others.
    'ec2:DescribeSecurityGroupRules 2',
    'ec2:RevokeSecurityGroupIngress 1',
    'ec2:DescribeSecurityGroups 2',
    'ec2:DescribeSecurityGroupRules 3',
  ],
  'thorough',
);
