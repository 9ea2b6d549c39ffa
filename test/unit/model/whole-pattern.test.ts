import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholePattern } from '../../../lambdas/model/whole-pattern.ts';

const atoms = fc.constantFrom(
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '[a-c]',
  '\\w',
  '\\x61',
  '\\.',
  '(a)',
  '(?:ab)',
  '\\p{Ll}',
);
const quantifiers = fc.constantFrom('', '', '*', '+', '?', '*?', '{2}', '{1,}', '{0,2}', '{1,2}?');
const { pattern: patterns } = fc.letrec<{ pattern: string; sequence: string; item: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
  sequence: fc.array(tie('item'), { maxLength: 3 }).map((parts) => parts.join('')),
  item: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('^', '$', '\\b', '\\B'),
    fc.tuple(atoms, quantifiers).map((parts) => parts.join('')),
    fc.tuple(tie('pattern'), quantifiers).map(([inner, times]) => `(${inner})${times}`),
  ),
}));
const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 6 });

describe('a pattern', () => {
  test("matches what JavaScript's own matcher matches", () => {
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 1, maxLength: 8 }), (pattern, given) => {
        const own = new RegExp(`^(?:${pattern})$`, 'u');
        const compiled = wholePattern(pattern);

        expect(given.map((text) => compiled.test(text))).toEqual(given.map((text) => own.test(text)));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['(a+)+$', 'a'],
    ['(a|a)*b', 'a'],
    ['(a|aa)+!', 'a'],
    ['.*.*.*.*.*x', 'a'],
    ['([a-z]+-?)*[0-9]', 'ab-'],
    ['(?:(?:a{0,30}){0,30}){2}b', 'a'],
  ])("%s takes no exponential time, as JavaScript's own matcher does", (pattern, repeated) => {
    const long = repeated.repeat(1000 / repeated.length);

    expect(wholePattern(pattern).test(`${long}?`)).toBe(false);
  });

  test.each([
    ['my\\-queue\\:[a-z\\-]+', 'my-queue:a-b', 'my-queue:A'],
    ['a\\\\-b|c', 'c', 'a-b'],
    ['[\\w\\-]+\\.\\d', 'a-b.1', 'a-bx1'],
    ['[\\d_-]{2,3}', '1-_', '1a'],
    ['[\\]\\[^]', '^', 'a'],
    ['🚀{2}', '🚀🚀', '🚀'],
    ['\\x41\\p{Lu}', 'AB', 'Ab'],
    ['', '', 'a'],
  ])('%s matches %s, and not %s', (pattern, matching, other) => {
    expect(wholePattern(pattern).test(matching)).toBe(true);
    expect(wholePattern(pattern).test(other)).toBe(false);
  });

  // Terraform, JavaScript or both understand each of these in another way.
  test.each([
    '[]a]',
    '[^]a]',
    '[]',
    '[^]',
    'a{',
    'a{,5}',
    ']',
    '}',
    '^*',
    '$+',
    '\\b+',
    '[\\w-z]',
    '[[:alpha:]]',
    '[[=a=]]',
    '[a[b]',
    '(?i)a',
    '(?P<n>a)',
    '(?<n>a)',
    '(?=a)',
    '(?<!a)',
    '(a)\\1',
    '\\k<n>',
    '\\pL',
    '\\p{Greek}',
    '\\p{^L}',
    '\\Aa',
    '\\z',
    '\\Qa\\E',
    '\\x{41}',
    '\\u0041',
    '\\0',
    '\\cA',
    '(',
    ')',
    '(a',
    'a)',
    '*',
    '+a',
    'a**',
    'a{2}{3}',
    'a{2,1}',
    'a\\',
    '[a',
    '(a{1000}){100}',
  ])('%s is refused', (pattern) => {
    expect(() => wholePattern(pattern)).toThrow(SyntaxError);
  });
});
