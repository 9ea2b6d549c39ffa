export {
  CloudTrailClient,
  DescribeTrailsCommand,
  ListTagsCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail';
