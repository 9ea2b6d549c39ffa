import { describe, expect, test } from 'vitest';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { sdkError } from '../../../lab/aws-model/session.ts';
import { EMPTY_STATE, type NetworkAcl, withEntry } from '../../../lab/aws-model/state.ts';
import { GroupAccount, openRule, RDP, SSH } from '../support/group-account.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT, ONE_AT_FIRST, settingsOf } from '../support/remediator-in-memory.ts';

const WEB = 'sg-0000000a';
const API = 'sg-0000000b';

const outcomeOf = ({ remediator }: GroupAccount, resource: string): Outcome | undefined =>
  [...remediator.outcomes.values()].find(({ finding }) => finding.resource === resource);

const isWrite = ({ operation }: { operation: string }): boolean => !operation.startsWith('Describe');

/** Does something once, when the plans of a job have been written to the journal: between read and change. */
function afterPlanning(account: GroupAccount, act: () => void): void {
  let isDone = false;
  const { remediator } = account;
  remediator.fault = (port) => {
    if (port === 'writeJournal' && !isDone) {
      isDone = true;
      act();
    }
    return undefined;
  };
}

describe('between read and change', () => {
  const acts: readonly [string, (account: GroupAccount) => void, Partial<Outcome>][] = [
    ['is deleted', (account) => account.remove(API), { outcome: 'gone' }],
    [
      'is exempted by its tag',
      (account) => account.tag(API, { [EXEMPTION_TAG]: 'migration until 2999-01-01' }),
      { outcome: 'exempt', reason: expect.stringContaining('migration (tag, until 2999-01-01)') },
    ],
    ['is fixed by its owner', (account) => account.setRules(API, []), { outcome: 'compliant' }],
  ];
  const ports = [
    [SSH, 22],
    [RDP, 3389],
  ] as const;

  test.each(acts.flatMap((act) => ports.map((port) => [...act, ...port] as const)))(
    'a group that %s is never remediated by a change that was not ours (%#: $3)',
    async (_, act, expected, rule, port) => {
      const account = new GroupAccount({
        [WEB]: [openRule('sgr-1', port, port)],
        [API]: [openRule('sgr-2', port, port)],
      });
      account.after = (call) => {
        if (isWrite(call)) act(account);
      };

      const job = account.job(rule, WEB, API);
      account.remediator.settings = settingsOf({ rule, breaker: ONE_AT_FIRST });

      await account.remediator.attempt(job);

      expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'remediated' });
      expect(outcomeOf(account, API)).toMatchObject({ ...expected, applied: [] });
      expect(account.writes).toHaveLength(1);
    },
  );

  test.each([
    [SSH, 22],
    [RDP, 3389],
  ])(
    'a wide rule that its owner narrows is planned again: no traffic is newly allowed (%s)',
    async (rule, port) => {
      const account = new GroupAccount({ [WEB]: [openRule('sgr-1', port - 2, port + 400)] });
      afterPlanning(account, () => account.setRules(WEB, [openRule('sgr-1', port, port + 8)]));

      await account.remediator.attempt(account.job(rule, WEB));

      expect(account.ports(WEB)).toEqual([`tcp ${port + 1}-${port + 8}`]);
      expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'remediated' });
      const [journal] = account.remediator.journals.values();
      const lines = journal?.resources[0]?.plan.map(({ line }) => line).join('\n');
      expect(lines).toContain(`${port - 2}-${port + 400}`);
      expect(lines).toContain(`${port}-${port + 8}`);
    },
  );

  test('a resource that keeps changing is deferred after three plans', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    let to = 443;
    account.remediator.fault = (port) => {
      if (port !== 'writeJournal') return undefined;
      to -= 1;
      account.setRules(WEB, [openRule('sgr-1', 20, to)]);
      return undefined;
    };

    await account.remediator.attempt(account.job(SSH, WEB));

    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      applied: [],
      reason: expect.stringMatching(/^sg-0000000a keeps changing: 3 plans in a row .* Last reason: ./),
    });
    expect(account.ports(WEB)).toEqual([`tcp 20-${to}`]);
  });

  test('our changes and those of others are both reported', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22), openRule('sgr-3', 0, 22)] });
    account.after = (call) => {
      if (isWrite(call)) account.setRules(WEB, []);
    };

    await account.remediator.attempt(account.job(SSH, WEB));
    await account.remediator.workOffLater();

    const outcome = outcomeOf(account, WEB);
    expect(outcome).toMatchObject({
      outcome: 'remediated',
      reason: `some of the planned changes were made, and the others were no longer needed; ${WEB} complies now`,
    });
    expect(outcome?.applied).toHaveLength(1);
    expect(outcome?.plan).toHaveLength(2);
  });
});

