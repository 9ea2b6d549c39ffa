import { describe, expect, test } from 'vitest';
import { applyChange, inverseOf } from '../../../../lambdas/changes/index.ts';
import { SettingsError } from '../../../../lambdas/model/errors.ts';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import type { MaintenanceWindow } from '../../../../lambdas/model/maintenance-window.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import type { Settings } from '../../../../lambdas/model/settings.ts';
import { type AccountItem, accountKey } from '../../../../lambdas/model/table-items.ts';
import { LAG_MILLISECONDS } from '../../../../lambdas/remediator/record/recent-changes.ts';
import { AwsModel } from '../../../lab/aws-model/model.ts';
import { modelSession, networkError, sdkError } from '../../../lab/aws-model/session.ts';
import { type AclEntry, type AwsState, EMPTY_STATE } from '../../../lab/aws-model/state.ts';
import { GroupAccount, openRule, SSH } from '../support/group-account.ts';
import { Killed } from '../support/lifeline.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT, REGION, settingsOf } from '../support/remediator-in-memory.ts';

const RULE = 'network-acl-subnet-allows-all';
const ACL = 'acl-00000001';

const allow = (number: number, cidr: string): AclEntry => ({
  number,
  action: 'allow',
  protocol: '-1',
  cidr,
  ports: null,
  icmp: null,
});

/** An open entry that is deleted, and one for whose replacement only the number of the other one is free. */
const ENTRIES: readonly AclEntry[] = [
  allow(99, '::/0'),
  allow(100, '0.0.0.0/0'),
  { ...allow(101, '0.0.0.0/0'), action: 'deny', protocol: '6', ports: { from: 443, to: 443 } },
];

const stateOf = (entries: readonly AclEntry[]): AwsState => ({
  ...EMPTY_STATE,
  vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], isDefault: false } },
  acls: {
    [ACL]: {
      owner: ACCOUNT,
      vpc: 'vpc-0123abcd',
      isDefault: false,
      subnets: ['subnet-0a'],
      tags: {},
      quota: 20,
      entries,
    },
  },
});

const account = (): ModelAccount =>
  new ModelAccount(RULE, stateOf(ENTRIES), {
    replacement_cidrs: ['10.0.0.0/8', '203.0.113.0/24'],
    allow_isolation: true,
  });

/** An attempt that is interrupted after a number of writes, before it gets the answer to the last one. */
async function endedAfter(
  of: Pick<ModelAccount | GroupAccount, 'remediator' | 'writes'>,
  writes: number,
  job: Job,
): Promise<void> {
  const onStep = () => {
    if (of.writes.length >= writes) throw new Killed('the function was ended');
  };
  await of.remediator.attempt(job, { onStep }).catch(() => undefined);
}

/** The inbound entries after everything that was recorded is undone, in reverse order. */
async function undone(
  state: AwsState,
  outcomes: readonly Outcome[],
): Promise<readonly AclEntry[] | undefined> {
  const model = new AwsModel(ACCOUNT, state, () => 0);
  const session = modelSession(
    { account: ACCOUNT, region: REGION },
    () => 0,
    ({ operation, input, region }) => {
      const { output, next } = model.answer(operation, input, model.state, region);
      if (next !== undefined) model.set(next);
      return Promise.resolve(output);
    },
  );
  for (const { change } of outcomes.flatMap(({ applied }) => applied).reverse()) {
    const inverse = await inverseOf(change);
    if (inverse !== undefined) await applyChange(session, inverse);
  }
  return model.state.acls[ACL]?.entries;
}

const outcomesByResource = (of: ModelAccount): Readonly<Record<string, Outcome>> =>
  Object.fromEntries(outcomesOf(of).map((outcome) => [outcome.finding.resource, outcome]));

const outcomesOf = ({ remediator }: ModelAccount): readonly Outcome[] => [...remediator.outcomes.values()];

test.each([
  { what: 'completely', ends: [1] },
  { what: 'in part, before an attempt was interrupted', ends: [1, 2] },
  { what: 'completely, before an attempt was interrupted', ends: [1, 3] },
])(
  'an entry that an interrupted attempt deleted is recorded if a later change used its number $what',
  async ({ ends }) => {
    const of = account();
    const job = of.job(ACL);
    for (const writes of ends) await endedAfter(of, writes, job);

    await of.remediator.attempt(job, { number: ends.length + 1 });
    await of.remediator.workOffLater();

    const outcomes = outcomesOf(of);
    const numbers = outcomes.flatMap(({ applied }) => applied.map(({ change }) => change['before']));
    expect(numbers[0]).toMatchObject({ ruleNumber: 99, cidr: '::/0' });
    expect(outcomes[0]).not.toHaveProperty('unconfirmed');
    await expect(undone(of.state, outcomes)).resolves.toEqual(ENTRIES);
  },
);

