import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PublicAccessBlock } from '../../../lambdas/changes/bucket/exposure.ts';
import {
  applyChange,
  describeChange,
  findChange,
  inverseOf,
  isChangeVisible,
} from '../../../lambdas/changes/index.ts';
import { rule } from '../../../lambdas/rules/s3-bucket-public/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { actionsOf, answerByAction, grantedActions } from '../../lab/scripted-aws/called-actions.ts';
import {
  type Answer,
  type ReceivedCall,
  s3Error,
  scriptedAws,
  xmlAnswer,
} from '../../lab/scripted-aws/scripted-aws.ts';

const ACCOUNT = '111122223333';
const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
const SETTINGS = [
  'BlockPublicAcls',
  'IgnorePublicAcls',
  'BlockPublicPolicy',
  'RestrictPublicBuckets',
] as const;

interface Bucket {
  readonly region?: string;
  block?: PublicAccessBlock | undefined;
  /** The groups to which the ACL grants READ. */
  grants?: readonly string[];
  readonly policyIsPublic?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  readonly accessPoints?: Readonly<Record<string, AccessPoint>>;
  /** The account that owns it. Default: the session's. */
  readonly owner?: string;
  /** The action that AWS denies. */
  readonly denied?: string;
  /** Set if the list of its access points is an error. */
  readonly accessPointsError?: Answer;
}

interface AccessPoint {
  /** The network origin. Default: Internet. */
  readonly origin?: 'Internet' | 'VPC';
  /** The answer of GetAccessPointPolicyStatus. Default: there is no policy. */
  readonly isPublic?: boolean | Answer;
}

const flags = (
  BlockPublicAcls: boolean,
  IgnorePublicAcls: boolean,
  BlockPublicPolicy: boolean,
  RestrictPublicBuckets: boolean,
) => ({
  BlockPublicAcls,
  IgnorePublicAcls,
  BlockPublicPolicy,
  RestrictPublicBuckets,
});

function regionOf(call: ReceivedCall): string {
  return /Credential=[^/]+\/\d{8}\/([^/]+)\//.exec(call.headers.authorization ?? '')?.[1] ?? '';
}

/**
 * Simulates S3 as in its API reference: each bucket answers in its own region, and only if the owner in the request is
 * right.
 */
