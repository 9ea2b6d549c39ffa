import {
  type AclEntry,
  type AwsState,
  type Bucket,
  EMPTY_STATE,
  type GroupRule,
  type NetworkAcl,
  type SecurityGroup,
} from '../lab/aws-model/state.ts';
import { ACCOUNT, type Act, type Case, type Disturbance, REGION } from './case.ts';

const VPC = 'vpc-0123abcd';
const TRAIL = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/all`;
const VPCS: AwsState['vpcs'] = { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], isDefault: false } };

/** A rule that lets the world in by TCP, unless it is said otherwise. */
function rule(id: string, fromPort: number, toPort: number, other: Partial<GroupRule> = {}): GroupRule {
  return { id, protocol: 'tcp', fromPort, toPort, source: '0.0.0.0/0', description: '', tags: {}, ...other };
}

function group(rules: readonly GroupRule[], other: Partial<SecurityGroup> = {}): SecurityGroup {
  return { owner: ACCOUNT, vpc: VPC, tags: {}, quota: 51, rules, ...other };
}

/** The state with these security groups, in one VPC. */
function withGroups(groups: AwsState['groups']): AwsState {
  return { ...EMPTY_STATE, vpcs: VPCS, groups };
}

const HTTPS = { protocol: '6', ports: { from: 443, to: 443 } } as const;

/** An entry that lets all in, unless it is said otherwise. */
function entry(number: number, other: Partial<AclEntry> = {}): AclEntry {
  return { number, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null, ...other };
}

function acl(quota: number, entries: readonly AclEntry[], other: Partial<NetworkAcl> = {}): NetworkAcl {
  const subnets = ['subnet-0a'];
  return { subnets, isDefault: false, owner: ACCOUNT, vpc: VPC, tags: {}, quota, entries, ...other };
}

/** The state with these network ACLs, in one VPC. */
function withAcls(acls: AwsState['acls']): AwsState {
  return { ...EMPTY_STATE, vpcs: VPCS, acls };
}

/** The state with a bucket that its ACL makes public, unless the block prevents it. */
function withBucket(block: Bucket['block']): AwsState {
  const bucket = { region: REGION, tags: {}, block, aclIsPublic: true, policyIsPublic: null };
  return { ...EMPTY_STATE, buckets: { 'bucket-1': bucket } };
}

/** A database instance with a snapshot for each list of those that it is shared with. */
function withSnapshots(...sharedWith: readonly (readonly string[])[]): AwsState {
  const snapshots = sharedWith.map((shares, number) => ({
    id: `orders1-s${number}`,
    tags: {},
    sharedWith: shares,
  }));
  return { ...EMPTY_STATE, databases: { orders1: { isThere: true, tags: {}, snapshots } } };
}

/** A network ACL whose entry 100 allows all, and another one SSH, by a rule that keeps five parts of the first one. */
function adminPortsCase(numbers: readonly (100 | 200)[], disturbances: readonly Disturbance[]): Case {
  const entries = { 100: entry(100), 200: entry(200, { protocol: '6', ports: { from: 22, to: 22 } }) };
  const open = numbers.map((number) => entries[number]);
  return {
    kind: 'network-acl',
    initial: withAcls({ 'acl-00000001': acl(12, open) }),
    jobs: [
      { rule: 'network-acl-admin-ports-open', options: { replacement_cidrs: [], allow_isolation: true } },
    ],
    disturbances,
    kills: [],
  };
}

/** Lets someone act before the plan; then a call has no effect and gets no answer, and reads are from before that act. */
function lostAndOld(at: number, reads: number, act: Act): readonly Disturbance[] {
  return [
    { at: 1, act },
    { at, loss: 'refused' },
    { at: at + 1, lag: { versions: 1, reads } },
  ];
}

/** A public cluster, and jobs that remediate it by AWS's document. */
function publicClusterCase(jobs: number, disturbances: readonly Disturbance[]): Case {
  const cluster = { isPublic: true, pending: null, unavailable: null, tags: {} };
  return {
    kind: 'runbook',
    initial: { ...EMPTY_STATE, clusters: { cluster1: cluster } },
    jobs: Array.from({ length: jobs }, () => ({
      rule: 'redshift-cluster-public',
      options: {},
      method: 'runbook',
    })),
    disturbances,
    kills: [],
  };
}

/**
 * Cases in which longer runs found a fault, each as small as it could be made. A few that were found by generators of
 * before are not among them: a path names another case since. Unit tests hold what they were about.
 */
export const FOUND: readonly { readonly what: string; readonly case: Case }[] = [
  {
    what: 'no document is started for a trail whose validation its owner has switched on since all were read',
    case: {
      kind: 'runbook',
      initial: {
        ...EMPTY_STATE,
        trails: {
          [`${TRAIL}1`]: { region: REGION, isValidated: false, tags: {} },
          [`${TRAIL}2`]: { region: REGION, isValidated: false, tags: {} },
        },
      },
      jobs: [{ rule: 'cloudtrail-log-file-validation', options: {}, method: 'runbook' }],
      // The third call starts the first document.
      disturbances: [{ at: 4, act: { kind: 'switch on', which: 1, how: 0 } }],
      kills: [],
    },
  },
  {
    what: 'what was added for a rule that was narrowed meanwhile is taken back, though a later plan shrinks the same rule',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group([rule('sgr-1a0', 0, 65535)]),
        'sg-00000002': group([rule('sgr-2a0', 20, 443)]),
      }),
      jobs: [
        { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
      ],
      disturbances: [
        { at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } },
        { at: 5, loss: 'lost' },
      ],
      kills: [],
    },
  },
  {
    what: 'a job that was ended at each attempt is sent on from the dead-letter queue',
    case: {
      kind: 'bucket',
      initial: withBucket(null),
      jobs: [{ rule: 's3-bucket-public', options: { block_all: false } }],
      disturbances: [
        { at: 3, loss: 'refused' },
        { at: 1, loss: 'lost' },
        { at: 2, loss: 'refused' },
      ],
      kills: [1, 21],
    },
  },
  {
    what: 'what was added is taken back from a group that is exempt by now',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 7, act: { kind: 'revoke', which: 0, how: 0 } },
        { at: 2, act: { kind: 'exempt', which: 0, how: 0 } },
      ],
      kills: [27],
    },
  },
  {
    what: 'rules that were made by the first of two sent calls are in the record, though someone revoked one of them',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', -1, -1, { protocol: '-1' })]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 4, refusal: 'throttled', meanwhile: null },
        { at: 5, act: { kind: 'revoke', which: 0, how: 5 } },
      ],
      kills: [],
    },
  },
  {
    what: 'a duplicate costs one more look between the look at the tags and the write',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 2, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 4, act: { kind: 'add', which: 0, how: 9 } },
      ],
      kills: [],
    },
  },
  {
    what: 'an open entry that cannot be replaced for want of free numbers is no success of the job that replaced another',
    case: {
      kind: 'network-acl',
      initial: withAcls({
        'acl-00000001': acl(15, [
          entry(90, HTTPS),
          entry(99, { cidr: '::/0' }),
          entry(100),
          entry(101, HTTPS),
          entry(110, HTTPS),
        ]),
      }),
      jobs: [
        {
          rule: 'network-acl-subnet-allows-all',
          options: {
            replacement_cidrs: ['2001:db8::/32', '10.0.0.0/8', '172.16.0.0/12'],
            allow_isolation: true,
          },
        },
      ],
      disturbances: [
        { at: 6, act: { kind: 'replace entry', which: 7, how: 7 } },
        { at: 1, act: { kind: 'create entry', which: 2, how: 0 } },
      ],
      kills: [],
    },
  },
  {
    what: 'an entry that someone made exactly as it was to become is unconfirmed, and what was added for it stays',
    case: {
      kind: 'network-acl',
      initial: withAcls({
        'acl-00000001': acl(12, [entry(50, HTTPS), entry(100)]),
      }),
      jobs: [
        {
          rule: 'network-acl-subnet-allows-all',
          options: {
            replacement_cidrs: ['2001:db8::/32', '10.0.0.0/8', '172.16.0.0/12'],
            allow_isolation: true,
          },
        },
      ],
      disturbances: [{ at: 7, act: { kind: 'replace entry', which: 1, how: 6 } }],
      kills: [25, 23],
    },
  },
  {
    what: "a wide rule that was revoked because someone's rule stood in the place of its narrow one keeps its other parts",
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443, { tags: { team: 'a' } })]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 3, act: { kind: 'add', which: 0, how: 10 } },
        { at: 3, act: { kind: 'pause', which: 0, how: 0 } },
      ],
      kills: [32],
    },
  },
  {
    what: 'a plan does not count on an entry that this job took out, though a later read still shows it',
    case: {
      kind: 'network-acl',
      initial: withAcls({
        'acl-00000001': acl(12, [entry(100), entry(110, HTTPS)], { subnets: [], isDefault: true }),
      }),
      jobs: [
        {
          rule: 'network-acl-default-allows-all',
          options: { replacement_cidrs: ['10.0.0.0/8', '203.0.113.0/24'], allow_isolation: true },
        },
        {
          rule: 'network-acl-subnet-allows-all',
          options: { replacement_cidrs: ['10.0.0.0/8', '203.0.113.0/24'], allow_isolation: true },
        },
      ],
      disturbances: [
        { at: 5, act: { kind: 'remove entry', which: 2, how: 0 } },
        { at: 11, lag: { versions: 1, reads: 3 } },
      ],
      kills: [],
    },
  },
  {
    what: 'a rule that someone adds while an attempt is cut off before it added any is not taken for its own',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443, { description: 'web' })]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 1, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 2, act: { kind: 'add', which: 0, how: 3 } },
        { at: 1, lag: { versions: 1, reads: 2 } },
      ],
      kills: [19],
    },
  },
  {
    what: 'a bucket that would still be public, as its owner removed the block meanwhile, is planned anew',
    case: {
      kind: 'bucket',
      initial: withBucket({
        BlockPublicAcls: false,
        IgnorePublicAcls: true,
        BlockPublicPolicy: false,
        RestrictPublicBuckets: false,
      }),
      jobs: [
        { rule: 's3-bucket-public', options: { block_all: false } },
        { rule: 's3-bucket-public', options: { block_all: false } },
      ],
      disturbances: [
        { at: 10, lag: { versions: 2, reads: 5 } },
        { at: 6, act: { kind: 'remove block', which: 0, how: 0 } },
        { at: 4, act: { kind: 'make public', which: 0, how: 0 } },
        { at: 1, refusal: 'throttled', meanwhile: null },
      ],
      kills: [],
    },
  },
  {
    what: 'what was added and no read shows is open work, though an older read shows another rule in its place',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group(
          [
            rule('sgr-1a0', 20, 443),
            rule('sgr-1a1', 3389, 3389),
            rule('sgr-1a2', 20, 21),
            rule('sgr-1a3', 22, 22, { source: '10.0.0.0/8' }),
            rule('sgr-1a4', 22, 25),
          ],
          { quota: 55 },
        ),
      }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 3, act: { kind: 'revoke', which: 0, how: 7 } },
        { at: 9, lag: { versions: 1, reads: 2 } },
        { at: 7, lag: { versions: 1, reads: 1 } },
        { at: 11, lag: { versions: 2, reads: 8 } },
        { at: 6, act: { kind: 'pause', which: 0, how: 0 } },
      ],
      kills: [],
    },
  },
  {
    what: 'what a call without an answer added is taken back, though a later plan shrinks the same rule',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 0, 65535)]) }),
      jobs: [{ rule: 'security-group-rdp-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 7, loss: 'lost' },
        { at: 3, act: { kind: 'narrow ports', which: 0, how: 0 } },
        { at: 4, lag: { versions: 1, reads: 4 } },
        { at: 1, act: { kind: 'add', which: 0, how: 0 } },
      ],
      kills: [],
    },
  },
  {
    what: 'a revocation without an answer is not taken for done because an older read does not show the rule yet',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 10, lag: { versions: 1, reads: 1 } },
        { at: 1, act: { kind: 'revoke', which: 0, how: 0 } },
        { at: 2, lag: { versions: 1, reads: 5 } },
        { at: 10, loss: 'refused' },
      ],
      kills: [],
    },
  },
  {
    what: 'what someone describes anew directly before it is taken back is excused',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group(
          [
            rule('sgr-1a0', 20, 443),
            rule('sgr-1a1', 22, 22, { source: '10.0.0.0/8' }),
            rule('sgr-1a2', 22, 22),
            rule('sgr-1a3', 22, 22, { source: '203.0.113.0/24' }),
            rule('sgr-1a4', 3388, 3390),
          ],
          { quota: 55 },
        ),
      }),
      jobs: [
        { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
      ],
      disturbances: [
        { at: 12, act: { kind: 'describe', which: 0, how: 11 } },
        { at: 7, act: { kind: 'narrow source', which: 0, how: 4 } },
        { at: 1, act: { kind: 'narrow ports', which: 0, how: 0 } },
      ],
      kills: [29, 1],
    },
  },
  {
    what: 'a rule that an older read shows in its place is not taken for the one that was added',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group(
          [
            rule('sgr-1a0', 20, 443, { source: '::/0' }),
            rule('sgr-1a1', 22, 22, { source: '10.0.0.0/8' }),
            rule('sgr-1a2', -1, -1, { protocol: 'icmp', source: '10.0.0.0/8' }),
            rule('sgr-1a3', 3388, 3390),
            rule('sgr-1a4', 20, 21, { source: '::/0' }),
          ],
          { quota: 55 },
        ),
        'sg-00000002': group([rule('sgr-2a0', 20, 443)]),
      }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 1, act: { kind: 'revoke', which: 0, how: 4 } },
        { at: 4, lag: { versions: 1, reads: 1 } },
        { at: 4, refusal: 'throttled', meanwhile: null },
      ],
      kills: [],
    },
  },
  {
    what: "a bucket's settings that this deployment switched on a moment ago are not set once more on a read from before that",
    case: {
      kind: 'bucket',
      initial: withBucket({
        BlockPublicAcls: false,
        IgnorePublicAcls: false,
        BlockPublicPolicy: false,
        RestrictPublicBuckets: true,
      }),
      jobs: [
        { rule: 's3-bucket-public', options: { block_all: false } },
        { rule: 's3-bucket-public', options: { block_all: false } },
      ],
      disturbances: [
        { at: 10, lag: { versions: 1, reads: 7 } },
        { at: 20, lag: { versions: 1, reads: 5 } },
        { at: 1, refusal: 'throttled', meanwhile: null },
      ],
      kills: [],
    },
  },
  {
    what: 'of a wide rule that AWS modifies, only the parts that are added are taken for our own',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 3, act: { kind: 'add', which: 0, how: 10 } },
        { at: 2, act: { kind: 'exempt', which: 0, how: 0 } },
      ],
      kills: [23],
    },
  },
  {
    what: 'a deletion without an answer is not taken for done because an older read does not show the entry yet',
    case: {
      kind: 'network-acl',
      initial: withAcls({
        'acl-00000001': acl(11, [entry(100)]),
      }),
      jobs: [
        {
          rule: 'network-acl-subnet-allows-all',
          options: { replacement_cidrs: ['10.0.0.0/8', '203.0.113.0/24'], allow_isolation: true },
        },
      ],
      disturbances: [
        { at: 8, loss: 'refused' },
        { at: 8, lag: { versions: 1, reads: 1 } },
        { at: 5, act: { kind: 'remove entry', which: 0, how: 0 } },
      ],
      kills: [],
    },
  },
  {
    what: 'what someone sets to what it was is still ours to take back',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 3388, 3390)]) }),
      jobs: [
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } },
      ],
      disturbances: [
        { at: 7, act: { kind: 'narrow ports', which: 0, how: 0 } },
        { at: 7, loss: 'lost' },
        { at: 1, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 3, lag: { versions: 2, reads: 3 } },
        { at: 1, act: { kind: 'revoke', which: 0, how: 0 } },
        { at: 1, lag: { versions: 1, reads: 1 } },
      ],
      kills: [],
    },
  },
  {
    what: 'what a killed attempt added is taken back, though a later plan shrinks the same rule',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 0, 65535)]) }),
      jobs: [
        { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
      ],
      disturbances: [{ at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } }],
      kills: [23, 1],
    },
  },
  {
    what: 'a rule that its owner changed just before we shrank it is not judged by an older read',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 6, act: { kind: 'narrow source', which: 0, how: 0 } },
        { at: 7, lag: { versions: 1, reads: 4 } },
        { at: 1, refusal: 'throttled', meanwhile: null },
      ],
      kills: [29],
    },
  },
  {
    what: 'a rule that someone puts back after an attempt removed it and was ended is removed again',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group([rule('sgr-1a0', 20, 443)]),
        'sg-00000002': group([rule('sgr-2a0', 22, 22, { source: '::/0' })]),
      }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' } }],
      disturbances: [
        { at: 11, act: { kind: 'add', which: 3, how: 6 } },
        { at: 6, lag: { versions: 1, reads: 6 } },
      ],
      kills: [39],
    },
  },
  {
    what: 'a flow log of whose making no answer came, and that a read does not show yet, is waited for: it cannot deliver',
    case: {
      kind: 'flow-log',
      initial: {
        ...EMPTY_STATE,
        vpcs: { 'vpc-00000001': { cidrs: [], ipv6Cidrs: [], tags: {}, flowLogs: [] } },
      },
      jobs: [{ rule: 'vpc-flow-logs-disabled', options: { destination: 'arn:aws:s3:::broken' } }],
      disturbances: [
        { at: 4, loss: 'lost' },
        { at: 7, lag: { versions: 1, reads: 1 } },
      ],
      kills: [],
    },
  },
  {
    what: 'an entry that an ended attempt deleted is unconfirmed where its owner deletes the network ACL then',
    case: {
      kind: 'network-acl',
      initial: withAcls({
        'acl-00000001': acl(11, [entry(100)]),
      }),
      jobs: [
        {
          rule: 'network-acl-subnet-allows-all',
          options: { replacement_cidrs: [], allow_isolation: true },
        },
      ],
      disturbances: [{ at: 6, act: { kind: 'delete', which: 0, how: 0 } }],
      kills: [25],
    },
  },
  {
    what: 'what an ended attempt added is taken back where a later one shrank the rule that its owner had narrowed between, and was ended, too',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group([rule('sgr-1a0', 0, 65535)]),
        'sg-00000002': group([rule('sgr-2a0', 20, 443)]),
      }),
      jobs: [{ rule: 'security-group-rdp-open', options: { all_traffic: 'split' } }],
      disturbances: [{ at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } }],
      kills: [23, 29],
    },
  },
  {
    what: 'a snapshot that someone else unshares when an attempt was ended is taken for ours, whatever shares they add',
    case: {
      kind: 'snapshot',
      initial: withSnapshots(['all']),
      jobs: [{ rule: 'rds-snapshot-public', options: {} }],
      disturbances: [
        { at: 7, act: { kind: 'share', which: 0, how: 10 } },
        { at: 8, act: { kind: 'make private', which: 0, how: 0 } },
      ],
      kills: [29, 1],
    },
  },
  {
    what: 'reads that are made again, as they are too old to show a duplicate, lie between the look at the tags and the write',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
      ],
      disturbances: [
        { at: 1, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 3, lag: { versions: 1, reads: 6 } },
        { at: 3, act: { kind: 'add', which: 0, how: 9 } },
      ],
      kills: [],
    },
  },
  ...[
    { what: 'to its end', kills: [25] },
    { what: 'in part, and was ended', kills: [25, 28] },
  ].map(({ what, kills }) => ({
    what: `an entry that an ended attempt deleted is recorded where a later one used its number ${what}`,
    case: {
      kind: 'network-acl' as const,
      initial: withAcls({
        'acl-00000001': acl(13, [
          entry(99, { cidr: '::/0' }),
          entry(100),
          entry(101, { action: 'deny', ...HTTPS }),
        ]),
      }),
      jobs: [
        {
          rule: 'network-acl-subnet-allows-all',
          options: { replacement_cidrs: ['10.0.0.0/8', '203.0.113.0/24'], allow_isolation: true },
        },
      ],
      disturbances: [],
      kills,
    },
  })),
  ...['arn:aws:s3:::logs', 'arn:aws:s3:::broken'].map((destination) => ({
    what: `a second flow log by the same plan line is recorded, and it is seen whether it delivers to ${destination}`,
    case: {
      kind: 'flow-log' as const,
      initial: {
        ...EMPTY_STATE,
        vpcs: { 'vpc-00000001': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], tags: {}, flowLogs: [] } },
      },
      jobs: [{ rule: 'vpc-flow-logs-disabled', options: { destination } }],
      disturbances: [{ at: 8, act: { kind: 'delete flow log', which: 0, how: 0 } }],
      kills: [23, 33],
    },
  })),
  {
    what: 'a snapshot that only the second plan names, and that another job made private, is not claimed once more',
    case: {
      kind: 'snapshot',
      initial: withSnapshots(['all'], [], ['all']),
      jobs: [
        { rule: 'rds-snapshot-public', options: {} },
        { rule: 'rds-snapshot-public', options: {} },
      ],
      disturbances: [
        { at: 33, lag: { versions: 1, reads: 6 } },
        { at: 21, lag: { versions: 2, reads: 6 } },
        { at: 1, lag: { versions: 1, reads: 1 } },
      ],
      kills: [],
    },
  },
  {
    what: 'two shrinks of one group, undone last first, leave nothing, though reads still show the second one',
    case: {
      kind: 'security-group',
      initial: withGroups({
        'sg-00000001': group([rule('sgr-1a0', 0, 65535)]),
        'sg-00000002': group([rule('sgr-2a0', 20, 443)]),
      }),
      jobs: [
        { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } },
        { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } },
      ],
      disturbances: [{ at: 1, lag: { versions: 3, reads: 6 } }],
      kills: [],
    },
  },
  {
    what: 'a lost answer is not resolved by a read from before the rule was widened',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: {} }],
      disturbances: [
        { at: 1, act: { kind: 'add', which: 0, how: 5 } },
        { at: 6, loss: 'lost' },
        { at: 7, lag: { versions: 3, reads: 1 } },
      ],
      kills: [],
    },
  },
  {
    what: 'nor by a longer row of such reads, at the next attempt',
    case: {
      kind: 'security-group',
      initial: withGroups({ 'sg-00000001': group([]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: {} }],
      disturbances: [
        { at: 1, act: { kind: 'add', which: 0, how: 5 } },
        { at: 6, loss: 'lost' },
        { at: 7, lag: { versions: 3, reads: 12 } },
      ],
      kills: [],
    },
  },
  {
    what: 'of the entries for a network ACL whose open one is gone by then, one is added and taken back, and no other',
    case: adminPortsCase([100], [{ at: 5, act: { kind: 'remove entry', which: 0, how: 0 } }]),
  },
  {
    what: 'a look that shows an entry which was just taken out is no reason to take out the next one',
    case: adminPortsCase(
      [100],
      [
        { at: 11, lag: { versions: 2, reads: 1 } },
        { at: 8, act: { kind: 'replace entry', which: 2, how: 0 } },
      ],
    ),
  },
  {
    what: 'what was added for an open entry that is gone is taken back before another entry is taken out',
    case: adminPortsCase(
      [100, 200],
      [
        { at: 6, act: { kind: 'remove entry', which: 0, how: 0 } },
        { at: 6, loss: 'refused' },
      ],
    ),
  },
  {
    what: 'the same, where a first plan rests on a read that still shows the open entry',
    case: {
      ...adminPortsCase(
        [100, 200],
        [
          { at: 1, act: { kind: 'remove entry', which: 0, how: 0 } },
          { at: 1, lag: { versions: 1, reads: 5 } },
          { at: 6, loss: 'refused' },
        ],
      ),
      kills: [1],
    },
  },
  {
    what: 'no document is started on a read from before the work of another',
    case: publicClusterCase(2, [
      { at: 7, act: { kind: 'make public', which: 0, how: 0 } },
      { at: 3, lag: { versions: 1, reads: 11 } },
    ]),
  },
  {
    what: 'an old read may hide that a cluster was made private and public',
    case: publicClusterCase(5, [
      { at: 1, act: { kind: 'make private', which: 0, how: 0 } },
      { at: 5, act: { kind: 'make public', which: 0, how: 0 } },
      { at: 5, lag: { versions: 2, reads: 3 } },
    ]),
  },
  ...[1, 2, 3].map((reads) => ({
    what: `no block is taken for set as ${reads} old read(s) show it`,
    case: {
      kind: 'bucket' as const,
      initial: withBucket({
        BlockPublicAcls: false,
        IgnorePublicAcls: true,
        BlockPublicPolicy: false,
        RestrictPublicBuckets: true,
      }),
      jobs: [{ rule: 's3-bucket-public', options: { block_all: false } }],
      disturbances: lostAndOld(9, reads, { kind: 'remove block', which: 0, how: 0 }),
      kills: [],
    },
  })),
  ...[1, 2, 3].map((reads) => ({
    what: `no entry is taken for added as ${reads} old read(s) show it`,
    case: {
      kind: 'network-acl' as const,
      initial: withAcls({
        'acl-00000001': acl(
          12,
          ['0.0.0.0/0', '10.0.0.0/8'].map((cidr, index) => entry(100 + index, { cidr })),
        ),
      }),
      jobs: [
        {
          rule: 'network-acl-subnet-allows-all',
          options: { replacement_cidrs: ['10.0.0.0/8', '203.0.113.0/24'], allow_isolation: true },
        },
      ],
      disturbances: lostAndOld(5, reads, { kind: 'remove entry', which: 1, how: 0 }),
      kills: [],
    },
  })),
  ...[1, 2, 3].map((reads) => ({
    what: `no rule is taken for added as ${reads} old read(s) show it`,
    case: {
      kind: 'security-group' as const,
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443), rule('sgr-1a1', 20, 21)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: {} }],
      disturbances: lostAndOld(4, reads, { kind: 'revoke', which: 0, how: 1 }),
      kills: [],
    },
  })),
  ...[3, 5, 6].map((at) => ({
    what: `a rule like a part that someone adds before call ${at} is not taken back`,
    case: {
      kind: 'security-group' as const,
      initial: withGroups({ 'sg-00000001': group([rule('sgr-1a0', 20, 443)]) }),
      jobs: [{ rule: 'security-group-ssh-open', options: { all_traffic: 'split' as const } }],
      disturbances: [
        { at, act: { kind: 'add' as const, which: 0, how: 10 } },
        { at: 4, outage: { port: 'writeJournal' as const, times: 1 } },
      ],
      kills: [],
    },
  })),
  {
    what: 'an added entry is not given up as old reads show another in its place',
    case: {
      ...adminPortsCase(
        [100],
        [
          { at: 1, act: { kind: 'remove entry', which: 2, how: 0 } },
          { at: 7, lag: { versions: 2, reads: 10 } },
          { at: 7, act: { kind: 'create entry', which: 0, how: 0 } },
        ],
      ),
      initial: withAcls({
        'acl-00000001': acl(
          4,
          [50, 100, 101].map((number) => entry(number, number === 100 ? {} : HTTPS)),
        ),
      }),
    },
  },
  ...[13, 14].map((at) => ({
    what: `an entry is not taken back on a read from before a later change of ours (${at})`,
    case: {
      kind: 'network-acl' as const,
      initial: withAcls({
        'acl-00000001': acl(
          13,
          [50, 100, 110].map((number) => entry(number, number === 100 ? {} : HTTPS)),
          { subnets: [], isDefault: true },
        ),
        'acl-00000002': acl(11, [entry(100)]),
      }),
      jobs: [
        {
          rule: 'network-acl-default-allows-all',
          options: {
            replacement_cidrs: ['2001:db8::/32', '10.0.0.0/8', '172.16.0.0/12'],
            allow_isolation: true,
          },
        },
      ],
      disturbances: [
        { at: 5, act: { kind: 'replace entry' as const, which: 6, how: 2 } },
        { at: 5, loss: 'refused' as const },
        { at: 5, act: { kind: 'remove entry' as const, which: 0, how: 0 } },
        { at, lag: { versions: 3, reads: 15 - at } },
      ],
      kills: [],
    },
  })),
];
