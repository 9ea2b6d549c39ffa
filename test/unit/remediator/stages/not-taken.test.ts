import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { initialState, SUBJECTS } from '../../../chaos/writes/subjects.ts';
import { sdkError } from '../../../lab/aws-model/session.ts';
import { EMPTY_STATE, type NetworkAcl, withEntry } from '../../../lab/aws-model/state.ts';
import { GroupAccount, openRule, SSH } from '../support/group-account.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT, settingsOf } from '../support/remediator-in-memory.ts';

const WEB = 'sg-0000000a';

const refusals = {
  throttled: () => sdkError('RequestLimitExceeded', 'request limit exceeded', 503, 'r'),
  expired: () => sdkError('RequestExpired', 'request has expired', 400, 'r'),
} as const;

const outcomesOf = ({ remediator }: ModelAccount | GroupAccount): Outcome[] => [
  ...remediator.outcomes.values(),
];

/** Acts after the first write was refused, before it is sent again. @returns the account */
function accountOf(
  { rule, options = {}, ...subject }: (typeof SUBJECTS)[number],
  refusal: () => Error,
  act: (account: ModelAccount) => void,
): ModelAccount {
  const account = new ModelAccount(rule, initialState({ rule, ...subject }), { ...options });
  account.beforeWrite = () => {
    account.beforeWrite = () => {};
    act(account);
    throw refusal();
  };
  return account;
}

describe.each(SUBJECTS.filter(({ method }) => method !== 'runbook').map((subject) => [subject] as const))(
  'before a call that AWS did not accept is sent again ($rule, $what)',
  (subject) => {
    const jobOf = (account: ModelAccount) => account.job(subject.resource);

    test.each(Object.entries(refusals))('the pause is read (%s)', async (_, refusal) => {
      const account = accountOf(subject, refusal, ({ remediator }) => {
        remediator.pause = 'all';
      });

      await account.remediator.attempt(jobOf(account));

      expect(account.writes).toEqual([]);
      expect(outcomesOf(account)).toMatchObject([{ outcome: 'deferred', applied: [] }]);
      expect(outcomesOf(account)[0]).not.toHaveProperty('unconfirmed');
    });

    test('the resource is read', async () => {
      const account = accountOf(subject, refusals.throttled, (of) => of.set(EMPTY_STATE));

      await account.remediator.attempt(jobOf(account));

      expect(account.writes).toEqual([]);
      // A database that is gone has no public snapshot.
      const outcome = expect.stringMatching(/^(gone|compliant)$/);
      expect(outcomesOf(account)).toMatchObject([{ outcome, applied: [] }]);
      expect(outcomesOf(account)[0]).not.toHaveProperty('unconfirmed');
    });
  },
);

