import { describe, expect, test } from 'vitest';
import type { Change } from '../../../lambdas/changes/change.ts';
import { changeKinds, isChangeVisible } from '../../../lambdas/changes/index.ts';
import { withFlowLogs } from '../../lab/aws-model/flow-logs.ts';
import { AwsModel } from '../../lab/aws-model/model.ts';
import { modelSession } from '../../lab/aws-model/session.ts';
import {
  type AclEntry,
  type AwsState,
  EMPTY_STATE,
  type GroupRule,
  type NetworkAcl,
} from '../../lab/aws-model/state.ts';

const ACCOUNT = '111122223333';
const REGION = 'eu-central-1';

/** Answers to reads: the model's state, or the same answer for every call. */
type Shown = { readonly state: AwsState } | { readonly answer: object };

/** An applied change, what older reads return, and what later reads return. */
interface Row {
  readonly kind: string;
  readonly what?: string;
  readonly applied: object;
  readonly old: Shown;
  readonly shown: readonly Shown[];
}

const GROUP = 'sg-0000000a';
const wide: GroupRule = {
  id: 'sgr-1',
  protocol: 'tcp',
  fromPort: 20,
  toPort: 443,
  source: '0.0.0.0/0',
  description: '',
  tags: {},
};
const narrow = { ...wide, toPort: 21 };
const rules = (...all: readonly GroupRule[]): Shown => ({
  state: {
    ...EMPTY_STATE,
    groups: { [GROUP]: { owner: ACCOUNT, vpc: 'vpc-1', tags: {}, quota: 60, rules: all } },
  },
});
const noGroups: Shown = { state: EMPTY_STATE };

const ACL = 'acl-00000001';
const entry: Omit<AclEntry, 'number'> = {
  action: 'allow',
  protocol: '-1',
  cidr: '0.0.0.0/0',
  ports: null,
  icmp: null,
};
const openEntry = { ...entry, ruleNumber: 100 };
const office = { ...entry, ruleNumber: 100, cidr: '10.0.0.0/8' };
const entries = (...all: readonly (typeof entry & { ruleNumber: number })[]): Shown => {
  const acl: NetworkAcl = {
    owner: ACCOUNT,
    vpc: 'vpc-1',
    isDefault: false,
    subnets: [],
    tags: {},
    quota: 20,
    entries: all.map(({ ruleNumber, ...content }) => ({ ...content, number: ruleNumber })),
  };
  return { state: { ...EMPTY_STATE, acls: { [ACL]: acl } } };
};

const VPC = 'vpc-0123abcd';
const vpc: AwsState = { ...EMPTY_STATE, vpcs: { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } } };
const flowLogs = (...ids: readonly string[]): Shown => ({
  state: withFlowLogs(
    vpc,
    VPC,
    ids.map((id) => ({ id, bucket: `arn:aws:s3:::${id}`, status: 'SUCCESS', created: 0, tags: {} })),
  ),
});
const flowLog = {
  resource: VPC,
  trafficType: 'ALL',
  maxAggregationInterval: 600,
  destination: { type: 's3', arn: 'arn:aws:s3:::fl-ours' },
  flowLogId: 'fl-ours',
};

const off = {
  BlockPublicAcls: false,
  IgnorePublicAcls: false,
  BlockPublicPolicy: false,
  RestrictPublicBuckets: false,
};
const blocked = { ...off, IgnorePublicAcls: true };
const block = (of: typeof off | null): Shown => ({
  state: {
    ...EMPTY_STATE,
    buckets: {
      assets: { region: REGION, tags: {}, block: of, aclIsPublic: true, policyIsPublic: null },
    },
  },
});

const key = (status: 'Active' | 'Inactive' | undefined): Shown => ({
  state: {
    ...EMPTY_STATE,
    users: {
      deploy: {
        tags: {},
        keys: status === undefined ? [] : [{ id: 'AKIA1', status, created: 0, lastUsed: null }],
      },
    },
  },
});

const shares = (...sharedWith: readonly string[]): Shown => ({
  state: {
    ...EMPTY_STATE,
    databases: { orders: { isThere: true, tags: {}, snapshots: [{ id: 'orders-1', tags: {}, sharedWith }] } },
  },
});
const snapshot = { resource: 'orders-1', of: 'instance' };

