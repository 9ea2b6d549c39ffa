import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactor } from '../../../../lambdas/sources/netskope/redact.ts';

const SECRET = 'a+b/c&d"e\\f';

describe('a redactor', () => {
  test.each([
    ['in plain text', SECRET],
    ['in upper case', SECRET.toUpperCase()],
    ['in a URL', encodeURIComponent(SECRET)],
    ['in a URL, partly encoded', 'a%2Bb/c%26d"e%5cf'],
    ['in a URL within a URL', encodeURIComponent(encodeURIComponent(SECRET))],
    ['in a URL, encoded three times', encodeURIComponent(encodeURIComponent(encodeURIComponent(SECRET)))],
    ['in JSON within JSON', JSON.stringify(JSON.stringify(SECRET)).slice(3, -3)],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['in JSON with escapes', 'a\\u002bb\\/c\\u0026d\\"e\\\\f'],
    ['in HTML', 'a+b/c&amp;d&quot;e\\f'],
    ['in HTML by numbers', 'a&#43;b&#x2F;c&#038;d&#34;e&#92;f'],
  ])('finds the secret %s', (_, spelling) => {
    expect(redactor(SECRET).text(`before ${spelling} after ${spelling}`)).toBe(
      'before [token] after [token]',
    );
  });

  const characters = [...'abcXYZ019!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'];
  const anySecret = fc.string({ unit: fc.constantFrom(...characters), minLength: 8, maxLength: 40 });
  const anyText = fc.string({ unit: fc.constantFrom(...'xyz 0/&?'), maxLength: 9 });

  test.each<[string, (text: string) => string]>([
    ['Base64', (text) => Buffer.from(text).toString('base64')],
    ['Base64 for URLs', (text) => Buffer.from(text).toString('base64url')],
    ['Base64 in a URL', (text) => encodeURIComponent(Buffer.from(text).toString('base64'))],
    ['Base64 in JSON', (text) => Buffer.from(text).toString('base64').replaceAll('/', '\\/')],
  ])('leaves no trace of the secret in a text that is encoded as %s, at any offset', (_, encode) => {
    fc.assert(
      fc.property(anySecret, anyText, anyText, fc.boolean(), (secret, before, after, inUrl) => {
        const written = inUrl ? encodeURIComponent(secret) : secret;
        const encoded = encode(before + written + after);

        const redacted = redactor(secret).text(`{"blob":"${encoded}"}`);

        expect(redacted).toMatch(/^\{"blob":".*\[token\].*"\}$/);
        // The remaining text contains no byte of the secret, only the text before and after it.
        const [start = '', end = ''] = redacted.slice(9, -2).split('[token]');
        const plainStart = Buffer.from(decodeURIComponent(start).replaceAll('\\', ''), 'base64').toString(
          'latin1',
        );
        expect(before.startsWith(plainStart)).toBe(true);
        expect(end.replaceAll(/%3D|=/g, '').length).toBeLessThanOrEqual(
          Math.ceil((after.length * 4) / 3) * 3,
        );
      }),
      { numRuns: 100 },
    );
  });

  test('leaves all other text unchanged', () => {
    const text = `a+b/c&d"e ${SECRET.slice(1)} $& \\f`;

    expect(redactor(SECRET).text(text)).toBe(text);
  });

  test('recreates an error with its causes, and without its other fields', () => {
    const cause = Object.assign(
      new TypeError(`Invalid URL: https://x/?token=${encodeURIComponent(SECRET)}`),
      {
        input: `https://x/?token=${SECRET}`,
      },
    );
    const error = new Error(`fetch failed: ${SECRET}`, { cause });

    const redacted = redactor(SECRET).error(error);

    expect(redacted.message).toBe('fetch failed: [token]');
    expect(redacted.cause).toMatchObject({
      name: 'TypeError',
      message: 'Invalid URL: https://x/?token=[token]',
    });
    expect(inspect(redacted, { depth: Infinity, showHidden: true })).not.toContain('input');
  });
});
