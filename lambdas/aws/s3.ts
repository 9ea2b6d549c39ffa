import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

export {
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutPublicAccessBlockCommand,
  paginateListBuckets,
  S3Client,
} from '@aws-sdk/client-s3';

/** Sends each call once: for writes of a whole object, before which someone must look each time. */
export class SingleAttemptS3Client extends S3Client {
  constructor(settings: S3ClientConfig) {
    super({ ...settings, maxAttempts: 1 });
  }
}
