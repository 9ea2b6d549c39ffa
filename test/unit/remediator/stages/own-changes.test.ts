import { describe, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import type { Settings } from '../../../../lambdas/model/settings.ts';
import { withFlowLogs } from '../../../lab/aws-model/flow-logs.ts';
import { type AwsState, EMPTY_STATE, type GroupRule } from '../../../lab/aws-model/state.ts';
import { GroupAccount, openRule, RDP, SSH } from '../support/group-account.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT, jobOf, RemediatorInMemory, settingsOf } from '../support/remediator-in-memory.ts';

const next = { ...jobOf('deploy').poll, asOf: '2026-06-30T11:05:00Z' };
const MINUTE = 60_000;

/** A remediator that has just made a key inactive, and whose reads are older than that. */
async function lagging(): Promise<RemediatorInMemory> {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  await remediator.attempt(jobOf('deploy'));
  remediator.account.users.get('deploy')?.set('old', 'Active');
  return remediator;
}

test('nothing is changed on a read that is older than our own change of a minute ago', async () => {
  const remediator = await lagging();
  remediator.now += MINUTE;

  const { inProgress } = await remediator.attempt({ ...jobOf('deploy'), poll: next });

  expect(inProgress).toMatchObject([{ reason: expect.stringContaining('do not show yet what') }]);
  expect(remediator.account.changed).toHaveLength(1);
});

test('after a quarter of an hour, the read must be current: someone has reverted the change', async () => {
  const remediator = await lagging();
  remediator.now += 16 * MINUTE;

  await remediator.attempt({ ...jobOf('deploy'), poll: next });

  expect(remediator.account.changed).toHaveLength(2);
});

test.each([10, -10])(
  'with a clock that is %d minutes off, nothing is changed on such a read, and nothing is left permanently',
  async (off) => {
    const remediator = await lagging();
    remediator.now += (4 + off) * MINUTE;
    const { inProgress } = await remediator.attempt({ ...jobOf('deploy'), poll: next });
    const changedEarly = [...remediator.account.changed];
    remediator.now += 26 * MINUTE;
    const last = { ...next, asOf: '2026-06-30T11:35:00Z' };

    await remediator.attempt({ ...jobOf('deploy'), poll: last });

    expect(inProgress).toHaveLength(1);
    expect(changedEarly).toHaveLength(1);
    expect(remediator.account.changed).toHaveLength(2);
  },
);

test("a cluster's snapshot is fixed at once, although an instance's snapshot of the same name was just fixed", async () => {
  const snapshots = [{ id: 'nightly', tags: {}, sharedWith: ['all'] }];
  const account = new ModelAccount('rds-snapshot-public', {
    ...EMPTY_STATE,
    databases: {
      orders: { isThere: true, tags: {}, snapshots },
      ledger: { of: 'cluster', isThere: true, tags: {}, snapshots },
    },
  });

  const { outcomes } = await account.remediator.attempt(account.job('orders', 'ledger'));

  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['remediated', 'remediated']);
});

test('a document is started at once for a group that was just changed for another rule', async () => {
  const account = new GroupAccount({
    'sg-0000000a': [openRule('sgr-1', 22, 22), openRule('sgr-2', 3389, 3389)],
  });
  await account.remediator.attempt(account.job(RDP, 'sg-0000000a'));
  const job = account.job(SSH, 'sg-0000000a');
  account.remediator.settings = settingsOf({ rule: SSH, method: 'runbook' });

  await account.remediator.attempt(job);

  expect(account.writes).toEqual(['RevokeSecurityGroupIngress', 'StartAutomationExecution']);
});

test('many groups that were just changed for another rule do not delay a job until it ends without changing anything', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `sg-000000${index + 10}`);
  const rulesOf = (name: string) => [
    openRule(`${name.replace('sg', 'sgr')}4`, 20, 4000),
    { ...openRule(`${name.replace('sg', 'sgr')}6`, 20, 4000), source: '::/0' },
  ];
  const account = new GroupAccount(Object.fromEntries(names.map((name) => [name, rulesOf(name)])));
  const { remediator } = account;
  await remediator.attempt(account.job(SSH, ...names));
  await remediator.workOffLater();
  // With this, one call per change would take longer than a job may.
  account.before = () => {
    remediator.now += 400;
  };

  const writes: number[] = [];
  const attempt = async (job: Job): Promise<void> => {
    const before = account.writes.length;
    await remediator.attempt(job);
    writes.push(account.writes.length - before);
  };
  await attempt(account.job(RDP, ...names));
  while (remediator.later.length > 0 && !writes.includes(0)) {
    for (const { job } of remediator.later.splice(0)) await attempt(job);
  }

  expect(writes.filter((count) => count === 0)).toEqual([]);
  for (const name of names) {
    expect(account.ports(name).filter((ports) => ports === 'tcp 3390-4000')).toHaveLength(2);
  }
});

