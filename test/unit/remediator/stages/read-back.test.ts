import { describe, expect, test } from 'vitest';
import { EMPTY_STATE } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT, awsError } from '../support/remediator-in-memory.ts';

const MINUTE = 60_000;
const SNAPSHOTS = 'rds-snapshot-public';

/** A DB instance with a public snapshot. */
const shared = {
  ...EMPTY_STATE,
  databases: {
    orders: {
      isThere: true,
      tags: {},
      snapshots: [{ id: 'orders-1', tags: {}, sharedWith: ['all', '444455556666'] }],
    },
  },
};

/** A job that has applied its plan, and whose reads show the earlier state. */
async function lagging(): Promise<ModelAccount> {
  const of = new ModelAccount(SNAPSHOTS, shared);
  of.past = shared;
  await of.remediator.attempt(of.job('orders'));
  return of;
}

/** The follow-up job, a number of minutes after the change. */
async function lookAfter(of: ModelAccount, minutes: number) {
  const [changed] = [...of.remediator.journals.values()].flatMap(({ resources }) => resources);
  of.remediator.now = Date.parse(changed?.completedAt ?? '') + minutes * MINUTE;
  return of.remediator.attempt(of.remediator.lastLook);
}

describe('a resource that reads as a violation after everything was applied', () => {
  test.each([2, 15, 59])('is pending after %i minutes, and nothing more is changed', async (minutes) => {
    const of = await lagging();

    const { inProgress, outcomes } = await lookAfter(of, minutes);

    expect(inProgress).toMatchObject([
      { reason: 'AWS accepted the changes, but its reads of orders do not show them yet' },
    ]);
    expect(outcomes).toEqual([]);
    expect(of.writes).toEqual(['ModifyDBSnapshotAttribute']);
  });

  test('is remediated if reads show the change after 59 minutes', async () => {
    const of = await lagging();
    await lookAfter(of, 15);
    of.past = undefined;

    const { outcomes } = await lookAfter(of, 59);

    expect(outcomes).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { resource: 'orders-1' } }] },
    ]);
  });

  test.each([60, 61, 90])('has failed after %i minutes, with what was applied', async (minutes) => {
    const of = await lagging();

    const { outcomes } = await lookAfter(of, minutes);

    expect(outcomes).toMatchObject([
      {
        outcome: 'failed',
        willRetry: true,
        reason: `AWS accepted the changes, but orders still violates the rule when it is read back, ${minutes} minutes later`,
        applied: [{ change: { resource: 'orders-1' } }],
      },
    ]);
    expect(of.writes).toEqual(['ModifyDBSnapshotAttribute']);
  });
});

describe('a DB instance of which one public snapshot is exempt', () => {
  const EXEMPT = 'cspm-auto-remediation:exempt';
  const note = 'public snapshot orders-0 is not changed: data set (tag, until 2099-06-30)';
  const some = {
    ...EMPTY_STATE,
    databases: {
      orders: {
        ...shared.databases.orders,
        snapshots: [
          { id: 'orders-0', tags: { [EXEMPT]: 'data set until 2099-06-30' }, sharedWith: ['all'] },
          ...shared.databases.orders.snapshots,
        ],
      },
    },
  };

  test('is remediated once the other one is fixed, and its exemption is named', async () => {
    const of = new ModelAccount(SNAPSHOTS, some);

    const { outcomes } = await of.remediator.attempt(of.job('orders'));

    expect(outcomes).toMatchObject([
      { outcome: 'remediated', reason: note, applied: [{ change: { resource: 'orders-1' } }] },
    ]);
  });

  test('is remediated even if only a later job reads it back', async () => {
    const of = new ModelAccount(SNAPSHOTS, some);
    of.past = some;
    await of.remediator.attempt(of.job('orders'));
    of.past = undefined;

    const { outcomes } = await lookAfter(of, 15);

    expect(outcomes).toMatchObject([
      { outcome: 'remediated', reason: note, applied: [{ change: { resource: 'orders-1' } }] },
    ]);
  });

  test('is exempt if its owner exempts the instance before anything is changed', async () => {
    const of = new ModelAccount(SNAPSHOTS, some);
    const { orders } = some.databases;
    of.set({ ...some, databases: { orders: { ...orders, tags: { [EXEMPT]: 'moving until 2099-06-30' } } } });

    const { outcomes } = await of.remediator.attempt(of.job('orders'));

    expect(outcomes).toMatchObject([{ outcome: 'exempt', applied: [] }]);
  });
});

