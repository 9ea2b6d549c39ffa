import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatTenantTime } from '../lab/tenant/time.ts';
import { expectWritesWithin, type Harness, startHarness } from './harness/harness.ts';
import { makeViolation, type TestedRule } from './harness/violations.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const rules: readonly TestedRule[] = [
  'security-group-ssh-open',
  's3-bucket-public',
  'iam-access-key-unrotated',
];

describe('the whole path', () => {
  test.each(rules)('%s: a dry run shows what enforcement then does, and changes nothing', async (rule) => {
    const deployed = await harness.deploy({ rules: { [rule]: { mode: 'dry_run' } } });
    const account = harness.account();
    const item = await makeViolation(harness.endpoint, rule, account);
    const before = await deployed.snapshot(account);

    const dryRun = await deployed.run(rule, [item]);

    expect(dryRun.outcomes).toMatchObject([{ outcome: 'planned', mode: 'dry_run', applied: [] }]);
    expect(deployed.writes()).toEqual([]);
    expect(await deployed.snapshot(account)).toEqual(before);

    await deployed.product.putSettings(rule, { mode: 'enforce' });
    deployed.coldStart();
    const enforced = await deployed.run(rule, [item]);

    expect(enforced.outcomes).toMatchObject([{ outcome: 'remediated', mode: 'enforce' }]);
    expect(enforced.outcomes[0]?.plan).toEqual(dryRun.outcomes[0]?.plan);
    expect(enforced.outcomes[0]?.applied.map(({ line }) => line)).toEqual(
      dryRun.outcomes[0]?.plan.map(({ line }) => line),
    );
    expectWritesWithin(deployed.writes(), dryRun.outcomes);
    expect(await deployed.snapshot(account)).not.toEqual(before);

    const again = await deployed.run(rule, [item]);
    const scanned = { ...item, last_scan_time: formatTenantTime(new Date(Date.now() + 1000)) };
    const afterScan = await deployed.run(rule, [scanned]);

    expect(again.outcomes).toMatchObject([{ outcome: 'awaiting_scan', plan: [] }]);
    expect(afterScan.outcomes).toMatchObject([{ outcome: 'compliant', plan: [] }]);
  });

  test('a dry run is published even when the answer to writing its outcome is lost', async () => {
    const deployed = await harness.deploy({ rules: { 's3-bucket-public': { mode: 'dry_run' } } });
    const item = await makeViolation(harness.endpoint, 's3-bucket-public', harness.account());
    const fault = harness.fault({
      service: 's3',
      operation: 'PutObject',
      text: '/outcomes/',
      times: 1,
      effect: 'cut-after',
    });

    const { outcomes } = await deployed.run('s3-bucket-public', [item]);

    expect(fault.hits).toBe(1);
    expect(outcomes).toMatchObject([{ outcome: 'planned' }]);
    expect(deployed.metric('Planned')).toEqual({ 's3-bucket-public': 1 });
  });
});
