import { z } from 'zod';
import { defineFacts } from '../facts.ts';

const optionsSchema = z.strictObject({
  block_all: z.boolean().default(false).meta({
    description:
      'Whether to turn on all four settings of the public access block, so that nobody can make the bucket public again, instead of only the two that end the current public access.',
  }),
});

export type Options = z.infer<typeof optionsSchema>;

const buckets = ['arn:${partition}:s3:::*'];

/** Limits the permissions to the account's own buckets, because an S3 ARN contains no account. */
const own = { StringEquals: { 'aws:ResourceAccount': ['${account}'] } };

export const facts = defineFacts({
  id: 's3-bucket-public',
  title: 'S3 buckets are not public',
  legacyId: 'BPR-1-0-0',
  resourceType: 'AWS::S3::Bucket',
  scope: 'regional',
  regionFrom: 'resource',
  severity: 'high',
  resourceId: z
    .string()
    .refine((name) => !name.endsWith('--x-s3'), {
      error:
        'this is a directory bucket, which cannot be public: AWS always blocks public access to directory buckets',
      abort: true,
    })
    .regex(
      // Current names (3 to 63 characters), and longer ones that us-east-1 once allowed.
      /^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/,
      'expected the name of a bucket, not an ARN',
    ),
  options: optionsSchema,
  documentation: {
    control: 'Netskope best practice BPR-1-0-0',
    finds:
      "Buckets that are public by their ACL or by their policy, unless their public access block already makes that ineffective. An access point with a public policy does not make a bucket public here, but the outcome's reason names it if it can grant public access: the bucket has a policy, which can delegate to access points, `RestrictPublicBuckets` is off, and the access point belongs to the bucket's account and is not restricted to a VPC. Multi-Region access points are not read.",
    changes:
      "Turns on `IgnorePublicAcls` and `RestrictPublicBuckets` in the bucket's public access block, in the bucket's own region; with `block_all`, all four settings. Settings that someone else turns on in the meantime stay on. This also ends public ACLs of the bucket's objects, public access through access points, and, if the policy is public, the access that it grants to other accounts. A bucket that serves a website, or must be public, needs an exemption.",
    neverTouches:
      "The bucket's ACL, policy, objects and access points, the account's own public access block, and (without `block_all`) the other two settings. Directory buckets cannot be public: such a finding is `unprocessable`, with that reason.",
    undo: 'Turns off the settings that the fix turned on, if they are still on. If nothing else is on and there was no public access block before, removes it.',
  },
  permissions: {
    read: [
      { actions: ['s3:ListAllMyBuckets', 's3:ListAccessPoints'], resources: ['*'] },
      {
        actions: ['s3:GetAccessPointPolicyStatus'],
        resources: ['arn:${partition}:s3:*:${account}:accesspoint/*'],
      },
      {
        actions: [
          's3:GetBucketPublicAccessBlock',
          's3:GetBucketAcl',
          's3:GetBucketPolicyStatus',
          's3:GetBucketTagging',
        ],
        resources: buckets,
        conditions: own,
      },
    ],
    write: [{ actions: ['s3:PutBucketPublicAccessBlock'], resources: buckets, conditions: own }],
    // The second action also allows removing a public access block.
    undo: [
      {
        actions: ['s3:GetBucketPublicAccessBlock', 's3:PutBucketPublicAccessBlock'],
        resources: buckets,
        conditions: own,
      },
    ],
  },
});