test('an entry that an interrupted attempt deleted is recorded if a later change used its number and was taken back', async () => {
  const of = account();
  const job = of.job(ACL);
  await endedAfter(of, 1, job);
  of.onWrite = () => {
    const acl = of.state.acls[ACL];
    const tags = { [EXEMPTION_TAG]: 'migration until 2999-01-01' };
    if (acl !== undefined && of.writes.length === 2)
      of.set({ ...of.state, acls: { [ACL]: { ...acl, tags } } });
  };

  await of.remediator.attempt(job, { number: 2 });
  await of.remediator.workOffLater();

  const outcomes = outcomesOf(of);
  expect(of.writes.slice(1)).toEqual(['CreateNetworkAclEntry', 'DeleteNetworkAclEntry']);
  expect(outcomes).toMatchObject([{ outcome: 'exempt', applied: { length: 3 } }]);
  await expect(undone(of.state, outcomes)).resolves.toEqual(ENTRIES);
});

test('an entry that an interrupted attempt deleted is recorded if another job’s change used its number', async () => {
  const of = account();
  const job = of.job(ACL);
  const next: Job = { ...job, poll: { ...job.poll, asOf: '2026-06-30T13:00:00.000Z' } };
  await endedAfter(of, 1, job);
  await of.remediator.attempt(next);

  await of.remediator.attempt(job, { number: 2 });
  await of.remediator.workOffLater();

  const [theirs, ours] = outcomesOf(of);
  expect(theirs?.applied).toMatchObject([{ change: { before: { ruleNumber: 100 }, made: [99] } }]);
  expect(ours?.applied).toMatchObject([
    { change: { before: { ruleNumber: 99, cidr: '::/0' }, closed: 'yes' }, found: true },
  ]);
  expect(ours).not.toHaveProperty('unconfirmed');
});

test('what was added for an entry that its owner deletes is taken back before another entry is deleted', async () => {
  const ssh: AclEntry = { ...allow(200, '0.0.0.0/0'), protocol: '6', ports: { from: 22, to: 22 } };
  const of = new ModelAccount('network-acl-admin-ports-open', stateOf([allow(100, '0.0.0.0/0'), ssh]), {
    replacement_cidrs: [],
    allow_isolation: true,
  });
  const job = of.job(ACL);
  await endedAfter(of, 1, job);
  const acl = of.state.acls[ACL];
  if (acl === undefined) throw new Error('the network ACL is gone');
  of.set({
    ...of.state,
    acls: { [ACL]: { ...acl, entries: acl.entries.filter(({ number }) => number !== 100) } },
  });

  await of.remediator.attempt(job, { number: 2 });
  await of.remediator.workOffLater();

  expect(of.writes).toEqual(['CreateNetworkAclEntry', 'DeleteNetworkAclEntry', 'DeleteNetworkAclEntry']);
  expect(of.state.acls[ACL]?.entries).toEqual([]);
  expect(outcomesOf(of)).toMatchObject([
    {
      outcome: 'remediated',
      applied: [
        { change: { made: [101] } },
        { change: { remove: [{ ruleNumber: 101 }] } },
        { change: { before: { ruleNumber: 200 } } },
      ],
    },
  ]);
});

test('what was added to a network ACL without room is taken back at once, no matter how long its calls take', async () => {
  const entries = [allow(100, '0.0.0.0/0')];
  const state = stateOf(entries);
  const acl = state.acls[ACL];
  if (acl === undefined) throw new Error('there is no network ACL');
  const of = new ModelAccount(
    'network-acl-admin-ports-open',
    { ...state, acls: { [ACL]: { ...acl, quota: 5 } } },
    { replacement_cidrs: [], allow_isolation: true },
  );
  of.onCall = () => {
    of.remediator.now += 400;
  };

  await of.remediator.attempt(of.job(ACL));

  expect(outcomesOf(of)).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('has no room for another inbound entry') },
  ]);
  expect(of.writes.filter((write) => write === 'DeleteNetworkAclEntry')).toHaveLength(4);
  expect(of.state.acls[ACL]?.entries).toEqual(entries);
});