async function s3(
  buckets: Record<string, Bucket>,
  bucketsPerPage = 10_000,
  /** Runs at a write, and can return another answer than success. */
  onWrite: (bucket: Bucket) => Answer | undefined = () => undefined,
) {
  const inBucket =
    (answer: (bucket: Bucket, call: ReceivedCall) => Answer) =>
    (call: ReceivedCall): Answer => {
      const bucket = buckets[new URL(call.path, 'http://s3').pathname.replaceAll('/', '')];
      if (bucket === undefined) return s3Error('NoSuchBucket', 404);
      if ((bucket.region ?? 'eu-central-1') !== regionOf(call)) return s3Error('PermanentRedirect', 301);
      const { owner = ACCOUNT, denied } = bucket;
      if (call.headers['x-amz-expected-bucket-owner'] !== owner) return s3Error('AccessDenied', 403);
      if (actionsOf([call]).includes(denied ?? '')) return s3Error('AccessDenied', 403);
      return answer(bucket, call);
    };
  const accessPoints = {
    's3:ListAccessPoints': ({ path, headers }: ReceivedCall): Answer => {
      if (headers['x-amz-account-id'] !== ACCOUNT) return s3Error('AccessDenied', 403);
      const name = new URL(path, 'http://s3').searchParams.get('bucket') ?? '';
      const { accessPoints: all = {}, accessPointsError } = buckets[name] ?? {};
      return (
        accessPointsError ??
        xmlAnswer(
          `<ListAccessPointsResult><AccessPointList>${Object.entries(all)
            .map(
              ([point, { origin = 'Internet' }]) =>
                `<AccessPoint><Name>${point}</Name><NetworkOrigin>${origin}</NetworkOrigin><Bucket>${name}</Bucket></AccessPoint>`,
            )
            .join('')}</AccessPointList></ListAccessPointsResult>`,
        )
      );
    },
    's3:GetAccessPointPolicyStatus': ({ path }: ReceivedCall): Answer => {
      const name = path.split('/').at(-2) ?? '';
      const [point] = Object.values(buckets).flatMap((bucket) => bucket.accessPoints?.[name] ?? []);
      if (point === undefined) return s3Error('NoSuchAccessPoint', 404);
      const { isPublic = s3Error('NoSuchAccessPointPolicy', 404) } = point;
      return typeof isPublic === 'boolean'
        ? xmlAnswer(
            `<GetAccessPointPolicyStatusResult><PolicyStatus><IsPublic>${isPublic}</IsPublic></PolicyStatus></GetAccessPointPolicyStatusResult>`,
          )
        : isPublic;
    },
  };
  return scriptedAws((call) =>
    answerByAction({
      ...accessPoints,
      's3:ListAllMyBuckets': ({ path }) => {
        const { searchParams } = new URL(path, 'http://s3');
        const names = Object.keys(buckets)
          .filter((name) => (buckets[name]?.owner ?? ACCOUNT) === ACCOUNT)
          .filter((name) => name.startsWith(searchParams.get('prefix') ?? ''))
          .sort();
        const from = Number(searchParams.get('continuation-token') ?? 0);
        const to = from + Math.min(bucketsPerPage, Number(searchParams.get('max-buckets') ?? 10_000));
        return xmlAnswer(
          `<ListAllMyBucketsResult><Buckets>${names
            .slice(from, to)
            .map(
              (name) =>
                `<Bucket><Name>${name}</Name><BucketRegion>${buckets[name]?.region ?? 'eu-central-1'}</BucketRegion></Bucket>`,
            )
            .join('')}</Buckets>${
            to < names.length ? `<ContinuationToken>${to}</ContinuationToken>` : ''
          }</ListAllMyBucketsResult>`,
        );
      },
      's3:GetBucketPublicAccessBlock': inBucket(({ block }) =>
        block === undefined
          ? s3Error('NoSuchPublicAccessBlockConfiguration', 404)
          : xmlAnswer(
              `<PublicAccessBlockConfiguration>${SETTINGS.map((name) => `<${name}>${block[name]}</${name}>`).join('')}</PublicAccessBlockConfiguration>`,
            ),
      ),
      's3:GetBucketAcl': inBucket(({ grants = [] }) =>
        xmlAnswer(`<AccessControlPolicy><Owner><ID>own</ID></Owner><AccessControlList>
          <Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>own</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>
          ${grants
            .map(
              (uri) =>
                `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${uri}</URI></Grantee><Permission>READ</Permission></Grant>`,
            )
            .join('')}</AccessControlList></AccessControlPolicy>`),
      ),
      's3:GetBucketPolicyStatus': inBucket(({ policyIsPublic }) =>
        policyIsPublic === undefined
          ? s3Error('NoSuchBucketPolicy', 404)
          : xmlAnswer(`<PolicyStatus><IsPublic>${policyIsPublic}</IsPublic></PolicyStatus>`),
      ),
      's3:GetBucketTagging': inBucket(({ tags }) =>
        tags === undefined
          ? s3Error('NoSuchTagSet', 404)
          : xmlAnswer(
              `<Tagging><TagSet>${Object.entries(tags)
                .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
                .join('')}</TagSet></Tagging>`,
            ),
      ),
      's3:PutBucketPublicAccessBlock': inBucket((bucket, { method, body }) => {
        if (method === 'DELETE') bucket.block = undefined;
        else {
          const on = (name: string): boolean => body.includes(`<${name}>true</${name}>`);
          bucket.block = flags(on(SETTINGS[0]), on(SETTINGS[1]), on(SETTINGS[2]), on(SETTINGS[3]));
        }
        return onWrite(bucket) ?? { status: method === 'DELETE' ? 204 : 200, body: '' };
      }),
    })(call),
  );
}

