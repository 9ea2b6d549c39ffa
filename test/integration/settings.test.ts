import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ACCOUNTS_KEY, ruleSettingsKey } from '../../lambdas/model/settings.ts';
import {
  type Deployed,
  expectWritesWithin,
  type Harness,
  nextMoment,
  startHarness,
} from './harness/harness.ts';
import { settingsJson } from './harness/product.ts';
import {
  ingressRules,
  itemOf,
  makeSecurityGroup,
  makeViolation,
  OFFICE,
  openPort,
  WORLD,
} from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const RDP = 'security-group-rdp-open';
const rulesOnPorts = [SSH, RDP] as const;
const enforce = { mode: 'enforce' } as const;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

describe('unusable settings stop the rule and say so', () => {
  test.each<[string, (deployed: Deployed) => Promise<unknown>, RegExp]>([
    [
      'missing settings',
      async () => {},
      /^settings in rules\/security-group-ssh-open\.json cannot be read; nothing is changed until this is fixed: NoSuchKey/,
    ],
    [
      'settings that are not JSON',
      ({ product }) => product.putSettingsText(ruleSettingsKey(SSH), 'mode = enforce'),
      /^settings in rules\/security-group-ssh-open\.json: they are not JSON; .*run terraform apply again/,
    ],
    [
      'settings in another form',
      ({ product }) => product.putSettingsText(ruleSettingsKey(SSH), '{"version":2,"mode":"yes"}'),
      /^settings in rules\/security-group-ssh-open\.json: .*mode: Invalid option/,
    ],
    [
      'settings of another rule',
      ({ product }) => product.putSettingsText(ruleSettingsKey(SSH), settingsJson(RDP, enforce)),
      /are for rule security-group-rdp-open/,
    ],
    [
      'an invalid value of an option',
      ({ product }) => product.putSettings(SSH, { ...enforce, options: { all_traffic: 'sometimes' } }),
      /^settings of security-group-ssh-open: options: all_traffic: /,
    ],
    [
      'a file of accounts that is not JSON',
      async ({ product }) => {
        await product.putSettings(SSH, enforce);
        await product.putSettingsText(ACCOUNTS_KEY, 'production');
      },
      /^settings in accounts\.json: they are not JSON/,
    ],
    [
      'an unknown value of the pause parameter',
      async ({ product }) => {
        await product.putSettings(SSH, enforce);
        await product.putPause('ssh');
      },
      /^unknown value "ssh" in pause "ssh": expected none, all, all\+undo, rule ids/,
    ],
    [
      'a missing pause parameter',
      async ({ product }) => {
        await product.putSettings(SSH, enforce);
        await product.deletePause();
      },
      /^parameter \/cspm-\d+\/pause cannot be read; nothing is changed until this is fixed: ParameterNotFound/,
    ],
  ])('%s', async (_, prepare, says) => {
    const deployed = await harness.deploy({ rules: {} });
    await prepare(deployed);
    const account = harness.account();
    const items = [
      await makeViolation(harness.endpoint, SSH, account),
      await makeViolation(harness.endpoint, SSH, account),
    ];
    const before = await deployed.snapshot(account);

    const { outcomes } = await deployed.run(SSH, items);

    const failed = { outcome: 'failed', willRetry: true, reason: expect.stringMatching(says), applied: [] };
    expect(outcomes).toMatchObject([failed, failed]);
    expect(deployed.metric('SettingsInvalid')).toEqual({ '': 1 });
    expect(deployed.messages('ERROR')).toContainEqual(expect.stringMatching(says));
    expect(deployed.writes()).toEqual([]);
    expect(await deployed.snapshot(account)).toEqual(before);
  });

  test('settings that AWS does not let the function read fail the findings', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    const item = await makeViolation(harness.endpoint, SSH, harness.account());
    harness.fault({
      service: 's3',
      operation: 'GetObject',
      when: ({ parameters }) => parameters['Key'] === ruleSettingsKey(SSH),
      effect: 'denied',
    });

    const { outcomes } = await deployed.run(SSH, [item]);

    expect(outcomes).toMatchObject([
      {
        outcome: 'failed',
        reason: expect.stringMatching(/^settings in rules\/.*\.json cannot be read; .*AccessDenied/),
      },
    ]);
    expect(deployed.writes()).toEqual([]);
  });
});

