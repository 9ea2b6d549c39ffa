import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNetskopeTime } from '../../../../lambdas/sources/netskope/timestamp.ts';

describe("Netskope's times", () => {
  test.each([
    ['2020-02-12 02:30:17AM', '2020-02-12T02:30:17Z'],
    ['2019-08-01 06:54:45PM', '2019-08-01T18:54:45Z'],
    ['2020-02-12 12:00:00AM', '2020-02-12T00:00:00Z'],
    ['2020-02-12 12:00:00PM', '2020-02-12T12:00:00Z'],
    ['2020-02-29 11:59:59 pm', '2020-02-29T23:59:59Z'],
  ])('%s is %s', (text, time) => {
    expect(parseNetskopeTime(text)).toBe(time);
  });

  test.each([
    '',
    'never',
    '2020-02-12',
    '2020-02-12 02:30:17',
    '2020-02-12 13:30:17PM',
    '2020-02-12 00:30:17AM',
    '2020-02-12 02:60:17AM',
    '2021-02-29 02:30:17AM',
    '2020-02-30 02:30:17AM',
    '2020-13-01 02:30:17AM',
  ])('%j is not a time', (text) => {
    expect(parseNetskopeTime(text)).toBeUndefined();
  });

  test('are parsed to the times that were formatted', () => {
    const seconds = fc.integer({ min: 0, max: Date.parse('2099-12-31') / 1000 });
    fc.assert(
      fc.property(seconds, (second) => {
        const iso = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
        const hour = Number(iso.slice(11, 13));
        const twelve = String(((hour + 11) % 12) + 1).padStart(2, '0');

        const read = parseNetskopeTime(
          `${iso.slice(0, 10)} ${twelve}${iso.slice(13, 19)}${hour < 12 ? 'AM' : 'PM'}`,
        );

        expect(read).toBe(iso);
      }),
    );
  });
});
