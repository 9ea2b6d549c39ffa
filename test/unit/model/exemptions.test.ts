import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXEMPTION_TAG, exemptionTagOf } from '../../../lambdas/model/exemption-tag.ts';
import * as product from '../../../lambdas/model/exemptions.ts';
import type { Exemption } from '../../../lambdas/model/settings.ts';
import { accountSettingsOf } from '../remediator/support/remediator-in-memory.ts';

const finding = { account: '111122223333', region: 'eu-central-1', resource: 'sg-0123' };
const exemption: Exemption = {
  account: '*',
  region: '*',
  resource: '*',
  reason: 'bastion',
  owner: 'team-a',
  expires: '2026-06-30',
};
const lastMoment = new Date('2026-06-30T23:59:59.999Z');
const dayAfter = new Date('2026-07-01T00:00:00.000Z');

function exemptionsOf(of: typeof finding, exemptions: readonly Exemption[], now: Date, groups = {}) {
  return product.exemptionsOf(
    of,
    { exemptions: [...exemptions], allRules: accountSettingsOf({ groups }) },
    now,
  );
}

/** Reports whether a resource matches an exemption with a pattern. */
function names(pattern: string, resource: string): boolean {
  return (
    exemptionsOf({ ...finding, resource }, [{ ...exemption, resource: pattern }], lastMoment).reason !==
    undefined
  );
}

describe('patterns', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?', '[', '\\', '/', '\n', 'é', '😀') });
  const literal = text.map((each) => each.replaceAll('*', ''));

  test('a pattern without * matches only the identical resource', () => {
    fc.assert(
      fc.property(
        literal.filter((each) => each !== ''),
        literal,
        (pattern, resource) => {
          expect(names(pattern, resource)).toBe(pattern === resource);
        },
      ),
    );
  });

  test('* matches any text, including none', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(literal, text), { minLength: 1 }), literal, (parts, end) => {
        const pattern = parts.map(([part]) => `${part}*`).join('') + end;
        const resource = parts.map(([part, filling]) => part + filling).join('') + end;
        expect(names(pattern, resource)).toBe(true);
      }),
    );
  });

  test('short patterns match exactly the resources that a simple recursive matcher finds', () => {
    const short = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 });
    const resources = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    const matches = (pattern: string, resource: string): boolean => {
      const [first] = pattern;
      if (first === undefined) return resource === '';
      if (first !== '*') return resource[0] === first && matches(pattern.slice(1), resource.slice(1));
      return matches(pattern.slice(1), resource) || (resource !== '' && matches(pattern, resource.slice(1)));
    };
    fc.assert(
      fc.property(short, resources, (pattern, resource) => {
        expect(names(pattern, resource)).toBe(matches(pattern, resource));
      }),
      { numRuns: 2_000 },
    );
  });

  test('a pattern with many * is fast', () => {
    expect(names(`${'*a'.repeat(200)}*b`, 'a'.repeat(2_048))).toBe(false);
  });
});

describe('exemptions in the settings', () => {
  test('apply if account, region and resource all match', () => {
    const given = { ...exemption, account: finding.account, region: 'eu-*', resource: 'sg-*' };
    const counts = (of: Partial<typeof finding>) =>
      exemptionsOf({ ...finding, ...of }, [given], lastMoment).reason !== undefined;

    expect(counts({})).toBe(true);
    expect(counts({ account: '444455556666' })).toBe(false);
    expect(counts({ region: 'us-east-1' })).toBe(false);
    expect(counts({ region: 'global' })).toBe(false);
    expect(counts({ resource: 'acl-0123' })).toBe(false);
  });

  test('with a group apply to the accounts of that group only', () => {
    const groups = { sandbox: [finding.account], production: ['444455556666'] };
    const counts = (group: string) =>
      exemptionsOf(finding, [{ ...exemption, group }], lastMoment, groups).reason !== undefined;

    expect(counts('sandbox')).toBe(true);
    expect(counts('production')).toBe(false);
  });

  test('apply until the end of their last day in UTC, and are reported after that', () => {
    expect(exemptionsOf(finding, [exemption], lastMoment)).toEqual({
      reason: 'bastion (team-a, until 2026-06-30)',
      ended: [],
    });
    expect(exemptionsOf(finding, [exemption], dayAfter)).toEqual({
      ended: ['bastion (team-a), ended on 2026-06-30'],
    });
  });

  test('that have ended do not hide one that applies', () => {
    const later = { ...exemption, reason: 'migration', expires: '2026-12-31' };

    expect(exemptionsOf(finding, [exemption, later], dayAfter)).toEqual({
      reason: 'migration (team-a, until 2026-12-31)',
      ended: ['bastion (team-a), ended on 2026-06-30'],
    });
  });
});

