import {
  type AclEntry,
  type AwsState,
  type Bucket,
  EMPTY_STATE,
  type GroupRule,
  type NetworkAcl,
  type SecurityGroup,
} from '../lab/aws-model/state.ts';
import { ACCOUNT, type Act, type Case, type Disturbance, type JobSpec, REGION } from './case.ts';

const VPC = 'vpc-0123abcd';
const TRAIL = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/all`;
const VPCS: AwsState['vpcs'] = { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], isDefault: false } };

/** A rule that allows TCP from everywhere, except for what `other` changes. */
function rule(id: string, fromPort: number, toPort: number, other: Partial<GroupRule> = {}): GroupRule {
  return { id, protocol: 'tcp', fromPort, toPort, source: '0.0.0.0/0', description: '', tags: {}, ...other };
}

function group(rules: readonly GroupRule[], other: Partial<SecurityGroup> = {}): SecurityGroup {
  return { owner: ACCOUNT, vpc: VPC, tags: {}, quota: 51, rules, ...other };
}

const HTTPS = { protocol: '6', ports: { from: 443, to: 443 } } as const;

/** An entry that allows all traffic, except for what `other` changes. */
function entry(number: number, other: Partial<AclEntry> = {}): AclEntry {
  return { number, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null, ...other };
}

function acl(quota: number, entries: readonly AclEntry[], other: Partial<NetworkAcl> = {}): NetworkAcl {
  const subnets = ['subnet-0a'];
  return { subnets, isDefault: false, owner: ACCOUNT, vpc: VPC, tags: {}, quota, entries, ...other };
}

const SSH: JobSpec = { rule: 'security-group-ssh-open', options: { all_traffic: 'split' } };
const SSH_BY_DEFAULT: JobSpec = { rule: 'security-group-ssh-open', options: {} };
const RDP: JobSpec = { rule: 'security-group-rdp-open', options: { all_traffic: 'split' } };
const BLOCK: JobSpec = { rule: 's3-bucket-public', options: { block_all: false } };
const UNSHARE: JobSpec = { rule: 'rds-snapshot-public', options: {} };
const ADMIN_PORTS: JobSpec = {
  rule: 'network-acl-admin-ports-open',
  options: { replacement_cidrs: [], allow_isolation: true },
};

const TWO_CIDRS = ['10.0.0.0/8', '203.0.113.0/24'];
const THREE_CIDRS = ['2001:db8::/32', '10.0.0.0/8', '172.16.0.0/12'];

/** A job that replaces the entries that allow all traffic by entries for these CIDR blocks. */
function replaceEntries(
  replacement_cidrs: readonly string[],
  acls: 'subnet' | 'default' = 'subnet',
): JobSpec {
  const options = { replacement_cidrs: [...replacement_cidrs], allow_isolation: true };
  return { rule: `network-acl-${acls}-allows-all`, options };
}

type Events = Partial<Pick<Case, 'disturbances' | 'kills'>>;

function caseOf(kind: Case['kind'], initial: AwsState, jobs: readonly JobSpec[], events: Events): Case {
  return { kind, initial, jobs, disturbances: [], kills: [], ...events };
}

/** Resources by their ids: `prefix` and a number of eight digits, from 1. */
function numbered<T>(prefix: string, resources: readonly T[]): Record<string, T> {
  return Object.fromEntries(resources.map((each, index) => [`${prefix}-0000000${index + 1}`, each]));
}

/** A case of security groups in one VPC: `sg-00000001` and so on. */
function groupCase(groups: readonly SecurityGroup[], jobs: readonly JobSpec[], events: Events): Case {
  const initial = { ...EMPTY_STATE, vpcs: VPCS, groups: numbered('sg', groups) };
  return caseOf('security-group', initial, jobs, events);
}

/** A case of network ACLs in one VPC: `acl-00000001` and so on. */
function aclCase(acls: readonly NetworkAcl[], jobs: readonly JobSpec[], events: Events): Case {
  const initial = { ...EMPTY_STATE, vpcs: VPCS, acls: numbered('acl', acls) };
  return caseOf('network-acl', initial, jobs, events);
}

/** A case of a bucket that its ACL makes public unless the block prevents it. Settings that are not given are off. */
function bucketCase(on: Partial<Bucket['block']>, jobs: readonly JobSpec[], events: Events): Case {
  const off = {
    BlockPublicAcls: false,
    IgnorePublicAcls: false,
    BlockPublicPolicy: false,
    RestrictPublicBuckets: false,
  };
  const block = on === null ? null : { ...off, ...on };
  const bucket = { region: REGION, tags: {}, block, aclIsPublic: true, policyIsPublic: null };
  return caseOf('bucket', { ...EMPTY_STATE, buckets: { 'bucket-1': bucket } }, jobs, events);
}

/** A case of a database instance with one snapshot per list of the accounts that it is shared with. */
function snapshotCase(
  sharedWith: readonly (readonly string[])[],
  jobs: readonly JobSpec[],
  events: Events,
): Case {
  const snapshots = sharedWith.map((shares, number) => ({
    id: `orders1-s${number}`,
    tags: {},
    sharedWith: shares,
  }));
  const databases = { orders1: { isThere: true, tags: {}, snapshots } };
  return caseOf('snapshot', { ...EMPTY_STATE, databases }, jobs, events);
}

/** A case of a VPC without flow logs. */
function flowLogCase(cidrs: readonly string[], destination: string, events: Events): Case {
  const vpcs = { 'vpc-00000001': { cidrs, ipv6Cidrs: [], tags: {}, flowLogs: [] } };
  const jobs = [{ rule: 'vpc-flow-logs-disabled', options: { destination } }];
  return caseOf('flow-log', { ...EMPTY_STATE, vpcs }, jobs, events);
}

/** A case of a network ACL whose entry 100 allows all traffic, which takes five parts to replace, and entry 200 SSH. */
function adminPortsCase(numbers: readonly (100 | 200)[], events: Events): Case {
  const entries = { 100: entry(100), 200: entry(200, { protocol: '6', ports: { from: 22, to: 22 } }) };
  const open = numbers.map((number) => entries[number]);
  return aclCase([acl(12, open)], [ADMIN_PORTS], events);
}

/** An act of someone else before the plan, then a call without effect or answer, and reads from before that act. */
function lostAndOld(at: number, reads: number, act: Act): readonly Disturbance[] {
  return [
    { at: 1, act },
    { at, loss: 'refused' },
    { at: at + 1, lag: { versions: 1, reads } },
  ];
}

/** A case of a public cluster that jobs remediate by AWS's document. */
function publicClusterCase(jobs: number, events: Events): Case {
  const cluster = { isPublic: true, pending: null, unavailable: null, tags: {} };
  const job: JobSpec = { rule: 'redshift-cluster-public', options: {}, method: 'runbook' };
  const initial = { ...EMPTY_STATE, clusters: { cluster1: cluster } };
  return caseOf('runbook', initial, new Array<JobSpec>(jobs).fill(job), events);
}

/**
 * Cases in which longer runs found a fault, each reduced as far as possible. A few that former generators found are
 * missing, because their paths lead to other cases now: unit tests cover those faults.
 */
export const FOUND: readonly { readonly what: string; readonly case: Case }[] = [
  {
    what: 'starts no document for a trail whose owner switched validation on after all trails were read',
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
    what: 'removes what it added for a rule that was narrowed meanwhile, although a later plan shrinks the same rule',
    case: groupCase([group([rule('sgr-1a0', 0, 65535)]), group([rule('sgr-2a0', 20, 443)])], [RDP, SSH], {
      disturbances: [
        { at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } },
        { at: 5, loss: 'lost' },
      ],
    }),
  },
  {
    what: 'forwards a job from the dead-letter queue when every attempt was killed',
    case: bucketCase(null, [BLOCK], {
      disturbances: [
        { at: 3, loss: 'refused' },
        { at: 1, loss: 'lost' },
        { at: 2, loss: 'refused' },
      ],
      kills: [1, 21],
    }),
  },
  {
    what: 'removes the rules that it added even when the group has become exempt',
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH], {
      disturbances: [
        { at: 7, act: { kind: 'revoke', which: 0, how: 0 } },
        { at: 2, act: { kind: 'exempt', which: 0, how: 0 } },
      ],
      kills: [27],
    }),
  },
  {
    what: 'records the rules that the first of two identical calls created, although someone revoked one of them',
    case: groupCase([group([rule('sgr-1a0', -1, -1, { protocol: '-1' })])], [SSH], {
      disturbances: [
        { at: 4, refusal: 'throttled', meanwhile: null },
        { at: 5, act: { kind: 'revoke', which: 0, how: 5 } },
      ],
    }),
  },
  {
    what: 'allows for one more read between the read of the tags and the write when AWS reports a duplicate',
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH], {
      disturbances: [
        { at: 2, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 4, act: { kind: 'add', which: 0, how: 9 } },
      ],
    }),
  },
  {
    what: 'does not report success when one open entry was replaced, but another was not because no numbers were free',
    case: aclCase(
      [
        acl(15, [
          entry(90, HTTPS),
          entry(99, { cidr: '::/0' }),
          entry(100),
          entry(101, HTTPS),
          entry(110, HTTPS),
        ]),
      ],
      [replaceEntries(THREE_CIDRS)],
      {
        disturbances: [
          { at: 6, act: { kind: 'replace entry', which: 7, how: 7 } },
          { at: 1, act: { kind: 'create entry', which: 2, how: 0 } },
        ],
      },
    ),
  },
  {
    what: 'leaves an entry unconfirmed, and keeps what it added for it, when someone else changed the entry exactly as planned',
    case: aclCase([acl(12, [entry(50, HTTPS), entry(100)])], [replaceEntries(THREE_CIDRS)], {
      disturbances: [{ at: 7, act: { kind: 'replace entry', which: 1, how: 6 } }],
      kills: [25, 23],
    }),
  },
  {
    what: 'keeps the other parts of a wide rule that was revoked because someone else had added the narrow one',
    case: groupCase([group([rule('sgr-1a0', 20, 443, { tags: { team: 'a' } })])], [SSH], {
      disturbances: [
        { at: 3, act: { kind: 'add', which: 0, how: 10 } },
        { at: 3, act: { kind: 'pause', which: 0, how: 0 } },
      ],
      kills: [32],
    }),
  },
  {
    what: 'does not plan with an entry that this job deleted, although a later read still shows it',
    case: aclCase(
      [acl(12, [entry(100), entry(110, HTTPS)], { subnets: [], isDefault: true })],
      [replaceEntries(TWO_CIDRS, 'default'), replaceEntries(TWO_CIDRS)],
      {
        disturbances: [
          { at: 5, act: { kind: 'remove entry', which: 2, how: 0 } },
          { at: 11, lag: { versions: 1, reads: 3 } },
        ],
      },
    ),
  },
  {
    what: 'does not claim a rule that someone else adds when an attempt is killed before it added any',
    case: groupCase([group([rule('sgr-1a0', 20, 443, { description: 'web' })])], [SSH], {
      disturbances: [
        { at: 1, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 2, act: { kind: 'add', which: 0, how: 3 } },
        { at: 1, lag: { versions: 1, reads: 2 } },
      ],
      kills: [19],
    }),
  },
  {
    what: 'plans again for a bucket that would still be public because its owner removed the block meanwhile',
    case: bucketCase(
      {
        IgnorePublicAcls: true,
      },
      [BLOCK, BLOCK],
      {
        disturbances: [
          { at: 10, lag: { versions: 2, reads: 5 } },
          { at: 6, act: { kind: 'remove block', which: 0, how: 0 } },
          { at: 4, act: { kind: 'make public', which: 0, how: 0 } },
          { at: 1, refusal: 'throttled', meanwhile: null },
        ],
      },
    ),
  },
  {
    what: 'keeps an added rule as open work while no read shows it, although an older read shows another rule in its place',
    case: groupCase(
      [
        group(
          [
            rule('sgr-1a0', 20, 443),
            rule('sgr-1a1', 3389, 3389),
            rule('sgr-1a2', 20, 21),
            rule('sgr-1a3', 22, 22, { source: '10.0.0.0/8' }),
            rule('sgr-1a4', 22, 25),
          ],
          { quota: 55 },
        ),
      ],
      [SSH],
      {
        disturbances: [
          { at: 3, act: { kind: 'revoke', which: 0, how: 7 } },
          { at: 9, lag: { versions: 1, reads: 2 } },
          { at: 7, lag: { versions: 1, reads: 1 } },
          { at: 11, lag: { versions: 2, reads: 8 } },
          { at: 6, act: { kind: 'pause', which: 0, how: 0 } },
        ],
      },
    ),
  },
  {
    what: 'removes what a call without an answer added, although a later plan shrinks the same rule',
    case: groupCase([group([rule('sgr-1a0', 0, 65535)])], [RDP], {
      disturbances: [
        { at: 7, loss: 'lost' },
        { at: 3, act: { kind: 'narrow ports', which: 0, how: 0 } },
        { at: 4, lag: { versions: 1, reads: 4 } },
        { at: 1, act: { kind: 'add', which: 0, how: 0 } },
      ],
    }),
  },
  {
    what: 'does not treat a revocation without an answer as done when an older read does not show the rule yet',
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH], {
      disturbances: [
        { at: 10, lag: { versions: 1, reads: 1 } },
        { at: 1, act: { kind: 'revoke', which: 0, how: 0 } },
        { at: 2, lag: { versions: 1, reads: 5 } },
        { at: 10, loss: 'refused' },
      ],
    }),
  },
  {
    what: 'accepts that it removes a rule whose description someone changed immediately before',
    case: groupCase(
      [
        group(
          [
            rule('sgr-1a0', 20, 443),
            rule('sgr-1a1', 22, 22, { source: '10.0.0.0/8' }),
            rule('sgr-1a2', 22, 22),
            rule('sgr-1a3', 22, 22, { source: '203.0.113.0/24' }),
            rule('sgr-1a4', 3388, 3390),
          ],
          { quota: 55 },
        ),
      ],
      [RDP, SSH],
      {
        disturbances: [
          { at: 12, act: { kind: 'describe', which: 0, how: 11 } },
          { at: 7, act: { kind: 'narrow source', which: 0, how: 4 } },
          { at: 1, act: { kind: 'narrow ports', which: 0, how: 0 } },
        ],
        kills: [29, 1],
      },
    ),
  },
  {
    what: 'does not mistake a rule in an older read for the one that it added',
    case: groupCase(
      [
        group(
          [
            rule('sgr-1a0', 20, 443, { source: '::/0' }),
            rule('sgr-1a1', 22, 22, { source: '10.0.0.0/8' }),
            rule('sgr-1a2', -1, -1, { protocol: 'icmp', source: '10.0.0.0/8' }),
            rule('sgr-1a3', 3388, 3390),
            rule('sgr-1a4', 20, 21, { source: '::/0' }),
          ],
          { quota: 55 },
        ),
        group([rule('sgr-2a0', 20, 443)]),
      ],
      [SSH],
      {
        disturbances: [
          { at: 1, act: { kind: 'revoke', which: 0, how: 4 } },
          { at: 4, lag: { versions: 1, reads: 1 } },
          { at: 4, refusal: 'throttled', meanwhile: null },
        ],
      },
    ),
  },
  {
    what: "does not set a bucket's settings again after a read from before it switched them on",
    case: bucketCase(
      {
        RestrictPublicBuckets: true,
      },
      [BLOCK, BLOCK],
      {
        disturbances: [
          { at: 10, lag: { versions: 1, reads: 7 } },
          { at: 20, lag: { versions: 1, reads: 5 } },
          { at: 1, refusal: 'throttled', meanwhile: null },
        ],
      },
    ),
  },
  {
    what: 'claims only the added parts when AWS modifies a wide rule',
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH], {
      disturbances: [
        { at: 3, act: { kind: 'add', which: 0, how: 10 } },
        { at: 2, act: { kind: 'exempt', which: 0, how: 0 } },
      ],
      kills: [23],
    }),
  },
  {
    what: 'does not treat a deletion without an answer as done when an older read does not show the entry yet',
    case: aclCase([acl(11, [entry(100)])], [replaceEntries(TWO_CIDRS)], {
      disturbances: [
        { at: 8, loss: 'refused' },
        { at: 8, lag: { versions: 1, reads: 1 } },
        { at: 5, act: { kind: 'remove entry', which: 0, how: 0 } },
      ],
    }),
  },
  {
    what: 'removes a rule that it added after an act of someone else that changed nothing about it',
    case: groupCase([group([rule('sgr-1a0', 3388, 3390)])], [SSH, RDP], {
      disturbances: [
        { at: 7, act: { kind: 'narrow ports', which: 0, how: 0 } },
        { at: 7, loss: 'lost' },
        { at: 1, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 3, lag: { versions: 2, reads: 3 } },
        { at: 1, act: { kind: 'revoke', which: 0, how: 0 } },
        { at: 1, lag: { versions: 1, reads: 1 } },
      ],
    }),
  },
  {
    what: 'removes what a killed attempt added, although a later plan shrinks the same rule',
    case: groupCase([group([rule('sgr-1a0', 0, 65535)])], [RDP, SSH], {
      disturbances: [{ at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } }],
      kills: [23, 1],
    }),
  },
  {
    what: 'does not judge by an older read a rule that its owner changed just before it was shrunk',
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH], {
      disturbances: [
        { at: 6, act: { kind: 'narrow source', which: 0, how: 0 } },
        { at: 7, lag: { versions: 1, reads: 4 } },
        { at: 1, refusal: 'throttled', meanwhile: null },
      ],
      kills: [29],
    }),
  },
  {
    what: 'removes a rule again that someone restored after an attempt removed it and was killed',
    case: groupCase(
      [group([rule('sgr-1a0', 20, 443)]), group([rule('sgr-2a0', 22, 22, { source: '::/0' })])],
      [SSH],
      {
        disturbances: [
          { at: 11, act: { kind: 'add', which: 3, how: 6 } },
          { at: 6, lag: { versions: 1, reads: 6 } },
        ],
        kills: [39],
      },
    ),
  },
  {
    what: 'waits for a flow log that cannot deliver when its creation got no answer and a read does not show it yet',
    case: flowLogCase([], 'arn:aws:s3:::broken', {
      disturbances: [
        { at: 4, loss: 'lost' },
        { at: 7, lag: { versions: 1, reads: 1 } },
      ],
    }),
  },
  {
    what: 'leaves an entry that a killed attempt deleted unconfirmed when the owner then deletes the network ACL',
    case: aclCase([acl(11, [entry(100)])], [replaceEntries([])], {
      disturbances: [{ at: 6, act: { kind: 'delete', which: 0, how: 0 } }],
      kills: [25],
    }),
  },
  {
    what: 'removes what a killed attempt added when a second killed attempt shrank the rule that its owner narrowed in between',
    case: groupCase([group([rule('sgr-1a0', 0, 65535)]), group([rule('sgr-2a0', 20, 443)])], [RDP], {
      disturbances: [{ at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } }],
      kills: [23, 29],
    }),
  },
  {
    what: 'records a snapshot as unshared when someone else unshares it after an attempt was killed, whatever shares they add',
    case: snapshotCase([['all']], [UNSHARE], {
      disturbances: [
        { at: 7, act: { kind: 'share', which: 0, how: 10 } },
        { at: 8, act: { kind: 'make private', which: 0, how: 0 } },
      ],
      kills: [29, 1],
    }),
  },
  {
    what: 'allows for repeated reads, too old to show a duplicate, between the read of the tags and the write',
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH, RDP, SSH], {
      disturbances: [
        { at: 1, act: { kind: 'exempt', which: 0, how: 0 } },
        { at: 3, lag: { versions: 1, reads: 6 } },
        { at: 3, act: { kind: 'add', which: 0, how: 9 } },
      ],
    }),
  },
  ...[
    { what: 'and finished', kills: [25] },
    { what: 'and was killed as well', kills: [25, 28] },
  ].map(({ what, kills }) => ({
    what: `records an entry that a killed attempt deleted when a later attempt used its number ${what}`,
    case: aclCase(
      [acl(13, [entry(99, { cidr: '::/0' }), entry(100), entry(101, { action: 'deny', ...HTTPS })])],
      [replaceEntries(TWO_CIDRS)],
      { kills },
    ),
  })),
  ...['arn:aws:s3:::logs', 'arn:aws:s3:::broken'].map((destination) => ({
    what: `records a second flow log by the same plan line, and whether it delivers to ${destination}`,
    case: flowLogCase(['10.0.0.0/16'], destination, {
      disturbances: [{ at: 8, act: { kind: 'delete flow log', which: 0, how: 0 } }],
      kills: [23, 33],
    }),
  })),
  {
    what: 'does not claim again a snapshot that only the second plan names and that another job made private',
    case: snapshotCase([['all'], [], ['all']], [UNSHARE, UNSHARE], {
      disturbances: [
        { at: 33, lag: { versions: 1, reads: 6 } },
        { at: 21, lag: { versions: 2, reads: 6 } },
        { at: 1, lag: { versions: 1, reads: 1 } },
      ],
    }),
  },
  {
    what: 'undoes two shrinks of one group, the last one first, completely, although reads still show the second one',
    case: groupCase([group([rule('sgr-1a0', 0, 65535)]), group([rule('sgr-2a0', 20, 443)])], [RDP, SSH], {
      disturbances: [{ at: 1, lag: { versions: 3, reads: 6 } }],
    }),
  },
  {
    what: 'does not resolve a lost answer by a read from before the rule was widened',
    case: groupCase([group([])], [SSH_BY_DEFAULT], {
      disturbances: [
        { at: 1, act: { kind: 'add', which: 0, how: 5 } },
        { at: 6, loss: 'lost' },
        { at: 7, lag: { versions: 3, reads: 1 } },
      ],
    }),
  },
  {
    what: 'does not resolve it by a longer series of such reads either, at the next attempt',
    case: groupCase([group([])], [SSH_BY_DEFAULT], {
      disturbances: [
        { at: 1, act: { kind: 'add', which: 0, how: 5 } },
        { at: 6, loss: 'lost' },
        { at: 7, lag: { versions: 3, reads: 12 } },
      ],
    }),
  },
  {
    what: 'adds and removes only one of the replacement entries when the open entry is gone by then',
    case: adminPortsCase([100], {
      disturbances: [{ at: 5, act: { kind: 'remove entry', which: 0, how: 0 } }],
    }),
  },
  {
    what: 'does not delete the next entry because a read still shows the one that it just deleted',
    case: adminPortsCase([100], {
      disturbances: [
        { at: 11, lag: { versions: 2, reads: 1 } },
        { at: 8, act: { kind: 'replace entry', which: 2, how: 0 } },
      ],
    }),
  },
  {
    what: 'removes what it added for an open entry that is gone before it deletes another entry',
    case: adminPortsCase([100, 200], {
      disturbances: [
        { at: 6, act: { kind: 'remove entry', which: 0, how: 0 } },
        { at: 6, loss: 'refused' },
      ],
    }),
  },
  {
    what: 'does the same when the first plan rests on a read that still shows the open entry',
    case: adminPortsCase([100, 200], {
      disturbances: [
        { at: 1, act: { kind: 'remove entry', which: 0, how: 0 } },
        { at: 1, lag: { versions: 1, reads: 5 } },
        { at: 6, loss: 'refused' },
      ],
      kills: [1],
    }),
  },
  {
    what: 'starts no document after a read from before another document ran',
    case: publicClusterCase(2, {
      disturbances: [
        { at: 7, act: { kind: 'make public', which: 0, how: 0 } },
        { at: 3, lag: { versions: 1, reads: 11 } },
      ],
    }),
  },
  {
    what: 'accepts that an old read hides that a cluster was made private and public again',
    case: publicClusterCase(5, {
      disturbances: [
        { at: 1, act: { kind: 'make private', which: 0, how: 0 } },
        { at: 5, act: { kind: 'make public', which: 0, how: 0 } },
        { at: 5, lag: { versions: 2, reads: 3 } },
      ],
    }),
  },
  ...[1, 2, 3].map((reads) => ({
    what: `does not treat a block as set because old reads show it (${reads})`,
    case: bucketCase(
      {
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      [BLOCK],
      { disturbances: lostAndOld(9, reads, { kind: 'remove block', which: 0, how: 0 }) },
    ),
  })),
  ...[1, 2, 3].map((reads) => ({
    what: `does not treat an entry as added because old reads show it (${reads})`,
    case: aclCase([acl(12, [entry(100), entry(101, { cidr: '10.0.0.0/8' })])], [replaceEntries(TWO_CIDRS)], {
      disturbances: lostAndOld(5, reads, { kind: 'remove entry', which: 1, how: 0 }),
    }),
  })),
  ...[1, 2, 3].map((reads) => ({
    what: `does not treat a rule as added because old reads show it (${reads})`,
    case: groupCase([group([rule('sgr-1a0', 20, 443), rule('sgr-1a1', 20, 21)])], [SSH_BY_DEFAULT], {
      disturbances: lostAndOld(4, reads, { kind: 'revoke', which: 0, how: 1 }),
    }),
  })),
  ...[3, 5, 6].map((at) => ({
    what: `keeps a rule equal to one of its parts that someone else adds before call ${at}`,
    case: groupCase([group([rule('sgr-1a0', 20, 443)])], [SSH], {
      disturbances: [
        { at, act: { kind: 'add', which: 0, how: 10 } },
        { at: 4, outage: { port: 'writeJournal', times: 1 } },
      ],
    }),
  })),
  {
    what: 'keeps an added entry as open work when old reads show another one in its place',
    case: aclCase([acl(4, [entry(50, HTTPS), entry(100), entry(101, HTTPS)])], [ADMIN_PORTS], {
      disturbances: [
        { at: 1, act: { kind: 'remove entry', which: 2, how: 0 } },
        { at: 7, lag: { versions: 2, reads: 10 } },
        { at: 7, act: { kind: 'create entry', which: 0, how: 0 } },
      ],
    }),
  },
  {
    what: 'undoes an added entry that old reads do not show yet',
    case: aclCase([acl(11, [entry(100)])], [replaceEntries(TWO_CIDRS)], {
      disturbances: [
        { at: 1, lag: { versions: 3, reads: 12 } },
        { at: 5, loss: 'lost' },
      ],
    }),
  },
  ...[13, 14].map((at) => ({
    what: `does not remove an entry after a read from before its own later change (${at})`,
    case: aclCase(
      [
        acl(13, [entry(50, HTTPS), entry(100), entry(110, HTTPS)], { subnets: [], isDefault: true }),
        acl(11, [entry(100)]),
      ],
      [replaceEntries(THREE_CIDRS, 'default')],
      {
        disturbances: [
          { at: 5, act: { kind: 'replace entry', which: 6, how: 2 } },
          { at: 5, loss: 'refused' },
          { at: 5, act: { kind: 'remove entry', which: 0, how: 0 } },
          { at, lag: { versions: 3, reads: 15 - at } },
        ],
      },
    ),
  })),
];
