import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOverdue } from '../rules/iam-access-key-unrotated.ts';
import { type RuleCode, wordsOf } from '../rules/index.ts';
import { isSharedWithAll } from '../rules/rds-snapshot-public.ts';
import { bucketRegion, isPublicBucket } from '../rules/s3-bucket-public.ts';
import { allowsAllIn } from '../rules/shared/network-acls.ts';
import { opensToWorld } from '../rules/shared/security-groups.ts';
import {
  type Answer,
  ec2Error,
  type ReceivedCall,
  s3Error,
  scriptedAws,
} from '../scripted-aws/scripted-aws.ts';
import { describeScan, startTenant, type TenantItem, tenantItem } from './index.ts';

const ACCOUNT = '111111111111';
const NOW = new Date('2026-03-10T00:00:00Z');

describe('a port open to the world', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const source = fc.constantFrom('0.0.0.0/0', '::/0', '10.0.0.0/8', '0.0.0.0/1', '2001:db8::/32');
  const ranges = (cidr: string) =>
    cidr.includes(':') ? { Ipv6Ranges: [{ CidrIpv6: cidr }] } : { IpRanges: [{ CidrIp: cidr }] };

  test('is found if a rule from everywhere has it alone or in its range, for that protocol', () => {
    fc.assert(
      fc.property(port, port, source, fc.constantFrom('tcp', 'udp', 'icmp'), (a, b, cidr, protocol) => {
        const permission = {
          IpProtocol: protocol,
          FromPort: Math.min(a, b),
          ToPort: Math.max(a, b),
          ...ranges(cidr),
        };
        for (const asked of [22, 3389, a, b]) {
          const isWithin = (asked - a) * (asked - b) <= 0;
          const isOpen = (cidr === '0.0.0.0/0' || cidr === '::/0') && protocol === 'tcp' && isWithin;
          expect(opensToWorld(permission, asked, ['tcp'])).toBe(isOpen);
        }
      }),
    );
  });

  test('is found if all traffic is allowed', () => {
    fc.assert(
      fc.property(port, source, (asked, cidr) => {
        const isWorld = cidr === '0.0.0.0/0' || cidr === '::/0';
        expect(opensToWorld({ IpProtocol: '-1', ...ranges(cidr) }, asked, ['tcp'])).toBe(isWorld);
      }),
    );
  });

  test('is found beside legitimate sources; a group or a prefix list is not the whole internet', () => {
    const ssh = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22 };
    const legitimate = { UserIdGroupPairs: [{ GroupId: 'sg-1' }], PrefixListIds: [{ PrefixListId: 'pl-1' }] };
    const office = { CidrIp: '203.0.113.7/32' };
    const permissions = [
      { ...ssh, ...legitimate, IpRanges: [office] },
      { ...ssh, ...legitimate, IpRanges: [office, { CidrIp: '0.0.0.0/0' }] },
    ];
    expect(permissions.map((permission) => opensToWorld(permission, 22, ['tcp']))).toEqual([false, true]);
  });
});

describe('a network ACL entry that allows all traffic in', () => {
  const entry = { Egress: false, RuleAction: 'allow', Protocol: '-1', CidrBlock: '0.0.0.0/0' } as const;
  test.each([
    [entry, true],
    [{ ...entry, CidrBlock: undefined, Ipv6CidrBlock: '::/0' }, true],
    [{ ...entry, Egress: true }, false],
    [{ ...entry, RuleAction: 'deny' as const }, false],
    [{ ...entry, Protocol: '6' }, false],
    [{ ...entry, CidrBlock: '10.0.0.0/8' }, false],
  ])('%j: %s', (given, expected) => {
    expect(allowsAllIn(given)).toBe(expected);
  });
});

describe('an access key to rotate', () => {
  test.each([
    ['2025-12-10T00:00:00Z', 'Active', true],
    ['2025-12-10T00:00:01Z', 'Active', false],
    ['2020-01-01T00:00:00Z', 'Active', true],
    ['2020-01-01T00:00:00Z', 'Inactive', false],
  ] as const)('made %s, %s: %s', (made, Status, expected) => {
    expect(isOverdue({ CreateDate: new Date(made), Status }, NOW)).toBe(expected);
  });
});