const sessionOf = (endpoint: string) => testSession({ endpoint, account: ACCOUNT, region: 'eu-central-1' });

async function inspect(bucket: Bucket) {
  await using aws = await s3({ site: bucket });
  return (await rule.assess(sessionOf(aws.endpoint), ['site'], {})).get('site');
}

describe('a bucket', () => {
  test.each([
    { what: 'without an ACL or policy', bucket: {}, state: 'compliant' },
    { what: 'with an ACL for everyone', bucket: { grants: [ALL_USERS] }, state: 'violation' },
    {
      what: 'with an ACL for everyone with an AWS account',
      bucket: { grants: ['http://acs.amazonaws.com/groups/global/AuthenticatedUsers'] },
      state: 'violation',
    },
    {
      what: 'with an ACL for the log delivery group, which is not everyone',
      bucket: { grants: ['http://acs.amazonaws.com/groups/s3/LogDelivery'] },
      state: 'compliant',
    },
    { what: 'with a public policy', bucket: { policyIsPublic: true }, state: 'violation' },
    { what: 'with a policy that is not public', bucket: { policyIsPublic: false }, state: 'compliant' },
    {
      what: 'with an ignored public ACL',
      bucket: { grants: [ALL_USERS], block: flags(false, true, false, false) },
      state: 'compliant',
    },
    {
      what: 'with a public ACL if only new ones are blocked',
      bucket: { grants: [ALL_USERS], block: flags(true, false, true, true) },
      state: 'violation',
    },
    {
      what: 'with a restricted public policy',
      bucket: { policyIsPublic: true, block: flags(false, false, false, true) },
      state: 'compliant',
    },
    {
      what: 'with a public policy if only new ones are blocked',
      bucket: { policyIsPublic: true, block: flags(true, true, true, false) },
      state: 'violation',
    },
  ])('$what: $state', async ({ bucket, state }) => {
    await expect(inspect(bucket)).resolves.toMatchObject({ state });
  });

  test('has the reason why it is public, and its tags, in the evidence', async () => {
    const block = flags(true, false, false, false);

    const assessment = await inspect({
      grants: [ALL_USERS],
      policyIsPublic: true,
      block,
      tags: { team: 'blue' },
    });

    expect(assessment).toMatchObject({
      state: 'violation',
      seen: {
        region: 'eu-central-1',
        publicAccessBlock: block,
        publicGrants: ['READ to AllUsers'],
        policyIsPublic: true,
      },
      tags: { team: 'blue' },
    });
  });
});

