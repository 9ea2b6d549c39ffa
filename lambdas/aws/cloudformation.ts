export { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
