import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  describeWindow,
  isOpen,
  type MaintenanceWindow,
  maintenanceWindowSchema,
  nextOpening,
} from '../../../lambdas/model/maintenance-window.ts';
import timeZones from '../../../modules/_settings/time-zones.json' with { type: 'json' };

const everyDay: MaintenanceWindow['days'] = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const nights: MaintenanceWindow = {
  days: ['FRI', 'SAT'],
  start: '22:00',
  end: '04:00',
  time_zone: 'Europe/Berlin',
};
const noons: MaintenanceWindow = { days: ['MON'], start: '12:00', end: '13:30', time_zone: 'UTC' };

const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
const timeOfDay = fc
  .record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.constantFrom('00', '30') })
  .map(({ hour, minute }) => `${String(hour).padStart(2, '0')}:${minute}`);
const windows = fc.record({
  days: fc.subarray([...everyDay], { minLength: 1 }),
  start: timeOfDay,
  end: timeOfDay,
  time_zone: fc.constant('UTC'),
});
/** Midnight at the beginning of a Sunday, in UTC. */
const sunday = Date.UTC(2026, 10, 22);

describe('a maintenance window', () => {
  // 2026-11-27 is a Friday; Berlin is then one hour ahead of UTC.
  test.each([
    ['before it opens', nights, '2026-11-27T20:59:59Z', false],
    ['when it opens', nights, '2026-11-27T21:00:00Z', true],
    ['after midnight', nights, '2026-11-28T02:59:59Z', true],
    ['when it closes', nights, '2026-11-28T03:00:00Z', false],
    ['after its last night', nights, '2026-11-29T02:59:59Z', true],
    ['the evening after', nights, '2026-11-29T21:30:00Z', false],
    ['in the early morning before its first evening', nights, '2026-11-27T01:00:00Z', false],
    ['in summer time, before it opens', nights, '2026-07-03T19:59:59Z', false],
    ['in summer time, when it opens', nights, '2026-07-03T20:00:00Z', true],
    ['within a day: before', noons, '2026-11-30T11:59:59Z', false],
    ['within a day: at its start', noons, '2026-11-30T12:00:00Z', true],
    ['within a day: at its end', noons, '2026-11-30T13:30:00Z', false],
    ['within a day: another day', noons, '2026-12-01T12:30:00Z', false],
    ['midnight is 00:00', { ...noons, start: '00:00', end: '00:01' }, '2026-11-30T00:00:30Z', true],
  ])('%s', (_, window, at, expected) => {
    const open = isOpen(window, new Date(at));

    expect(open).toBe(expected);
  });

  test('with the same start and end is open for 24 hours each time', () => {
    const window = { ...noons, end: noons.start };

    const opened = [...Array(8 * 24).keys()].filter((hour) =>
      isOpen(window, new Date(sunday + hour * 60 * MINUTE)),
    );

    // From Monday noon to Tuesday noon.
    expect(opened).toEqual([...Array(24).keys()].map((hour) => 36 + hour));
  });

  test('is open for its length once for each of its days, in any week', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const halfHours = [...Array(7 * 48).keys()].filter((number) =>
          isOpen(window, new Date(sunday + number * HALF_HOUR)),
        );

        const [from, to] = [window.start, window.end].map((time) => Date.parse(`1970-01-01T${time}Z`));
        const length = (((to ?? 0) - (from ?? 0)) / HALF_HOUR + 47) % 48;
        expect(halfHours.length).toBe(window.days.length * (length + 1));
      }),
      { numRuns: 30 },
    );
  });

  test('opens next at the first minute after now in which it is open', () => {
    fc.assert(
      fc.property(
        windows,
        fc.integer({ min: 0, max: 365 * 48 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'),
        (window, halfHour, time_zone) => {
          const placed = { ...window, time_zone };
          const at = new Date(sunday + halfHour * HALF_HOUR);
          if (isOpen(placed, at)) return;

          const next = nextOpening(placed, at);

          if (next === undefined) throw new Error('it never opens');
          expect(isOpen(placed, next)).toBe(true);
          expect(isOpen(placed, new Date(next.getTime() - MINUTE))).toBe(false);
          for (let time = at.getTime(); time < next.getTime(); time += HALF_HOUR)
            expect(isOpen(placed, new Date(time))).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    // Berlin's clocks change from 02:00 to 03:00, and from 03:00 back to 02:00.
    ['2026-03-29T00:30:00Z', '02:30', '04:00', '2026-03-29T01:00:00.000Z'],
    ['2026-03-28T12:00:00Z', '05:00', '06:00', '2026-03-29T03:00:00.000Z'],
    ['2026-10-24T12:00:00Z', '05:00', '06:00', '2026-10-25T04:00:00.000Z'],
  ])('follows the clock of its time zone through clock changes: after %s, %s', (at, start, end, expected) => {
    const window = { days: everyDay, start, end, time_zone: 'Europe/Berlin' };

    expect(nextOpening(window, new Date(at))?.toISOString()).toBe(expected);
  });

  test.each([
    [nights, '22:00 to 04:00 Europe/Berlin on FRI, SAT'],
    [{ ...nights, days: everyDay }, '22:00 to 04:00 Europe/Berlin every day'],
  ])('is described in words', (window, words) => {
    expect(describeWindow(window)).toBe(words);
  });

  test("accepts all of Terraform's time zones, which include all that JavaScript lists", () => {
    const { names } = z.object({ names: z.array(z.string()) }).parse(timeZones);

    expect(
      names.filter((name) => !maintenanceWindowSchema.safeParse({ ...nights, time_zone: name }).success),
    ).toEqual([]);
    expect(Intl.supportedValuesOf('timeZone').filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each([
    ['no days', { ...nights, days: [] }, 'days'],
    ['an unknown day', { ...nights, days: ['FRIDAY'] }, 'days'],
    ['an impossible time', { ...nights, start: '24:00' }, 'expected hours and minutes'],
    ['a time without a zero', { ...nights, end: '4:00' }, 'expected hours and minutes'],
    ['an unknown time zone', { ...nights, time_zone: 'Europe/Atlantis' }, 'IANA time zone database'],
    ['no time zone', { days: nights.days, start: '22:00', end: '04:00' }, 'time_zone'],
    ['an unknown key', { ...nights, hours: 3 }, 'hours'],
  ])('%s is refused', (_, given, words) => {
    const { error } = maintenanceWindowSchema.safeParse(given);

    expect(JSON.stringify(error?.issues)).toContain(words);
  });
});