describe('modes', () => {
  test('off: nothing is read or changed', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: { mode: 'off' } } });
    const account = harness.account();
    const item = await makeViolation(harness.endpoint, SSH, account);
    harness.proxy.clear();

    const { outcomes } = await deployed.run(SSH, [item]);

    expect(outcomes).toMatchObject([
      {
        outcome: 'not_applicable',
        reason: expect.stringContaining(`rule ${SSH} is off for account ${account} `),
      },
    ]);
    expect(harness.proxy.calls.filter(({ service }) => service === 'sts' || service === 'ec2')).toEqual([]);
  });

  test('by account: each account has its own mode', async () => {
    const [enforced, planned, off] = [harness.account(0), harness.account(1), harness.account(2)];
    const deployed = await harness.deploy({
      rules: { [SSH]: { mode: 'dry_run', mode_by_account: { [enforced]: 'enforce', [off]: 'off' } } },
    });
    const items = await Promise.all(
      [enforced, planned, off].map((account) => makeViolation(harness.endpoint, SSH, account)),
    );
    const before = await Promise.all([planned, off].map((account) => deployed.snapshot(account)));

    const { outcomes } = await deployed.run(SSH, items);

    const byAccount = new Map(outcomes.map(({ finding, outcome }) => [finding.account, outcome]));
    expect(byAccount).toEqual(
      new Map([
        [enforced, 'remediated'],
        [planned, 'planned'],
        [off, 'not_applicable'],
      ]),
    );
    expect(await Promise.all([planned, off].map((account) => deployed.snapshot(account)))).toEqual(before);
    expectWritesWithin(
      deployed.writes(),
      outcomes.filter(({ finding }) => finding.account === enforced),
    );
  });

  test('by group, and lowered for all rules: outcomes name the versions that decided', async () => {
    const [released, lowered, excluded] = [harness.account(0), harness.account(1), harness.account(2)];
    const deployed = await harness.deploy({ rules: {} });
    const versions = {
      rule: await deployed.product.putSettings(SSH, { mode: 'dry_run', mode_by_group: { ours: 'enforce' } }),
      accounts: await deployed.product.putAccounts({
        groups: { ours: [released, lowered, excluded], production: [lowered], legacy: [excluded] },
        mode_by_group: { production: 'dry_run' },
        excluded_groups: ['legacy'],
      }),
    };
    const items = await Promise.all(
      [released, lowered, excluded].map((account) => makeViolation(harness.endpoint, SSH, account)),
    );

    const { outcomes } = await deployed.run(SSH, items);

    const byAccount = Object.fromEntries(outcomes.map(({ finding, outcome }) => [finding.account, outcome]));
    expect(byAccount).toEqual({
      [released]: 'remediated',
      [lowered]: 'planned',
      [excluded]: 'not_applicable',
    });
    expect(versions.rule).not.toBe('');
    expect(outcomes.map(({ settings }) => settings)).toEqual([versions, versions, versions]);
  });

  test('modes for 2,000 accounts and 500 exemptions of one rule', async () => {
    const [enforced, planned] = [harness.account(0), harness.account(1)];
    const modes = Object.fromEntries(
      Array.from({ length: 1_999 }, (_, index) => [String(700_000_000_000 + index), 'enforce'] as const),
    );
    const exempt = await makeViolation(harness.endpoint, SSH, enforced);
    const settings = {
      mode: 'dry_run',
      mode_by_account: { ...modes, [enforced]: 'enforce' },
      exemptions: [...many(499), { ...many(1)[0], account: '*', region: '*', resource: exempt.resource_id }],
    } as const;
    const deployed = await harness.deploy({ rules: { [SSH]: settings } });
    const items = [
      exempt,
      await makeViolation(harness.endpoint, SSH, enforced),
      await makeViolation(harness.endpoint, SSH, planned),
    ];

    const { outcomes } = await deployed.run(SSH, items);

    const of = new Map(outcomes.map(({ finding, outcome }) => [finding.resource, outcome]));
    expect(items.map(({ resource_id }) => of.get(resource_id))).toEqual(['exempt', 'remediated', 'planned']);
  });
});

