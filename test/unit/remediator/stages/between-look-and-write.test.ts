import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AwsSession } from '../../../../lambdas/aws/session.ts';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { networkError } from '../../../lab/aws-model/session.ts';
import { type AwsState, type Database, EMPTY_STATE, withEntry } from '../../../lab/aws-model/state.ts';
import { GroupAccount, openRule, SSH } from '../support/group-account.ts';
import { ModelAccount } from '../support/model-account.ts';
import { settingsOf } from '../support/remediator-in-memory.ts';

const WEB = 'sg-0000000a';
const partsSchema = z.looseObject({ IpPermissions: z.array(z.unknown()) });
const EXEMPT = { [EXEMPTION_TAG]: 'migration until 2999-01-01' };
const allOn = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

const outcomesOf = ({ remediator }: ModelAccount | GroupAccount): Outcome[] => [
  ...remediator.outcomes.values(),
];

/** Processes delayed jobs until none is left. */
async function finish({ remediator }: ModelAccount | GroupAccount): Promise<void> {
  for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
    remediator.now += next.delaySeconds * 1_000;
    await remediator.attempt(next.job);
  }
}

test('a group that is exempted while it waits for another one is left unchanged', async () => {
  const other = 'sg-0000000b';
  const wide = [openRule('sgr-1', 20, 443)];
  const account = new GroupAccount({ [WEB]: wide, [other]: [openRule('sgr-2', 20, 443)] });
  const first: string[] = [];
  account.before = ({ operation, input }) => {
    if (operation !== 'AuthorizeSecurityGroupIngress') return;
    const [waiting] = first;
    first.push(z.looseObject({ GroupId: z.string() }).parse(input).GroupId);
    if (waiting === undefined) return;
    // The call for the second one hangs.
    account.remediator.now += 8_000;
    account.tag(waiting, EXEMPT);
  };

  await account.remediator.attempt(account.job(SSH, WEB, other));
  await finish(account);

  expect(first).toEqual([WEB, other]);
  expect(account.group(WEB)?.rules).toEqual(wide);
  expect(account.ports(other)).toEqual(['tcp 20-21', 'tcp 23-443']);
  const outcomes = new Map(outcomesOf(account).map(({ finding, outcome }) => [finding.resource, outcome]));
  expect(Object.fromEntries(outcomes)).toEqual({ [WEB]: 'exempt', [other]: 'remediated' });
});

describe('a bucket whose owner turns on all settings', () => {
  const bucket = { region: 'eu-central-1', tags: {}, aclIsPublic: true, policyIsPublic: true, block: null };
  const initial: AwsState = { ...EMPTY_STATE, buckets: { 'reports-1': bucket } };

  /** The calls before the write, if nobody acts. */
  async function callsBefore(): Promise<number> {
    const account = new ModelAccount('s3-bucket-public', initial);
    let calls = 0;
    account.onCall = () => {
      if (account.writes.length === 0) calls += 1;
    };
    await account.remediator.attempt(account.job('reports-1'));
    return calls;
  }

  test('keeps them, regardless of which of our reads is next', async () => {
    const calls = await callsBefore();
    const states: unknown[] = [];
    const outcomes: unknown[] = [];

    // The call after the last of these is the write: S3 has no condition for it.
    for (let at = 1; at < calls; at += 1) {
      const account = new ModelAccount('s3-bucket-public', initial);
      let call = 0;
      account.onCall = () => {
        call += 1;
        if (call !== at) return;
        const now = { ...bucket, block: allOn };
        account.set({ ...account.state, buckets: withEntry(account.state.buckets, 'reports-1', now) });
      };
      await account.remediator.attempt(account.job('reports-1'));
      states.push(account.state.buckets['reports-1']?.block);
      outcomes.push(outcomesOf(account).map(({ outcome, applied }) => [outcome, applied]));
    }

    expect(calls).toBeGreaterThan(5);
    expect(states).toEqual(states.map(() => allOn));
    expect(outcomes).toEqual(outcomes.map(() => [['compliant', []]]));
  });
});