describe('access points', () => {
  const open = { web: { isPublic: true } };
  const fromWeb =
    'the bucket is not public by its own ACL or policy, but access point "web" is public by its policy: anyone can reach the bucket that way, unless the bucket\'s policy or a public access block of the access point or account prevents it';
  const refused = s3Error('AccessDenied', 403);

  test.each<{ what: string; bucket: Bucket; notes: unknown }>([
    { what: 'that is public', bucket: { accessPoints: open }, notes: [fromWeb] },
    {
      what: 'with a policy that is not public',
      bucket: { accessPoints: { web: { isPublic: false } } },
      notes: undefined,
    },
    { what: 'without a policy', bucket: { accessPoints: { web: {} } }, notes: undefined },
    {
      what: 'that only a VPC can reach',
      bucket: { accessPoints: { web: { origin: 'VPC', isPublic: true } } },
      notes: undefined,
    },
    {
      what: 'that was deleted in the meantime',
      bucket: { accessPoints: { web: { isPublic: s3Error('NoSuchAccessPoint', 404) } } },
      notes: undefined,
    },
    {
      what: 'that cannot be read, besides a public one',
      bucket: { accessPoints: { ...open, shut: { isPublic: refused } } },
      notes: [fromWeb, expect.stringMatching(/^access point "shut" could not be read: AccessDenied: /)],
    },
    {
      what: 'of a list that cannot be read',
      bucket: { accessPointsError: refused },
      notes: [expect.stringMatching(/^access points could not be read: AccessDenied: /)],
    },
    {
      what: 'that is public, among more than the maximum',
      bucket: {
        accessPoints: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`p${n}`, { isPublic: true }])),
      },
      notes: [
        expect.stringContaining('"p9" and 40 more are public by their policies'),
        'only the first 50 of 51 access points were read',
      ],
    },
  ])('one $what', async ({ bucket, notes }) => {
    const assessment = await inspect({ policyIsPublic: false, ...bucket });

    expect(assessment).toEqual({ state: 'compliant', ...(notes !== undefined && { notes }) });
  });

  test("that are public are in the notes of a public bucket's plan", async () => {
    const assessment = await inspect({ policyIsPublic: true, accessPoints: open });

    expect(assessment).toMatchObject({
      state: 'violation',
      notes: ['the fix also ends public access through access point "web"'],
    });
  });

  test.each<{ what: string; bucket: Bucket }>([
    { what: 'the bucket has no policy that delegates to them', bucket: {} },
    {
      what: 'the bucket restricts public access',
      bucket: { policyIsPublic: false, block: flags(false, false, false, true) },
    },
  ])('are not read if $what', async ({ bucket }) => {
    await using aws = await s3({ site: { ...bucket, accessPoints: open } });

    const assessment = (await rule.assess(sessionOf(aws.endpoint), ['site'], {})).get('site');

    expect(assessment).toEqual({ state: 'compliant' });
    expect(actionsOf(aws.calls)).not.toContain('s3:ListAccessPoints');
  });

  test('are read again later if AWS cannot answer now', async () => {
    const slow = s3Error('SlowDown', 503);

    const results = await Promise.allSettled([
      inspect({ policyIsPublic: false, accessPointsError: slow }),
      inspect({ policyIsPublic: false, accessPoints: { web: { isPublic: slow } } }),
    ]);

    const thrown = { status: 'rejected', reason: { name: 'SlowDown' } };
    expect(results).toMatchObject([thrown, thrown]);
  });
});