test('what was added and taken back is recorded if AWS refuses the change in the end', async () => {
  const of = new GroupAccount({ 'sg-00000001': [openRule('sgr-1a0', 20, 443)] });
  of.before = ({ operation }) => {
    if (operation === 'ModifySecurityGroupRules') throw sdkError('UnauthorizedOperation', 'denied', 403, 'r');
  };

  await of.remediator.attempt(of.job(SSH, 'sg-00000001'));

  expect(of.writes).toEqual(['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress']);
  expect(of.ports('sg-00000001')).toEqual(['tcp 20-443']);
  expect([...of.remediator.outcomes.values()]).toMatchObject([
    {
      outcome: 'failed',
      applied: [
        { line: expect.stringContaining('(in part)'), change: { made: [{ fromPort: 20 }] } },
        { change: { kind: 'security-group-rules-revoke', revoked: [{ fromPort: 20 }] } },
      ],
    },
  ]);
});

/** The account's item while its role is missing. */
const missingRole = ({ remediator }: GroupAccount): AccountItem => ({
  ...accountKey(ACCOUNT),
  version: 1,
  expiresAt: remediator.now / 1000 + 7 * 86_400,
  account: ACCOUNT,
  since: new Date(remediator.now).toISOString(),
  state: 'noticed',
  writer: 'w',
});

describe('what was added for a wide rule that its owner revokes is taken back', () => {
  const GROUP = 'sg-00000001';
  const ADD = 'AuthorizeSecurityGroupIngress';

  /** Adds `tcp 20-21` for a wide rule, then `stop` and, after three hours of looks, its owner and `repair`. */
  async function stoppedForHours(
    stop: (of: GroupAccount) => void,
    repair: (of: GroupAccount) => void,
    options: { readonly isKilled?: boolean; readonly settings?: Partial<Settings> } = {},
  ) {
    const of = new GroupAccount({ [GROUP]: [openRule('sgr-1a0', 20, 443)] });
    const job = of.job(SSH, GROUP);
    of.remediator.settings = settingsOf({ rule: SSH, ...options.settings });
    of.after = ({ operation }) => {
      if (operation === ADD) stop(of);
    };
    if (options.isKilled === true) await endedAfter(of, 1, job);
    const results = [await of.remediator.attempt(job, { number: 2 })];
    const begun = of.remediator.now;
    const look = async () => {
      const [{ job: later, delaySeconds } = { job, delaySeconds: 0 }] = of.remediator.later.splice(0);
      of.remediator.now += delaySeconds * 1000;
      results.push(await of.remediator.attempt(later));
    };
    while (of.remediator.later.length > 0 && of.remediator.now - begun < 3 * 3_600_000) await look();
    const early = [...of.remediator.outcomes.values()];
    of.setRules(
      GROUP,
      (of.group(GROUP)?.rules ?? []).filter(({ id }) => id !== 'sgr-1a0'),
    );
    repair(of);
    while (of.remediator.later.length > 0) await look();
    return { of, early, results };
  }

  const pauseAs = (pause: string) => (of: GroupAccount) => {
    of.remediator.pause = pause;
  };
  const settings = (fault: boolean) => (of: GroupAccount) => {
    of.remediator.fault = (port) =>
      fault && port === 'settings' ? new SettingsError('the settings of the rule are no JSON') : undefined;
  };
  const role = (isRefused: boolean) => (of: GroupAccount) => {
    // Another job of the poll checks whether it is back.
    of.remediator.mayProbe = false;
    if (isRefused) of.remediator.table.account = missingRole(of);
    of.remediator.fault = (port) =>
      isRefused && port === 'session' ? sdkError('AccessDenied', 'not authorized', 403, 'r') : undefined;
  };
  /** A window that closes a minute after the change was begun. */
  const closing: MaintenanceWindow = { days: ['TUE'], start: '11:00', end: '12:01', time_zone: 'UTC' };

  test.each([
    { what: 'a pause of several hours', stop: pauseAs('all'), repair: pauseAs('none') },
    {
      what: 'several hours outside the maintenance window',
      stop: ({ remediator }: GroupAccount) => {
        remediator.now += 61_000;
      },
      repair: ({ remediator }: GroupAccount) => {
        remediator.settings = settingsOf({ rule: SSH });
      },
      settings: { maintenance_window: closing },
    },
    {
      what: 'several hours with a pause that cannot be parsed',
      stop: pauseAs('al'),
      repair: pauseAs('none'),
    },
    {
      what: 'several hours with a hold',
      stop: ({ remediator }: GroupAccount) => {
        const name = { account: ACCOUNT, region: REGION, resource: GROUP, rule: '*' };
        remediator.table.holds.push({ name, reason: 'the owner is checking it', by: 'Ada' });
        remediator.now += 2_000;
      },
      repair: ({ remediator }: GroupAccount) => {
        remediator.table.holds.length = 0;
      },
    },
  ])('after $what', async ({ stop, repair, settings: more = {} }) => {
    const { of, early } = await stoppedForHours(stop, repair, { settings: more });

    expect(early).toEqual([]);
    expect(of.ports(GROUP)).toEqual([]);
    expect([...of.remediator.outcomes.values()]).toMatchObject([
      {
        outcome: 'compliant',
        applied: [{ change: { made: [{ fromPort: 20 }] } }, { change: { revoked: [{ fromPort: 20 }] } }],
      },
    ]);
  });

  test.each([
    { what: 'invalid settings', stop: settings(true), repair: settings(false) },
    { what: 'a role that cannot be assumed', stop: role(true), repair: role(false) },
    { what: 'a pause that cannot be parsed', stop: pauseAs('al'), repair: pauseAs('none') },
  ])('if the attempt after a kill encounters $what, which an alarm reports', async ({ stop, repair }) => {
    const { of, early, results } = await stoppedForHours(stop, repair, { isKilled: true });

    expect(early).toEqual([]);
    expect(of.ports(GROUP)).toEqual([]);
    expect(results[0]?.inProgress).toMatchObject([{ stillOpen: { name: 'TakeBackError' } }]);
  });
});

