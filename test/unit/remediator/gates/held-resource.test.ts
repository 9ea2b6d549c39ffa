import { beforeEach, expect, test } from 'vitest';
import { releaseCommand } from '../../../../lambdas/model/operator-commands.ts';
import type { HoldName } from '../../../../lambdas/model/operator-items.ts';
import { firstVerdict } from '../../../../lambdas/remediator/gates/gate.ts';
import { heldResource } from '../../../../lambdas/remediator/gates/held-resource.ts';
import { gateContext } from '../support/gate-context.ts';
import {
  ACCOUNT,
  findingOf,
  jobOf,
  ONE_AT_FIRST,
  RemediatorInMemory,
  RULE,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const on: HoldName = { account: ACCOUNT, region: 'global', resource: 'AKIA-1', rule: '*' };
const hold = { reason: 'the auditors are checking it', by: 'Ada' };
const TRAIL = `arn:aws:cloudtrail:eu-central-1:${ACCOUNT}:trail/audit`;
const finding = findingOf('deploy');
const changes = [{ kind: 'k', resource: 'AKIA-1' }];

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory();
});

const ask = (name: Partial<HoldName>, more: object = {}) => {
  remediator.table.holds.push({ name: { ...on, ...name }, ...hold, ...more });
  return heldResource(finding, { ...gateContext({}, remediator), changes });
};

test.each<[string, Partial<HoldName>, RegExp]>([
  ['the resource that would be changed', {}, /^AKIA-1 is held for all rules by Ada until it is released: /],
  ['the resource that the finding names', { resource: 'deploy' }, /^deploy is held/],
  ['the resource for its rule', { rule: RULE }, /^AKIA-1 is held for iam-access-key-unrotated by Ada/],
  ['the account', { region: '*', resource: '*' }, /^account 111122223333 is held for all rules/],
  ['the region', { resource: '*' }, /^account 111122223333 in global is held for all rules/],
])('a hold on %s', async (_, name, says) => {
  const verdict = await ask(name);

  expect(verdict).toMatchObject({ outcome: 'deferred', details: { willRetry: true } });
  expect(verdict?.details.reason).toMatch(says);
  expect(verdict?.details.reason).toContain(
    `the auditors are checking it; to release it earlier: ${releaseCommand({ ...on, ...name })}`,
  );
});

test.each<[string, Partial<HoldName>]>([
  ['another resource', { resource: 'AKIA-2' }],
  ['another rule', { rule: 's3-bucket-public' }],
  ['another region', { region: 'eu-central-1' }],
  ['another account', { account: '999999999999' }],
])('a hold on %s has no effect here', async (_, name) => {
  expect(await ask(name)).toBeUndefined();
});

test.each([
  ['eu-central-1', TRAIL],
  ['us-east-1', TRAIL],
])(
  'one hold on a resource that names its own region is effective for its findings from %s',
  async (region, resource) => {
    remediator.table.holds.push({ name: { ...on, region: '*', resource }, ...hold });

    const verdict = await heldResource(
      { ...finding, region, resource },
      { ...gateContext({}, remediator), changes: [] },
    );

    expect(verdict).toMatchObject({ outcome: 'deferred', details: { gate: 'hold' } });
    expect(verdict?.details.reason).toMatch(`cspm-remediation release ${TRAIL} --account ${ACCOUNT}`);
  },
);

test('a hold is effective until the end of its last day', async () => {
  const today = new Date(remediator.now).toISOString().slice(0, 10);
  const yesterday = new Date(remediator.now - 86_400_000).toISOString().slice(0, 10);

  const counting = await ask({}, { until: today });
  remediator.table.holds.length = 0;
  const over = await ask({}, { until: yesterday });

  expect(counting?.details.reason).toContain(`by Ada until ${today}: `);
  expect(over).toBeUndefined();
});