describe('exemptions', () => {
  const exemption = { account: '*', region: '*', reason: 'bastion', owner: 'network team' };
  const tag = 'cspm-auto-remediation:exempt';

  test('in the settings: the resource is not even read; an exemption that has ended no longer counts, and is reported', async () => {
    const account = harness.account();
    const exempt = await makeViolation(harness.endpoint, SSH, account);
    const ended = await makeViolation(harness.endpoint, SSH, account);
    const deployed = await harness.deploy({
      rules: {
        [SSH]: {
          ...enforce,
          exemptions: [
            { ...exemption, resource: exempt.resource_id, expires: '2099-12-31' },
            { ...exemption, resource: ended.resource_id, expires: '2025-12-31' },
          ],
        },
      },
    });

    const { outcomes } = await deployed.run(SSH, [exempt, ended]);

    const of = new Map(outcomes.map((outcome) => [outcome.finding.resource, outcome]));
    expect(of.get(exempt.resource_id)).toMatchObject({
      outcome: 'exempt',
      reason:
        "bastion (network team, until 2099-12-31); to end it earlier, remove it from the rule's exemptions",
      plan: [],
    });
    expect(of.get(ended.resource_id)).toMatchObject({
      outcome: 'remediated',
      endedExemptions: ['bastion (network team), ended on 2025-12-31'],
    });
    expectWritesWithin(deployed.writes(), outcomes);
  });

  test.each([
    [
      'that is valid: the resource is exempt',
      'bastion until 2099-12-31',
      'exempt',
      /^bastion \(tag, until 2099-12-31\); to end it earlier/,
    ],
    [
      'that is malformed: the finding fails',
      'please leave this',
      'failed',
      /is "please leave this": expected "<reason> until <last day>"/,
    ],
  ])('by a tag %s', async (_, value, outcome, reason) => {
    const account = harness.account();
    const group = await makeSecurityGroup(harness.endpoint, account, openPort(22), {
      tags: { [tag]: value },
    });
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    const before = await deployed.snapshot(account);

    const { outcomes } = await deployed.run(SSH, [itemOf(SSH, { account_id: account, resource_id: group })]);

    expect(outcomes).toMatchObject([
      { outcome, reason: expect.stringMatching(asPattern(reason)), applied: [] },
    ]);
    expect(deployed.writes()).toEqual([]);
    expect(await deployed.snapshot(account)).toEqual(before);
  });

  test('by a tag that has ended: the resource is remediated, and the end reported', async () => {
    const account = harness.account();
    const group = await makeSecurityGroup(harness.endpoint, account, openPort(22), {
      tags: { [tag]: 'bastion until 2025-12-31' },
    });
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });

    const { outcomes } = await deployed.run(SSH, [itemOf(SSH, { account_id: account, resource_id: group })]);

    expect(outcomes).toMatchObject([
      { outcome: 'remediated', endedExemptions: ['bastion (tag), ended on 2025-12-31'] },
    ]);
  });
});