describe('between read and change of a network ACL', () => {
  const allowAll = { action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null } as const;
  const acls = ['acl-00000001', 'acl-00000002'] as const;
  const [FIRST, SECOND] = acls;

  function open(isDefault: boolean): NetworkAcl {
    const place = { owner: ACCOUNT, vpc: 'vpc-0123abcd', isDefault, subnets: ['subnet-0a'] };
    return { ...place, tags: {}, quota: 20, entries: [{ ...allowAll, number: 100 }] };
  }

  const acts: readonly [string, (acl: NetworkAcl) => NetworkAcl | undefined, Partial<Outcome>][] = [
    ['is deleted', () => undefined, { outcome: 'gone' }],
    [
      'is exempted by its tag',
      (acl) => ({ ...acl, tags: { [EXEMPTION_TAG]: 'migration until 2999-01-01' } }),
      { outcome: 'exempt', reason: expect.stringContaining('migration (tag, until 2999-01-01)') },
    ],
    ['is fixed by its owner', (acl) => ({ ...acl, entries: [] }), { outcome: 'compliant' }],
  ];
  const rules = [
    ['network-acl-subnet-allows-all', false],
    ['network-acl-default-allows-all', true],
  ] as const;

  test.each(acts.flatMap((act) => rules.map((rule) => [...act, ...rule] as const)))(
    'one that %s is never remediated by a change that was not ours (%#: $3)',
    async (_, act, expected, rule, isDefault) => {
      const initial = {
        ...EMPTY_STATE,
        vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
        acls: Object.fromEntries(acls.map((id) => [id, open(isDefault)])),
      };
      const options = { allow_isolation: true };
      const of = new ModelAccount(rule, initial, options);
      of.remediator.settings = settingsOf({ rule, options, breaker: ONE_AT_FIRST });
      of.onWrite = () =>
        of.set({ ...of.state, acls: withEntry(of.state.acls, SECOND, act(open(isDefault))) });

      const { outcomes } = await of.remediator.attempt(of.job(...acls));

      const outcome = (id: string) => outcomes.find(({ finding }) => finding.resource === id);
      expect(outcome(FIRST)).toMatchObject({ outcome: 'remediated' });
      expect(outcome(SECOND)).toMatchObject({ ...expected, applied: [] });
      expect(of.writes).toEqual(['DeleteNetworkAclEntry']);
    },
  );

  test.each(rules)(
    'one whose open entry is replaced is left with only the replacement: %s',
    async (rule, isDefault) => {
      const theirs = { ...allowAll, protocol: '6', ports: { from: 443, to: 443 }, number: 100 };
      const initial = {
        ...EMPTY_STATE,
        vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
        acls: { [FIRST]: open(isDefault) },
      };
      const of = new ModelAccount(rule, initial, { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] });
      of.onWrite = () => {
        const acl = of.state.acls[FIRST] ?? open(isDefault);
        const entries = [theirs, ...acl.entries.filter(({ number }) => number !== 100)];
        of.set({ ...of.state, acls: { [FIRST]: { ...acl, entries } } });
      };

      const { inProgress } = await of.remediator.attempt(of.job(FIRST));
      await of.remediator.workOffLater();

      expect(of.state.acls[FIRST]?.entries).toEqual([theirs]);
      // A read without what was taken back may be from before it was added.
      expect(inProgress).toMatchObject([{ reason: expect.stringContaining('may be older than') }]);
      expect([...of.remediator.outcomes.values()]).toMatchObject([{ outcome: 'compliant' }]);
    },
  );
});

