import { testEveryCall } from '../harness/every-call.ts';

testEveryCall('iam-access-key-unrotated', [
  'iam:ListAccessKeys 1',
  'iam:GetAccessKeyLastUsed 1',
  'iam:ListUserTags 1',
  'iam:UpdateAccessKey 1',
  'iam:ListAccessKeys 2',
]);
