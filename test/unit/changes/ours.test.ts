import { describe, expect, test } from 'vitest';
import { isRead } from '../../../lambdas/aws/session-client.ts';
import type { Change } from '../../../lambdas/changes/change.ts';
import { applyChange } from '../../../lambdas/changes/index.ts';
import { StalePlanError } from '../../../lambdas/model/errors.ts';
import { AwsModel } from '../../lab/aws-model/model.ts';
import { modelSession } from '../../lab/aws-model/session.ts';
import {
  type AwsState,
  type BLOCK_SETTINGS,
  EMPTY_STATE,
  type FlowLog,
  type GroupRule,
} from '../../lab/aws-model/state.ts';

const ACCOUNT = '111122223333';
const REGION = 'eu-central-1';

/** Answers to reads: the model's state, or the same answer for every call. */
type Shown = Partial<AwsState> | { readonly answer: object };

/** A change that follows one of ours. */
interface Row {
  readonly what: string;
  /** Our own recent changes. */
  readonly ours: readonly (Change & Readonly<Record<string, unknown>>)[];
  readonly planned: Change & Readonly<Record<string, unknown>>;
  /** The state before our last change. */
  readonly old: Shown;
  /** The state after our last change. */
  readonly now: Shown;
}

const GROUP = 'sg-0000000a';
const rule = (id: string, fromPort: number, toPort: number): GroupRule => ({
  id,
  protocol: 'tcp',
  fromPort,
  toPort,
  source: '0.0.0.0/0',
  description: '',
  tags: {},
});
const groupOf = (...rules: readonly GroupRule[]): Partial<AwsState> => ({
  groups: { [GROUP]: { owner: ACCOUNT, vpc: 'vpc-1', tags: {}, quota: 60, rules } },
});
const wide = rule('sgr-1', 20, 443);
const ssh = rule('sgr-2', 22, 22);
const other = rule('sgr-3', 0, 1023);
const narrow = { ...other, toPort: 21 };

const revoke = (...rules: readonly GroupRule[]) => ({
  kind: 'security-group-rules-revoke',
  resource: GROUP,
  rules,
  remains: [],
});
const shrink = (before: GroupRule, { id: _, ...after }: GroupRule, pieces: readonly GroupRule[] = []) => ({
  kind: 'security-group-rule-shrink',
  resource: GROUP,
  before,
  after,
  pieces: pieces.map(({ id: __, ...piece }) => piece),
});
const shrinkWide = shrink(wide, { ...wide, fromPort: 23 }, [{ ...wide, toPort: 21 }]);
const shrunkOther = { ...shrink(other, narrow), made: [], shrunk: narrow };
const widenedOther = {
  kind: 'security-group-rule-widen',
  resource: GROUP,
  before: narrow,
  after: other,
  pieces: [],
  made: [],
  widened: other,
  revoked: [],
};

const ACL = 'acl-00000001';
const openEntry = { action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null } as const;
const aclOf = (...numbers: readonly number[]): Partial<AwsState> => ({
  acls: {
    [ACL]: {
      owner: ACCOUNT,
      vpc: 'vpc-1',
      isDefault: false,
      subnets: [],
      tags: {},
      quota: 20,
      entries: numbers.map((number) => ({ ...openEntry, number })),
    },
  },
});
const takeOut = (ruleNumber: number, ...seen: readonly number[]) => ({
  kind: 'network-acl-entry-narrow',
  resource: ACL,
  before: { ...openEntry, ruleNumber },
  after: null,
  created: [],
  seen: seen.map((number) => `${number} allow all from 0.0.0.0/0`),
  subnets: [],
});
const putBack = (ruleNumber: number) => ({
  kind: 'network-acl-entry-restore',
  resource: ACL,
  open: { ...openEntry, ruleNumber },
  over: null,
  remove: [],
});
/** An entry that was created for another one, and is deleted when that one is restored. */
const takenBack = (ruleNumber: number) => ({
  ...putBack(200),
  open: null,
  remove: [{ ...openEntry, ruleNumber }],
});

const VPC = 'vpc-0123abcd';
const vpcOf = (...ids: readonly string[]): Partial<AwsState> => {
  const flowLogs = ids.map(
    (id): FlowLog => ({ id, bucket: `arn:aws:s3:::${id}`, status: 'FAILED', created: 0, tags: {} }),
  );
  return { vpcs: { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], flowLogs } } };
};
const flowLog = (name: string, flowLogId: string | null) => ({
  kind: 'flow-log-create',
  resource: VPC,
  trafficType: 'ALL',
  maxAggregationInterval: 600,
  destination: { type: 's3', arn: `arn:aws:s3:::${name}` },
  flowLogId,
});

