import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideMode, groupsOf, modeFor } from '../../../lambdas/model/account-modes.ts';
import { modes } from '../../../lambdas/model/mode.ts';
import type { AccountSettings, RuleSettings } from '../../../lambdas/model/settings.ts';
import { accountSettingsOf, settingsOf } from '../remediator/support/remediator-in-memory.ts';

const ACCOUNT = '111122223333';
const OTHER = '444455556666';
const NOW = new Date('2026-06-30T12:00:00Z');
const groups = { production: [ACCOUNT], web: [ACCOUNT, OTHER], sandbox: [OTHER] };

function modeOf(rule: Partial<RuleSettings>, allRules: Partial<AccountSettings> = {}, account = ACCOUNT) {
  return modeFor(settingsOf({ ...rule, allRules: accountSettingsOf({ groups, ...allRules }) }), account, NOW);
}

test('the groups of an account', () => {
  expect(groupsOf(ACCOUNT, { groups })).toEqual(['production', 'web']);
  expect(groupsOf('999999999999', { groups })).toEqual([]);
});

describe('the mode of the rule is the first of', () => {
  const rule: Partial<RuleSettings> = {
    mode: 'off',
    mode_by_account: { [ACCOUNT]: 'enforce' },
    mode_by_group: { production: 'dry_run' },
  };

  test('the mode for the account', () => {
    expect(modeOf(rule)).toBe('enforce');
  });

  test('the lowest mode for its groups', () => {
    expect(modeOf({ ...rule, mode_by_account: {} })).toBe('dry_run');
    expect(modeOf({ mode: 'off', mode_by_group: { production: 'enforce', web: 'dry_run' } })).toBe('dry_run');
  });

  test('the mode for all accounts', () => {
    expect(modeOf(rule, {}, OTHER)).toBe('off');
  });
});

describe('a mode for all rules lowers it', () => {
  test.each<[string, Partial<AccountSettings>, string]>([
    ['the mode for the account', { mode_by_account: { [ACCOUNT]: 'dry_run' } }, 'dry_run'],
    ['the mode for a group', { mode_by_group: { web: 'dry_run' } }, 'dry_run'],
    ['the lowest mode for several groups', { mode_by_group: { web: 'enforce', production: 'off' } }, 'off'],
    [
      'the mode for the account takes precedence over its groups',
      { mode_by_account: { [ACCOUNT]: 'enforce' }, mode_by_group: { web: 'off' } },
      'enforce',
    ],
    ['not the mode for another account', { mode_by_account: { [OTHER]: 'off' } }, 'enforce'],
    [
      'the mode for new accounts, while the account is new',
      { new_accounts: { mode: 'dry_run', until: { [ACCOUNT]: '2026-06-30T12:00:01Z' } } },
      'dry_run',
    ],
    [
      'not the mode for new accounts afterwards',
      { new_accounts: { mode: 'dry_run', until: { [ACCOUNT]: '2026-06-30T12:00:00Z' } } },
      'enforce',
    ],
  ])('%s', (_, allRules, expected) => {
    expect(modeOf({ mode: 'enforce' }, allRules)).toBe(expected);
  });

  test('and never raises it', () => {
    const mode = fc.constantFrom(...modes);
    const byAccount = fc.dictionary(fc.constantFrom(ACCOUNT, OTHER), mode);
    const byGroup = fc.dictionary(fc.constantFrom('production', 'web', 'sandbox'), mode);
    fc.assert(
      fc.property(mode, byAccount, byGroup, byAccount, byGroup, (ofAll, account, group, all, allGroup) => {
        const rule = { mode: ofAll, mode_by_account: account, mode_by_group: group };
        const alone = modeOf(rule);
        const both = modeOf(rule, { mode_by_account: all, mode_by_group: allGroup });
        expect(modes.indexOf(both)).toBeLessThanOrEqual(modes.indexOf(alone));
      }),
    );
  });
});

describe('the mode is off, regardless of modes for the account, if the account is', () => {
  const enforced = { mode_by_account: { [ACCOUNT]: 'enforce' } } as const;

  test.each<[string, Partial<RuleSettings>, Partial<AccountSettings>]>([
    ['excluded from the rule', { excluded_accounts: [ACCOUNT] }, {}],
    ['excluded by its group', { excluded_groups: ['web'] }, {}],
    ['not among the rule’s accounts', { accounts: [OTHER] }, {}],
    ['excluded from all rules', {}, { excluded_accounts: [ACCOUNT] }],
    ['excluded from all rules by its group', {}, { excluded_groups: ['production'] }],
    ['not among the accounts of all rules', { accounts: [ACCOUNT] }, { accounts: [OTHER] }],
  ])('%s', (_, rule, allRules) => {
    expect(modeOf(enforced)).toBe('enforce');
    expect(modeOf({ ...enforced, ...rule }, allRules)).toBe('off');
  });
});

describe('the settings that determined a mode are', () => {
  const because = (rule: Partial<RuleSettings>, allRules: Partial<AccountSettings> = {}) =>
    decideMode(settingsOf({ ...rule, allRules: accountSettingsOf({ groups, ...allRules }) }), ACCOUNT, NOW)
      .because;
  const scope = 'for rule iam-access-key-unrotated';

  test.each<[string, Partial<RuleSettings>, Partial<AccountSettings>, string[]]>([
    ["the rule's mode", { mode: 'enforce' }, {}, [`mode ${scope} is enforce`]],
    [
      "the account's mode",
      { mode: 'off', mode_by_account: { [ACCOUNT]: 'enforce' } },
      {},
      [`mode_by_account ${scope} is enforce`],
    ],
    [
      'each group with the lowest mode',
      { mode: 'off', mode_by_group: { production: 'dry_run', web: 'dry_run' } },
      {},
      [
        `mode_by_group ${scope} is dry_run for its group production`,
        `mode_by_group ${scope} is dry_run for its group web`,
      ],
    ],
    [
      'the mode, and then the settings that lowered it',
      { mode: 'enforce' },
      {
        mode_by_group: { web: 'dry_run' },
        new_accounts: { mode: 'dry_run', until: { [ACCOUNT]: '2026-07-01T00:00:00Z' } },
      },
      [
        `mode ${scope} is enforce`,
        'mode_by_group for all rules is dry_run for its group web',
        'new_accounts is dry_run until 2026-07-01T00:00:00Z',
      ],
    ],
    [
      'not settings that lower it less, or not at all',
      { mode: 'dry_run' },
      { mode_by_account: { [ACCOUNT]: 'enforce' } },
      [`mode ${scope} is dry_run`],
    ],
    [
      'all settings that exclude the account, and no others',
      { mode: 'enforce', excluded_groups: ['web'], accounts: [OTHER] },
      { excluded_accounts: [ACCOUNT] },
      [
        `accounts ${scope} does not include the account`,
        `excluded_groups ${scope} includes its group web`,
        'excluded_accounts for all rules includes the account',
      ],
    ],
  ])('%s', (_, rule, allRules, expected) => {
    expect(because(rule, allRules)).toEqual(expected);
  });
});
