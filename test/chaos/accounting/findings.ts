import type { Finding } from '../../../lambdas/model/finding.ts';
import {
  type AwsState,
  EMPTY_STATE,
  type GroupRule,
  type Tags,
  withEntry,
} from '../../lab/aws-model/state.ts';
import type { Random } from './random.ts';

export const HOME_REGION = 'us-east-1';
export const REGIONS = [HOME_REGION, 'eu-central-1'] as const;

/** A finding, and the expected fate of its resource. */
export interface Expected {
  readonly finding: Finding;
  /** The region whose remediator works on it. */
  readonly region: string;
  /** True if the violation can be remediated: it is neither exempt, nor gone, nor fixed before. */
  readonly isRemediable: boolean;
}

const NO_TAGS: Tags = {};
const EXEMPT: Tags = { 'cspm-auto-remediation:exempt': 'migration until 2999-01-01' };
const OLD = Date.parse('2024-01-01T00:00:00Z');

/** Creates a violation of a rule under a name, of one of its kinds. */
type Make = (state: AwsState, name: string, random: Random, tags: Tags, region: string) => AwsState;

function rule(id: string, fromPort: number, toPort: number, other: Partial<GroupRule> = {}): GroupRule {
  return { id, protocol: 'tcp', fromPort, toPort, source: '0.0.0.0/0', description: '', tags: {}, ...other };
}

const openGroup =
  (port: number): Make =>
  (state, name, random, tags) => {
    const id = name.replace('sg-', 'sgr-');
    const all = [
      rule(`${id}1`, port, port),
      rule(`${id}2`, port - 2, port + 400, { description: 'legacy' }),
      rule(`${id}3`, port, port + 60, { source: '::/0' }),
    ];
    const rules = all.slice(random.between(0, 2));
    const group = { owner: '', vpc: 'vpc-0123abcd', tags, quota: 60, rules };
    return { ...state, groups: withEntry(state.groups, name, group) };
  };

const openAcl =
  (isDefault: boolean): Make =>
  (state, name, _, tags) => {
    const any = { protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null } as const;
    const entries = [
      { ...any, number: 100, action: 'allow' },
      { ...any, number: 32_767, action: 'deny' },
    ] as const;
    const acl = {
      owner: '',
      vpc: 'vpc-0123abcd',
      isDefault,
      subnets: ['subnet-0123abcd'],
      tags,
      quota: 20,
      entries,
    };
    return { ...state, acls: withEntry(state.acls, name, acl) };
  };

interface RuleKind {
  readonly nameOf: (number: number, account: string, region: string) => string;
  readonly make: Make;
  readonly isFixed: (state: AwsState, name: string) => boolean;
  readonly options?: Readonly<Record<string, string | string[]>>;
  readonly isGlobal?: true;
  /** True if one of AWS's documents can fix it. */
  readonly hasRunbook?: true;
}

const hex = (number: number): string => number.toString(16).padStart(8, '0');

function isClosed(state: AwsState, name: string, port: number): boolean {
  return !(state.groups[name]?.rules ?? []).some(
    ({ source, fromPort, toPort }) =>
      ['0.0.0.0/0', '::/0'].includes(source) && fromPort <= port && port <= toPort,
  );
}

const isNarrowed = (state: AwsState, name: string): boolean =>
  !(state.acls[name]?.entries ?? []).some(
    ({ action, protocol, cidr }) => action === 'allow' && protocol === '-1' && cidr === '0.0.0.0/0',
  );

const NARROW = { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] };

