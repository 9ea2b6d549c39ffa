import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findingSchema } from '../../../../lambdas/model/finding.ts';
import { itemReader } from '../../../../lambdas/sources/netskope/item.ts';
import { item, SSH_RULE_NAME } from '../../collector/support/items.ts';

const AS_OF = new Date('2026-01-31T12:00:00Z');
const read = itemReader([SSH_RULE_NAME], AS_OF);

function reasonOf(given: unknown): string {
  const result = read(given);
  if (result.kind !== 'rejected') throw new Error(`expected a rejected item, got ${result.kind}`);
  return result.rejected.reason;
}

describe('an item', () => {
  test('in the documented format becomes a finding with all informational fields', () => {
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
    ['that is muted, in another spelling', { mute: 'Yes' }, 'muted'],
  ])('%s is ignored', (_, fields, reason) => {
    expect(read(item(fields))).toEqual({ kind: 'left_alone', reason });
  });

  test.each([
    ['was muted once', { mute: 'false', mute_by: 'someone' }],
    ['spells the cloud as in the request', { cloud_provider: 'aws' }],
    ['spells its status in upper case', { status: 'FAILED' }],
    ['spells its rule with other spaces', { rule_name: SSH_RULE_NAME.replace(': ', ' : ') }],
    ['has new fields', { brand_new: { nested: [1] } }],
  ])('is a finding if it %s', (_, fields) => {
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
  ])('is rejected with a reason that names the field if %s is %j', (field, value) => {
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
  ])('is not lost if the informational field %s is %j', (field, value) => {
    const result = read(item({ [field]: value }));

    if (result.kind !== 'finding') throw new Error(`expected a finding, got ${result.kind}`);
    const { region: _, ...finding } = result.finding;
    findingSchema.parse({ ...finding, rule: 'security-group-ssh-open', region: 'us-east-1' });
  });

  test.each(['', '  ', null, undefined])('with the region %j has no region', (region_name) => {
    const result = read(item({ region_name }));

    if (result.kind !== 'finding') throw new Error(`expected a finding, got ${result.kind}`);
    expect(result.finding.region).toBeUndefined();
  });

  const lately = { auto_remediation_time: '2026-01-31 11:00:00AM', failing_since: '2026-01-31 02:00:00AM' };
  const longAgo = { auto_remediation_time: '2026-01-29 11:00:00AM', failing_since: '2026-01-12 02:00:00AM' };
  test.each<[string, Record<string, unknown>, RegExp | undefined]>([
    [
      'is started',
      { ...lately, auto_remediation_status: 'Started' },
      /"started" since 2026-01-31T11:00:00Z; .* until 2026-02-01T11:00:00.000Z at the latest; to change it, turn off Netskope's remediation of the rule$/,
    ],
    ['is in an unknown state', { ...lately, auto_remediation_status: 'queued' }, /"queued"/],
    [
      'is pending without a time, and the finding has failed recently',
      { auto_remediation_status: 'pending', failing_since: lately.failing_since },
      /"pending"; .* until 2026-02-01T02:00:00.000Z at the latest; to change it, turn off/,
    ],
    [
      'is pending without a time, and the finding has failed for days',
      { auto_remediation_status: 'pending', failing_since: longAgo.failing_since },
      undefined,
    ],
    [
      'is pending without any time',
      { auto_remediation_status: 'pending', failing_since: undefined },
      /"pending"; .* until its status changes or includes a time; to change it, turn off/,
    ],
    [
      'began more than a day ago and has not ended',
      { ...longAgo, auto_remediation_status: 'started' },
      undefined,
    ],
    ['is completed', { ...lately, auto_remediation_status: 'completed' }, undefined],
    [
      'had an error',
      { ...lately, auto_remediation_status: 'Errored', is_auto_remediation: 'true' },
      undefined,
    ],
    [
      'is about to begin automatically',
      { ...lately, is_auto_remediation: 'true' },
      /has not begun: .* 2026-01-31T02:00:00Z; .* until 2026-02-01T02:00:00.000Z at the latest; to change it, turn off/,
    ],
    [
      'is about to begin automatically, as a boolean',
      { ...lately, is_auto_remediation: true },
      /has not begun/,
    ],
    ['has not begun for days', { ...longAgo, is_auto_remediation: 'true' }, undefined],
    ['does not begin automatically', { ...lately, is_auto_remediation: 'false' }, undefined],
    ['has the status None', { ...lately, auto_remediation_status: 'None' }, undefined],
    ['cannot be parsed', { auto_remediation_status: 7, auto_remediation_time: [] }, undefined],
  ])('whose remediation by Netskope %s', (_, fields, expected) => {
    const result = read(item(fields));

    if (result.kind !== 'finding') throw new Error(`expected a finding, got ${result.kind}`);
    if (expected === undefined) expect(result.finding.remediationAtWork).toBeUndefined();
    else expect(result.finding.remediationAtWork).toMatch(expected);
  });

  test('that is nested too deeply for JSON.stringify has a distinct digest', () => {
    const nest = (core: string) => {
      let deep: unknown = core;
      for (let depth = 0; depth < 50_000; depth++) deep = depth % 2 === 0 ? [deep] : { deep };
      return deep;
    };

    const [first, second, again] = ['one', 'two', 'one'].map((core) => read({ deep: nest(core) }));

    expect(first).toMatchObject({
      kind: 'rejected',
      rejected: {
        item: { truncated: expect.stringMatching(/^\{"deep":\{"deep":\[/), sha256: expect.any(String) },
      },
    });
    expect(second).not.toEqual(first);
    expect(again).toEqual(first);
  });

  test('that is very long or deep is truncated', () => {
    let deep: unknown = 'core';
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];

    const long = read(item({ account_id: 7, tags: 'x'.repeat(100_000) }));
    const nested = read({ deep });

    for (const result of [long, nested]) {
      if (result.kind !== 'rejected') throw new Error(`expected a rejected item, got ${result.kind}`);
      expect(JSON.stringify(result.rejected).length).toBeLessThan(40_000);
    }
  });

  test('is parsed without an error, whatever it contains', () => {
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