describe('during a change, before a call that AWS did not accept is sent again', () => {
  /** The group with a rule for ports 20 to 443. `act` is what its owner does after the shrinking was refused. */
  function groupWith(act: (account: GroupAccount) => void, refusal: () => Error = refusals.throttled) {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    let isRefused = false;
    account.before = ({ operation }) => {
      if (operation !== 'ModifySecurityGroupRules' || isRefused) return;
      isRefused = true;
      act(account);
      throw refusal();
    };
    return account;
  }

  test.each(Object.entries(refusals))('the change continues if nobody acted (%s)', async (_, refusal) => {
    const account = groupWith(() => {}, refusal);

    await account.remediator.attempt(account.job(SSH, WEB));

    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'remediated', applied: [{}] }]);
    expect(outcomesOf(account)[0]).not.toHaveProperty('unconfirmed');
  });

  test.each([
    { what: 'revokes the wide rule', rules: [], ports: [], outcome: 'compliant' },
    {
      what: 'narrows it',
      rules: [openRule('sgr-1', 22, 30)],
      ports: ['tcp 23-30'],
      outcome: 'remediated',
    },
  ])('no traffic is newly allowed if its owner $what', async ({ rules, ports, outcome }) => {
    const account = groupWith((of) => of.setRules(WEB, rules));

    await account.remediator.attempt(account.job(SSH, WEB));

    expect(account.ports(WEB)).toEqual(ports);
    expect(outcomesOf(account)).toMatchObject([{ outcome }]);
  });

  test('a pause stops it, and it is continued when the pause ends', async () => {
    const account = groupWith(({ remediator }) => {
      remediator.pause = 'all';
    });
    const { remediator } = account;

    await remediator.attempt(account.job(SSH, WEB));
    const held = account.ports(WEB);
    remediator.pause = 'none';
    for (const { job, delaySeconds } of remediator.later.splice(0)) {
      remediator.now += delaySeconds * 1_000;
      await remediator.attempt(job);
    }

    expect(held).toEqual(['tcp 20-21', 'tcp 20-443']);
    expect(account.ports(WEB)).toEqual(['tcp 20-21', 'tcp 23-443']);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'remediated' }]);
  });

  const ACL = 'acl-0000000a';
  const open: NetworkAcl = {
    owner: ACCOUNT,
    vpc: 'vpc-0123abcd',
    isDefault: false,
    subnets: ['subnet-0123abcd'],
    tags: {},
    quota: 20,
    entries: [{ number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null }],
  };

  test.each(['CreateNetworkAclEntry', 'ReplaceNetworkAclEntry'])(
    'nothing is added to a network ACL whose open entry its owner has deleted (%s)',
    async (operation) => {
      const initial = {
        ...EMPTY_STATE,
        vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
        acls: { [ACL]: open },
      };
      const replacement_cidrs = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
      const account = new ModelAccount('network-acl-subnet-allows-all', initial, { replacement_cidrs });
      let calls = 0;
      account.beforeWrite = (each) => {
        // At the second entry, one has already been created.
        if (each === operation) calls += 1;
        if (calls !== (operation === 'CreateNetworkAclEntry' ? 2 : 1)) return;
        calls += 9;
        const now = account.state.acls[ACL] ?? open;
        const entries = now.entries.filter(({ number }) => number !== 100);
        account.set({ ...account.state, acls: withEntry(account.state.acls, ACL, { ...now, entries }) });
        throw refusals.throttled();
      };

      await account.remediator.attempt(account.job(ACL));
      await account.remediator.workOffLater();

      expect(account.state.acls[ACL]?.entries).toEqual([]);
      expect(outcomesOf(account)).toMatchObject([{ outcome: 'compliant' }]);
      expect(account.writes).not.toContain('ReplaceNetworkAclEntry');
    },
  );

  test('what was added is taken back, even if AWS also throttles that', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    let throttles = 2;
    const added = () => account.group(WEB)?.rules.filter(({ id }) => id !== 'sgr-1') ?? [];
    account.before = ({ operation }) => {
      // Its owner revokes the wide rule: what was added for it stays.
      if (operation === 'ModifySecurityGroupRules') account.setRules(WEB, added());
      if (operation !== 'RevokeSecurityGroupIngress' || throttles === 0) return;
      throttles -= 1;
      throw refusals.throttled();
    };

    await account.remediator.attempt(account.job(SSH, WEB));
    await account.remediator.workOffLater();

    expect(throttles).toBe(0);
    expect(account.ports(WEB)).toEqual([]);
    expect(outcomesOf(account)).toMatchObject([{ outcome: 'compliant' }]);
  });
});

test('a call that AWS never accepts is left to the next attempt', async () => {
  const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 22, 22)] });
  account.remediator.settings = settingsOf({ rule: SSH });
  let sends = 0;
  account.before = ({ operation }) => {
    if (operation.startsWith('Describe')) return;
    sends += 1;
    throw refusals.throttled();
  };

  const { unfinished } = await account.remediator.attempt(account.job(SSH, WEB));

  expect(sends).toBe(4);
  expect(unfinished).toMatchObject([{ error: { name: 'RequestLimitExceeded' } }]);
  expect(outcomesOf(account)).toEqual([]);
});
