import {
  type AclEntry,
  type AwsState,
  BLOCK_SETTINGS,
  type GroupRule,
  type RuleContent,
  withEntry,
} from '../lab/aws-model/state.ts';
import {
  ACCESS_KEY_ACTS,
  type ActContext,
  CLUSTER_ACTS,
  FLOW_LOG_ACTS,
  onCluster,
  onDatabase,
  onTrail,
  onUser,
  onVpc,
  pick,
  SNAPSHOT_ACTS,
  TRAIL_ACTS,
} from './acts-on-account.ts';
import type { Act, Case } from './case.ts';
import { EXEMPTION } from './exemption.ts';

/** The result of an act, in words; the same state if there was nothing to do. */
export interface Acted {
  readonly state: AwsState;
  readonly words: string;
  /** The resource that it concerns. */
  readonly resource: string;
}

/** Acts on the product and not on a resource: they pause enforcement, or break what the function needs, for a while. */
export const OPERATOR_ACTS = ['pause', 'resume', 'spoil'] as const;

export const ACT_KINDS: Readonly<Record<Case['kind'], readonly string[]>> = {
  'security-group': [
    'revoke',
    'narrow ports',
    'narrow source',
    'swap',
    'add',
    'describe',
    'exempt',
    'delete',
    ...OPERATOR_ACTS,
  ],
  'network-acl': ['remove entry', 'replace entry', 'create entry', 'exempt', 'delete', ...OPERATOR_ACTS],
  bucket: [
    'switch all on',
    'switch one',
    'remove block',
    'make private',
    'make public',
    'exempt',
    'delete',
    ...OPERATOR_ACTS,
  ],
  'flow-log': [...FLOW_LOG_ACTS, ...OPERATOR_ACTS],
  snapshot: [...SNAPSHOT_ACTS, ...OPERATOR_ACTS],
  'access-key': [...ACCESS_KEY_ACTS, ...OPERATOR_ACTS],
  cluster: [...CLUSTER_ACTS, ...OPERATOR_ACTS],
  trail: [...TRAIL_ACTS, ...OPERATOR_ACTS],
  runbook: [...new Set([...CLUSTER_ACTS, ...TRAIL_ACTS]), ...OPERATOR_ACTS],
};

const ADDED: readonly Pick<RuleContent, 'protocol' | 'fromPort' | 'toPort' | 'source'>[] = [
  { protocol: 'tcp', fromPort: 22, toPort: 22, source: '10.0.0.0/8' },
  { protocol: 'tcp', fromPort: 443, toPort: 443, source: '0.0.0.0/0' },
  { protocol: 'tcp', fromPort: 20, toPort: 21, source: '0.0.0.0/0' },
  { protocol: 'tcp', fromPort: 23, toPort: 443, source: '0.0.0.0/0' },
  { protocol: 'tcp', fromPort: 8080, toPort: 8080, source: '203.0.113.0/24' },
  { protocol: 'tcp', fromPort: 20, toPort: 443, source: '0.0.0.0/0' },
  { protocol: 'tcp', fromPort: 22, toPort: 22, source: '::/0' },
];

export function contentWords({ protocol, fromPort, toPort, source }: RuleContent): string {
  return `${protocol === '-1' ? 'all traffic' : `${protocol} ${fromPort}-${toPort}`} from ${source}`;
}

export function entryWords({ number, action, protocol, cidr, ports }: AclEntry): string {
  const range = ports === null ? '' : ` ${ports.from}-${ports.to}`;
  return `${number} ${action} ${protocol === '-1' ? 'all' : `protocol ${protocol}`}${range} from ${cidr}`;
}

const sameKey = (one: RuleContent, other: RuleContent): boolean =>
  one.protocol === other.protocol &&
  one.fromPort === other.fromPort &&
  one.toPort === other.toPort &&
  one.source === other.source;

