import { testEveryCall } from '../harness/every-call.ts';

testEveryCall('s3-bucket-public', [
  's3:ListBuckets 1',
  's3:GetPublicAccessBlock 1',
  's3:GetBucketAcl 1',
  's3:GetBucketPolicyStatus 1',
  's3:GetBucketTagging 1',
  's3:PutPublicAccessBlock 1',
  's3:ListBuckets 2',
  's3:GetPublicAccessBlock 2',
]);