describe('a public bucket', () => {
  const everyone = {
    Grantee: { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/global/AllUsers' },
  } as const;
  const delivery = {
    Grantee: { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/s3/LogDelivery' },
  } as const;

  test('is public by its ACL or its policy, unless the block disables that one', () => {
    fc.assert(
      fc.property(
        fc.record({
          acl: fc.boolean(),
          policyIsPublic: fc.boolean(),
          BlockPublicAcls: fc.boolean(),
          BlockPublicPolicy: fc.boolean(),
          IgnorePublicAcls: fc.boolean(),
          RestrictPublicBuckets: fc.boolean(),
        }),
        ({ acl, policyIsPublic, ...block }) => {
          const ways = [acl && !block.IgnorePublicAcls, policyIsPublic && !block.RestrictPublicBuckets];
          const grants = acl ? [delivery, everyone] : [delivery];
          expect(isPublicBucket({ grants, policyIsPublic, block })).toBe(ways.includes(true));
        },
      ),
    );
  });

  test.each([
    [undefined, 'us-east-1'],
    ['', 'us-east-1'],
    ['EU', 'eu-west-1'],
    ['eu-central-1', 'eu-central-1'],
  ])('with the location %s is in %s', (constraint, region) => {
    expect(bucketRegion(constraint)).toBe(region);
  });
});

test('a snapshot is public if everyone may restore it, not if accounts may', () => {
  const attributes = (AttributeName: string, ...AttributeValues: string[]) => [
    { AttributeName, AttributeValues },
  ];
  expect(isSharedWithAll(attributes('restore', '222222222222', 'all'))).toBe(true);
  expect(isSharedWithAll(attributes('restore', '222222222222'))).toBe(false);
  expect(isSharedWithAll(attributes('other', 'all'))).toBe(false);
  expect(isSharedWithAll(undefined)).toBe(false);
});

describe('a scan', () => {
  /** A group, open at 22 or closed, as `DescribeSecurityGroups` returns it, with one group per page. */
  function groupPage(id: string, isOpen: boolean, nextToken = ''): Answer {
    const permission = isOpen
      ? '<item><ipProtocol>tcp</ipProtocol><fromPort>20</fromPort><toPort>30</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>'
      : '';
    return {
      status: 200,
      body: `<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>${id}</groupId><groupName>web</groupName><ipPermissions>${permission}</ipPermissions><tagSet><item><key>team</key><value>blue</value></item></tagSet></item></securityGroupInfo>${nextToken && `<nextToken>${nextToken}</nextToken>`}</DescribeSecurityGroupsResponse>`,
    };
  }

  function target(endpoint: string, ...rules: RuleCode[]) {
    return { endpoint, accounts: [{ id: ACCOUNT, name: 'production' }], regions: ['eu-central-1'], rules };
  }

  test('returns an item for each resource on every page, in the documented form', async () => {
    await using aws = await scriptedAws(({ form }) =>
      form.get('NextToken') === 'more' ? groupPage('sg-2', false) : groupPage('sg-1', true, 'more'),
    );
    await using tenant = await startTenant();

    const report = await tenant.scan(target(aws.endpoint, 'CIS-1-2-0-4-1'), NOW);

    const shared: Partial<TenantItem> = {
      resource_name: 'web',
      last_scan_time: '2026-03-10 12:00:00AM',
      tags: [{ name: 'team', value: 'blue' }],
    };
    const failing_since = '2026-03-10 12:00:00AM';
    expect(report).toEqual({
      at: NOW,
      failed: [tenantItem({ ...shared, resource_id: 'sg-1', failing_since })],
      passed: [tenantItem({ ...shared, resource_id: 'sg-2', status: 'Passed' })],
    });
    expect(aws.calls[0]?.headers.authorization).toContain(`Credential=${ACCOUNT}/`);
    expect(aws.calls[0]?.headers.authorization).toContain('/eu-central-1/ec2/');
    expect(describeScan(report)).toEqual([
      'CIS-1-2-0-4-1  111111111111  EU(Frankfurt)  sg-1',
      '1 failed, 1 passed',
    ]);
  });

  test('judges a resource by those of the requested rules that apply to it', async () => {
    await using aws = await scriptedAws(() => groupPage('sg-1', true));
    await using tenant = await startTenant();
    const { failed, passed } = await tenant.scan(target(aws.endpoint, 'CIS-1-2-0-4-1', 'CIS-1-2-0-4-2'), NOW);
    expect(failed.map(({ rule_name }) => rule_name)).toEqual([wordsOf('CIS-1-2-0-4-1').rule_name]);
    expect(passed.map(({ rule_name }) => rule_name)).toEqual([wordsOf('CIS-1-2-0-4-2').rule_name]);
    expect(aws.calls).toHaveLength(1);
  });

  test('keeps the time since which a resource has been failing, and starts again after a pass', async () => {
    let isOpen = true;
    await using aws = await scriptedAws(() => groupPage('sg-1', isOpen));
    await using tenant = await startTenant();
    const scanOn = async (day: string): Promise<TenantItem | undefined> => {
      const { failed } = await tenant.scan(target(aws.endpoint, 'CIS-1-2-0-4-1'), new Date(day));
      return failed[0];
    };

    const first = await scanOn('2026-03-01');
    const second = await scanOn('2026-03-02');
    isOpen = false;
    const fixed = await scanOn('2026-03-03');
    isOpen = true;
    const again = await scanOn('2026-03-04');

    const since = [first, second, fixed, again].map((item) => item?.failing_since);
    expect(since).toEqual([
      '2026-03-01 12:00:00AM',
      '2026-03-01 12:00:00AM',
      undefined,
      '2026-03-04 12:00:00AM',
    ]);
    expect(second?.last_scan_time).toBe('2026-03-02 12:00:00AM');
  });

  test('returns the results, at its time', async () => {
    await using aws = await scriptedAws(() => groupPage('sg-1', true));
    await using tenant = await startTenant();
    await tenant.scan(target(aws.endpoint, 'CIS-1-2-0-4-1'), NOW);
    const count = async (asOf: Date): Promise<unknown> => {
      const query = new URLSearchParams({
        token: tenant.token,
        limit: '5',
        as_of: String(asOf.getTime() / 1000),
      });
      const answer = await fetch(`${tenant.url}/api/v1/security_assessment?${query}`);
      return answer.json();
    };
    expect(await count(NOW)).toMatchObject({ data: [{ resource_id: 'sg-1' }] });
    expect(await count(new Date(NOW.getTime() - 1000))).toMatchObject({ data: [] });
  });

  test('of a bucket uses its own region, and skips buckets in other regions than the requested ones', async () => {
    const answer = ({ path, headers }: ReceivedCall): Answer => {
      const [, bucket = '', query = ''] = /^\/([a-z-]*)\/?\??(.*)$/.exec(path) ?? [];
      if (bucket === '') {
        return {
          status: 200,
          body: '<ListAllMyBucketsResult><Buckets><Bucket><Name>near</Name></Bucket><Bucket><Name>far</Name></Bucket></Buckets></ListAllMyBucketsResult>',
        };
      }
      const region = bucket === 'near' ? 'eu-central-1' : 'sa-east-1';
      if (query.startsWith('location')) {
        return {
          status: 200,
          body: `<?xml version="1.0"?><LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${region}</LocationConstraint>`,
        };
      }
      if (!headers.authorization?.includes(`/${region}/s3/`)) return s3Error('PermanentRedirect', 301);
      if (query.startsWith('policyStatus')) return s3Error('NoSuchBucketPolicy', 404);
      if (query.startsWith('publicAccessBlock')) return s3Error('NoSuchPublicAccessBlockConfiguration', 404);
      return {
        status: 200,
        body: '<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AuthenticatedUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>',
      };
    };
    await using aws = await scriptedAws(answer);
    await using tenant = await startTenant();
    const { failed, passed } = await tenant.scan(target(aws.endpoint, 'BPR-1-0-0'), NOW);
    expect(failed).toMatchObject([{ resource_id: 'near', region_name: 'EU(Frankfurt)' }]);
    expect(passed).toEqual([]);
  });

  test('that cannot read something reports what and where, and keeps the former results', async () => {
    await using aws = await scriptedAws(() => ec2Error('UnauthorizedOperation'));
    await using tenant = await startTenant();
    tenant.setFindings([tenantItem()]);
    await expect(tenant.scan(target(aws.endpoint, 'CIS-1-2-0-2-9'))).rejects.toThrow(
      'could not read VPCs and their flow logs of account 111111111111 in eu-central-1',
    );
    const query = new URLSearchParams({ token: tenant.token, limit: '5' });
    const answer = await fetch(`${tenant.url}/api/v1/security_assessment?${query}`);
    expect(await answer.json()).toMatchObject({ data: [tenantItem()] });
  });

  test('needs a target', async () => {
    await using tenant = await startTenant();
    await expect(tenant.scan()).rejects.toThrow('no scan target');
  });
});