describe('pause and window', () => {
  const three = [openRule('sgr-1', 22, 22), openRule('sgr-2', 0, 22), openRule('sgr-3', 22, 80)];

  test('a pause between two changes of one group stops the rest; what was applied is recorded', async () => {
    const account = new GroupAccount({ [WEB]: three });
    account.after = (call) => {
      if (isWrite(call)) account.remediator.pause = 'all';
    };

    await account.remediator.attempt(account.job(SSH, WEB));

    expect(account.writes).toHaveLength(1);
    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      reason: expect.stringContaining('paused in eu-central-1'),
      applied: [{ line: expect.stringContaining('tcp') }],
    });
    expect(outcomeOf(account, WEB)?.applied).toHaveLength(1);
  });

  test('a pause between the calls of one change leaves the wide rule for later, and what was added for it', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    account.after = (call) => {
      if (isWrite(call)) account.remediator.pause = 'all';
    };

    const { inProgress } = await account.remediator.attempt(account.job(SSH, WEB));
    const amid = account.ports(WEB);
    account.after = () => {};
    account.remediator.pause = 'none';
    await account.remediator.attempt(account.remediator.lastLook);

    expect(inProgress).toMatchObject([
      { finding: { resource: WEB }, reason: expect.stringContaining('is paused in eu-central-1') },
    ]);
    expect(amid).toEqual(['tcp 20-21', 'tcp 20-443']);
    expect(account.writes).toHaveLength(2);
    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'remediated',
      applied: [{ change: { made: [{ fromPort: 20 }] } }, { change: { shrunk: { fromPort: 23 } } }],
    });
    expect(outcomeOf(account, WEB)).not.toHaveProperty('unconfirmed');
  });

  test('a pause that is set while AWS refuses to modify a rule leaves the rule unchanged', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 443)] });
    account.before = ({ operation }) => {
      if (operation !== 'ModifySecurityGroupRules') return;
      account.remediator.pause = 'all';
      throw sdkError('InvalidParameterCombination', 'refused', 400, 'r');
    };

    await account.remediator.attempt(account.job(SSH, WEB));

    const reason = expect.stringContaining('is paused in eu-central-1');
    expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'deferred', applied: [], reason });
    expect(outcomeOf(account, WEB)).not.toHaveProperty('unconfirmed');
    expect(account.writes).toEqual([]);
    expect(account.ports(WEB)).toEqual(['tcp 22-443']);
  });

  test('a maintenance window that closes between two changes has the same effect', async () => {
    const account = new GroupAccount({ [WEB]: three });
    const job = account.job(SSH, WEB);
    const window = { days: ['TUE' as const], start: '11:00', end: '12:03', time_zone: 'UTC' };
    account.remediator.settings = settingsOf({ rule: SSH, maintenance_window: window });
    account.after = (call) => {
      if (isWrite(call)) account.remediator.now += 240_000;
    };

    await account.remediator.attempt(job);

    expect(account.writes).toHaveLength(1);
    expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'deferred' });
  });

  test('time that runs out between two changes leaves the rest to the next attempt', async () => {
    const account = new GroupAccount({ [WEB]: three });
    const job = account.job(SSH, WEB);

    const first = await account.remediator.attempt(job, {
      remainingMilliseconds: () => (account.writes.length > 0 ? 20_000 : 60_000),
    });
    const writes = account.writes.length;
    await account.remediator.attempt(job, { number: 2 });

    expect(writes).toBe(1);
    expect(first.unfinished).toMatchObject([{ finding: { resource: WEB }, applied: [{}] }]);
    expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'remediated' });
    expect(outcomeOf(account, WEB)?.applied).toHaveLength(3);
  });
});