const keysOf = (first: 'Active' | 'Inactive'): Partial<AwsState> => ({
  users: {
    deploy: {
      tags: {},
      keys: [
        { id: 'AKIA1', status: first, created: 0, lastUsed: null },
        { id: 'AKIA2', status: 'Active', created: 0, lastUsed: null },
      ],
    },
  },
});
const keySet = (key: string, before: string, after: string) => ({
  kind: 'iam-access-key-status-set',
  resource: 'deploy',
  key,
  before,
  after,
  created: '2025-01-01T00:00:00Z',
  lastUsed: null,
});

const blockWith = (...on: readonly (typeof BLOCK_SETTINGS)[number][]) => {
  const isOn = (setting: (typeof BLOCK_SETTINGS)[number]): boolean => on.includes(setting);
  return {
    BlockPublicAcls: isOn('BlockPublicAcls'),
    IgnorePublicAcls: isOn('IgnorePublicAcls'),
    BlockPublicPolicy: isOn('BlockPublicPolicy'),
    RestrictPublicBuckets: isOn('RestrictPublicBuckets'),
  };
};
type Block = ReturnType<typeof blockWith> | null;
const bucketOf = (block: Block): Partial<AwsState> => ({
  buckets: { assets: { region: REGION, tags: {}, block, aclIsPublic: true, policyIsPublic: true } },
});
const blockSet = (before: Block, after: Block) => ({
  kind: 's3-public-access-block-set',
  resource: 'assets',
  region: REGION,
  before,
  after,
});
const ignoring = blockWith('IgnorePublicAcls');

const sharesOf = (...sharedWith: readonly string[]): Partial<AwsState> => ({
  databases: { orders: { isThere: true, tags: {}, snapshots: [{ id: 'orders-1', tags: {}, sharedWith }] } },
});
const sharesChange = (before: readonly string[], after: readonly string[]) => ({
  kind: 'rds-snapshot-shares-change',
  resource: 'orders-1',
  of: 'instance',
  before,
  after,
});