/** A resource that we change. */
interface Row {
  readonly kind: string;
  readonly rule: string;
  readonly resource: string;
  readonly options?: Settings['options'];
  readonly initial: AwsState;
  /**
   * Makes it violate the rule again in a read that shows our change. Omitted if impossible: a bucket is only public again if its
   * settings are off again, which an old read also shows.
   */
  readonly again?: (state: AwsState) => AwsState;
  /** Outcome of the next poll after that. Default: `remediated`. */
  readonly expected?: { readonly outcome: string; readonly reason: unknown };
}

const place = { owner: ACCOUNT, vpc: 'vpc-0123abcd', tags: {} };
const vpcs: AwsState['vpcs'] = { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } };

function withRules(state: AwsState, rules: readonly GroupRule[]): AwsState {
  return { ...state, vpcs, groups: { 'sg-0000000a': { ...place, quota: 60, rules } } };
}

const allowAll = { action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null } as const;
const acl = { ...place, isDefault: false, subnets: ['subnet-0a'], quota: 20 };
const key = { status: 'Active', created: Date.parse('2025-01-01'), lastUsed: null } as const;
const bucket = { region: 'eu-central-1', tags: {}, block: null, aclIsPublic: true, policyIsPublic: false };
const databaseOf = (...snapshots: readonly string[]): AwsState['databases'] => ({
  orders: {
    isThere: true,
    tags: {},
    snapshots: snapshots.map((id) => ({ id, tags: {}, sharedWith: ['all'] })),
  },
});

const table: readonly Row[] = [
  {
    kind: 'security-group-rule-shrink',
    rule: 'security-group-ssh-open',
    resource: 'sg-0000000a',
    initial: withRules(EMPTY_STATE, [openRule('sgr-1', 22, 443)]),
    again: (state) =>
      withRules(state, [...(state.groups['sg-0000000a']?.rules ?? []), openRule('sgr-9', 0, 22)]),
  },
  {
    kind: 'security-group-rules-revoke',
    rule: 'security-group-ssh-open',
    resource: 'sg-0000000a',
    initial: withRules(EMPTY_STATE, [openRule('sgr-1', 22, 22)]),
    again: (state) => withRules(state, [openRule('sgr-9', 22, 22)]),
  },
  {
    kind: 'network-acl-entry-narrow',
    rule: 'network-acl-subnet-allows-all',
    resource: 'acl-00000001',
    options: { replacement_cidrs: ['10.0.0.0/8'] },
    initial: {
      ...EMPTY_STATE,
      vpcs,
      acls: { 'acl-00000001': { ...acl, entries: [{ ...allowAll, number: 100 }] } },
    },
    again: (state) => ({
      ...state,
      acls: {
        'acl-00000001': {
          ...acl,
          entries: [...(state.acls['acl-00000001']?.entries ?? []), { ...allowAll, number: 200 }],
        },
      },
    }),
  },
  {
    kind: 's3-public-access-block-set',
    rule: 's3-bucket-public',
    resource: 'assets',
    options: { block_all: false },
    initial: { ...EMPTY_STATE, buckets: { assets: bucket } },
  },
  {
    kind: 'iam-access-key-status-set',
    rule: 'iam-access-key-unrotated',
    resource: 'deploy',
    initial: { ...EMPTY_STATE, users: { deploy: { tags: {}, keys: [{ ...key, id: 'AKIA1' }] } } },
    again: ({ users: { deploy = { tags: {}, keys: [] } }, ...state }) => ({
      ...state,
      users: { deploy: { ...deploy, keys: [...deploy.keys, { ...key, id: 'AKIA2' }] } },
    }),
  },
  {
    kind: 'rds-snapshot-shares-change',
    rule: 'rds-snapshot-public',
    resource: 'orders',
    initial: { ...EMPTY_STATE, databases: databaseOf('orders-1') },
    again: (state) => ({ ...state, databases: databaseOf('orders-2') }),
  },
  {
    kind: 'flow-log-create',
    rule: 'vpc-flow-logs-disabled',
    resource: 'vpc-0123abcd',
    options: { destination: 'arn:aws:s3:::logs' },
    initial: { ...EMPTY_STATE, vpcs },
    again: (state) =>
      withFlowLogs(
        state,
        'vpc-0123abcd',
        (state.vpcs['vpc-0123abcd']?.flowLogs ?? []).map((flowLog) => ({
          ...flowLog,
          status: 'FAILED',
          error: 'Access error',
        })),
      ),
    expected: { outcome: 'failed', reason: expect.stringContaining('AWS: Access error') },
  },
];

