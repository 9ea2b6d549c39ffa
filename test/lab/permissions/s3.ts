import type { AwsCall } from '../aws-proxy/index.ts';
import {
  type ConditionValues,
  type Requirement,
  type Requires,
  requirement,
  type StateLookups,
  text,
} from './requirement.ts';

/** A bucket, or an object in it, as policies see it. Its ARN has no account: the owner of the bucket counts. */
export async function onBucket(
  call: AwsCall,
  state: StateLookups,
  action: string,
  key?: string,
  conditions: ConditionValues = {},
): Promise<Requirement> {
  const owner = await ownerOf(call, state);
  const arn = `arn:aws:s3:::${text(call, 'Bucket')}${key === undefined ? '' : `/${key}`}`;
  return requirement(call, `s3:${action}`, arn, { 's3:ResourceAccount': owner, ...conditions }, owner);
}

/** A bucket without an owner is treated as the caller's own, and then not found. */
export async function ownerOf(call: AwsCall, state: StateLookups): Promise<string> {
  const { account } = call.principal;
  const expected = call.headers['x-amz-expected-bucket-owner'];
  const candidates = [account, ...(typeof expected === 'string' ? [expected] : [])];
  return (await state.bucketOwner(text(call, 'Bucket'), candidates)) ?? account;
}

/** An action on the bucket of a call. */
export const bucketAction =
  (action: string): Requires =>
  async (call, state) => [await onBucket(call, state, action)];
