import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import {
  type AccountSettings,
  parseAccountSettings,
  parseRuleSettings,
  type RuleSettings,
  unknownGroups,
} from '../../../lambdas/model/settings.ts';
import { accountSettingsOf, RULE, ruleSettingsOf } from '../remediator/support/remediator-in-memory.ts';

const mode = fc.constantFrom('off', 'dry_run', 'enforce');
const account = fc.stringMatching(/^\d{12}$/);
const group = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const ofAccounts = {
  mode_by_account: fc.dictionary(account, mode, { maxKeys: 20 }),
  mode_by_group: fc.dictionary(group, mode, { maxKeys: 3 }),
  accounts: fc.array(account, { maxLength: 3 }),
  excluded_accounts: fc.array(account, { maxLength: 3 }),
  excluded_groups: fc.array(group, { maxLength: 3 }),
};
const exemption = fc.record(
  {
    account: fc.oneof(fc.constant('*'), account),
    group,
    region: words,
    resource: words,
    reason: words,
    owner: words,
    expires: fc.constantFrom('2026-02-28', '2028-02-29'),
  },
  { requiredKeys: ['account', 'region', 'resource', 'reason', 'owner', 'expires'] },
);
const positive = fc.integer({ min: 1, max: 1_000_000 });
const window = { days: ['SAT', 'SUN'], start: '22:00', end: '04:00', time_zone: 'Europe/Berlin' } as const;

describe('settings are parsed from their JSON text', () => {
  test('for a rule', () => {
    const settings = fc.record(
      {
        version: fc.constant(2),
        rule: fc.constant(RULE),
        mode,
        ...ofAccounts,
        maintenance_window: fc.constant(window),
        method: fc.constantFrom('api', 'runbook'),
        runbook_then: fc.constantFrom('api', 'report'),
        limits: fc.record({ per_account_per_hour: positive, per_rule_per_hour: positive }),
        breaker: fc.record({ changes: positive, failed_percent: fc.integer({ min: 1, max: 100 }) }),
        exemptions: fc.array(exemption, { maxLength: 5 }),
        options: fc.constantFrom({}, { max_age_days: 30 }, { replacement_cidrs: ['vpc'] }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(settings, (whole) => {
        expect(parseRuleSettings(RULE, JSON.stringify(whole))).toEqual(JSON.parse(JSON.stringify(whole)));
      }),
    );
  });

  test('for accounts', () => {
    const settings = fc.record({
      version: fc.constant(2),
      groups: fc.dictionary(group, fc.array(account, { maxLength: 5 })),
      ...ofAccounts,
    });
    fc.assert(
      fc.property(settings, (whole) => {
        expect(parseAccountSettings(JSON.stringify(whole))).toEqual(JSON.parse(JSON.stringify(whole)));
      }),
    );
  });
});

describe('settings that stop the rule', () => {
  const ofRule = (changes: object): string => JSON.stringify({ ...ruleSettingsOf(), ...changes });
  const exempt = { account: '*', region: '*', resource: 'a', reason: 'r', owner: 'b', expires: '2026-12-31' };

  test.each<[string, string, RegExp]>([
    ['an empty text', '', /they are not JSON/],
    ['not JSON', '{"mode":', /they are not JSON/],
    ['an unknown setting', ofRule({ max_changes: 3 }), /Unrecognized key: "max_changes"/],
    ['an unknown mode', ofRule({ mode: 'on' }), /mode: /],
    [
      'a maintenance window in an unknown time zone',
      ofRule({ maintenance_window: { ...window, time_zone: 'Mars/Olympus' } }),
      /maintenance_window\.time_zone: /,
    ],
    ['a mode for an invalid account id', ofRule({ mode_by_account: { '1234': 'off' } }), /1234/],
    [
      'an exemption without a reason',
      ofRule({ exemptions: [{ ...exempt, reason: '' }] }),
      /exemptions\.0\.reason: /,
    ],
    [
      'an exemption until an impossible date',
      ofRule({ exemptions: [{ ...exempt, expires: '2026-02-30' }] }),
      /exemptions\.0\.expires: /,
    ],
    ['another version', ofRule({ version: 1 }), /version: /],
    ['settings of another rule', ofRule({ rule: 's3-bucket-public' }), /are for rule s3-bucket-public/],
  ])('%s', (_, text, message) => {
    const parse = (): RuleSettings => parseRuleSettings(RULE, text);

    expect(parse).toThrow(SettingsError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(
      /^settings in rules\/iam-access-key-unrotated\.json.*; nothing changes until they are/s,
    );
  });

  test.each<[string, object, RegExp]>([
    ['a group with an invalid account id', { groups: { web: ['12'] } }, /groups\.web\.0: /],
    ['an unknown mode', { mode_by_group: { web: 'on' } }, /mode_by_group\.web: /],
    ['an unknown setting', { excluded: [] }, /Unrecognized key: "excluded"/],
  ])('for accounts: %s', (_, changes, message) => {
    const parse = (): AccountSettings =>
      parseAccountSettings(JSON.stringify({ ...accountSettingsOf(), ...changes }));

    expect(parse).toThrow(SettingsError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^settings in accounts\.json: /);
  });
});

test('undefined groups are found wherever settings refer to them', () => {
  const exemptions = [
    { account: '*', group: 'd', region: '*', resource: '*', reason: 'r', owner: 'o', expires: '2026-12-31' },
  ];
  const rule = ruleSettingsOf({
    mode_by_group: { a: 'off', known: 'off' },
    excluded_groups: ['b'],
    exemptions,
  });
  const allRules = accountSettingsOf({
    groups: { known: [] },
    mode_by_group: { c: 'off' },
    excluded_groups: ['b', 'toString'],
  });

  expect(unknownGroups(rule, allRules)).toEqual(['a', 'b', 'd', 'c', 'toString']);
  expect(
    unknownGroups(
      ruleSettingsOf({ excluded_groups: ['known'] }),
      accountSettingsOf({ groups: { known: [] } }),
    ),
  ).toEqual([]);
});