describe('snapshots that are changed one after another', () => {
  const ids = ['orders-1', 'orders-2', 'orders-3'];
  const snapshots = ids.map((id) => ({ id, tags: {}, sharedWith: ['all'] }));
  const orders: Database = { isThere: true, tags: {}, snapshots };
  const initial: AwsState = { ...EMPTY_STATE, databases: { orders } };

  function withExempt(state: AwsState, id: string): AwsState {
    const { orders: now = orders } = state.databases;
    const tagged = now.snapshots.map((each) => (each.id === id ? { ...each, tags: EXEMPT } : each));
    return { ...state, databases: withEntry(state.databases, 'orders', { ...now, snapshots: tagged }) };
  }

  test.each(['orders-2', 'orders-3'])('%s, which is exempted after the first change, is left', async (id) => {
    const account = new ModelAccount('rds-snapshot-public', initial);
    account.onWrite = () => {
      if (account.writes.length > 1) return;
      account.remediator.now += 10_000;
      account.set(withExempt(account.state, id));
    };

    await account.remediator.attempt(account.job('orders'));
    await finish(account);

    const open = account.state.databases['orders']?.snapshots.filter(
      ({ sharedWith }) => sharedWith.length > 0,
    );
    expect(open?.map((snapshot) => snapshot.id)).toEqual([id]);
    const reason = expect.stringContaining(`public snapshot ${id} is not changed: `);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'remediated', reason, applied: [{}, {}] }]);
  });

  test('a pause that is set during a slow read before the write stops the write', async () => {
    const account = new ModelAccount('rds-snapshot-public', initial);
    const { remediator } = account;
    let reads = 0;
    account.onCall = (operation) => {
      if (operation !== 'DescribeDBSnapshotAttributes') return;
      reads += 1;
      // The assessment reads each once. This is the read before the first change.
      if (reads !== ids.length + 1) return;
      remediator.now += 20_000;
      remediator.pause = 'all';
    };

    await remediator.attempt(account.job('orders'));

    expect(reads).toBe(ids.length + 1);
    expect(account.writes).toEqual([]);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'deferred', applied: [] }]);
    expect(outcomesOf(account)[0]).not.toHaveProperty('unconfirmed');
  });
});

describe('a security group', () => {
  test('that is exempted while its change waits for the rate is left', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
    const { remediator } = account;
    const { openSession } = remediator;
    remediator.openSession = (...asked): AwsSession => {
      const session = openSession?.(...asked);
      if (session === undefined) throw new Error('expected a session of the model');
      const turn = async (): Promise<void> => {
        remediator.now += 3_000;
        account.tag(WEB, EXEMPT);
      };
      return { ...session, turn };
    };

    await remediator.attempt(account.job(SSH, WEB));

    expect(account.writes).toEqual([]);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'exempt', applied: [] }]);
  });

  test('keeps its wide rule if a pause is set during a slow read before the last call', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    const { remediator } = account;
    account.before = ({ operation }) => {
      if (operation !== 'DescribeSecurityGroupRules' || account.writes.length !== 1) return;
      remediator.now += 20_000;
      remediator.pause = 'all';
    };

    await remediator.attempt(account.job(SSH, WEB));
    const held = account.ports(WEB);
    account.before = () => {};
    remediator.pause = 'none';
    await finish(account);

    expect(held).toEqual(['tcp 20-21', 'tcp 20-443']);
    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'remediated' }]);
    expect(outcomesOf(account)[0]).not.toHaveProperty('unconfirmed');
  });

  test('whose owner restores the rule that was taken back by a call without an answer keeps it', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    account.before = ({ operation }) => {
      if (operation !== 'ModifySecurityGroupRules') return;
      const added = account.group(WEB)?.rules.filter(({ id }) => id !== 'sgr-1') ?? [];
      account.setRules(WEB, added);
    };
    account.after = ({ operation }) => {
      if (operation !== 'RevokeSecurityGroupIngress') return;
      account.after = () => {};
      account.setRules(WEB, [openRule('sgr-9', 20, 21)]);
      throw networkError();
    };

    await account.remediator.attempt(account.job(SSH, WEB));

    expect(account.group(WEB)?.rules.map(({ id }) => id)).toEqual(['sgr-9']);
  });

  test.each([19, 20, 21, 22])(
    'whose attempt ended after %i steps, before a call, keeps what its owner has added',
    async (steps) => {
      const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
      const job = account.job(SSH, WEB);
      await account.remediator.attempt(job, { steps }).catch(() => undefined);
      const { length: writes } = account.writes;
      const theirs = [openRule('sgr-7', 20, 21), openRule('sgr-8', 23, 443)];
      if (writes === 0) account.setRules(WEB, theirs);

      await account.remediator.attempt(job, { number: 2 });

      expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
      expect(outcomesOf(account)).toMatchObject([{ outcome: writes === 0 ? 'compliant' : 'remediated' }]);
    },
  );
});