test('a resource that then violates the rule in a way that cannot be fixed is not remediated', async () => {
  const allowAll = { action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null } as const;
  const deny = { ...allowAll, action: 'deny', protocol: '6', ports: { from: 25, to: 25 } } as const;
  const acl = {
    owner: ACCOUNT,
    vpc: 'vpc-0123abcd',
    isDefault: false,
    subnets: ['subnet-0a'],
    tags: {},
    quota: 20,
    entries: [{ ...allowAll, number: 100 }],
  };
  const initial = {
    ...EMPTY_STATE,
    vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
    acls: { 'acl-00000001': acl },
  };
  const options = { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] };
  const of = new ModelAccount('network-acl-subnet-allows-all', initial, options);
  // Immediately after our last write, its owner opens it again, between entries that leave no number free.
  of.onWrite = () => {
    if (of.writes.at(-1) !== 'ReplaceNetworkAclEntry') return;
    const entries = [
      { ...deny, number: 199 },
      { ...allowAll, number: 200 },
      { ...deny, number: 201 },
    ];
    of.set({ ...of.state, acls: { 'acl-00000001': { ...acl, entries } } });
  };

  const { inProgress } = await of.remediator.attempt(of.job('acl-00000001'));
  const { outcomes } = await of.remediator.attempt(of.remediator.lastLook);

  expect(inProgress).toHaveLength(1);
  expect(outcomes).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('too few free rule numbers'), applied: [{}] },
  ]);
});

/** The evidence objects that the table lists, including announced ones. */
const announced = ({ remediator }: ModelAccount): unknown[] =>
  [...remediator.table.done.values()].flatMap(({ jobs }) => jobs);

/** Number of calls of one read of a database with one snapshot. */
const READS_OF_DATABASE = 6;

test('while a change is read back, the change and its evidence are announced to others', async () => {
  const of = new ModelAccount(SNAPSHOTS, shared);
  const known: unknown[] = [];
  of.onCall = () => {
    if (of.writes.length === 0) return;
    known.push([of.remediator.table.changed.size, announced(of).length]);
    // The first read does not show the change yet, so that there is a second one.
    of.past = known.length <= READS_OF_DATABASE ? shared : undefined;
  };

  await of.remediator.attempt(of.job('orders'));

  expect(known.at(-1)).toEqual([1, 1]);
  expect(announced(of)).toHaveLength(1);
  expect(of.remediator.objects.size).toBe(1);
});

/** A rule that only plans. */
function planning(): ModelAccount {
  const of = new ModelAccount(SNAPSHOTS, shared);
  of.remediator.settings = { ...of.remediator.settings, mode: 'dry_run' };
  return of;
}

test('while a resource is read that will not be changed, its evidence is announced to others', async () => {
  const of = planning();
  const known: number[] = [];
  of.onCall = () => known.push(announced(of).length);

  await of.remediator.attempt(of.job('orders'));

  expect(known.at(-1)).toBe(1);
  expect(announced(of)).toHaveLength(1);
  expect(of.remediator.objects.size).toBe(1);
});

test('a job whose resource could not be read does not count as done', async () => {
  const of = planning();
  of.onCall = () => {
    throw awsError('ServiceUnavailable', 503);
  };

  const { unfinished } = await of.remediator.attempt(of.job('orders'));

  expect(unfinished).toHaveLength(1);
  expect(announced(of)).toEqual([]);
});

test('a job that leaves its finding to a follow-up job does not count as done', async () => {
  const of = await lagging();

  expect(of.remediator.table.changed.size).toBe(1);
  expect(announced(of)).toEqual([]);
  expect(of.remediator.objects.size).toBe(0);
});

test('an object that an attempt tried to write remains announced, because it may exist', async () => {
  const of = new ModelAccount(SNAPSHOTS, shared);
  of.remediator.fault = (port) =>
    port === 'writeOutcomes' ? awsError('ServiceUnavailable', 503) : undefined;

  await of.remediator.attempt(of.job('orders'));

  expect(announced(of)).toHaveLength(1);
});
