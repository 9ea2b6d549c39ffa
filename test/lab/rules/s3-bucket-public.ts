import {
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketPolicyStatusCommand,
  GetPublicAccessBlockCommand,
  type Grant,
  type PublicAccessBlockConfiguration,
  paginateListBuckets,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { arnOf, type Calls, onNothing, requirement, text } from '../permissions/requirement.ts';
import { bucketAction } from '../permissions/s3.ts';
import { type Check, given, type Verdict } from './check.ts';
import { defineLabRule } from './lab-rule.ts';
import { bestPractice } from './netskope-words.ts';

const PUBLIC_GROUPS = ['AllUsers', 'AuthenticatedUsers'].map(
  (group) => `http://acs.amazonaws.com/groups/global/${group}`,
);

export interface BucketExposure {
  readonly grants: readonly Grant[];
  /** True if S3 reports the bucket's policy as public. */
  readonly policyIsPublic: boolean;
  readonly block: PublicAccessBlockConfiguration;
}

/** Reports whether anyone can access the bucket: by its ACL or its policy, unless the block prevents that. */
export function isPublicBucket({ grants, policyIsPublic, block }: BucketExposure): boolean {
  const aclIsPublic = grants.some(({ Grantee }) => PUBLIC_GROUPS.includes(Grantee?.URI ?? ''));
  return (
    (aclIsPublic && block.IgnorePublicAcls !== true) ||
    (policyIsPublic && block.RestrictPublicBuckets !== true)
  );
}

/** The answer, or nothing if S3 returns this error because there is none. */
async function ifAny<Answer>(answer: Promise<Answer>, errorName: string): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === errorName) return undefined;
    throw error;
  }
}

async function exposure(client: S3Client, Bucket: string): Promise<BucketExposure> {
  const acl = await client.send(new GetBucketAclCommand({ Bucket }));
  const policy = await ifAny(client.send(new GetBucketPolicyStatusCommand({ Bucket })), 'NoSuchBucketPolicy');
  const block = await ifAny(
    client.send(new GetPublicAccessBlockCommand({ Bucket })),
    'NoSuchPublicAccessBlockConfiguration',
  );
  return {
    grants: acl.Grants ?? [],
    policyIsPublic: policy?.PolicyStatus?.IsPublic === true,
    block: block?.PublicAccessBlockConfiguration ?? {},
  };
}

/** The account's buckets, which every region lists; everything else is requested in each bucket's own region. */
const buckets: Check = {
  reads: 'buckets',
  rules: ['BPR-1-0-0'],
  wholeAccount: true,
  async run(place) {
    const clientOf = (region?: string): S3Client =>
      // An endpoint outside AWS has no host names for buckets.
      new S3Client({ ...place.settings(region), forcePathStyle: true });
    const client = clientOf();
    const verdicts: Verdict[] = [];
    for await (const page of paginateListBuckets({ client }, {})) {
      for (const { Name } of page.Buckets ?? []) {
        const resource = given(Name, 'Name');
        const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket: resource }));
        const region = bucketRegion(LocationConstraint);
        verdicts.push({
          rule: 'BPR-1-0-0',
          resource,
          name: resource,
          region,
          violated: isPublicBucket(await exposure(clientOf(region), resource)),
          tags: [],
        });
      }
    }
    return verdicts;
  },
};

/** `GetBucketLocation` returns nothing for us-east-1, and `EU` for old buckets in eu-west-1 (its API reference). */
export function bucketRegion(constraint: string | undefined): string {
  if (constraint === undefined || constraint === '') return 'us-east-1';
  return constraint === 'EU' ? 'eu-west-1' : constraint;
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
const calls: Calls = {
  's3:ListBuckets': (call) => [requirement(call, 's3:ListAllMyBuckets', '*')],
  's3:GetPublicAccessBlock': bucketAction('GetBucketPublicAccessBlock'),
  's3:PutPublicAccessBlock': bucketAction('PutBucketPublicAccessBlock'),
  's3:DeletePublicAccessBlock': bucketAction('PutBucketPublicAccessBlock'),
  's3:GetBucketAcl': bucketAction('GetBucketAcl'),
  's3:DeleteBucketPolicy': bucketAction('DeleteBucketPolicy'),
  's3:GetBucketPolicyStatus': bucketAction('GetBucketPolicyStatus'),
  's3:GetBucketTagging': bucketAction('GetBucketTagging'),
  's3:ListAccessPoints': onNothing,
  's3:GetAccessPointPolicyStatus': (call) => [
    requirement(
      call,
      's3:GetAccessPointPolicyStatus',
      arnOf(call, 's3', `accesspoint/${text(call, 'Name')}`),
    ),
  ],
};

export const labRule = defineLabRule({
  code: 'BPR-1-0-0',
  words: {
    rule_name: 'Ensure S3 Bucket is not publicly accessible.',
    severity: 'High',
    resource_type: 'S3Bucket',
    resource_category: 'Storage',
    ...bestPractice('4', 'PR.AC', 'Access permissions and authorizations are managed'),
  },
  ids: ['example-logs', 'example.com', 'Old_Bucket'],
  notIds: ['arn:aws:s3:::example-logs', 'example-logs/folder', '-logs', 'ab', 'logs--euc1-az1--x-s3'],
  check: buckets,
  calls,
  options: {},
  scenarios: [
    { name: 'a bucket', make: ({ builder, region, name }) => builder.bucketPublicByAcl(region, name) },
    {
      name: 'a bucket with an access point',
      async make({ builder, region, name }) {
        const bucket = await builder.bucketPublicByPolicy(region, `${name}-policy`);
        await builder.publicAccessPoint(region, bucket, `point-${name}`);
        return bucket;
      },
    },
  ],
});
