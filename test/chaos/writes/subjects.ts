import type { CustomRule } from '../../../lambdas/model/custom-rule.ts';
import { readLibrary } from '../../../scripts/library/compile.ts';
import {
  type AwsState,
  EMPTY_STATE,
  type GroupRule,
  type SecurityGroup,
  type Tags,
} from '../../lab/aws-model/state.ts';
import { ACCOUNT, REGION } from '../case.ts';

/** A violation whose remediation makes some writes. */
export interface Subject {
  readonly rule: string;
  /** The difference from other violations of the rule. */
  readonly what: string;
  readonly resource: string;
  readonly state: Partial<AwsState>;
  readonly options?: Readonly<Record<string, string | boolean | string[]>>;
  readonly method?: 'api' | 'runbook';
  /** Set for a rule of the library. */
  readonly definition?: CustomRule;
}

const VPC = 'vpc-0123abcd';
const VPCS: AwsState['vpcs'] = { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], isDefault: false } };
const NO_TAGS: Tags = {};

function rule(id: string, fromPort: number, toPort: number, other: Partial<GroupRule> = {}): GroupRule {
  return { id, protocol: 'tcp', fromPort, toPort, source: '0.0.0.0/0', description: '', tags: {}, ...other };
}

function group(rules: readonly GroupRule[]): SecurityGroup {
  return { owner: ACCOUNT, vpc: VPC, tags: NO_TAGS, quota: 51, rules };
}

function groupOf(rules: readonly GroupRule[]): Partial<AwsState> {
  return { vpcs: VPCS, groups: { 'sg-0000000a': group(rules) } };
}

function aclOf(isDefault: boolean): Partial<AwsState> {
  const any = { protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null } as const;
  const entries = [
    { ...any, number: 90, action: 'allow', protocol: '6', cidr: '10.1.0.0/16', ports: { from: 22, to: 22 } },
    { ...any, number: 100, action: 'allow' },
    { ...any, number: 32_767, action: 'deny' },
  ] as const;
  const acl = {
    owner: ACCOUNT,
    vpc: VPC,
    isDefault,
    subnets: ['subnet-0123abcd'],
    tags: NO_TAGS,
    quota: 20,
    entries,
  };
  return { vpcs: VPCS, acls: { 'acl-0000000a': acl } };
}