describe('our own earlier changes', () => {
  test('while AWS’s reads do not show them, nothing is changed, regardless of the rule', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 3389)] });
    await account.remediator.attempt(account.job(SSH, WEB));
    const ports = account.ports(WEB);
    const writes = account.writes.length;
    account.lags = () => true;

    const { inProgress, outcomes } = await account.remediator.attempt(account.job(RDP, WEB));
    const meanwhile = account.ports(WEB);
    account.lags = () => false;
    account.remediator.settings = settingsOf({ rule: RDP });
    await account.remediator.attempt(account.remediator.lastLook);

    expect(outcomes).toEqual([]);
    expect(inProgress).toMatchObject([
      {
        reason: expect.stringMatching(/^AWS's reads of sg-0000000a do not show yet what security-group-ssh/),
      },
    ]);
    expect(meanwhile).toEqual(ports);
    expect(account.writes.slice(0, writes)).toHaveLength(writes);
    // 22 stays closed, 3389 is closed.
    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-3388']);
  });

  test('that one read shows and the next one does not: no plan is based on the rule’s earlier state', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 3389)] });
    await account.remediator.attempt(account.job(SSH, WEB));
    const ports = account.ports(WEB);
    const writes = account.writes.length;
    let reads = 0;
    account.lags = ({ operation }) => {
      if (operation === 'DescribeSecurityGroupRules') reads += 1;
      // The first read is for the plan, and the second one checks for our own change.
      return reads !== 2;
    };

    const { inProgress } = await account.remediator.attempt(account.job(RDP, WEB));

    expect(inProgress).toMatchObject([{ reason: expect.stringContaining('do not show yet what') }]);
    expect(account.writes).toHaveLength(writes);
    expect(account.ports(WEB)).toEqual(ports);
  });

  test('from more than 15 minutes ago do not count', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
    await account.remediator.attempt(account.job(SSH, WEB));
    account.remediator.now += 16 * 60_000;
    account.setRules(WEB, [openRule('sgr-9', 22, 22)]);
    account.remediator.forget();
    const before = account.calls.length;

    await account.remediator.attempt({ ...account.job(SSH, WEB), chunk: 1 });

    expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'remediated' });
    expect(account.calls.slice(before).filter(isWrite)).toHaveLength(1);
  });

  test('if they cannot be read, nothing is changed, and the finding is retried', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
    const error = sdkError('AccessDenied', 'denied', 403, 'r');
    account.remediator.fault = (port) => (port === 'recall' ? error : undefined);

    const { unfinished } = await account.remediator.attempt(account.job(SSH, WEB));

    expect(unfinished).toMatchObject([{ error }]);
    expect(account.writes).toEqual([]);
  });

  test('if they cannot be written, the job is retried, and writes them then', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
    const { remediator } = account;
    const error = sdkError('AccessDenied', 'denied', 403, 'r');
    remediator.fault = (port) => (port === 'endLease' ? error : undefined);
    const first = await remediator.attempt(account.job(SSH, WEB));
    remediator.fault = () => undefined;

    const second = await remediator.attempt(account.job(SSH, WEB), { number: 2 });

    expect(first.failures).toEqual([error]);
    expect(second.failures).toEqual([]);
    expect(account.writes).toHaveLength(1);
    expect(remediator.table.changed.get(WEB)?.changes).toHaveLength(1);
  });
});