const TRAIL = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/main`;
const trail = (LogFileValidationEnabled: boolean): Shown => ({
  answer: { trailList: [{ TrailARN: TRAIL, LogFileValidationEnabled }] },
});

const cluster = (ClusterStatus: string, PubliclyAccessible: boolean): Shown => ({
  answer: { Clusters: [{ ClusterIdentifier: 'warehouse', ClusterStatus, PubliclyAccessible }] },
});

const properties = (of: object): Shown => ({
  answer: { ResourceDescription: { Properties: JSON.stringify(of) } },
});

const table: readonly Row[] = [
  {
    kind: 'security-group-rule-shrink',
    applied: { resource: GROUP, before: wide, after: narrow, pieces: [], made: [], shrunk: narrow },
    old: rules(wide),
    shown: [rules(narrow), rules(), rules({ ...wide, id: 'sgr-2' }), noGroups],
  },
  {
    kind: 'security-group-rules-revoke',
    applied: { resource: GROUP, rules: [wide], revoked: [wide] },
    old: rules(wide),
    shown: [rules(), rules({ ...wide, id: 'sgr-2' })],
  },
  {
    kind: 'network-acl-entry-narrow',
    what: 'that replaced the open entry',
    applied: {
      resource: ACL,
      before: openEntry,
      after: office,
      created: [],
      seen: [],
      subnets: [],
      closed: 'yes',
    },
    old: entries(openEntry),
    shown: [entries(office), entries()],
  },
  {
    kind: 'network-acl-entry-narrow',
    what: 'that may or may not have closed the open entry',
    applied: {
      resource: ACL,
      before: openEntry,
      after: null,
      created: [],
      seen: [],
      subnets: [],
      closed: 'unconfirmed',
    },
    old: entries(openEntry),
    shown: [entries()],
  },
  {
    kind: 'network-acl-entry-restore',
    what: 'that restored the open entry',
    applied: { resource: ACL, open: openEntry, over: office, remove: [] },
    old: entries(office),
    shown: [entries(openEntry)],
  },
  {
    kind: 'network-acl-entry-restore',
    what: 'that deleted entries',
    applied: { resource: ACL, open: null, over: null, remove: [{ ...office, ruleNumber: 101 }] },
    old: entries({ ...office, ruleNumber: 101 }),
    shown: [entries(), entries({ ...office, ruleNumber: 101, cidr: '172.16.0.0/12' })],
  },
  {
    kind: 'flow-log-create',
    applied: flowLog,
    old: flowLogs('fl-others'),
    shown: [flowLogs('fl-others', 'fl-ours')],
  },
  {
    kind: 'flow-log-delete',
    applied: flowLog,
    old: flowLogs('fl-others', 'fl-ours'),
    shown: [flowLogs('fl-others'), flowLogs()],
  },
  {
    kind: 's3-public-access-block-set',
    what: 'that turned a setting on',
    applied: { resource: 'assets', region: REGION, before: null, after: blocked },
    old: block(null),
    shown: [block(blocked), block({ ...blocked, BlockPublicPolicy: true })],
  },
  {
    kind: 's3-public-access-block-set',
    what: 'that turned a setting off',
    applied: { resource: 'assets', region: REGION, before: blocked, after: null },
    old: block(blocked),
    shown: [block(null), block(off)],
  },
  {
    kind: 'iam-access-key-status-set',
    applied: {
      resource: 'deploy',
      key: 'AKIA1',
      before: 'Active',
      after: 'Inactive',
      created: '2025-01-01T00:00:00Z',
      lastUsed: null,
    },
    old: key('Active'),
    shown: [key('Inactive'), key(undefined)],
  },
  {
    kind: 'rds-snapshot-shares-change',
    what: 'that removed a share',
    applied: { ...snapshot, before: ['all', '444455556666'], after: ['444455556666'] },
    old: shares('444455556666', 'all'),
    shown: [shares('444455556666'), shares(), { state: EMPTY_STATE }],
  },
  {
    kind: 'rds-snapshot-shares-change',
    what: 'that added a share',
    applied: { ...snapshot, before: [], after: ['all'] },
    old: shares(),
    shown: [shares('all')],
  },
  {
    kind: 'cloudtrail-log-file-validation-set',
    applied: { resource: TRAIL, region: REGION, before: false, after: true },
    old: trail(false),
    shown: [trail(true), { answer: { trailList: [] } }],
  },
  {
    kind: 'redshift-cluster-public-access-set',
    applied: { resource: 'warehouse', before: true, after: false },
    old: cluster('available', true),
    shown: [cluster('modifying', true), cluster('available', false), { answer: { Clusters: [] } }],
  },
  {
    kind: 'cloud-control-properties-set',
    applied: {
      resource: 'orders',
      type: 'AWS::RDS::DBInstance',
      properties: [{ pointer: '/PubliclyAccessible', before: true, after: false }],
    },
    old: properties({ PubliclyAccessible: true }),
    shown: [properties({ PubliclyAccessible: false }), properties({})],
  },
];

/** Kinds for which a stale read is harmless: it shows less than exists, or the resource changes later. */
const NEVER_WAITED_FOR = [
  'automation-execution-start',
  'log-group-create',
  'security-group-rule-widen',
  'security-group-rules-authorize',
];

function sessionOf(shown: Shown) {
  const model = new AwsModel(ACCOUNT, 'state' in shown ? shown.state : EMPTY_STATE, () => 0);
  return modelSession(
    { account: ACCOUNT, region: REGION },
    () => 0,
    async ({ operation, input, region }) =>
      'answer' in shown ? shown.answer : model.answer(operation, input, model.state, region).output,
  );
}

describe.each(table)('$kind $what', ({ kind, applied, old, shown }) => {
  const change: Change = { kind, resource: '', ...applied };

  test('is not visible in an older read', async () => {
    const isVisible = await isChangeVisible(sessionOf(old), change);

    expect(isVisible).toBe(false);
  });

  test.each(shown)('is visible in a later read: %j', async (later) => {
    const isVisible = await isChangeVisible(sessionOf(later), change);

    expect(isVisible).toBe(true);
  });
});

test('the table contains every kind that is awaited', () => {
  const kinds = [...new Set([...table.map(({ kind }) => kind), ...NEVER_WAITED_FOR])].sort();

  expect(kinds).toEqual(changeKinds);
});
