import { beforeEach, expect, test } from 'vitest';
import { GroupAccount, openRule, RDP, SSH } from '../remediator/support/group-account.ts';
import { ACCOUNT, REGION } from '../remediator/support/remediator-in-memory.ts';

const ADMIN = 'security-group-admin-ports-open';
const GROUP = 'sg-0000000a';
let account: GroupAccount;

beforeEach(() => {
  account = new GroupAccount({ [GROUP]: [openRule('sgr-01', 22, 22), openRule('sgr-02', 3389, 3389)] });
});

/** Runs a job of a rule for the group, and lets AWS's reads catch up. */
async function work(rule: string) {
  const { outcomes } = await account.remediator.attempt(account.job(rule, GROUP));
  account.remediator.now += 20 * 60_000;
  return outcomes;
}

test('a port that one rule has closed is compliant for the others', async () => {
  const [first] = await work(ADMIN);
  const others = [await work(SSH), await work(RDP)].flat();

  expect(first).toMatchObject({ outcome: 'remediated', applied: [{}, {}] });
  expect(others).toMatchObject([
    { outcome: 'compliant', applied: [] },
    { outcome: 'compliant', applied: [] },
  ]);
  expect(account.ports(GROUP)).toEqual([]);
});

test('the newer rule closes only what the older rules have left open', async () => {
  await work(SSH);
  const [second] = await work(ADMIN);

  expect(second).toMatchObject({
    outcome: 'remediated',
    applied: [{ line: expect.stringContaining('3389') }],
  });
});

test('a hold on the group defers the findings of all rules', async () => {
  account.remediator.table.holds.push({
    name: { account: ACCOUNT, region: REGION, resource: GROUP, rule: '*' },
    by: 'Ada',
    reason: 'the auditors look at it',
  });

  expect([await work(ADMIN), await work(SSH)].flat()).toMatchObject([
    { outcome: 'deferred', gate: 'hold' },
    { outcome: 'deferred', gate: 'hold' },
  ]);
});

test.each([
  ['the newer', ADMIN, SSH],
  ['the older', SSH, ADMIN],
])('limits count a group once, for the rule that closes it: %s first', async (_, first, second) => {
  account = new GroupAccount({ [GROUP]: [openRule('sgr-01', 22, 22)] });

  await work(first);
  const counted = account.remediator.counts.used(first, ACCOUNT);
  const [other] = (await account.remediator.attempt(account.job(second, GROUP))).outcomes;

  expect(counted).toBe(1);
  expect(other).toMatchObject({ outcome: 'compliant' });
  expect(account.remediator.counts.used(second, ACCOUNT)).toBe(0);
});