/** Acts on a security group as someone else. */
function onGroup(state: AwsState, { kind, which, how }: Act, newId: () => string): Acted | undefined {
  const id = pick(Object.keys(state.groups), which);
  const group = id === undefined ? undefined : state.groups[id];
  if (id === undefined || group === undefined) return undefined;
  const put = (rules: readonly GroupRule[], words: string): Acted => ({
    state: { ...state, groups: withEntry(state.groups, id, { ...group, rules }) },
    words,
    resource: id,
  });
  const rule = pick(group.rules, how);
  const modified = (content: Partial<GroupRule>): Acted | undefined => {
    if (rule === undefined) return undefined;
    const after = { ...rule, ...content };
    if (group.rules.some((other) => other.id !== rule.id && sameKey(other, after))) return undefined;
    return put(
      group.rules.map((one) => (one === rule ? after : one)),
      `modifies ${contentWords(rule)} (${rule.id}) to ${contentWords(after)} in place`,
    );
  };
  switch (kind) {
    case 'revoke':
      if (rule === undefined) return undefined;
      return put(
        group.rules.filter((one) => one !== rule),
        `revokes ${contentWords(rule)} (${rule.id})`,
      );
    case 'narrow ports':
      if (rule === undefined || !['tcp', 'udp'].includes(rule.protocol)) return undefined;
      return rule.toPort > 443 && how % 2 === 0
        ? modified({ fromPort: Math.max(rule.fromPort, 443) })
        : modified({ toPort: rule.fromPort });
    case 'narrow source':
      if (rule === undefined || !rule.source.endsWith('/0')) return undefined;
      return modified({ source: rule.source.includes(':') ? '2001:db8::/32' : '10.0.0.0/8' });
    case 'swap': {
      if (rule === undefined || !rule.source.endsWith('/0')) return undefined;
      const narrow = {
        ...rule,
        id: newId(),
        source: rule.source.includes(':') ? '2001:db8::/32' : '10.0.0.0/8',
      };
      if (group.rules.some((other) => sameKey(other, narrow))) return undefined;
      return put(
        [...group.rules.filter((one) => one !== rule), narrow],
        `revokes ${contentWords(rule)} (${rule.id}) and adds ${contentWords(narrow)} (${narrow.id})`,
      );
    }
    case 'add': {
      const added = { ...(pick(ADDED, how) ?? ADDED[0]), description: how % 3 === 0 ? 'web' : '', tags: {} };
      const { protocol = '', fromPort = 0, toPort = 0, source = '' } = added;
      const made = { ...added, protocol, fromPort, toPort, source, id: newId() };
      if (group.rules.some((other) => sameKey(other, made)) || group.rules.length >= group.quota)
        return undefined;
      return put([...group.rules, made], `adds ${contentWords(made)} (${made.id})`);
    }
    case 'describe':
      if (rule === undefined) return undefined;
      return put(
        group.rules.map((one) => (one === rule ? { ...one, description: 'as documented' } : one)),
        `changes the description of ${contentWords(rule)} (${rule.id})`,
      );
    case 'exempt':
      return {
        state: { ...state, groups: withEntry(state.groups, id, { ...group, tags: EXEMPTION }) },
        words: `exempts ${id} by its tag`,
        resource: id,
      };
    case 'delete':
      return {
        state: { ...state, groups: withEntry(state.groups, id, undefined) },
        words: `deletes ${id}`,
        resource: id,
      };
    default:
      return undefined;
  }
}

const OTHER_ENTRIES: readonly Omit<AclEntry, 'number'>[] = [
  { action: 'deny', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null },
  { action: 'allow', protocol: '6', cidr: '0.0.0.0/0', ports: { from: 443, to: 443 }, icmp: null },
  { action: 'allow', protocol: '-1', cidr: '172.16.0.0/12', ports: null, icmp: null },
  { action: 'deny', protocol: '6', cidr: '10.0.0.0/8', ports: { from: 22, to: 22 }, icmp: null },
];

