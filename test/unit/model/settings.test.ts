import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { isPaused, joinSettings, modeFor, type Settings } from '../../../lambdas/model/settings.ts';
import { pieces } from '../remediator/support/pieces.ts';
import { RULE, settingsOf } from '../remediator/support/world.ts';

const textOf = (settings: unknown): string => Buffer.from(JSON.stringify(settings)).toString('base64');

const mode = fc.constantFrom('off', 'dry_run', 'enforce');
const account = fc.stringMatching(/^\d{12}$/);
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const settings: fc.Arbitrary<Settings> = fc.record({
  version: fc.constant(1),
  rule: fc.constant(RULE),
  mode,
  maintenance_window: fc.constantFrom(undefined, {
    days: ['SAT', 'SUN'],
    start: '22:00',
    end: '04:00',
    time_zone: 'Europe/Berlin',
  }),
  mode_by_account: fc.dictionary(account, mode, { maxKeys: 20 }),
  method: fc.constantFrom('api', 'runbook'),
  runbook_then: fc.constantFrom('api', 'report'),
  exemptions: fc.array(
    fc.record({
      account: fc.oneof(fc.constant('*'), account),
      region: words,
      resource: words,
      reason: words,
      owner: words,
      expires: fc.constantFrom('2026-02-28', '2028-02-29'),
    }),
    { maxLength: 5 },
  ),
  options: fc.constantFrom({}, { max_age_days: 30 }, { replacement_cidrs: ['vpc'] }),
});

describe('putting settings together', () => {
  test('any settings, cut at any length, come back, in whatever order the pieces are', () => {
    fc.assert(
      fc.property(
        settings.chain((whole) => {
          const text = textOf(whole);
          return fc
            .integer({ min: Math.max(1, Math.floor(text.length / 60)), max: text.length })
            .chain((length) =>
              fc.record({
                whole: fc.constant(whole),
                shuffled: fc.shuffledSubarray(pieces(text, length), {
                  minLength: Math.ceil(text.length / length),
                }),
              }),
            );
        }),
        ({ whole, shuffled }) => {
          expect(joinSettings(RULE, shuffled)).toEqual(whole);
        },
      ),
    );
  });

  test('2,000 accounts with a mode of their own and 500 exemptions', () => {
    const whole = settingsOf({
      mode_by_account: Object.fromEntries(
        Array.from({ length: 2_000 }, (_, index) => [String(100_000_000_000 + index), 'dry_run'] as const),
      ),
      exemptions: Array.from({ length: 500 }, (_, index) => ({
        account: String(100_000_000_000 + index),
        region: 'eu-central-1',
        resource: `deploy-${index}`,
        reason: 'rotated by hand every quarter, see the service’s own runbook',
        owner: 'platform@example.com',
        expires: '2027-06-30',
      })),
    });
    const parts = pieces(textOf(whole));

    expect(parts.length).toBeGreaterThan(30);
    for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(4096);
    expect(joinSettings(RULE, parts.toReversed())).toEqual(whole);
  });
});