test('a snapshot that two findings share is changed once, even if the second one’s reads lag', async () => {
  const snapshot = { id: 'orders1-s0', tags: {}, sharedWith: ['all'] };
  const shared = { of: 'cluster' as const, isThere: true, tags: {}, snapshots: [snapshot] };
  const first: AwsState = { ...EMPTY_STATE, databases: { orders1: shared } };
  const of = new ModelAccount('rds-snapshot-public', first);
  of.onWrite = () => {
    of.past = first;
  };

  await of.remediator.attempt(of.job('orders1', 'Orders1'));

  expect(of.writes).toEqual(['ModifyDBClusterSnapshotAttribute']);
});

test('nothing is taken back if the read of the pause took seconds', async () => {
  const of = new GroupAccount({ 'sg-00000001': [openRule('sgr-1a0', 20, 443)] });
  const job = of.job(SSH, 'sg-00000001');
  await endedAfter(of, 1, job);
  of.setRules(
    'sg-00000001',
    (of.group('sg-00000001')?.rules ?? []).filter(({ id }) => id !== 'sgr-1a0'),
  );
  let questions = 0;
  of.remediator.fault = (port) => {
    if (port !== 'pause') return undefined;
    questions += 1;
    // Someone pauses immediately after the second read was processed, and its answer takes seven seconds.
    if (questions === 2) of.remediator.now += 7_000;
    if (questions > 2) of.remediator.pause = 'all';
    return undefined;
  };

  const { inProgress } = await of.remediator.attempt(job, { number: 2 });

  expect(questions).toBeGreaterThan(2);
  expect(inProgress).toHaveLength(1);
  expect(of.writes).toEqual(['AuthorizeSecurityGroupIngress']);
});