describe('buckets are read', () => {
  test('in their own regions, with the expected owner', async () => {
    await using aws = await s3({ far: { region: 'us-west-2', policyIsPublic: true } });
    const session = sessionOf(aws.endpoint);

    const assessment = (await rule.assess(session, ['far'], {})).get('far');
    if (assessment?.state !== 'violation') throw new Error('expected a violation');
    for (const change of assessment.plan) await applyChange(session, change);
    const after = (await rule.assess(session, ['far'], {})).get('far');

    expect(assessment.plan).toMatchObject([{ region: 'us-west-2' }]);
    expect(after).toEqual({ state: 'compliant' });
  });

  test('only if the account owns them; others are gone', async () => {
    await using aws = await s3({ site: { policyIsPublic: true } });

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['site', 'someone-elses'], {});

    expect(assessments.get('someone-elses')).toEqual({ state: 'gone' });
    expect(aws.calls.filter(({ path }) => path.includes('someone-elses'))).toEqual([]);
  });

  test('as gone if they are deleted between two reads', async () => {
    await using aws = await scriptedAws((call) =>
      new URL(call.path, 'http://s3').pathname === '/'
        ? xmlAnswer(
            '<ListAllMyBucketsResult><Buckets><Bucket><Name>site</Name><BucketRegion>eu-central-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>',
          )
        : s3Error('NoSuchBucket', 404),
    );

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['site'], {});

    expect(assessments.get('site')).toEqual({ state: 'gone' });
  });

  test('from all pages', async () => {
    await using aws = await s3({ a1: {}, b2: {}, c3: { policyIsPublic: true } }, 1);

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['a1', 'c3'], {});

    expect([...assessments.values()].map(({ state }) => state)).toEqual(['compliant', 'violation']);
  });

  test('with everything at once if they are few, and later only the block', async () => {
    await using aws = await s3({ site: { policyIsPublic: true, block: flags(false, true, false, true) } });
    const session = sessionOf(aws.endpoint);

    const first = await rule.assess(session, ['site'], {});
    const calls = aws.calls.length;
    const second = await rule.assess(session, ['site'], {});

    expect([first.get('site'), second.get('site')]).toEqual([{ state: 'compliant' }, { state: 'compliant' }]);
    expect(calls).toBe(5);
    expect(actionsOf(aws.calls.slice(calls))).toEqual(['s3:GetBucketPublicAccessBlock']);
  });

  test.each(['s3:GetBucketAcl', 's3:GetBucketTagging'])(
    'as compliant if they are blocked, although %s is denied',
    async (denied) => {
      await using aws = await s3({ site: { denied, block: flags(false, true, false, true) } });

      const assessments = await rule.assess(sessionOf(aws.endpoint), ['site'], {});

      expect(assessments.get('site')).toEqual({ state: 'compliant' });
    },
  );

  test.each<{ what: string; now: Bucket | undefined; state: string; region?: string }>([
    { what: 'deleted', now: undefined, state: 'gone' },
    {
      what: 'created anew in another region',
      now: { region: 'us-west-2', policyIsPublic: true },
      state: 'violation',
      region: 'us-west-2',
    },
    { what: 'created anew by another account', now: { owner: '444455556666' }, state: 'gone' },
  ])('again in the same session if they were $what', async ({ now, state, region }) => {
    const buckets: Record<string, Bucket> = { site: { policyIsPublic: true }, other: {} };
    await using aws = await s3(buckets);
    const session = sessionOf(aws.endpoint);
    await rule.assess(session, ['site', 'other'], {});

    if (now === undefined) delete buckets['site'];
    else buckets['site'] = now;
    const assessments = await rule.assess(session, ['site', 'other'], {});

    expect(assessments.get('site')).toMatchObject({ state, ...(region && { seen: { region } }) });
    expect(assessments.get('other')).toEqual({ state: 'compliant' });
  });

  test('with 26 calls for 25 fixed ones, and 25 later', async () => {
    const names = Array.from({ length: 25 }, (_, n) => `bucket-${n}`);
    await using aws = await s3(
      Object.fromEntries(
        names.map((name) => [name, { policyIsPublic: true, block: flags(false, true, false, true) }]),
      ),
    );

    const session = sessionOf(aws.endpoint);

    await rule.assess(session, names, {});
    const calls = aws.calls.length;
    await rule.assess(session, names, {});

    expect(calls).toBe(26);
    expect(aws.calls).toHaveLength(26 + 25);
  });
});

