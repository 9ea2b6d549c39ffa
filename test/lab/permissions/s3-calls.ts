import type { AwsCall } from '../aws-proxy/index.ts';
import {
  type ConditionValues,
  type Facts,
  type Requirement,
  type Requires,
  requirement,
  text,
} from './requirement.ts';

/** A bucket, or an object in it, as policies see it. Its ARN names no account: what is asked of is its owner's. */
async function onBucket(
  call: AwsCall,
  facts: Facts,
  action: string,
  key?: string,
  conditions: ConditionValues = {},
): Promise<Requirement> {
  const owner = await ownerOf(call, facts);
  const arn = `arn:aws:s3:::${text(call, 'Bucket')}${key === undefined ? '' : `/${key}`}`;
  return requirement(call, `s3:${action}`, arn, { 's3:ResourceAccount': owner, ...conditions }, owner);
}

/** A bucket that is nobody's is asked about as if it were the caller's own, and then not found. */
async function ownerOf(call: AwsCall, facts: Facts): Promise<string> {
  const { account } = call.principal;
  const expected = call.headers['x-amz-expected-bucket-owner'];
  const candidates = [account, ...(typeof expected === 'string' ? [expected] : [])];
  return (await facts.bucketOwner(text(call, 'Bucket'), candidates)) ?? account;
}

const bucketAction =
  (action: string): Requires =>
  async (call, facts) => [await onBucket(call, facts, action)];

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
export const s3Calls: Readonly<Record<string, Requires>> = {
  ListBuckets: (call) => [requirement(call, 's3:ListAllMyBuckets', '*')],
  GetPublicAccessBlock: bucketAction('GetBucketPublicAccessBlock'),
  PutPublicAccessBlock: bucketAction('PutBucketPublicAccessBlock'),
  DeletePublicAccessBlock: bucketAction('PutBucketPublicAccessBlock'),
  GetBucketAcl: bucketAction('GetBucketAcl'),
  DeleteBucketPolicy: bucketAction('DeleteBucketPolicy'),
  GetBucketPolicyStatus: bucketAction('GetBucketPolicyStatus'),
  GetBucketTagging: bucketAction('GetBucketTagging'),

  /**
   * Of an object that is not there S3 tells only who may list the bucket.
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
   */
  async GetObject(call, facts) {
    const key = text(call, 'Key');
    const asked = [await onBucket(call, facts, 'GetObject', key)];
    if (!(await facts.objectExists(await ownerOf(call, facts), text(call, 'Bucket'), key))) {
      asked.push(await onBucket(call, facts, 'ListBucket'));
    }
    return asked;
  },
  DeleteObject: async (call, facts) => [await onBucket(call, facts, 'DeleteObject', text(call, 'Key'))],
  async PutObject(call, facts) {
    const key = text(call, 'Key');
    const { 'x-amz-tagging': tagging, 'x-amz-acl': acl, 'if-none-match': ifNoneMatch } = call.headers;
    const conditions = typeof ifNoneMatch === 'string' ? { 's3:if-none-match': ifNoneMatch } : {};
    return [
      await onBucket(call, facts, 'PutObject', key, conditions),
      ...(tagging === undefined ? [] : [await onBucket(call, facts, 'PutObjectTagging', key)]),
      ...(acl === undefined ? [] : [await onBucket(call, facts, 'PutObjectAcl', key)]),
    ];
  },
};
