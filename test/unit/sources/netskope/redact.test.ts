import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { redactor } from '../../../../lambdas/sources/netskope/redact.ts';

const SECRET = 'a+b/c&d"e\\f';

describe('a redactor', () => {
  test.each([
    ['as it stands', SECRET],
    ['in upper case', SECRET.toUpperCase()],
    ['in a URL', encodeURIComponent(SECRET)],
    ['in a URL, in part', 'a%2Bb/c%26d"e%5cf'],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['in JSON with escapes', 'a\\u002bb\\/c\\u0026d\\"e\\\\f'],
    ['in HTML', 'a+b/c&amp;d&quot;e\\f'],
    ['in HTML by numbers', 'a&#43;b&#x2F;c&#038;d&#34;e&#92;f'],
  ])('finds the secret %s', (_, spelling) => {
    expect(redactor(SECRET).text(`before ${spelling} after ${spelling}`)).toBe(
      'before [token] after [token]',
    );
  });

  test('leaves everything else as it stands', () => {
    const text = `a+b/c&d"e ${SECRET.slice(1)} $& \\f`;

    expect(redactor(SECRET).text(text)).toBe(text);
  });

  test('makes an error anew, causes and all, without what else was in it', () => {
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