describe('the plan', () => {
  // A bucket violates the rule by its policy only if its block does not restrict it.
  const anyBlock = fc.option(
    fc.record({
      BlockPublicAcls: fc.boolean(),
      IgnorePublicAcls: fc.boolean(),
      BlockPublicPolicy: fc.boolean(),
      RestrictPublicBuckets: fc.constant(false),
    }),
  );

  function planned(publicAccessBlock: PublicAccessBlock | null, block_all: boolean) {
    const seen = { region: 'eu-central-1', publicAccessBlock, publicGrants: [], policyIsPublic: true };
    const plan = rule.code.plan('site', seen, { block_all });
    if ('notApplicable' in plan) throw new Error('expected changes');
    return plan;
  }

  test('turns on two settings and leaves the other two unchanged', () => {
    fc.assert(
      fc.property(anyBlock, (before) => {
        expect(planned(before, false)).toMatchObject([
          {
            before,
            after: {
              BlockPublicAcls: before?.BlockPublicAcls ?? false,
              IgnorePublicAcls: true,
              BlockPublicPolicy: before?.BlockPublicPolicy ?? false,
              RestrictPublicBuckets: true,
            },
          },
        ]);
      }),
    );
  });

  test('turns on all four settings with block_all', () => {
    fc.assert(
      fc.property(anyBlock, (before) => {
        expect(planned(before, true)).toMatchObject([{ before, after: flags(true, true, true, true) }]);
      }),
    );
  });

  test('is undone by its inverse', async () => {
    await fc.assert(
      fc.asyncProperty(anyBlock, fc.boolean(), async (before, blockAll) => {
        const bucket: Bucket = { policyIsPublic: true, block: before ?? undefined };
        await using aws = await s3({ site: bucket });
        const session = sessionOf(aws.endpoint);

        for (const change of planned(before, blockAll)) {
          const applied = await applyChange(session, change);
          expect(bucket.block).toMatchObject({ IgnorePublicAcls: true, RestrictPublicBuckets: true });
          const inverse = await inverseOf(applied);
          if (inverse !== undefined) await applyChange(session, inverse);
        }

        expect(bucket.block).toEqual(before ?? undefined);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the change', () => {
  const planned = {
    kind: 's3-public-access-block-set',
    resource: 'site',
    region: 'eu-central-1',
    publicBy: ['ACL'],
    before: null,
    after: flags(false, true, false, true),
  };

  test.each([
    {
      change: { ...planned, publicBy: ['ACL', 'policy'] },
      line: '+ public access block of site: IgnorePublicAcls, RestrictPublicBuckets (this also ends public ACLs of its objects and access of other accounts by its public policy)',
    },
    {
      change: planned,
      line: '+ public access block of site: IgnorePublicAcls, RestrictPublicBuckets (this also ends public ACLs of its objects)',
    },
    {
      change: { ...planned, before: flags(false, true, false, false), publicBy: ['policy'] },
      line: '~ public access block of site: RestrictPublicBuckets false -> true (this also ends access of other accounts by its public policy)',
    },
    {
      change: { ...planned, before: planned.after, after: flags(false, false, false, true) },
      line: '~ public access block of site: IgnorePublicAcls true -> false',
    },
    { change: { ...planned, before: planned.after, after: null }, line: '- public access block of site' },
  ])('is described in one line: $line', async ({ change, line }) => {
    await expect(describeChange(change)).resolves.toBe(line);
  });

  const writesOf = (calls: readonly ReceivedCall[]) => calls.filter(({ method }) => method !== 'GET');
  const apply = (endpoint: string, change: Parameters<typeof applyChange>[1] = planned) =>
    applyChange(sessionOf(endpoint), change);

  test.each<{ what: string; bucket: Bucket }>([
    {
      what: 'its owner turned on all four settings',
      bucket: { grants: [ALL_USERS], block: flags(true, true, true, true) },
    },
    { what: 'its owner removed the public grant', bucket: { grants: [] } },
    {
      what: 'its owner removed the public grant and added a block',
      bucket: { grants: [], block: flags(true, false, false, false) },
    },
  ])('is stale if $what after the read: nothing is written', async ({ bucket }) => {
    const stands = bucket.block;
    await using aws = await s3({ site: bucket });

    const application = apply(aws.endpoint);

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
    expect(bucket.block).toEqual(stands);
    expect(writesOf(aws.calls)).toEqual([]);
  });

  const byPolicy = { ...planned, before: flags(false, true, false, false), publicBy: ['policy'] };

  test.each<{ what: string; bucket: Bucket; message: RegExp }>([
    {
      what: 'a setting that it relies on is switched off',
      bucket: { policyIsPublic: true, block: flags(false, false, false, false) },
      message: /^bucket site could still be public by its ACL with RestrictPublicBuckets: /,
    },
    {
      what: 'the policy is deleted and the ACL made public',
      bucket: { grants: [ALL_USERS], block: flags(false, true, false, false) },
      message: /^bucket site is no longer public by its policy: /,
    },
  ])('for a public policy is stale where $what after the read', async ({ bucket, message }) => {
    await using aws = await s3({ site: bucket });

    const application = apply(aws.endpoint, byPolicy);

    await expect(application).rejects.toMatchObject({
      name: 'StalePlanError',
      message: expect.stringMatching(message),
    });
    expect(writesOf(aws.calls)).toEqual([]);
  });

  test.each([
    { publicBy: ['ACL'], reads: ['s3:GetBucketAcl'] },
    { publicBy: ['policy'], reads: ['s3:GetBucketPolicyStatus'] },
    { publicBy: ['ACL', 'policy'], reads: ['s3:GetBucketAcl', 's3:GetBucketPolicyStatus'] },
  ])('looks at what made the bucket public ($publicBy), then at the block', async ({ publicBy, reads }) => {
    await using aws = await s3({ site: { grants: [ALL_USERS], policyIsPublic: true } });

    const change = { ...planned, publicBy };
    await apply(aws.endpoint, change);

    const actions = actionsOf(aws.calls);
    expect(actions.slice(0, -2).sort()).toEqual(reads);
    expect(actions.slice(-2)).toEqual(['s3:GetBucketPublicAccessBlock', 's3:PutBucketPublicAccessBlock']);
  });

  test('is stale if the bucket was deleted', async () => {
    await using aws = await s3({});

    await expect(apply(aws.endpoint)).rejects.toMatchObject({
      name: 'StalePlanError',
      message: 'bucket site is gone: nothing was changed',
    });
  });

  test('keeps settings that the owner turned on after the read, and its undo turns off only its own', async () => {
    const bucket: Bucket = { grants: [ALL_USERS], block: flags(true, false, true, false) };
    await using aws = await s3({ site: bucket });

    const applied = await apply(aws.endpoint);
    const fixed = bucket.block;
    const undone = await inverseOf(applied);
    if (undone !== undefined) await apply(aws.endpoint, undone);

    expect(applied).toMatchObject({
      before: flags(true, false, true, false),
      after: flags(true, true, true, true),
    });
    expect(fixed).toEqual(flags(true, true, true, true));
    expect(bucket.block).toEqual(flags(true, false, true, false));
  });

  test.each<{ what: string; now: PublicAccessBlock | undefined; left: PublicAccessBlock | undefined }>([
    { what: 'the settings as the fix left them', now: flags(false, true, false, true), left: undefined },
    {
      what: 'a setting that its owner turned on since',
      now: flags(true, true, false, true),
      left: flags(true, false, false, false),
    },
    {
      what: 'a setting that its owner turned off since',
      now: flags(true, false, false, true),
      left: flags(true, false, false, false),
    },
  ])('is undone correctly with $what', async ({ now, left }) => {
    const bucket: Bucket = { grants: [ALL_USERS] };
    await using aws = await s3({ site: bucket });
    const inverse = await inverseOf(await apply(aws.endpoint));

    bucket.block = now;
    if (inverse !== undefined) await apply(aws.endpoint, inverse);

    expect(bucket.block).toEqual(left);
  });

  test('that its owner has undone is not undone again', async () => {
    const bucket: Bucket = { grants: [ALL_USERS] };
    await using aws = await s3({ site: bucket });
    const inverse = await inverseOf(await apply(aws.endpoint));

    bucket.block = undefined;
    const undo = apply(aws.endpoint, inverse);

    await expect(undo).rejects.toMatchObject({ name: 'StalePlanError' });
  });

  test.each(['OperationAborted', 'ConditionalRequestConflict'])(
    'is made once again after %s, based on the current settings',
    async (code) => {
      const bucket: Bucket = { grants: [ALL_USERS] };
      let writes = 0;
      await using aws = await s3({ site: bucket }, undefined, (written) => {
        writes += 1;
        if (writes > 1) return undefined;
        // The owner's call succeeded first.
        written.block = flags(true, false, true, false);
        return s3Error(code, 409);
      });

      const applied = await apply(aws.endpoint);

      expect(bucket.block).toEqual(flags(true, true, true, true));
      expect(applied).toMatchObject({ before: flags(true, false, true, false) });
    },
  );

  test('is refused as busy if S3 reports a conflict each time', async () => {
    const bucket: Bucket = { grants: [ALL_USERS] };
    await using aws = await s3({ site: bucket }, undefined, (written) => {
      written.block = undefined;
      return s3Error('OperationAborted', 409);
    });

    const application = apply(aws.endpoint);

    await expect(application).rejects.toMatchObject({ name: 'ChangeRefusedError', because: 'busy' });
  });

  test('with a lost answer is not sent again over later settings of the owner', async () => {
    const bucket: Bucket = { grants: [ALL_USERS] };
    await using aws = await s3({ site: bucket }, undefined, (written) => {
      // The call took effect, and the owner then turned on the other settings.
      written.block = flags(true, true, true, true);
      return 'cut';
    });

    const application = apply(aws.endpoint);

    await expect(application).rejects.toThrow();
    expect(bucket.block).toEqual(flags(true, true, true, true));
    expect(writesOf(aws.calls)).toHaveLength(1);
  });

  test('with a lost answer is not confirmed by a read, which may be older than the plan', async () => {
    const bucket: Bucket = { grants: [ALL_USERS] };
    await using aws = await s3({ site: bucket }, undefined, () => 'cut');

    const application = apply(aws.endpoint);

    await expect(application).rejects.toThrow();
    expect(bucket.block).toEqual(planned.after);
    expect(aws.calls.at(-1)).toEqual(writesOf(aws.calls)[0]);
  });

  test('is found if it was made without an answer, and not before', async () => {
    await using aws = await s3({ site: { grants: [ALL_USERS] } });
    const session = sessionOf(aws.endpoint);

    const before = await findChange(session, planned, new Date(0));
    await applyChange(session, planned);
    const afterwards = await findChange(session, planned, new Date(0));

    expect([before, afterwards]).toEqual([undefined, planned]);
  });

  test('is not found if someone has turned on other settings as well', async () => {
    await using aws = await s3({ site: { grants: [ALL_USERS], block: flags(true, true, true, true) } });

    const found = await findChange(sessionOf(aws.endpoint), planned, new Date(0));

    expect(found).toBeUndefined();
  });

  test('is recorded when it is made, and confirmed when reads show it', async () => {
    const bucket: Bucket = { grants: [ALL_USERS] };
    await using aws = await s3({ site: bucket });
    const session = sessionOf(aws.endpoint);
    const noted: unknown[] = [];

    const applied = await applyChange(session, planned, (soFar) => void noted.push(soFar));
    const visible = await isChangeVisible(session, applied);
    bucket.block = undefined;
    const visibleInAnOldRead = await isChangeVisible(session, applied);

    expect(noted).toEqual([applied]);
    expect([visible, visibleInAnOldRead]).toEqual([true, false]);
  });
});

test('a directory bucket is refused with an explanation', () => {
  const parsed = rule.resourceId.safeParse('logs--euc1-az1--x-s3');

  expect(parsed.error?.issues[0]?.message).toMatch(/^this is a directory bucket, which cannot be public/);
});

test('the rule uses exactly its declared permissions', async () => {
  await using aws = await s3({ site: { policyIsPublic: true, accessPoints: { web: { isPublic: true } } } });
  const session = sessionOf(aws.endpoint);

  const assessment = (await rule.assess(session, ['site'], {})).get('site');
  const read = actionsOf(aws.calls);
  if (assessment?.state !== 'violation') throw new Error('expected a violation');
  const applied = [];
  for (const change of assessment.plan) applied.push(await applyChange(session, change));
  const written = actionsOf(aws.calls);
  const calls = aws.calls.length;
  for (const change of applied) {
    const inverse = await inverseOf(change);
    if (inverse !== undefined) await applyChange(session, inverse);
  }

  const { permissions } = rule;
  expect(grantedActions(permissions.read)).toEqual(read);
  expect(grantedActions(permissions.read, permissions.write)).toEqual(written);
  expect(grantedActions(permissions.undo)).toEqual(actionsOf(aws.calls.slice(calls)));
});
