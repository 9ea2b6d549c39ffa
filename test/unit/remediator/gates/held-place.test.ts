import { beforeEach, expect, test } from 'vitest';
import type { HoldName } from '../../../../lambdas/model/operator-items.ts';
import { heldPlace } from '../../../../lambdas/remediator/gates/held-place.ts';
import { gateContext } from '../support/gate-context.ts';
import { ACCOUNT, findingOf, RemediatorInMemory, RULE } from '../support/remediator-in-memory.ts';

const on: HoldName = { account: ACCOUNT, region: 'global', resource: '*', rule: '*' };
const hold = { reason: 'the auditors are checking it', by: 'Ada' };
const finding = findingOf('deploy');

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory();
});

test.each<[string, Partial<HoldName>, string]>([
  [
    'the account, permanently',
    { region: '*' },
    `account ${ACCOUNT} is held for all rules by Ada until it is released: the auditors are checking it; to release it earlier: cspm-remediation release --account ${ACCOUNT}`,
  ],
  [
    'the region, for one rule',
    { rule: RULE },
    `account ${ACCOUNT} in global is held for ${RULE} by Ada until it is released: the auditors are checking it; to release it earlier: cspm-remediation release --account ${ACCOUNT} --region global --rule ${RULE}`,
  ],
])('a hold on %s', async (_, name, reason) => {
  remediator.table.holds.push({ name: { ...on, ...name }, ...hold });

  const verdict = await heldPlace(finding, gateContext({}, remediator));

  expect(verdict).toMatchObject({ outcome: 'deferred', details: { gate: 'hold', willRetry: true, reason } });
});

test.each<[string, Partial<HoldName>]>([
  ['a resource that only the plan names', { resource: 'deploy' }],
  ['another rule', { rule: 's3-bucket-public' }],
  ['another region', { region: 'eu-central-1' }],
  ['another account', { account: '999999999999' }],
])('a hold on %s lets the finding be read', async (_, name) => {
  remediator.table.holds.push({ name: { ...on, ...name }, ...hold });

  expect(await heldPlace(finding, gateContext({}, remediator))).toBeUndefined();
});

test('a hold is effective until the end of its last day', async () => {
  const day = (moment: number): string => new Date(moment).toISOString().slice(0, 10);
  const ask = async (until: string) => {
    remediator.table.holds.splice(0, 1, { name: on, ...hold, until });
    return heldPlace(finding, gateContext({}, remediator));
  };

  const counting = await ask(day(remediator.now));
  const over = await ask(day(remediator.now - 86_400_000));

  expect(counting?.details.reason).toContain(
    `by Ada until ${day(remediator.now)}: the auditors are checking it; to release it earlier: cspm-remediation release`,
  );
  expect(over).toBeUndefined();
});

test('what a job began before its account was held is followed until it is complete', async () => {
  remediator.table.holds.push({ name: { ...on, region: '*', resource: '*' }, ...hold });
  const context = gateContext({}, remediator);

  const untouched = await heldPlace(finding, context);
  context.journal.apply('deploy', [
    {
      change: { kind: 'k', resource: 'deploy' },
      line: '~',
      appliedAt: '2026-06-30T11:00:00Z',
      requestIds: [],
    },
  ]);
  const begun = await heldPlace(finding, context);

  expect(untouched).toMatchObject({ outcome: 'deferred' });
  expect(begun).toBeUndefined();
});