const TRAIL = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/main`;
const trailOf = (isValidated: boolean): Partial<AwsState> => ({
  trails: { [TRAIL]: { region: REGION, isValidated, tags: {} } },
});
const validation = (before: boolean, after: boolean) => ({
  kind: 'cloudtrail-log-file-validation-set',
  resource: TRAIL,
  region: REGION,
  before,
  after,
});

const clusterOf = (isPublic: boolean): Partial<AwsState> => ({
  clusters: { warehouse: { isPublic, pending: null, tags: {} } },
});
const access = (before: boolean, after: boolean) => ({
  kind: 'redshift-cluster-public-access-set',
  resource: 'warehouse',
  before,
  after,
});

const propertiesOf = (of: object): Shown => ({
  answer: {
    ResourceDescription: { Properties: JSON.stringify(of) },
    ProgressEvent: { RequestToken: '1', OperationStatus: 'SUCCESS' },
  },
});
const propertySet = (name: string, before: boolean, after: boolean) => ({
  kind: 'cloud-control-properties-set',
  resource: 'orders',
  type: 'AWS::RDS::DBInstance',
  properties: [{ pointer: `/${name}`, before, after }],
});

const table: readonly Row[] = [
  {
    what: 'a rule is shrunk after another one was revoked',
    ours: [{ ...revoke(ssh), revoked: [ssh] }],
    planned: shrinkWide,
    old: groupOf(wide, ssh),
    now: groupOf(wide),
  },
  {
    what: 'a rule is shrunk after another one was shrunk',
    ours: [shrunkOther],
    planned: shrinkWide,
    old: groupOf(wide, other),
    now: groupOf(wide, narrow),
  },
  {
    what: 'a rule is shrunk after another one was widened again',
    ours: [shrunkOther, widenedOther],
    planned: shrinkWide,
    old: groupOf(wide, narrow),
    now: groupOf(wide, other),
  },
  {
    what: 'a rule is shrunk after another one was replaced',
    ours: [{ ...shrink(other, narrow), made: [], shrunk: { ...narrow, id: 'sgr-4' }, replaces: true }],
    planned: shrinkWide,
    old: groupOf(wide, other),
    now: groupOf(wide, { ...narrow, id: 'sgr-4' }),
  },
  {
    what: 'a rule is revoked after another one was revoked',
    ours: [{ ...revoke(other), revoked: [other] }],
    planned: revoke(ssh),
    old: groupOf(ssh, other),
    now: groupOf(ssh),
  },
  {
    what: 'an entry is deleted after another one was deleted',
    ours: [{ ...takeOut(200, 100, 200), closed: 'yes' }],
    planned: takeOut(100, 100, 200),
    old: aclOf(100, 200),
    now: aclOf(100),
  },
  {
    what: 'a rule is widened again after the rule that was added for it was revoked',
    ours: [shrunkOther, widenedOther],
    planned: {
      kind: 'security-group-rule-widen',
      resource: GROUP,
      before: { ...wide, fromPort: 1024 },
      after: wide,
      pieces: [],
      made: [other],
    },
    old: groupOf({ ...wide, fromPort: 1024 }, narrow),
    now: groupOf({ ...wide, fromPort: 1024 }, other),
  },
  {
    what: 'an entry is restored after another one was restored',
    ours: [{ ...takeOut(200, 100, 200), closed: 'yes' }, takenBack(300)],
    planned: putBack(100),
    old: aclOf(300),
    now: aclOf(),
  },
  {
    what: 'a flow log is created after another one was created',
    ours: [flowLog('first', 'fl-1')],
    planned: flowLog('second', null),
    old: vpcOf(),
    now: vpcOf('fl-1'),
  },
  {
    what: 'a key is made inactive after another one was made inactive',
    ours: [keySet('AKIA1', 'Active', 'Inactive')],
    planned: keySet('AKIA2', 'Active', 'Inactive'),
    old: keysOf('Active'),
    now: keysOf('Inactive'),
  },
  {
    what: 'a setting is turned on after another one was turned on',
    ours: [blockSet(null, ignoring)],
    planned: blockSet(null, blockWith('RestrictPublicBuckets')),
    old: bucketOf(null),
    now: bucketOf(ignoring),
  },
  {
    what: 'a share is removed after another one was removed',
    ours: [sharesChange(['444455556666', 'all'], ['all'])],
    planned: sharesChange(['all'], []),
    old: sharesOf('444455556666', 'all'),
    now: sharesOf('all'),
  },
  {
    what: 'validation is turned on after it was turned off',
    ours: [validation(true, false), validation(false, true), validation(true, false)],
    planned: validation(false, true),
    old: trailOf(true),
    now: trailOf(false),
  },
  {
    what: 'validation is turned on after it was turned on',
    ours: [validation(false, true)],
    planned: validation(false, true),
    old: trailOf(false),
    now: trailOf(true),
  },
  {
    what: 'a cluster is made private after it was made public',
    ours: [access(true, false), access(false, true)],
    planned: access(true, false),
    old: clusterOf(false),
    now: clusterOf(true),
  },
  {
    what: 'a cluster is made private after it was made private',
    ours: [access(true, false)],
    planned: access(true, false),
    old: clusterOf(true),
    now: clusterOf(false),
  },
  {
    what: 'a property is set after another one was set',
    ours: [propertySet('DeletionProtection', false, true)],
    planned: propertySet('PubliclyAccessible', true, false),
    old: propertiesOf({ PubliclyAccessible: true, DeletionProtection: false }),
    now: propertiesOf({ PubliclyAccessible: true, DeletionProtection: true }),
  },
];

/** Applies the change while reads return the given answers in turn, and then the last one each time. @returns the writes, and the error */
async function applyTo({ planned, ours, now }: Row, shown: readonly Shown[]) {
  const model = new AwsModel(ACCOUNT, 'answer' in now ? EMPTY_STATE : { ...EMPTY_STATE, ...now }, () => 0);
  const writes: string[] = [];
  const answers = [...shown];
  const session = modelSession(
    { account: ACCOUNT, region: REGION },
    () => 0,
    async ({ operation, input, region }) => {
      if (!isRead(operation)) writes.push(operation);
      const read = isRead(operation) ? (answers.shift() ?? now) : now;
      if ('answer' in read) return read.answer;
      const state = read === now ? model.state : { ...EMPTY_STATE, ...read };
      const { output, next } = model.answer(operation, input, state, region);
      if (next !== undefined) model.set(next);
      return output;
    },
  );
  const error = await applyChange(session, planned, () => {}, { ours }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { writes, error };
}

/** More reads than any change makes. */
const ALL_READS = 40;

describe.each(table)('$what', (row) => {
  test('nothing is written while its reads show the state before our change', async () => {
    const { writes, error } = await applyTo(row, Array<Shown>(ALL_READS).fill(row.old));

    expect(writes).toEqual([]);
    expect(error).toBeInstanceOf(StalePlanError);
    expect(String(error)).toContain("AWS's reads do not show the latest change yet");
  });

  test('if its read shows our change, it is applied', async () => {
    const { error } = await applyTo(row, []);

    expect(String(error)).not.toContain('do not show yet');
  });
});

test('an entry that we deleted and restored does not make a read stale', async () => {
  const ours = [{ ...takeOut(200, 100, 200), closed: 'yes' }, putBack(200)];
  const row = { what: '', ours, planned: takeOut(100, 100, 200), old: {}, now: aclOf(100, 200) };

  const { writes, error } = await applyTo(row, []);

  expect(error).toBeUndefined();
  expect(writes).toEqual(['DeleteNetworkAclEntry']);
});

test('a read of a group is repeated until it no longer shows revoked rules', async () => {
  const [row] = table;
  if (row === undefined) throw new Error('there is no row');

  const { writes, error } = await applyTo(row, [row.old, row.old, row.old]);

  expect(error).toBeUndefined();
  expect(writes).toEqual(['AuthorizeSecurityGroupIngress', 'ModifySecurityGroupRules']);
});
