import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, nextMoment, startHarness } from './harness/harness.ts';
import { makeViolation } from './harness/violations.ts';

const RULE = 's3-bucket-public';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

test('findings that a complete poll no longer returns are closed, and counted separately', async () => {
  const deployed = await harness.deploy({ rules: { [RULE]: { mode: 'dry_run' } } });
  deployed.closesMissing = true;
  const item = await makeViolation(harness.endpoint, RULE, harness.account());
  await deployed.run(RULE, [item]);
  const asOf = nextMoment();
  harness.tenant.setFindings([]);

  const { thrown } = await deployed.collect({ rule: RULE, asOf });
  await deployed.work();

  expect(thrown).toBeUndefined();
  const { summary } = await deployed.resultOf({ rule: RULE, asOf }, 0);
  expect(summary).toMatchObject({ items: 0, findings: 0, closed: 1 });
  const lines = await deployed.product.outcomeLines(RULE, asOf);
  expect(lines).toMatchObject([{ outcome: 'closed', finding: { resource: item.resource_id }, applied: [] }]);
  expect(deployed.metric('Closed')).toEqual({ [RULE]: 1 });
});
