export {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  ListTagsForResourceCommand,
  PutRetentionPolicyCommand,
  paginateDescribeLogGroups,
  TagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs';