describe('a snapshot that two findings share waits while the first one’s change has no answer', () => {
  /** Two findings of one cluster, whose last snapshot's change got no answer, and whose reads are from before. */
  async function withoutAnswer(...snapshots: readonly string[]) {
    const shared = {
      of: 'cluster' as const,
      isThere: true,
      tags: {},
      snapshots: snapshots.map((id) => ({ id, tags: {}, sharedWith: ['all'] })),
    };
    const of = new ModelAccount('rds-snapshot-public', { ...EMPTY_STATE, databases: { orders1: shared } });
    let before = of.state;
    of.beforeWrite = () => {
      before = of.state;
    };
    of.onWrite = () => {
      if (of.writes.length < snapshots.length) return;
      of.past = before;
      throw networkError();
    };
    const job = of.job('orders1', 'Orders1');
    const result = await of.remediator.attempt(job);
    return { of, job, result };
  }

  test.each([1, 2])('of %d, and is changed once', async (count) => {
    const { of, job, result } = await withoutAnswer(...['s0', 's1'].slice(0, count));
    of.past = undefined;
    await of.remediator.attempt(job, { number: 2 });
    await of.remediator.workOffLater();

    expect(result).toMatchObject({ unfinished: { length: 1 }, inProgress: { length: 1 } });
    expect(of.writes).toHaveLength(count);
    expect(outcomesByResource(of)).toMatchObject({
      orders1: { outcome: 'remediated', applied: { length: count } },
      Orders1: { outcome: 'compliant', applied: [] },
    });
  });

  test('only until reads must be current: it is then changed for the second one, if the first one’s call had no effect', async () => {
    const shared = {
      of: 'cluster' as const,
      isThere: true,
      tags: {},
      snapshots: [{ id: 's0', tags: {}, sharedWith: ['all'] }],
    };
    const of = new ModelAccount('rds-snapshot-public', { ...EMPTY_STATE, databases: { orders1: shared } });
    let isLost = true;
    of.beforeWrite = () => {
      if (isLost) throw networkError();
    };
    const job = of.job('orders1', 'Orders1');
    await of.remediator.attempt(job);
    isLost = false;
    const exemption = {
      account: ACCOUNT,
      resource: 'orders1',
      region: '*',
      reason: 'shared on purpose',
      owner: 'me',
      expires: '2999-12-31',
    };
    of.remediator.settings = { ...of.remediator.settings, exemptions: [exemption] };
    const begun = of.remediator.now;
    const writes: number[] = [];
    of.beforeWrite = () => void writes.push(of.remediator.now - begun);

    await of.remediator.attempt(job, { number: 2 });
    await of.remediator.workOffLater();

    expect(writes).toHaveLength(1);
    expect(writes[0]).toBeGreaterThanOrEqual(LAG_MILLISECONDS);
    expect(outcomesByResource(of)).toMatchObject({
      orders1: { outcome: 'exempt', applied: [] },
      Orders1: { outcome: 'remediated', applied: { length: 1 } },
    });
  });

  test('even if the first one is exempt by then, until reads must be current', async () => {
    const { of, job } = await withoutAnswer('s0');
    const exemption = {
      account: ACCOUNT,
      resource: 'orders1',
      region: '*',
      reason: 'shared on purpose',
      owner: 'me',
      expires: '2999-12-31',
    };
    const { settings } = of.remediator;
    of.remediator.settings = { ...settings, exemptions: [exemption] };
    await of.remediator.attempt(job, { number: 2 });
    const early = of.writes.length;
    of.remediator.now += LAG_MILLISECONDS;
    of.past = undefined;

    await of.remediator.workOffLater();

    expect([early, of.writes.length]).toEqual([1, 1]);
    expect(outcomesByResource(of)).toMatchObject({
      orders1: { outcome: 'exempt', applied: [{ found: true }] },
      Orders1: { outcome: 'compliant' },
    });
    expect(outcomesByResource(of)['orders1']).not.toHaveProperty('unconfirmed');
  });
});

test('a hold that is set while something is taken back is effective two seconds later', async () => {
  const of = new GroupAccount({ 'sg-00000001': [openRule('sgr-1a0', 20, 443)] });
  const job = of.job(SSH, 'sg-00000001');
  await endedAfter(of, 1, job);
  of.setRules(
    'sg-00000001',
    (of.group('sg-00000001')?.rules ?? []).filter(({ id }) => id !== 'sgr-1a0'),
  );
  const name = { account: ACCOUNT, region: '*', resource: '*', rule: '*' };
  of.remediator.fault = (port) => {
    // The hold is set immediately after the job's read, and the first read in the account takes seconds.
    if (port !== 'session') return undefined;
    of.remediator.now += 3_000;
    of.remediator.table.holds.push({ name, reason: 'incident', by: 'Ada' });
    return undefined;
  };

  const { inProgress } = await of.remediator.attempt(job, { number: 2 });

  expect(inProgress).toMatchObject([{ reason: expect.stringContaining('is held for all rules by Ada') }]);
  expect(of.writes).toEqual(['AuthorizeSecurityGroupIngress']);
});