describe('settings that stop the rule', () => {
  const text = textOf(settingsOf());
  const parts = pieces(text, 40);
  const others = pieces(textOf(settingsOf({ mode: 'dry_run' })), 40);
  const withDigest = (digest: string) => parts.map((part) => part.replace(/[0-9a-f]{64}/, digest));
  const whole = (value: unknown) => pieces(textOf(value));

  test.each<[string, readonly string[], RegExp]>([
    ['none', [], /there are none/],
    ['the first piece is missing', parts.slice(1), /pieces 2, 3, .* of \d+ are there/],
    ['the last piece is missing', parts.slice(0, -1), /are there/],
    ['a piece is there twice', [...parts, ...parts.slice(0, 1)], /pieces 1, 1, 2/],
    ['one in place of another', [...parts.slice(0, -1), ...parts.slice(0, 1)], /pieces 1, 1, 2/],
    ['one piece is of another apply', [...parts.slice(0, 1), ...others.slice(1)], /of two applies/],
    ['a longer text left a piece behind', [...whole(settingsOf()), ...others.slice(-1)], /of two applies/],
    ['another digest', withDigest('0'.repeat(64)), /do not have the digest that they name/],
    ['no piece', ['mode=enforce'], /a parameter holds "mode=enforce…", which is no piece of settings/],
    ['not JSON', pieces(Buffer.from('{"mode":').toString('base64')), /they are not JSON/],
    ['not UTF-8', pieces(Buffer.from([0xff, 0xfe]).toString('base64')), /they are not JSON/],
    ['an unknown setting', whole({ ...settingsOf(), max_changes: 3 }), /Unrecognized key: "max_changes"/],
    ['an unknown mode', whole({ ...settingsOf(), mode: 'on' }), /mode: /],
    [
      'a maintenance window in a time zone that there is not',
      whole({
        ...settingsOf(),
        maintenance_window: { days: ['SAT'], start: '22:00', end: '04:00', time_zone: 'Mars/Olympus' },
      }),
      /maintenance_window\.time_zone: /,
    ],
    [
      'a mode of something that is no account',
      whole({ ...settingsOf(), mode_by_account: { '1234': 'off' } }),
      /mode_by_account.*1234/,
    ],
    [
      'an exemption without a reason',
      whole({
        ...settingsOf(),
        exemptions: [
          { account: '*', region: '*', resource: 'a', reason: '', owner: 'b', expires: '2026-12-31' },
        ],
      }),
      /exemptions\.0\.reason: /,
    ],
    [
      'an exemption until a day that there is not',
      whole({
        ...settingsOf(),
        exemptions: [
          { account: '*', region: '*', resource: 'a', reason: 'r', owner: 'b', expires: '2026-02-30' },
        ],
      }),
      /exemptions\.0\.expires: /,
    ],
    ['another version', whole({ ...settingsOf(), version: 2 }), /version: /],
    [
      'of another rule',
      whole({ ...settingsOf(), rule: 's3-bucket-public' }),
      /they are those of s3-bucket-public/,
    ],
  ])('%s', (_, given, message) => {
    const join = (): Settings => joinSettings(RULE, given);

    expect(join).toThrow(SettingsError);
    expect(join).toThrow(message);
    expect(join).toThrow(
      /^settings of iam-access-key-unrotated: .*; nothing is changed until they are whole/s,
    );
  });
});

test('the mode of an account is its own, else the rule’s', () => {
  const given = settingsOf({ mode: 'dry_run', mode_by_account: { '111122223333': 'enforce' } });

  expect(modeFor(given, '111122223333')).toBe('enforce');
  expect(modeFor(given, '444455556666')).toBe('dry_run');
});

describe('the pause parameter', () => {
  const rules = ['s3-bucket-public', RULE];

  test.each<[string, boolean]>([
    ['none', false],
    [' none ', false],
    ['all', true],
    [RULE, true],
    ['s3-bucket-public', false],
    [`s3-bucket-public, ${RULE}`, true],
    ['all,s3-bucket-public', true],
  ])('%j: %s', (value, expected) => {
    expect(isPaused(value, RULE, rules)).toBe(expected);
  });

  test.each(['', 'All', 'everything', 'none,all', 's3-bucket-public,', 's3-bucket-publik', 'CIS-1-2-0-1-4'])(
    '%j is not understood: so nothing is changed',
    (value) => {
      expect(() => isPaused(value, RULE, rules)).toThrow(SettingsError);
      expect(() => isPaused(value, RULE, rules)).toThrow(`pause is "${value}"`);
    },
  );
});

test('a piece names its place, the count and the digest of the whole', () => {
  const digest = createHash('sha256').update('abcde').digest('hex');

  expect(pieces('abcde', 2)).toEqual([`1/3 ${digest} ab`, `2/3 ${digest} cd`, `3/3 ${digest} e`]);
});