describe('the exemption tag', () => {
  const tagOf = (tag: string, now = lastMoment) => exemptionTagOf({ [EXEMPTION_TAG]: tag }, now);

  test('may be missing', () => {
    expect(exemptionTagOf({ Name: 'a' }, lastMoment)).toEqual({ ended: [] });
    expect(exemptionTagOf(undefined, lastMoment)).toEqual({ ended: [] });
  });

  test.each([
    'public web site until 2026-06-30',
    'public web site; until 2026-06-30',
    'public web site, until  2026-06-30 ',
    '  public web site;until 2026-06-30',
    'public web site Until 2026-06-30',
  ])('%j exempts until the end of its last day in UTC', (tag) => {
    expect(tagOf(tag)).toEqual({ reason: 'public web site (tag, until 2026-06-30)', ended: [] });
    expect(tagOf(tag, dayAfter)).toEqual({ ended: ['public web site (tag), ended on 2026-06-30'] });
  });

  test('needs no characters that AWS does not allow in tags', () => {
    // IAM, Tag: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
    const taggable = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
    const [, example = ''] = /as in "(.*?)"/.exec(tagOf('').malformed ?? '') ?? [];

    expect(EXEMPTION_TAG).toMatch(taggable);
    expect(example).toMatch(taggable);
    expect(tagOf(example).reason).toBeDefined();
  });

  test('can have a reason with the word "until"', () => {
    expect(tagOf('open until the audit until 2026-12-31').reason).toBe(
      'open until the audit (tag, until 2026-12-31)',
    );
  });

  test.each([
    '',
    'yes',
    'until 2026-12-31',
    '; until 2026-12-31',
    'public web site',
    'public web site until',
    'public web site until 2026-02-30',
    'public web site until 31.12.2026',
    'public web site until 2026-12-31T00:00:00Z',
    'public web site until 2026-12-31 or so',
    'public web siteuntil 2026-12-31',
  ])('%j is malformed, which is reported and is not an exemption', (tag) => {
    const { reason, malformed, ended } = tagOf(tag);

    expect({ reason, ended }).toEqual({ reason: undefined, ended: [] });
    expect(malformed).toContain(`tag ${EXEMPTION_TAG} is "${tag}": expected "<reason> until <last day>"`);
  });

  // IAM users cannot have a second tag whose key differs in case only; most other resources can.
  test.each(['CSPM-Auto-Remediation:Exempt', 'cspm-auto-remediation:Exempt', ` ${EXEMPTION_TAG}\u00a0`])(
    'is malformed if its key is %j, whatever its value',
    (key) => {
      for (const value of ['public web site until 2026-12-31', '']) {
        expect(exemptionTagOf({ Name: 'a', [key]: value }, lastMoment)).toEqual({
          ended: [],
          malformed: `the resource has a tag "${key}": expected the key ${EXEMPTION_TAG}. The resource is not changed until the tag is corrected or removed`,
        });
      }
    },
  );

  test('counts as it is if another one has a misspelled key', () => {
    const tags = { 'CSPM-Auto-Remediation:Exempt': 'x', [EXEMPTION_TAG]: 'public web site until 2026-06-30' };

    expect(exemptionTagOf(tags, lastMoment)).toMatchObject({
      reason: 'public web site (tag, until 2026-06-30)',
    });
  });

  test('that has ended does not hide another one with a misspelled key', () => {
    const tags = {
      [EXEMPTION_TAG]: 'public web site until 2025-06-30',
      'CSPM-Auto-Remediation:Exempt': 'public web site until 2027-06-30',
    };

    expect(exemptionTagOf(tags, lastMoment)).toEqual({
      ended: ['public web site (tag), ended on 2025-06-30'],
      malformed: expect.stringContaining('the resource has a tag "CSPM-Auto-Remediation:Exempt"'),
    });
  });

  test.each(['cspm-auto-remediation', 'cspm-auto-remediation:exempted', 'exempt', 'owner'])(
    'is not one with the key %j',
    (key) => {
      expect(exemptionTagOf({ [key]: 'x until 2026-12-31' }, lastMoment)).toEqual({ ended: [] });
    },
  );
});
