import { describe, expect, test } from 'vitest';
import { findingReader, type Refusal } from '../../../lambdas/collector/finding-reader.ts';
import { regionLookup } from '../../../lambdas/collector/regions.ts';
import { factsOf } from '../../../lambdas/rules/catalogue.ts';
import type { SourceFinding } from '../../../lambdas/sources/source.ts';
import { sourceFinding } from './support/items.ts';

const HOME = 'eu-central-1';

async function read(ruleId: string, fields: Partial<SourceFinding>) {
  const rule = factsOf(ruleId);
  const options = { rule, homeRegion: HOME, regions: [HOME, 'us-east-1'], lookUpRegion: regionLookup() };
  return findingReader(options)(sourceFinding(fields));
}

async function refusal(ruleId: string, fields: Partial<SourceFinding>): Promise<Refusal> {
  const reading = await read(ruleId, fields);
  if ('refusal' in reading) return reading.refusal;
  throw new Error(`expected a refusal, got ${JSON.stringify(reading)}`);
}

describe('a finding of a rule for regional resources', () => {
  test('goes to its region', async () => {
    expect(await read('security-group-ssh-open', { severity: 'High' })).toEqual({
      region: 'us-east-1',
      finding: {
        rule: 'security-group-ssh-open',
        account: '111111111111',
        region: 'us-east-1',
        resource: 'sg-0123456789abcdef0',
        severity: 'High',
        sourceRuleName: sourceFinding().sourceRuleName,
      },
    });
  });

  test('must have a region', async () => {
    const missing = await refusal('security-group-ssh-open', { region: undefined });
    const global = await refusal('security-group-ssh-open', { region: 'Global' });

    expect(missing.kind).toBe('region_missing');
    expect(missing.reason).toContain('missing');
    expect(global.kind).toBe('region_missing');
    expect(global.reason).toContain('"Global"');
  });

  test('must have a known region', async () => {
    expect(await refusal('security-group-ssh-open', { region: 'Moon(Base)' })).toEqual({
      kind: 'unknown_region_label',
      label: 'Moon(Base)',
      mayBe: { account: '111111111111', resource: 'sg-0123456789abcdef0' },
      reason: expect.stringMatching(/"Moon\(Base\)".*region_labels/),
    });
  });

  test('must have a region with a queue', async () => {
    expect(await refusal('security-group-ssh-open', { region: 'EU(Paris)' })).toEqual({
      kind: 'region_not_deployed',
      mayBe: 'none',
      reason: expect.stringMatching(/eu-west-3 is not deployed: .*"regions"/),
    });
  });

  test.each([
    [
      'iam-access-key-unrotated',
      '<root_account>',
      /resource "<root_account>": this is the account's root user, which is never touched/,
    ],
    [
      's3-bucket-public',
      'logs--euc1-az1--x-s3',
      /resource "logs--euc1-az1--x-s3": this is a directory bucket/,
    ],
  ])('of %s with the resource %s is refused with an explanation', async (rule, resource, words) => {
    const { kind, reason } = await refusal(rule, { resource });

    expect(kind).toBe('malformed_resource');
    expect(reason).toMatch(words);
    expect(reason).not.toContain('expected');
  });

  test.each(['12345', '1111111111111', '11111111111a', '', 'arn:aws:iam::111111111111:root'])(
    'is refused with the account %j',
    async (account) => {
      const { kind, reason } = await refusal('security-group-ssh-open', { account });

      expect(kind).toBe('malformed_account');
      expect(reason).toContain(`account ${JSON.stringify(account)}: expected an AWS account id`);
    },
  );

  test.each([
    ['security-group-ssh-open', 'sg-1; drop'],
    ['security-group-ssh-open', 'acl-0123456789abcdef0'],
    ['s3-bucket-public', 'arn:aws:s3:::bucket'],
    ['iam-access-key-unrotated', 'arn:aws:iam::111111111111:user/x'],
    ['cloudtrail-log-file-validation', 'trail'],
  ])('of %s is refused with the resource %j', async (rule, resource) => {
    const { kind, reason } = await refusal(rule, { resource });

    expect(kind).toBe('malformed_resource');
    expect(reason).toContain(`resource ${JSON.stringify(resource)}: expected `);
  });

  test('is refused if a field from the source is invalid', async () => {
    const { kind, reason } = await refusal('security-group-ssh-open', { failingSince: 'yesterday' });

    expect(kind).toBe('malformed_finding');
    expect(reason).toContain('failingSince');
  });

  test('is refused with a short reason, however long it is', async () => {
    const long = 'x'.repeat(100_000);

    for (const fields of [{ account: long }, { resource: long }, { region: long }]) {
      const { reason, label = '' } = await refusal('security-group-ssh-open', fields);
      expect(reason.length + label.length).toBeLessThan(500);
    }
  });
});

describe('a finding of a global rule', () => {
  test.each([undefined, 'global', 'US East(Ohio)', 'Moon(Base)'])(
    'with the region %j goes to the home region, as global',
    async (region) => {
      const reading = await read('iam-access-key-unrotated', { resource: 'alice', region });

      expect(reading).toMatchObject({ region: HOME, finding: { region: 'global', resource: 'alice' } });
    },
  );
});

describe('a finding of a rule whose resources have their own region in AWS', () => {
  test.each([
    [undefined, HOME],
    ['global', HOME],
    ['US East(N. Virginia)', 'us-east-1'],
  ])('with the region %j goes to %s', async (region, expected) => {
    const reading = await read('s3-bucket-public', { resource: 'a-bucket', region });

    expect(reading).toMatchObject({ region: expected, finding: { region: expected } });
  });

  test('must have a known region, or none', async () => {
    const { kind } = await refusal('s3-bucket-public', { resource: 'a-bucket', region: 'Moon(Base)' });

    expect(kind).toBe('unknown_region_label');
  });
});

describe('a finding whose resource id is an ARN', () => {
  const resource = 'arn:aws:cloudtrail:us-east-1:111111111111:trail/main';

  test.each([
    ['Moon(Base)', 'us-east-1'],
    [undefined, 'us-east-1'],
    ['global', 'us-east-1'],
    ['EU(Frankfurt)', 'eu-central-1'],
  ])('with the region label %j goes to %s', async (region, expected) => {
    const reading = await read('cloudtrail-log-file-validation', { resource, region });

    expect(reading).toMatchObject({ region: expected, finding: { region: expected, resource } });
  });
});