describe('an interrupted attempt', () => {
  /** The attempt ends after the write of the narrower rules. */
  async function cutAfterPieces(account: GroupAccount): Promise<void> {
    let steps = 0;
    let cutAt = 0;
    const probe = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    probe.after = ({ operation }) => {
      if (operation === 'AuthorizeSecurityGroupIngress') cutAt = steps;
    };
    await probe.remediator.attempt(probe.job(SSH, WEB), {
      onStep: () => {
        steps += 1;
      },
    });
    await account.remediator.attempt(account.job(SSH, WEB), { steps: cutAt });
  }

  test('takes back what it added for a rule that its owner revokes in the meantime, and records that', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    await cutAfterPieces(account);
    const cut = account.ports(WEB);
    account.setRules(
      WEB,
      (account.group(WEB)?.rules ?? []).filter(({ id }) => id !== 'sgr-1'),
    );

    await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });
    await account.remediator.workOffLater();

    expect(cut).toEqual(['tcp 20-21', 'tcp 20-443']);
    expect(account.ports(WEB)).toEqual([]);
    const outcome = outcomeOf(account, WEB);
    expect(outcome?.applied).toMatchObject([
      { line: expect.stringMatching(/\(in part\)$/), change: { made: [{ fromPort: 20 }] } },
      { line: expect.stringMatching(/^- ingress tcp 20-21/) },
    ]);
  });

  test('takes back what it added for a rule that still exists if the group is exempt now', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    await cutAfterPieces(account);
    account.tag(WEB, { [EXEMPTION_TAG]: 'migration until 2999-01-01' });
    const lag = 15 * 60_000;
    account.remediator.now += lag;

    await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });

    expect(account.ports(WEB)).toEqual(['tcp 20-443']);
    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'exempt',
      applied: [
        { line: expect.stringMatching(/\(in part\)$/) },
        { line: expect.stringMatching(/^- ingress tcp 20-21/) },
      ],
    });
  });

  test('is continued: what it had added is recorded before what depends on it, and nothing twice', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    await cutAfterPieces(account);

    await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });

    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'remediated',
      applied: [
        { line: expect.stringMatching(/\(in part\)$/), change: { made: [{ fromPort: 20 }] }, found: true },
        { change: { made: [], shrunk: { fromPort: 23 } } },
      ],
    });
    expect(outcomeOf(account, WEB)).not.toHaveProperty('unconfirmed');
  });

  test('leaves what another change of the job has added since, although it looks the same', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443), openRule('sgr-2', 20, 80)] });
    account.before = ({ operation }) => {
      if (operation === 'AuthorizeSecurityGroupIngress') throw sdkError('Unavailable', 'down', 503, 'r');
    };
    await account.remediator.attempt(account.job(SSH, WEB));
    account.before = () => {};
    account.setRules(WEB, [openRule('sgr-2', 20, 80)]);

    await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });

    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-80']);
    expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'remediated', applied: [{}] });
  });

  /** Another job shrinks a rule between two attempts, the second of which ends after its last write. */
  async function cutAfterAnother(steps?: number): Promise<{ account: GroupAccount; cutAt: number }> {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    const { remediator } = account;
    const job = account.job(SSH, WEB);
    account.before = () => {
      throw sdkError('Unavailable', 'down', 503, 'r');
    };
    await remediator.attempt(job);
    remediator.now += 60_000;
    const { tags: _, ...rule } = openRule('sgr-1', 0, 443);
    const before = { ...rule, tags: {} };
    const shrunk = openRule('sgr-1', 20, 443);
    const { id: __, ...after } = shrunk;
    const change = { kind: 'security-group-rule-shrink', resource: WEB, before, after, pieces: [], shrunk };
    const appliedAt = new Date(remediator.now).toISOString();
    const changes = [{ change, line: '~ ingress', appliedAt, requestIds: [], rule: RDP, job: 'another' }];
    remediator.table.changed.set(WEB, { account: ACCOUNT, region: 'eu-central-1', resource: WEB, changes });
    remediator.now += 60_000;
    let taken = 0;
    let cutAt = 0;
    account.before = () => {};
    account.after = ({ operation }) => {
      if (operation === 'ModifySecurityGroupRules') cutAt = taken;
    };
    const onStep = (): void => {
      taken += 1;
    };
    await remediator.attempt(job, { number: 2, onStep, ...(steps !== undefined && { steps }) });
    return { account, cutAt };
  }

  test('after it shrank what another job had shrunk before leaves its parts, and records all of it', async () => {
    const { cutAt } = await cutAfterAnother();
    const { account } = await cutAfterAnother(cutAt);

    await account.remediator.attempt(account.job(SSH, WEB), { number: 3 });
    await account.remediator.workOffLater();

    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'remediated',
      applied: [{ found: true, change: { made: [{ fromPort: 20 }], shrunk: { fromPort: 23 } } }],
    });
  });

  test('waits while reads may not show yet that the wide rule was shrunk, and leaves its parts', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    await cutAfterPieces(account);
    account.tag(WEB, { [EXEMPTION_TAG]: 'migration until 2999-01-01' });

    const { inProgress } = await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });

    expect(inProgress).toMatchObject([{ finding: { resource: WEB } }]);
    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 20-443']);
  });

  test('whose additions cannot be taken back fails, is retried, and ends when they are gone', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    await cutAfterPieces(account);
    account.setRules(
      WEB,
      (account.group(WEB)?.rules ?? []).filter(({ id }) => id !== 'sgr-1'),
    );
    account.before = (call) => {
      if (isWrite(call)) throw sdkError('UnauthorizedOperation', 'denied', 403, 'r');
    };

    const { unfinished } = await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });
    const first = structuredClone(outcomeOf(account, WEB));
    account.before = () => {};
    await account.remediator.attempt(account.job(SSH, WEB), { number: 3 });
    await account.remediator.workOffLater();

    expect(unfinished).toMatchObject([{ error: { name: 'TakeBackError' } }]);
    expect(first).toMatchObject({ outcome: 'failed', stillOpen: true, willRetry: true });
    expect(account.ports(WEB)).toEqual([]);
    expect(outcomeOf(account, WEB)).not.toHaveProperty('stillOpen');
  });

  test('is pending while paused: nothing is written', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    await cutAfterPieces(account);
    account.setRules(
      WEB,
      (account.group(WEB)?.rules ?? []).filter(({ id }) => id !== 'sgr-1'),
    );
    account.remediator.pause = 'all';
    const writes = account.writes.length;

    const paused = await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });
    const writesMeanwhile = account.writes.length;
    account.remediator.pause = 'none';
    await account.remediator.attempt(account.remediator.lastLook);

    expect(paused).toMatchObject({ outcomes: [], inProgress: [{ finding: { resource: WEB } }] });
    expect(writesMeanwhile).toBe(writes);
    expect(account.ports(WEB)).toEqual([]);
  });

  test('that began nothing claims nothing: what its owner fixed is compliant', async () => {
    const account = new GroupAccount({
      [WEB]: [openRule('sgr-1', 22, 22)],
      [API]: [openRule('sgr-2', 22, 22)],
    });
    let steps = 0;
    let cutAt = Number.POSITIVE_INFINITY;
    account.after = (call) => {
      if (isWrite(call)) cutAt = steps;
    };
    const job = account.job(SSH, WEB, API);
    const probe = new GroupAccount({
      [WEB]: [openRule('sgr-1', 22, 22)],
      [API]: [openRule('sgr-2', 22, 22)],
    });
    probe.after = (call) => {
      if (isWrite(call)) cutAt = Math.min(cutAt, steps);
    };
    for (const { remediator } of [account, probe])
      remediator.settings = settingsOf({ rule: SSH, breaker: ONE_AT_FIRST });
    await probe.remediator.attempt(job, {
      onStep: () => {
        steps += 1;
      },
    });
    await account.remediator.attempt(job, { steps: cutAt });
    account.setRules(API, []);

    await account.remediator.attempt(job, { number: 2 });
    await account.remediator.workOffLater();

    expect(outcomeOf(account, WEB)).toMatchObject({
      outcome: 'remediated',
      reason: expect.stringContaining('an earlier attempt at this job planned these changes'),
    });
    expect(outcomeOf(account, API)).toMatchObject({ outcome: 'compliant', applied: [] });
  });
});