describe('pause', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each(['all', `${RDP}, ${SSH}`])(
    '%s: findings are deferred with their plan, and nothing is changed',
    async (value) => {
      const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
      await deployed.product.putPause(value);
      const account = harness.account();
      const item = await makeViolation(harness.endpoint, SSH, account);
      const before = await deployed.snapshot(account);

      const { outcomes } = await deployed.run(SSH, [item]);

      expect(outcomes).toMatchObject([
        {
          outcome: 'deferred',
          willRetry: true,
          reason: expect.stringContaining('is paused in eu-central-1'),
          plan: [{}],
          applied: [],
        },
      ]);
      expect(deployed.writes()).toEqual([]);
      expect(await deployed.snapshot(account)).toEqual(before);
    },
  );

  test('of an account: its findings are deferred, those of other accounts are not', async () => {
    const [held, other] = [harness.account(0), harness.account(1)];
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    await deployed.product.putPause(`account:${held}`);
    const items = await Promise.all(
      [held, other].map((account) => makeViolation(harness.endpoint, SSH, account)),
    );

    const { outcomes } = await deployed.run(SSH, items);

    const byAccount = Object.fromEntries(outcomes.map(({ finding, outcome }) => [finding.account, outcome]));
    expect(byAccount).toEqual({ [held]: 'deferred', [other]: 'remediated' });
  });

  test('of another rule: this rule continues', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    await deployed.product.putPause(RDP);

    const { outcomes } = await deployed.run(SSH, [
      await makeViolation(harness.endpoint, SSH, harness.account()),
    ]);

    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
  });

  test('between two findings of a job: the second one is left alone', async () => {
    // With this breaker, the first finding is changed alone.
    const breaker = { changes: 1, failed_percent: 100 };
    const deployed = await harness.deploy({ rules: { [SSH]: { ...enforce, breaker } } });
    const account = harness.account();
    const items = [
      await makeViolation(harness.endpoint, SSH, account),
      await makeViolation(harness.endpoint, SSH, account),
    ];
    const [first, second] = items.map(({ resource_id }) => resource_id);
    const before = await deployed.snapshot(account);
    const pausing = harness.proxy.intercept(async ({ operation }) => {
      if (operation === 'ModifySecurityGroupRules') {
        pausing.remove();
        await deployed.product.putPause('all');
        // The function's copy of the parameter is six seconds old by then.
        const now = Date.now.bind(Date);
        vi.spyOn(Date, 'now').mockImplementation(() => now() + 6_000);
      }
      return undefined;
    });

    const { outcomes } = await deployed.run(SSH, items);

    const of = new Map(outcomes.map((outcome) => [outcome.finding.resource, outcome]));
    expect(of.get(first ?? '')).toMatchObject({ outcome: 'remediated' });
    expect(of.get(second ?? '')).toMatchObject({ outcome: 'deferred', plan: [{}], applied: [] });
    const about = (lines: readonly string[]) => lines.filter((line) => line.includes(second ?? ''));
    expect(about(await deployed.snapshot(account))).toEqual(about(before));
    expectWritesWithin(
      deployed.writes(),
      outcomes.filter(({ finding }) => finding.resource === first),
    );
  });
});

describe('two rules on one resource', () => {
  test('a group that is open for SSH and RDP is fixed for both, and keeps its other ports', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: enforce, [RDP]: enforce } });
    const account = harness.account();
    const group = await makeSecurityGroup(harness.endpoint, account, [
      { IpProtocol: 'tcp', FromPort: 20, ToPort: 4000, IpRanges: [{ CidrIp: WORLD, Description: 'all' }] },
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: OFFICE }] },
    ]);
    const items = rulesOnPorts.map((rule) => itemOf(rule, { account_id: account, resource_id: group }));
    const asOf = nextMoment();
    harness.tenant.setFindings(items);

    // Both jobs are queued before the first is processed.
    await deployed.collect({ rule: SSH, asOf });
    await deployed.collect({ rule: RDP, asOf });
    await deployed.work();
    const ssh = await deployed.resultOf({ rule: SSH, asOf }, 1);
    const rdp = await deployed.resultOf({ rule: RDP, asOf }, 1);

    expect([...ssh.outcomes, ...rdp.outcomes]).toMatchObject([
      { outcome: 'remediated' },
      { outcome: 'remediated' },
    ]);
    expect(await ingressRules(harness.endpoint, account, group)).toEqual([
      `tcp 20-21 ${WORLD} all`,
      `tcp 22-22 ${OFFICE} `,
      `tcp 23-3388 ${WORLD} all`,
      `tcp 3390-4000 ${WORLD} all`,
    ]);
    expectWritesWithin(deployed.writes(), [...ssh.outcomes, ...rdp.outcomes]);
  });
});

function many(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    account: '123456789012',
    region: 'eu-west-1',
    resource: `sg-${index.toString(16).padStart(17, '0')}`,
    reason: `agreed with the security team in ticket ${index}`,
    owner: 'application team',
    expires: '2099-12-31',
  }));
}

function asPattern(words: string | RegExp): RegExp {
  return typeof words === 'string' ? new RegExp(`^${words.replaceAll(/[()]/g, '\\$&')}$`) : words;
}