describe('if the steps before a call are slow', () => {
  const initial: AwsState = {
    ...EMPTY_STATE,
    clusters: { warehouse: { isPublic: true, pending: null, tags: {} } },
  };

  function clusterByRunbook(): ModelAccount {
    const account = new ModelAccount('redshift-cluster-public', initial);
    account.remediator.settings = settingsOf({ rule: 'redshift-cluster-public', method: 'runbook' });
    return account;
  }

  /** Acts once, at a call of the remediator other than those to the account. */
  function at(account: ModelAccount | GroupAccount, port: string, act: () => void): void {
    let isDone = false;
    account.remediator.fault = (called) => {
      if (called === port && !isDone) {
        isDone = true;
        act();
      }
      return undefined;
    };
  }

  test.each(['readInProgress', 'writeInProgress'])(
    'no runbook is started for a cluster that its owner fixes, and no mark is left (%s)',
    async (port) => {
      const account = clusterByRunbook();
      at(account, port, () => {
        account.remediator.now += 5_000;
        const fixed = { isPublic: false, pending: null, tags: {} };
        account.set({ ...account.state, clusters: { warehouse: fixed } });
      });

      await account.remediator.attempt(account.job('warehouse'));

      expect(account.writes).toEqual([]);
      expect(outcomesOf(account)).toMatchObject([{ outcome: 'compliant', applied: [] }]);
      expect(account.remediator.inProgress.size).toBe(0);
    },
  );

  test('a runbook that a pause stops leaves no mark', async () => {
    const account = clusterByRunbook();
    at(account, 'writeInProgress', () => {
      account.remediator.now += 3_000;
      account.remediator.pause = 'all';
    });

    await account.remediator.attempt(account.job('warehouse'));

    expect(account.writes).toEqual([]);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'deferred', applied: [] }]);
    expect(account.remediator.inProgress.size).toBe(0);
  });

  test('a log group without retention because of a pause is recorded as made in part, with nothing unknown', async () => {
    const vpcs = { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } };
    const account = new ModelAccount('vpc-flow-logs-disabled', { ...EMPTY_STATE, vpcs });
    account.onWrite = () => {
      account.remediator.now += 3_000;
      account.remediator.pause = 'all';
    };

    await account.remediator.attempt(account.job('vpc-0123abcd'));

    expect(account.writes).toEqual(['CreateLogGroup']);
    const [outcome] = outcomesOf(account);
    expect(outcome?.applied).toMatchObject([{ change: { made: ['log group'] } }]);
    expect(outcome).not.toHaveProperty('unconfirmed');
  });

  test('a group that is exempted while the journal is written is left', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
    at(account, 'writeJournal', () => {
      account.remediator.now += 30_000;
      account.tag(WEB, EXEMPT);
    });

    await account.remediator.attempt(account.job(SSH, WEB));

    expect(account.writes).toEqual([]);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'exempt', applied: [] }]);
    expect(outcomesOf(account)[0]).not.toHaveProperty('unconfirmed');
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'a rule that its owner narrows is not overwritten (read %i of the pause)',
    async (question) => {
      const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
      let questions = 0;
      account.remediator.fault = (port) => {
        if (port !== 'pause') return undefined;
        questions += 1;
        if (questions === question) {
          account.remediator.now += 5_000;
          const rules = account.group(WEB)?.rules ?? [];
          account.setRules(
            WEB,
            rules.map((each) =>
              each.id === 'sgr-1' && each.fromPort < 23 ? { ...each, fromPort: 443 } : each,
            ),
          );
        }
        return undefined;
      };

      const job = account.job(SSH, WEB);
      const { unfinished } = await account.remediator.attempt(job);
      // What was added and not taken back in time remains pending.
      if (unfinished.length > 0) await account.remediator.attempt(job, { number: 2 });
      await finish(account);

      const narrowed = questions >= question;
      expect(account.ports(WEB)).toEqual(narrowed ? ['tcp 443-443'] : ['tcp 20-21', 'tcp 23-443']);
    },
  );
});

test('parts that AWS refuses as duplicates are not sent again if the next read shows that the wide rule is gone', async () => {
  const wide = { ...openRule('sgr-1', -1, -1), protocol: '-1' };
  const account = new GroupAccount({ [WEB]: [wide] });
  const job = account.job(SSH, WEB);
  account.remediator.settings = settingsOf({ rule: SSH, options: { all_traffic: 'split' } });
  let parts: readonly unknown[] = [];
  account.before = ({ operation, input }) => {
    if (operation !== 'AuthorizeSecurityGroupIngress' || parts.length > 0) return;
    parts = partsSchema.parse(input).IpPermissions;
    // Its owner adds some of the parts that must remain, and revokes the rule.
    account.setRules(WEB, [openRule('sgr-9', 0, 21)]);
  };

  await account.remediator.attempt(job);

  expect(parts.length).toBeGreaterThan(1);
  expect(account.writes).toEqual(['AuthorizeSecurityGroupIngress']);
  expect(account.ports(WEB)).toEqual(['tcp 0-21']);
});