/** Acts on a network ACL as someone else. */
function onAcl(state: AwsState, { kind, which, how }: Act): Acted | undefined {
  const id = pick(Object.keys(state.acls), which);
  const acl = id === undefined ? undefined : state.acls[id];
  if (id === undefined || acl === undefined) return undefined;
  const put = (entries: readonly AclEntry[], words: string): Acted => ({
    state: {
      ...state,
      acls: withEntry(state.acls, id, {
        ...acl,
        entries: [...entries].sort((one, other) => one.number - other.number),
      }),
    },
    words,
    resource: id,
  });
  const entry = pick(acl.entries, which);
  const other = pick(OTHER_ENTRIES, how);
  switch (kind) {
    case 'remove entry':
      if (entry === undefined) return undefined;
      return put(
        acl.entries.filter((one) => one !== entry),
        `deletes entry ${entryWords(entry)}`,
      );
    case 'replace entry': {
      if (entry === undefined || other === undefined) return undefined;
      const after = { ...other, number: entry.number };
      return put(
        acl.entries.map((one) => (one === entry ? after : one)),
        `replaces entry ${entryWords(entry)} by ${entryWords(after)}`,
      );
    }
    case 'create entry': {
      const made = { ...(other ?? OTHER_ENTRIES[0]), number: [99, 101, 102, 120, 300][which % 5] ?? 300 };
      const { action = 'deny', protocol = '-1', cidr = '0.0.0.0/0', ports = null, icmp = null } = made;
      if (acl.entries.length >= acl.quota || acl.entries.some(({ number }) => number === made.number))
        return undefined;
      const whole = { action, protocol, cidr, ports, icmp, number: made.number };
      return put([...acl.entries, whole], `creates entry ${entryWords(whole)}`);
    }
    case 'exempt':
      return {
        state: { ...state, acls: withEntry(state.acls, id, { ...acl, tags: EXEMPTION }) },
        words: `exempts ${id} by its tag`,
        resource: id,
      };
    case 'delete':
      return {
        state: { ...state, acls: withEntry(state.acls, id, undefined) },
        words: `deletes ${id}`,
        resource: id,
      };
    default:
      return undefined;
  }
}

/** Acts on a bucket as someone else. */
function onBucket(state: AwsState, { kind, which, how }: Act): Acted | undefined {
  const name = pick(Object.keys(state.buckets), which);
  const bucket = name === undefined ? undefined : state.buckets[name];
  if (name === undefined || bucket === undefined) return undefined;
  const put = (changed: Partial<typeof bucket>, words: string): Acted => ({
    state: { ...state, buckets: withEntry(state.buckets, name, { ...bucket, ...changed }) },
    words,
    resource: name,
  });
  const off = {
    BlockPublicAcls: false,
    IgnorePublicAcls: false,
    BlockPublicPolicy: false,
    RestrictPublicBuckets: false,
  };
  const on = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  switch (kind) {
    case 'switch all on':
      return put({ block: on }, `switches on all four settings of ${name}`);
    case 'switch one': {
      const setting = pick(BLOCK_SETTINGS, how) ?? 'BlockPublicAcls';
      const block = bucket.block ?? off;
      return put(
        { block: { ...block, [setting]: !block[setting] } },
        `switches ${setting} to ${!block[setting]}`,
      );
    }
    case 'remove block':
      return put({ block: null }, 'removes the public access block');
    case 'make private':
      return how % 2 === 0
        ? put({ aclIsPublic: false }, 'makes the ACL private')
        : put({ policyIsPublic: null }, 'deletes the policy');
    case 'make public':
      return put({ policyIsPublic: true }, 'makes the policy public');
    case 'exempt':
      return put({ tags: EXEMPTION }, `exempts ${name} by its tag`);
    case 'delete':
      return {
        state: { ...state, buckets: withEntry(state.buckets, name, undefined) },
        words: `deletes ${name}`,
        resource: name,
      };
    default:
      return undefined;
  }
}

/** Applies an act to the state, if it fits. */
export function doAct(kind: Case['kind'], state: AwsState, act: Act, context: ActContext): Acted | undefined {
  switch (kind) {
    case 'security-group':
      return onGroup(state, act, context.newId);
    case 'network-acl':
      return onAcl(state, act);
    case 'bucket':
      return onBucket(state, act);
    case 'flow-log':
      return onVpc(state, act, context);
    case 'snapshot':
      return onDatabase(state, act);
    case 'access-key':
      return onUser(state, act, context);
    case 'cluster':
      return onCluster(state, act, context);
    case 'trail':
      return onTrail(state, act);
    case 'runbook':
      return onCluster(state, act, context) ?? onTrail(state, act);
  }
}