const OPEN_BUCKET = { region: REGION, tags: NO_TAGS, aclIsPublic: true, policyIsPublic: null } as const;
const key = (id: string) => ({ id, ...KEY });
const KEY = { status: 'Active', created: Date.parse('2024-01-01T00:00:00Z'), lastUsed: null } as const;
const TRAIL = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/all`;
const CLUSTERS: AwsState['clusters'] = { warehouse: { isPublic: true, pending: null, tags: NO_TAGS } };
const TRAILS: AwsState['trails'] = { [TRAIL]: { region: REGION, isValidated: false, tags: NO_TAGS } };
const library = new Map((await readLibrary()).map(({ id, definition }) => [id, definition]));

function keyOf(minutes: number): Pick<Subject, 'rule' | 'resource' | 'state' | 'definition'> {
  const rule = 'kms-key-rotation';
  const resource = '0123abcd-0123-4567-89ab-0123456789ab';
  const definition = library.get(rule);
  if (definition === undefined) throw new Error(`the library has no ${rule}`);
  const properties = { KeyId: resource, Enabled: true, EnableKeyRotation: false, Tags: [] };
  const key = { properties, lasts: minutes * 60_000, requests: [] };
  return { rule, resource, state: { cloudControl: { [resource]: key } }, definition };
}

const NARROW = { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] };

/** Violations that cause every write of every coded rule: a run shows what their writes are. */
export const SUBJECTS: readonly Subject[] = [
  {
    rule: 'security-group-ssh-open',
    what: 'a rule of this port, and two wide ones',
    resource: 'sg-0000000a',
    state: groupOf([
      rule('sgr-1', 22, 22),
      rule('sgr-2', 20, 443, { description: 'legacy' }),
      rule('sgr-3', 22, 80, { source: '::/0' }),
    ]),
  },
  {
    rule: 'security-group-rdp-open',
    what: 'all traffic, to be split',
    resource: 'sg-0000000a',
    state: groupOf([rule('sgr-1', -1, -1, { protocol: '-1' })]),
    options: { all_traffic: 'split' },
  },
  {
    rule: 'security-group-rdp-open',
    what: 'by runbook, and a wide rule that it leaves',
    resource: 'sg-0000000a',
    state: groupOf([rule('sgr-1', 3389, 3389), rule('sgr-2', 3000, 4000)]),
    method: 'runbook',
  },
  {
    rule: 'security-group-admin-ports-open',
    what: 'a range that holds both ports',
    resource: 'sg-0000000a',
    state: groupOf([rule('sgr-1', 20, 4000)]),
  },
  {
    rule: 'security-group-ssh-open',
    what: 'by runbook, and a wide rule that it leaves',
    resource: 'sg-0000000a',
    state: groupOf([rule('sgr-1', 22, 22), rule('sgr-2', 20, 443)]),
    method: 'runbook',
  },
  {
    rule: 'security-group-admin-ports-open',
    what: 'by runbook, and a wide rule that it leaves',
    resource: 'sg-0000000a',
    state: groupOf([rule('sgr-1', 3389, 3389), rule('sgr-2', 3000, 4000)]),
    method: 'runbook',
  },
  {
    rule: 'network-acl-admin-ports-open',
    what: 'all traffic except for the ports stays',
    resource: 'acl-0000000a',
    state: aclOf(false),
  },
  {
    rule: 'network-acl-default-allows-all',
    what: 'narrowed to two sources',
    resource: 'acl-0000000a',
    state: aclOf(true),
    options: NARROW,
  },
  {
    rule: 'network-acl-default-allows-all',
    what: 'subnet moved away',
    resource: 'acl-0000000a',
    state: aclOf(true),
    options: { allow_isolation: true },
  },
  {
    rule: 'network-acl-subnet-allows-all',
    what: 'narrowed to two sources',
    resource: 'acl-0000000a',
    state: aclOf(false),
    options: NARROW,
  },
  {
    rule: 's3-bucket-public',
    what: 'without a block',
    resource: 'reports-1',
    state: { buckets: { 'reports-1': { ...OPEN_BUCKET, block: null } } },
  },
  {
    rule: 's3-bucket-public',
    what: 'with a block that leaves it open',
    resource: 'reports-1',
    state: {
      buckets: {
        'reports-1': {
          ...OPEN_BUCKET,
          block: {
            BlockPublicAcls: true,
            IgnorePublicAcls: false,
            BlockPublicPolicy: false,
            RestrictPublicBuckets: false,
          },
        },
      },
    },
  },
  {
    rule: 'iam-access-key-unrotated',
    what: 'two old keys',
    resource: 'deploy',
    state: { users: { deploy: { tags: NO_TAGS, keys: [key('AKIA1'), key('AKIA2')] } } },
  },
  { rule: 'cloudtrail-log-file-validation', what: 'a trail', resource: TRAIL, state: { trails: TRAILS } },
  {
    rule: 'cloudtrail-log-file-validation',
    what: 'by runbook',
    resource: TRAIL,
    state: { trails: TRAILS },
    method: 'runbook',
  },
  {
    rule: 'vpc-flow-logs-disabled',
    what: 'to a new log group',
    resource: VPC,
    state: { vpcs: VPCS },
  },
  {
    rule: 'vpc-flow-logs-disabled',
    what: 'to a log group that another job created, and did not finish',
    resource: VPC,
    state: {
      vpcs: VPCS,
      logGroups: {
        [`/cspm-auto-remediation/vpc-flow-logs/${VPC}`]: {
          created: 0,
          retention: null,
          tags: {
            'cspm-auto-remediation:made-by': 'cspm-auto-remediation',
            'cspm-auto-remediation:made-for': 'another job',
          },
        },
      },
    },
  },
  {
    rule: 'vpc-flow-logs-disabled',
    what: 'to a bucket',
    resource: VPC,
    state: { vpcs: VPCS },
    options: { destination: 'arn:aws:s3:::flow-logs-of-all' },
  },
  {
    rule: 'rds-snapshot-public',
    what: "an instance's snapshots",
    resource: 'orders',
    state: {
      databases: {
        orders: {
          isThere: true,
          tags: NO_TAGS,
          snapshots: [
            { id: 'orders-1', tags: NO_TAGS, sharedWith: ['444455556666', 'all'] },
            { id: 'orders-2', tags: NO_TAGS, sharedWith: ['all'] },
          ],
        },
      },
    },
  },
  {
    rule: 'rds-snapshot-public',
    what: "a cluster's snapshot",
    resource: 'ledger',
    state: {
      databases: {
        ledger: {
          of: 'cluster',
          isThere: true,
          tags: NO_TAGS,
          snapshots: [{ id: 'ledger-1', tags: NO_TAGS, sharedWith: ['all'] }],
        },
      },
    },
  },
  {
    rule: 'redshift-cluster-public',
    what: 'a cluster',
    resource: 'warehouse',
    state: { clusters: CLUSTERS },
  },
  {
    rule: 'redshift-cluster-public',
    what: 'by runbook',
    resource: 'warehouse',
    state: { clusters: CLUSTERS },
    method: 'runbook',
  },
];

/** Violations of a rule of the library that cause the write of all rules that declare a state. */
export const LIBRARY_SUBJECTS: readonly Subject[] = [
  { ...keyOf(0), what: 'by Cloud Control, at once' },
  { ...keyOf(10), what: 'by Cloud Control, which takes ten minutes' },
];

export function initialState({ state }: Subject): AwsState {
  return { ...EMPTY_STATE, ...state };
}