test('a change that was not answered is found by the first read that must show it', async () => {
  const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
  account.after = (call) => {
    if (isWrite(call)) throw sdkError('Unavailable', 'the service is unavailable', 503, 'r');
  };
  let isLagging = true;
  account.lags = () => isLagging;
  await account.remediator.attempt(account.job(SSH, WEB));
  isLagging = false;

  await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });
  await account.remediator.workOffLater();

  expect(outcomeOf(account, WEB)).toMatchObject({
    applied: [{ line: expect.stringMatching(/^- ingress tcp 22/), found: true }],
  });
  expect(outcomeOf(account, WEB)).not.toHaveProperty('unconfirmed');
});

test('a change whose read failed before the write claims nothing: what its owner fixed is compliant', async () => {
  const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
  let reads = 0;
  account.before = ({ operation }) => {
    if (operation !== 'DescribeSecurityGroupRules') return;
    reads += 1;
    if (reads > 1) throw sdkError('Unavailable', 'down', 503, 'r');
  };
  const job = account.job(SSH, WEB);
  const first = await account.remediator.attempt(job);
  account.before = () => {};
  account.setRules(WEB, []);

  await account.remediator.attempt(job, { number: 2 });

  expect(first.unfinished).toMatchObject([{ applied: [] }]);
  expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'compliant', applied: [] });
});

describe('a change with several calls', () => {
  test('is recorded as far as it was made when a later call fails', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    account.before = ({ operation }) => {
      if (operation === 'ModifySecurityGroupRules') throw sdkError('Unavailable', 'down', 503, 'r');
    };

    const { unfinished } = await account.remediator.attempt(account.job(SSH, WEB));

    expect(unfinished).toMatchObject([
      { applied: [{ line: expect.stringMatching(/\(in part\)$/), change: { made: [{ fromPort: 20 }] } }] },
    ]);
  });

  test('is continued by the next attempt if the read before its last call fails', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    let isAdded = false;
    account.before = ({ operation }) => {
      if (isAdded) throw sdkError('Unavailable', 'down', 503, 'r');
      isAdded = operation === 'AuthorizeSecurityGroupIngress';
    };
    await account.remediator.attempt(account.job(SSH, WEB));
    const between = account.ports(WEB);
    account.before = () => {};

    const { inProgress } = await account.remediator.attempt(account.job(SSH, WEB), { number: 2 });

    expect(between).toEqual(['tcp 20-21', 'tcp 20-443']);
    expect(inProgress).toEqual([]);
    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomeOf(account, WEB)).toMatchObject({ outcome: 'remediated' });
  });
});