describe.each(table)('after $kind', ({ kind, rule, resource, options, initial, again, expected }) => {
  /** The account a minute after our change, and the next poll's job. */
  async function changed() {
    const of = new ModelAccount(rule, initial, options);
    const { outcomes } = await of.remediator.attempt(of.job(resource));
    const journals = [...of.remediator.journals.values()].flatMap(({ resources }) => resources);
    const kinds = [...outcomes, ...journals].flatMap(({ applied }) =>
      applied.map((each) => each.change.kind),
    );
    expect(kinds).toContain(kind);
    of.remediator.now += MINUTE;
    const before = of.writes.length;
    const job = of.job(resource);
    return { of, before, job: { ...job, poll: { ...job.poll, asOf: next.asOf } } };
  }

  test('nothing is changed on an older read', async () => {
    const { of, before, job } = await changed();
    of.past = initial;

    const { inProgress, outcomes } = await of.remediator.attempt(job);

    expect(inProgress).toMatchObject([
      { reason: expect.stringContaining(`do not show yet what ${rule} changed at 2026-06-30T12:00:0`) },
    ]);
    expect(outcomes).toEqual([]);
    expect(of.writes).toHaveLength(before);
  });

  if (again === undefined) return;

  test('a read that shows our change and a new violation is acted on', async () => {
    const { of, before, job } = await changed();
    of.set(again(of.state));

    const { outcomes } = await of.remediator.attempt(job);

    expect(outcomes).toMatchObject([expected ?? { outcome: 'remediated' }]);
    if (expected === undefined) expect(of.writes.length).toBeGreaterThan(before);
  });
});

describe('a read that still shows a rule that we revoked is stale', () => {
  const GROUP = 'sg-0000000a';

  /** Lets the owner revoke a rule after ours were added. From then on, a number of reads return the first state. */
  function revokesAfter(account: GroupAccount, id: string, reads: number): void {
    let left = 0;
    account.lags = () => left-- > 0;
    account.after = ({ operation }) => {
      if (operation !== 'RevokeSecurityGroupIngress') return;
      const rules = account.group(GROUP)?.rules ?? [];
      account.setRules(
        GROUP,
        rules.filter((rule) => rule.id !== id),
      );
      left = reads;
    };
  }

  test.each([1, 6, 9])('within one plan: nothing is added because of it, for %i reads', async (reads) => {
    const account = new GroupAccount({ [GROUP]: [openRule('sgr-1', 20, 443), openRule('sgr-2', 22, 22)] });
    revokesAfter(account, 'sgr-1', reads);

    await account.remediator.attempt(account.job(SSH, GROUP));

    expect(account.writes).toEqual(['RevokeSecurityGroupIngress']);
    expect(account.ports(GROUP)).toEqual([]);
  });

  test('within one plan, no matter how long reads lag: the finding waits', async () => {
    const account = new GroupAccount({ [GROUP]: [openRule('sgr-1', 20, 443), openRule('sgr-2', 22, 22)] });
    revokesAfter(account, 'sgr-1', 100);

    const { inProgress } = await account.remediator.attempt(account.job(SSH, GROUP));

    expect(account.writes).toEqual(['RevokeSecurityGroupIngress']);
    expect(inProgress).toMatchObject([{ reason: expect.stringContaining('do not show yet what') }]);
  });

  test('of another job, which the previous read showed', async () => {
    const account = new GroupAccount({ [GROUP]: [openRule('sgr-1', 3000, 4000), openRule('sgr-2', 22, 22)] });
    await account.remediator.attempt(account.job(SSH, GROUP));
    account.setRules(GROUP, []);
    let reads = 0;
    account.lags = ({ operation }) => {
      if (operation === 'DescribeSecurityGroupRules') reads += 1;
      // The first read is for the plan, and the second one checks for our own change.
      return reads !== 2;
    };

    await account.remediator.attempt(account.job(RDP, GROUP));

    expect(account.writes).toEqual(['RevokeSecurityGroupIngress']);
  });
});
