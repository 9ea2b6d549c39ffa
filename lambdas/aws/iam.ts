export {
  GetAccessKeyLastUsedCommand,
  IAMClient,
  paginateListAccessKeys,
  paginateListUserTags,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
