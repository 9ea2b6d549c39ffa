import { z } from 'zod';
import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';

/** The four settings of a bucket's public access block (S3 API reference, `PublicAccessBlockConfiguration`). */
export const publicAccessBlockSchema = z.object({
  BlockPublicAcls: z.boolean(),
  IgnorePublicAcls: z.boolean(),
  BlockPublicPolicy: z.boolean(),
  RestrictPublicBuckets: z.boolean(),
});
export type PublicAccessBlock = z.infer<typeof publicAccessBlockSchema>;

/** The settings of a bucket without a public access block. */
export const noPublicAccessBlock: PublicAccessBlock = {
  BlockPublicAcls: false,
  IgnorePublicAcls: false,
  BlockPublicPolicy: false,
  RestrictPublicBuckets: false,
};

/**
 * The ways in which a bucket is public despite its public access block. A type, not an interface, so that it is
 * assignable to JSON.
 */
export type Exposure = {
  /** Grants of the bucket's ACL to everyone, or to everyone with an AWS account: `READ to AllUsers`. */
  publicGrants: string[];
  /** AWS's assessment of the bucket policy: `IsPublic` of GetBucketPolicyStatus. Null if there is no policy. */
  policyIsPublic: boolean | null;
};

/** The groups whose grants make a bucket public. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
const publicGroups: ReadonlyMap<string, string> = new Map([
  ['http://acs.amazonaws.com/groups/global/AllUsers', 'AllUsers'],
  ['http://acs.amazonaws.com/groups/global/AuthenticatedUsers', 'AuthenticatedUsers'],
]);

/** Reads the public access block of a bucket. @returns null if the bucket has none */
export function readPublicAccessBlock(
  session: AwsSession,
  name: string,
  region: string,
): Promise<PublicAccessBlock | null> {
  return orWhen(['NoSuchPublicAccessBlockConfiguration'], null, async () => {
    const { GetPublicAccessBlockCommand, S3Client } = await import('../../aws/s3.ts');
    const answer = await session
      .client(S3Client, region)
      .send(new GetPublicAccessBlockCommand({ Bucket: name, ExpectedBucketOwner: session.account }));
    return publicAccessBlockSchema.parse({
      ...noPublicAccessBlock,
      ...answer.PublicAccessBlockConfiguration,
    });
  });
}

/** Reads the grants of a bucket's ACL that make it public. */
export async function readPublicGrants(session: AwsSession, name: string, region: string): Promise<string[]> {
  const { GetBucketAclCommand, S3Client } = await import('../../aws/s3.ts');
  const { Grants = [] } = await session
    .client(S3Client, region)
    .send(new GetBucketAclCommand({ Bucket: name, ExpectedBucketOwner: session.account }));
  return Grants.flatMap(({ Grantee, Permission = 'some permission' }) => {
    const group = publicGroups.get(Grantee?.URI ?? '');
    return group === undefined ? [] : [`${Permission} to ${group}`];
  });
}

/** Reads whether a bucket's policy is public. @returns null if there is no policy */
export function readPolicyIsPublic(
  session: AwsSession,
  name: string,
  region: string,
): Promise<boolean | null> {
  return orWhen(['NoSuchBucketPolicy'], null, async () => {
    const { GetBucketPolicyStatusCommand, S3Client } = await import('../../aws/s3.ts');
    const { PolicyStatus } = await session
      .client(S3Client, region)
      .send(new GetBucketPolicyStatusCommand({ Bucket: name, ExpectedBucketOwner: session.account }));
    return PolicyStatus?.IsPublic === true;
  });
}

/** A way in which a bucket can be public. */
export const waySchema = z.enum(['ACL', 'policy']);
export type Way = z.infer<typeof waySchema>;

/** Returns the ways of being public that a public access block does not disable. */
export const waysLeftBy = (block: PublicAccessBlock | null): Way[] => [
  ...(block?.IgnorePublicAcls === true ? [] : (['ACL'] as const)),
  ...(block?.RestrictPublicBuckets === true ? [] : (['policy'] as const)),
];

/** Checks whether a bucket is public in the given ways. The others are not read, and count as not public. */
export async function readExposure(
  session: AwsSession,
  name: string,
  region: string,
  ways: readonly Way[],
): Promise<Exposure> {
  const [publicGrants, policyIsPublic] = await Promise.all([
    ways.includes('ACL') ? readPublicGrants(session, name, region) : [],
    ways.includes('policy') ? readPolicyIsPublic(session, name, region) : false,
  ]);
  return { publicGrants, policyIsPublic };
}

/** Returns the ways in which a bucket is public, regardless of its public access block. */
export const waysOf = ({ publicGrants, policyIsPublic }: Exposure): Way[] => [
  ...(publicGrants.length > 0 ? (['ACL'] as const) : []),
  ...(policyIsPublic === true ? (['policy'] as const) : []),
];
