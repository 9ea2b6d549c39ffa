export {
  AuthorizeSecurityGroupIngressCommand,
  EC2Client,
  paginateDescribeSecurityGroupRules,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