test('a hold that cannot be parsed is effective, and the reason says what was expected', async () => {
  remediator.table.holds.push({ name: on, problem: 'until: Invalid ISO date' });

  const verdict = await heldResource(finding, { ...gateContext({}, remediator), changes });

  expect(verdict).toMatchObject({
    outcome: 'failed',
    details: {
      willRetry: true,
      reason: expect.stringMatching(/^the hold hold#111122223333#global#AKIA-1 \/ \* cannot be parsed.*ISO/),
    },
  });
});

test('while holds cannot be read, nothing is changed', async () => {
  const error = new Error('throttled');
  remediator.fault = (port) => (port === 'readOperatorItems' ? error : undefined);

  const verdict = await firstVerdict([heldResource], finding, { ...gateContext({}, remediator), changes });

  expect(verdict).toMatchObject({ state: 'retry', error });
});

test('a dry run reads no holds', async () => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
  remediator.settings = settingsOf({ mode: 'dry_run' });
  remediator.table.holds.push({ name: { ...on, resource: 'deploy' }, ...hold });

  await remediator.attempt(jobOf('deploy'));

  expect(remediator.names).toEqual({ deploy: 'planned' });
  expect(remediator.operatorQuestions).toEqual([]);
});

test('a whole job: the held user keeps the key, with its plan in the outcome, the other does not', async () => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'], other: ['AKIA-2'] });
  remediator.settings = settingsOf();
  remediator.table.holds.push({ name: { ...on, resource: 'deploy' }, ...hold });

  await remediator.attempt(jobOf('deploy', 'other'));

  expect(remediator.names).toEqual({ deploy: 'deferred', other: 'remediated' });
  expect(remediator.outcome('deploy')).toMatchObject({ applied: [], willRetry: true });
  expect(remediator.outcome('deploy')?.plan).toHaveLength(1);
});

/** Does something at a write that takes a given time. */
const atWrite = (number: number, milliseconds: number, act: () => void): void => {
  let writes = 0;
  remediator.account.fault = ({ operation }) => {
    if (operation !== 'UpdateAccessKey') return undefined;
    writes += 1;
    remediator.now += milliseconds;
    if (writes === number) act();
    return undefined;
  };
};

test('a hold that is set while a job is running is effective for changes a few seconds later', async () => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'], other: ['AKIA-2'] });
  remediator.settings = settingsOf({ breaker: ONE_AT_FIRST });
  atWrite(1, 2_000, () => remediator.table.holds.push({ name: { ...on, resource: 'other' }, ...hold }));

  await remediator.attempt(jobOf('deploy', 'other'));

  expect(remediator.names).toMatchObject({ deploy: 'remediated', other: 'deferred' });
});

test.each([
  ['the finding’s resource', { resource: 'deploy' }],
  ['its account', { region: '*', resource: '*' }],
])('a hold on %s that is set while a plan of 26 changes is applied stops it', async (_, name) => {
  remediator = new RemediatorInMemory({ deploy: Array.from({ length: 26 }, (__, key) => `AKIA-${key}`) });
  atWrite(4, 500, () => remediator.table.holds.push({ name: { ...on, ...name }, ...hold }));

  await remediator.attempt(jobOf('deploy'));

  const changed = remediator.account.changed.length;
  expect(changed).toBeGreaterThanOrEqual(4);
  // The earlier answer is cached for two seconds.
  expect(changed).toBeLessThanOrEqual(8);
  expect(remediator.outcome('deploy')).toMatchObject({
    outcome: 'deferred',
    gate: 'hold',
    applied: { length: changed },
    plan: { length: 26 },
  });
});

test('one read covers the holds for all plans, and there is at most one read in two seconds', async () => {
  const keys = Array.from({ length: 12 }, (_, key) => `AKIA-${key}`);
  const users = ['one', 'two'];
  remediator = new RemediatorInMemory(Object.fromEntries(users.map((user) => [user, keys])));
  atWrite(0, 450, () => {});

  await remediator.attempt(jobOf(...users));

  const questions = remediator.operatorQuestions.map(({ at }) => at);
  // The second read covers what plans name in addition.
  const gaps = questions.slice(2).map((at, index) => at - (questions[index + 1] ?? at));
  expect(remediator.account.changed).toHaveLength(24);
  expect(gaps.length).toBeGreaterThan(1);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2_000);
});
