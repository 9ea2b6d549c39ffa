export { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
