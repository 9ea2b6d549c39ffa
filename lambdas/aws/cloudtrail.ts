export {
  CloudTrailClient,
  DescribeTrailsCommand,
  ListTagsCommand,
  LookupEventsCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail';
