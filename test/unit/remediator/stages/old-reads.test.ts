import { describe, expect, test } from 'vitest';
import type { Settings } from '../../../../lambdas/model/settings.ts';
import { LAG_MILLISECONDS } from '../../../../lambdas/remediator/record/recent-changes.ts';
import { networkError } from '../../../lab/aws-model/session.ts';
import { type AwsState, EMPTY_STATE, type GroupRule, type NetworkAcl } from '../../../lab/aws-model/state.ts';
import { openRule, SSH } from '../support/group-account.ts';
import { Killed } from '../support/lifeline.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT, REGION } from '../support/remediator-in-memory.ts';

const GROUP = 'sg-0000000a';
const ACL = 'acl-0000000a';
const TRAIL = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/all`;
const VPCS: AwsState['vpcs'] = {
  'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], isDefault: false },
};

const groupOf = (...rules: readonly GroupRule[]): Partial<AwsState> => ({
  vpcs: VPCS,
  groups: { [GROUP]: { owner: ACCOUNT, vpc: 'vpc-0123abcd', tags: {}, quota: 60, rules } },
});

const aclOf = (cidr: string): Partial<AwsState> => {
  const entry = { number: 100, action: 'allow', protocol: '-1', cidr, ports: null, icmp: null } as const;
  const subnets = ['subnet-0123abcd'];
  const acl: NetworkAcl = {
    ...{ owner: ACCOUNT, vpc: 'vpc-0123abcd', isDefault: false, subnets, tags: {}, quota: 20 },
    entries: [entry],
  };
  return { vpcs: VPCS, acls: { [ACL]: acl } };
};

const bucketOf = (isBlocked: boolean): Partial<AwsState> => {
  const block = {
    BlockPublicAcls: false,
    IgnorePublicAcls: isBlocked,
    BlockPublicPolicy: false,
    RestrictPublicBuckets: isBlocked,
  };
  return {
    buckets: { assets: { region: REGION, tags: {}, block, aclIsPublic: true, policyIsPublic: null } },
  };
};

const keyOf = (status: 'Active' | 'Inactive'): Partial<AwsState> => ({
  users: { deploy: { tags: {}, keys: [{ id: 'AKIA1', status, created: 0, lastUsed: null }] } },
});

const snapshotOf = (...sharedWith: readonly string[]): Partial<AwsState> => ({
  databases: { orders: { isThere: true, tags: {}, snapshots: [{ id: 'orders-1', tags: {}, sharedWith }] } },
});

const clusterOf = (isPublic: boolean): Partial<AwsState> => ({
  clusters: { warehouse: { isPublic, pending: null, tags: {} } },
});

const trailOf = (isValidated: boolean): Partial<AwsState> => ({
  trails: { [TRAIL]: { region: REGION, isValidated, tags: {} } },
});

interface Row {
  readonly what: string;
  readonly rule: string;
  readonly resource: string;
  /** State before someone caused the violation, which equals the state that our change would leave. */
  readonly before: Partial<AwsState>;
  readonly violating: Partial<AwsState>;
  readonly options?: Settings['options'];
}

/** Violations whose change is one call, and earlier states that look as if the change had been made. */
const table: readonly Row[] = [
  {
    what: 'a rule that was added',
    rule: SSH,
    resource: GROUP,
    before: groupOf(),
    violating: groupOf(openRule('sgr-1', 22, 22)),
  },
  {
    what: 'a rule that was widened in place',
    rule: SSH,
    resource: GROUP,
    before: groupOf(openRule('sgr-1', 23, 443)),
    violating: groupOf(openRule('sgr-1', 22, 443)),
  },
  {
    what: 'an entry that was replaced',
    rule: 'network-acl-subnet-allows-all',
    resource: ACL,
    before: aclOf('10.0.0.0/8'),
    violating: aclOf('0.0.0.0/0'),
    options: { replacement_cidrs: ['10.0.0.0/8'] },
  },
  {
    what: 'a bucket whose settings were turned off',
    rule: 's3-bucket-public',
    resource: 'assets',
    before: bucketOf(true),
    violating: bucketOf(false),
  },
  {
    what: 'a key that was activated',
    rule: 'iam-access-key-unrotated',
    resource: 'deploy',
    before: keyOf('Inactive'),
    violating: keyOf('Active'),
  },
  {
    what: 'a snapshot that was shared',
    rule: 'rds-snapshot-public',
    resource: 'orders',
    before: snapshotOf(),
    violating: snapshotOf('all'),
  },
  {
    what: 'a cluster that was made public',
    rule: 'redshift-cluster-public',
    resource: 'warehouse',
    before: clusterOf(false),
    violating: clusterOf(true),
  },
  {
    what: 'a trail whose validation was turned off',
    rule: 'cloudtrail-log-file-validation',
    resource: TRAIL,
    before: trailOf(true),
    violating: trailOf(false),
  },
];

const stateOf = (of: Partial<AwsState>): AwsState => ({ ...EMPTY_STATE, ...of });

/** An account in which an attempt was interrupted between the note of its change and the call. */
async function endedBeforeWrite({ rule, violating, resource, options }: Row) {
  const of = new ModelAccount(rule, stateOf(violating), options);
  const job = of.job(resource);
  let isOver = false;
  of.beforeWrite = () => {
    isOver = true;
    throw networkError();
  };
  const onStep = (): void => {
    if (isOver) throw new Killed('the function was ended');
  };
  await of.remediator.attempt(job, { onStep }).catch(() => undefined);
  of.beforeWrite = () => {};
  expect(isOver).toBe(true);
  expect(of.writes).toEqual([]);
  return { of, job };
}

describe.each(table)('$what, and an attempt that was interrupted before its call', (row) => {
  const { before } = row;

  test('is not reported as remediated on a read from before the violation, but when reads show the change', async () => {
    const { of, job } = await endedBeforeWrite(row);
    of.past = stateOf(before);
    const { outcomes, inProgress } = await of.remediator.attempt(job, { number: 2 });
    of.past = undefined;

    await of.remediator.workOffLater();

    expect(outcomes).toEqual([]);
    expect(inProgress).toMatchObject([{ reason: expect.stringMatching(/AWS's reads (may|of)/) }]);
    expect(of.writes).toHaveLength(1);
    const [outcome] = of.remediator.outcomes.values();
    expect(outcome).toMatchObject({ outcome: 'remediated', applied: { length: 1 } });
    expect(outcome?.applied[0]).not.toHaveProperty('found');
  });

  test('with an owner who has since fixed it is recorded once reads must be current: who did it is unknown', async () => {
    const { of, job } = await endedBeforeWrite(row);
    of.set(stateOf(before));

    const { outcomes } = await of.remediator.attempt(job, { number: 2 });
    await of.remediator.workOffLater();

    expect(outcomes).toEqual([]);
    expect(of.writes).toEqual([]);
    const [outcome] = of.remediator.outcomes.values();
    expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{ found: true }] });
    const [finished, begun] = [outcome?.finishedAt, outcome?.applied[0]?.appliedAt].map((at) =>
      Date.parse(at ?? ''),
    );
    expect((finished ?? 0) - (begun ?? 0)).toBeGreaterThanOrEqual(LAG_MILLISECONDS);
  });
});

test('parts that were taken back, and then added by someone with other ids, are no reason to trust a read without both', async () => {
  const of = new ModelAccount(SSH, stateOf(groupOf(openRule('sgr-1', 20, 443))));
  of.onWrite = () => {
    const rules = of.state.groups[GROUP]?.rules ?? [];
    const ours = rules.filter(({ id }) => id !== 'sgr-1');
    // The owner revokes the wide rule after parts were added, and adds it again after these were taken back.
    if (of.writes.length === 1) of.set(stateOf(groupOf(...ours)));
    if (of.writes.length !== 2) return;
    of.set(stateOf(groupOf(openRule('sgr-9', 20, 443))));
    of.past = stateOf(groupOf());
  };
  const { outcomes, inProgress } = await of.remediator.attempt(of.job(GROUP));
  of.past = undefined;

  await of.remediator.workOffLater();

  expect(of.writes.slice(0, 2)).toEqual(['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress']);
  expect(outcomes).toEqual([]);
  expect(inProgress).toMatchObject([{ reason: expect.stringContaining('may be older than') }]);
  const ports = of.state.groups[GROUP]?.rules.map(({ fromPort, toPort }) => `${fromPort}-${toPort}`).sort();
  expect(ports).toEqual(['20-21', '23-443']);
  expect([...of.remediator.outcomes.values()]).toMatchObject([{ outcome: 'remediated' }]);
});
