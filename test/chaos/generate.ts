import fc from 'fast-check';
import {
  type AclEntry,
  type AwsState,
  type Bucket,
  EMPTY_STATE,
  type GroupRule,
  type NetworkAcl,
  type RuleContent,
  type SecurityGroup,
} from '../lab/aws-model/state.ts';
import { ACCOUNT, type Case, type JobSpec, REGION } from './case.ts';
import {
  accessKeyCases,
  clusterCases,
  flowLogCases,
  runbookCases,
  snapshotCases,
  trailCases,
} from './generate-account.ts';
import { disturbances, kills } from './generate-disturbances.ts';
import { PREFIX_LIST, REFERENCED_GROUP } from './traffic.ts';

const SSH = 'security-group-ssh-open';
const RDP = 'security-group-rdp-open';
const ADMIN = 'security-group-admin-ports-open';

const worlds = fc.constantFrom('0.0.0.0/0', '::/0');
const sources = fc.oneof(
  { weight: 3, arbitrary: worlds },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '10.0.0.0/8',
      '203.0.113.0/24',
      '0.0.0.0/1',
      '2001:db8::/32',
      PREFIX_LIST,
      REFERENCED_GROUP,
    ),
  },
);
const labels = fc.record({
  description: fc.constantFrom('', 'web', 'legacy application'),
  tags: fc.constantFrom<Record<string, string>>({}, { team: 'a' }, { team: 'a', cost: '7' }),
});
const ports = fc.constantFrom<[number, number]>(
  [22, 22],
  [20, 443],
  [3389, 3389],
  [0, 65_535],
  [22, 3389],
  [20, 21],
  [23, 443],
  [20, 22],
  [22, 25],
  [3388, 3390],
  [443, 443],
  [80, 8080],
);

const ruleContents: fc.Arbitrary<Omit<RuleContent, 'description'>> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('tcp', 'tcp', 'tcp', 'udp'), ports, sources)
      .map(([protocol, [fromPort, toPort], source]) => ({ protocol, fromPort, toPort, source })),
  },
  {
    weight: 1,
    arbitrary: sources.map((source) => ({ protocol: '-1', fromPort: -1, toPort: -1, source })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('icmp', '50'), sources)
      .map(([protocol, source]) => ({ protocol, fromPort: -1, toPort: -1, source })),
  },
);

/** The first rule opens both ports, or one of them, so that there is something to remediate. */
const openContents: fc.Arbitrary<Omit<RuleContent, 'description'>> = fc
  .tuple(
    fc.constantFrom<[string, number, number]>(
      ['tcp', 20, 443],
      ['tcp', 22, 22],
      ['tcp', 0, 65_535],
      ['tcp', 22, 3389],
      ['tcp', 3389, 3389],
      ['-1', -1, -1],
      ['tcp', 3388, 3390],
    ),
    worlds,
  )
  .map(([[protocol, fromPort, toPort], source]) => ({ protocol, fromPort, toPort, source }));

const groups: fc.Arbitrary<SecurityGroup> = fc
  .record({
    first: openContents,
    others: fc.array(ruleContents, { maxLength: 5 }),
    labels: fc.array(labels, { minLength: 6, maxLength: 6 }),
    room: fc.constantFrom(50, 50, 50, 2, 1, 0),
  })
  .map(({ first, others, labels: given, room }) => {
    const rules = new Map<string, GroupRule>();
    for (const [index, content] of [first, ...others].entries()) {
      const { description = '', tags = {} } = given[index] ?? {};
      const key = JSON.stringify(content);
      if (!rules.has(key)) rules.set(key, { ...content, description, tags, id: '' });
    }
    return {
      owner: ACCOUNT,
      vpc: 'vpc-0123abcd',
      tags: {},
      quota: rules.size + room,
      rules: [...rules.values()],
    };
  });

function withGroups(all: readonly SecurityGroup[]): AwsState {
  const entries = all.map((group, index): [string, SecurityGroup] => [
    `sg-0000000${index + 1}`,
    { ...group, rules: group.rules.map((rule, at) => ({ ...rule, id: `sgr-${index + 1}a${at}` })) },
  ]);
  return { ...EMPTY_STATE, groups: Object.fromEntries(entries) };
}

const groupJobs: fc.Arbitrary<JobSpec[]> = fc
  .tuple(
    fc.constantFrom(
      [SSH],
      [RDP],
      [SSH, RDP],
      [RDP, SSH],
      [SSH, RDP, SSH],
      [ADMIN],
      [SSH, ADMIN],
      [ADMIN, RDP],
    ),
    fc.constantFrom('split', 'split', 'revoke'),
  )
  .map(([rules, all_traffic]) => rules.map((rule) => ({ rule, options: { all_traffic } })));

const groupCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('security-group' as const),
  initial: fc
    .tuple(fc.array(groups, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([all, isDefault]) => ({
      ...withGroups(all),
      vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], isDefault } },
    })),
  jobs: groupJobs,
  disturbances: disturbances('security-group'),
  kills,
});