/** All coded rules: what violates them, and how a fix shows, by the wording of the rule. */
export const RULE_KINDS: Readonly<Record<string, RuleKind>> = {
  'security-group-ssh-open': {
    nameOf: (number) => `sg-${hex(number)}`,
    make: openGroup(22),
    isFixed: (state, name) => isClosed(state, name, 22),
  },
  'security-group-rdp-open': {
    nameOf: (number) => `sg-${hex(number)}`,
    make: openGroup(3389),
    isFixed: (state, name) => isClosed(state, name, 3389),
  },
  'security-group-admin-ports-open': {
    nameOf: (number) => `sg-${hex(number)}`,
    make: (state, name, random, ...more) =>
      openGroup(random.isBelow(0.5) ? 22 : 3389)(state, name, random, ...more),
    isFixed: (state, name) => isClosed(state, name, 22) && isClosed(state, name, 3389),
  },
  'network-acl-admin-ports-open': {
    nameOf: (number) => `acl-${hex(number)}`,
    make: openAcl(false),
    isFixed: isNarrowed,
  },
  'network-acl-default-allows-all': {
    nameOf: (number) => `acl-${hex(number)}`,
    make: openAcl(true),
    isFixed: isNarrowed,
    options: NARROW,
  },
  'network-acl-subnet-allows-all': {
    nameOf: (number) => `acl-${hex(number)}`,
    make: openAcl(false),
    isFixed: isNarrowed,
    options: NARROW,
  },
  's3-bucket-public': {
    nameOf: (number) => `bucket-${number}`,
    make: (state, name, _, tags, region) => {
      const bucket = { region, tags, block: null, aclIsPublic: true, policyIsPublic: null };
      return { ...state, buckets: withEntry(state.buckets, name, bucket) };
    },
    isFixed: ({ buckets }, name) => buckets[name]?.block?.IgnorePublicAcls === true,
  },
  'iam-access-key-unrotated': {
    nameOf: (number) => `user-${number}`,
    make: (state, name, random, tags) => {
      const keys = Array.from({ length: random.between(1, 2) }, (_, index) => ({
        id: `AKIA${name.slice(5)}X${index}`,
        status: 'Active' as const,
        created: OLD,
        lastUsed: null,
      }));
      return { ...state, users: withEntry(state.users, name, { tags, keys }) };
    },
    isFixed: ({ users }, name) => (users[name]?.keys ?? []).every(({ status }) => status === 'Inactive'),
    isGlobal: true,
  },
  'cloudtrail-log-file-validation': {
    hasRunbook: true,
    nameOf: (number, account, region) => `arn:aws:cloudtrail:${region}:${account}:trail/trail-${number}`,
    make: (state, name, _, tags, region) => ({
      ...state,
      trails: withEntry(state.trails, name, { region, isValidated: false, tags }),
    }),
    isFixed: ({ trails }, name) => trails[name]?.isValidated === true,
  },
  'vpc-flow-logs-disabled': {
    nameOf: (number) => `vpc-${hex(number)}`,
    make: (state, name, _, tags) => ({
      ...state,
      vpcs: withEntry(state.vpcs, name, { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], tags }),
    }),
    isFixed: ({ vpcs }, name) => (vpcs[name]?.flowLogs ?? []).length === 1,
  },
  'rds-snapshot-public': {
    nameOf: (number) => `orders-${number}`,
    make: (state, name, random, tags) => {
      const snapshots = Array.from({ length: random.between(1, 2) }, (_, index) => ({
        id: `${name}-s${index}`,
        tags: NO_TAGS,
        sharedWith: ['444455556666', 'all'],
      }));
      const database = { isThere: true, tags, snapshots };
      return { ...state, databases: withEntry(state.databases, name, database) };
    },
    isFixed: ({ databases }, name) =>
      (databases[name]?.snapshots ?? []).every(({ sharedWith }) => !sharedWith.includes('all')),
  },
  'redshift-cluster-public': {
    hasRunbook: true,
    nameOf: (number) => `warehouse-${number}`,
    make: (state, name, _, tags) => ({
      ...state,
      clusters: withEntry(state.clusters, name, { isPublic: true, pending: null, tags }),
    }),
    isFixed: ({ clusters }, name) => {
      const cluster = clusters[name];
      return cluster === undefined || !(cluster.pending?.isPublic ?? cluster.isPublic);
    },
  },
};

/** The findings of many accounts, regions and rules, and the accounts' resources. */
export interface Landscape {
  /** States by account. */
  readonly states: ReadonlyMap<string, AwsState>;
  readonly expected: readonly Expected[];
}

/** The most findings of one rule in one account and region: usually, and in one of this many. */
const MOST_AT_ONCE = 9;
const MOST_OF_MANY = 60;
const MANY_SHARE = 0.02;
/** One in this many is exempt by its tag, and one in this many is gone. */
const EXEMPT_SHARE = 0.03;
const GONE_SHARE = 0.02;

/** @param mostAtOnce the most findings of one rule in one account and region. Default: few, and many in some */
export function landscape(count: number, random: Random, mostAtOnce?: number): Landscape {
  const states = new Map<string, AwsState>();
  const expected: Expected[] = [];
  const vpcs = { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } };
  for (let number = 0; expected.length < count; number += 1) {
    const account = String(200_000_000_000 + number);
    let state: AwsState = { ...EMPTY_STATE, vpcs };
    for (const [ruleId, kind] of Object.entries(RULE_KINDS)) {
      for (const region of kind.isGlobal === true ? [HOME_REGION] : REGIONS) {
        const most = mostAtOnce ?? (random.isBelow(MANY_SHARE) ? MOST_OF_MANY : MOST_AT_ONCE);
        for (let left = random.between(0, most); left > 0 && expected.length < count; left -= 1) {
          const resource = kind.nameOf(expected.length + 1, account, region);
          const isGone = random.isBelow(GONE_SHARE);
          const isExempt = random.isBelow(EXEMPT_SHARE);
          if (!isGone) state = kind.make(state, resource, random, isExempt ? EXEMPT : NO_TAGS, region);
          const finding = {
            rule: ruleId,
            account,
            region: kind.isGlobal === true ? 'global' : region,
            resource,
          };
          expected.push({ finding, region, isRemediable: !isGone && !isExempt });
        }
      }
    }
    states.set(account, withOwner(state, account));
  }
  return { states, expected };
}

/** Groups and network ACLs belong to their account. */
function withOwner(state: AwsState, owner: string): AwsState {
  const owned = <T>(all: Readonly<Record<string, T>>): Record<string, T & { owner: string }> =>
    Object.fromEntries(Object.entries(all).map(([id, value]) => [id, { ...value, owner }]));
  return { ...state, groups: owned(state.groups), acls: owned(state.acls) };
}
