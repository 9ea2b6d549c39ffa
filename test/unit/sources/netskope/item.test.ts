import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findingSchema } from '../../../../lambdas/model/finding.ts';
import { itemReader } from '../../../../lambdas/sources/netskope/item.ts';
import { item, SSH_RULE_NAME } from '../../collector/support/items.ts';

const read = itemReader([SSH_RULE_NAME]);

function reasonOf(given: unknown): string {
  const result = read(given);
  if (result.kind !== 'rejected') throw new Error(`expected a rejected item, got ${result.kind}`);
  return result.rejected.reason;
}

describe('an item', () => {
  test('as documented is a finding, with all that informs', () => {
    expect(read(item())).toEqual({
      kind: 'finding',
      finding: {
        account: '111111111111',
        accountName: 'production',
        resource: 'sg-0123456789abcdef0',
        resourceName: 'web',
        region: 'US East(N. Virginia)',
        severity: 'High',
        failingSince: '2026-01-12T02:30:17Z',
        lastScanTime: '2026-01-31T11:54:45Z',
        policies: ['policy'],
        profiles: ['AWS Best Practices v1.0.0'],
        complianceStandards: [{ standard: 'CIS-1.2.0', control: '4.1' }],
        sourceRuleName: SSH_RULE_NAME,
      },
    });
  });

  test.each([
    ['of another cloud', { cloud_provider: 'googlecloud' }, 'other_cloud'],
    ['that has passed', { status: 'Passed' }, 'passed'],
    ['of another rule', { rule_name: `${SSH_RULE_NAME} or 3389` }, 'other_rule'],
    ['that is muted', { mute: 'true' }, 'muted'],
    ['that is muted by a boolean', { mute: true }, 'muted'],
    ['that is muted, in another word', { mute: 'Yes' }, 'muted'],
  ])('%s is left alone', (_, fields, reason) => {
    expect(read(item(fields))).toEqual({ kind: 'left_alone', reason });
  });

  test.each([
    ['was muted once', { mute: 'false', mute_by: 'someone' }],
    ['spells the cloud as the request does', { cloud_provider: 'aws' }],
    ['writes its status in another case', { status: 'FAILED' }],
    ['writes its rule with other spaces', { rule_name: SSH_RULE_NAME.replace(': ', ' : ') }],
    ['has new fields', { brand_new: { nested: [1] } }],
  ])('that %s is a finding', (_, fields) => {
    expect(read(item(fields)).kind).toBe('finding');
  });

  test.each([
    ['account_id', 111111111111],
    ['account_id', undefined],
    ['account_id', ''],
    ['resource_id', null],
    ['resource_id', ['sg-1']],
    ['region_name', 7],
    ['status', 'Unknown'],
    ['status', undefined],
    ['cloud_provider', undefined],
    ['rule_name', undefined],
    ['mute', 'perhaps'],
    ['mute', {}],
  ])('whose %s is %j is rejected with a reason that names the field', (field, value) => {
    expect(reasonOf(item({ [field]: value }))).toMatch(new RegExp(`^malformed item: .*${field}: `));
  });

  test.each([
    ['account_name', 7],
    ['severity', {}],
    ['failing_since', '2026-02-30 02:30:17AM'],
    ['last_scan_time', 'yesterday'],
    ['policies', 'not a list'],
    ['policies', [7, null, {}]],
    ['compliance_standards', [null, { standard: 7 }, 'x']],
    ['compliance_standards', {}],
  ])('is not lost for a %s of %j, which only informs', (field, value) => {
    const result = read(item({ [field]: value }));

    if (result.kind !== 'finding') throw new Error(`expected a finding, got ${result.kind}`);
    const { region: _, ...finding } = result.finding;
    findingSchema.parse({ ...finding, rule: 'security-group-ssh-open', region: 'us-east-1' });
  });

  test('that is very long or deep is kept in part', () => {
    let deep: unknown = 'core';
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];

    const long = read(item({ account_id: 7, tags: 'x'.repeat(100_000) }));
    const nested = read({ deep });

    for (const result of [long, nested]) {
      if (result.kind !== 'rejected') throw new Error(`expected a rejected item, got ${result.kind}`);
      expect(JSON.stringify(result.rejected).length).toBeLessThan(40_000);
    }
  });

  test('is read whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc
            .dictionary(
              fc.constantFrom(...Object.keys(item({ mute: '' }))),
              fc.oneof(fc.jsonValue(), fc.constantFrom('aws', 'Failed', SSH_RULE_NAME, 'true')),
            )
            .map((fields) => item(fields)),
        ),
        (given) => {
          expect(['finding', 'left_alone', 'rejected']).toContain(read(given).kind);
        },
      ),
      { numRuns: 500 },
    );
  });
});