const entries: fc.Arbitrary<AclEntry> = fc
  .record({
    number: fc.constantFrom(110, 90, 101, 99, 150, 200, 50),
    action: fc.constantFrom('allow' as const, 'deny' as const),
    protocol: fc.constantFrom('6', '-1', '17'),
    cidr: fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '::/0', '203.0.113.0/24', '0.0.0.0/1', '128.0.0.0/1'),
    range: fc.constantFrom<[number, number]>(
      [443, 443],
      [22, 22],
      [1024, 65_535],
      [0, 65_535],
      [3389, 3389],
      [20, 443],
    ),
  })
  .map(({ range: [from, to], ...entry }) => ({
    ...entry,
    ports: entry.protocol === '-1' ? null : { from, to },
    icmp: null,
  }));

const acls: fc.Arbitrary<NetworkAcl> = fc
  .record({
    open: fc.constantFrom('0.0.0.0/0', '::/0'),
    others: fc.array(entries, { maxLength: 5 }),
    room: fc.constantFrom(10, 10, 1, 0),
    subnets: fc.constantFrom<string[]>(['subnet-0a'], [], ['subnet-0a', 'subnet-0b']),
    isDefault: fc.boolean(),
  })
  .map(({ open, others, room, ...acl }) => {
    const byNumber = new Map<number, AclEntry>([
      [100, { number: 100, action: 'allow', protocol: '-1', cidr: open, ports: null, icmp: null }],
    ]);
    for (const entry of others) if (!byNumber.has(entry.number)) byNumber.set(entry.number, entry);
    const sorted = [...byNumber.values()].sort((one, other) => one.number - other.number);
    return {
      ...acl,
      owner: ACCOUNT,
      vpc: 'vpc-0123abcd',
      tags: {},
      quota: sorted.length + room,
      entries: sorted,
    };
  });

const aclJobs: fc.Arbitrary<JobSpec[]> = fc
  .record({
    rules: fc.constantFrom(
      ['network-acl-subnet-allows-all'],
      ['network-acl-default-allows-all'],
      ['network-acl-default-allows-all', 'network-acl-subnet-allows-all'],
      ['network-acl-subnet-allows-all', 'network-acl-default-allows-all'],
      ['network-acl-admin-ports-open'],
      ['network-acl-subnet-allows-all', 'network-acl-admin-ports-open'],
      ['network-acl-admin-ports-open', 'network-acl-default-allows-all'],
    ),
    replacement_cidrs: fc.constantFrom<string[]>(
      [],
      ['10.0.0.0/8'],
      ['vpc'],
      ['10.0.0.0/8', '203.0.113.0/24'],
      ['2001:db8::/32', '10.0.0.0/8', '172.16.0.0/12'],
    ),
    allow_isolation: fc.constantFrom(true, true, false),
  })
  .map(({ rules, ...options }) => rules.map((rule) => ({ rule, options })));

const aclCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('network-acl' as const),
  initial: fc.tuple(fc.array(acls, { minLength: 1, maxLength: 2 }), fc.boolean()).map(([all, hasIpv6]) => ({
    ...EMPTY_STATE,
    acls: Object.fromEntries(all.map((acl, index) => [`acl-0000000${index + 1}`, acl])),
    vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: hasIpv6 ? ['2001:db8::/56'] : [] } },
  })),
  jobs: aclJobs,
  disturbances: disturbances('network-acl'),
  kills,
});

const blocks = fc.record({
  BlockPublicAcls: fc.boolean(),
  IgnorePublicAcls: fc.boolean(),
  BlockPublicPolicy: fc.boolean(),
  RestrictPublicBuckets: fc.boolean(),
});

const buckets: fc.Arbitrary<Bucket> = fc.record({
  region: fc.constant(REGION),
  tags: fc.constant({}),
  block: fc.oneof(fc.constant(null), blocks),
  aclIsPublic: fc.constantFrom(true, true, false),
  policyIsPublic: fc.constantFrom(null, true, false),
});

const bucketCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('bucket' as const),
  initial: fc.array(buckets, { minLength: 1, maxLength: 3 }).map((all) => ({
    ...EMPTY_STATE,
    buckets: Object.fromEntries(all.map((bucket, index) => [`bucket-${index + 1}`, bucket])),
  })),
  jobs: fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 2 }))
    .map(([block_all, times]) =>
      Array.from({ length: times }, () => ({ rule: 's3-bucket-public', options: { block_all } })),
    ),
  disturbances: disturbances('bucket'),
  kills,
});

/** Cases of one kind of resource, or of all kinds: most of them of security groups, which can fail in the most ways. */
export function cases(kind?: Case['kind']): fc.Arbitrary<Case> {
  const byKind = {
    'security-group': groupCases,
    'network-acl': aclCases,
    bucket: bucketCases,
    'flow-log': flowLogCases,
    snapshot: snapshotCases,
    'access-key': accessKeyCases,
    cluster: clusterCases,
    trail: trailCases,
    runbook: runbookCases,
  };
  if (kind !== undefined) return byKind[kind];
  return fc.oneof(
    { weight: 6, arbitrary: groupCases },
    { weight: 4, arbitrary: aclCases },
    { weight: 2, arbitrary: bucketCases },
    { weight: 1, arbitrary: flowLogCases },
    { weight: 1, arbitrary: snapshotCases },
    { weight: 1, arbitrary: accessKeyCases },
    { weight: 1, arbitrary: clusterCases },
    { weight: 1, arbitrary: trailCases },
    { weight: 1, arbitrary: runbookCases },
  );
}
