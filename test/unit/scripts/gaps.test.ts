import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cronMinutes } from '../../../cli/cron.ts';
import { type Expected, gapsOf, missingPolls } from '../../../scripts/audit/gaps.ts';

const HOUR = 3_600_000;
const begin = Date.UTC(2026, 10, 1);
const at = (hours: number): number => begin + hours * HOUR;
const isoAt = (hours: number): string => new Date(at(hours)).toISOString();
const everyHour = Array.from({ length: 25 }, (_, hour) => at(hour));
const expected = (schedule: string, rest: Partial<Expected> = {}): Expected => ({
  begin,
  end: at(24),
  since: begin,
  schedule,
  timeZone: 'UTC',
  ...rest,
});

/** A series, and which of its polls took place. */
const seriesOf = (length: number): fc.Arbitrary<boolean[]> =>
  fc.array(fc.boolean(), { minLength: length, maxLength: length });

describe('polls at a rate', () => {
  test('exactly the missing ones are reported, except for the first and last', () => {
    const rates = fc.constantFrom<[string, number]>(
      ['rate(1 hour)', 1],
      ['rate(15 minutes)', 0.25],
      ['rate(2 hours)', 2],
      ['rate(1 day)', 24],
    );
    fc.assert(
      fc.property(rates, seriesOf(40), fc.integer({ min: 0, max: 59 }), ([schedule, hours], done, second) => {
        const series = done.map((_, index) => at(index * hours) + second * 1_000);
        const isDone = (index: number): boolean => index === 0 || index === 39 || done[index] === true;
        const since = series[0] ?? 0;
        const end = (series.at(-1) ?? 0) + 1;

        const missing = missingPolls(
          series.filter((_, index) => isDone(index)),
          expected(schedule, { since, end }),
        );

        expect(missing).toEqual(series.filter((_, index) => !isDone(index)));
      }),
    );
  });

  test('the last poll before the month determines the first due time, and polls are due until its end', () => {
    const polls = everyHour.filter((moment) => moment >= at(4) && moment < at(20));

    const gaps = gapsOf([at(-0.5), ...polls, at(24)], expected('rate(1 hour)', { since: at(-0.5) }));

    expect(gaps).toEqual([
      { from: isoAt(0.5), until: isoAt(3.5), polls: 4 },
      { from: isoAt(20), until: isoAt(23), polls: 4 },
    ]);
  });

  test('a poll that was started by hand counts, and schedules have a precision of one minute', () => {
    const late = everyHour.map((moment, index) => moment + (index % 2) * 59_000);

    expect(gapsOf([...everyHour, at(3.5), at(7.25)], expected('rate(1 hour)'))).toEqual([]);
    expect(gapsOf(late.toReversed(), expected('rate(1 hour)'))).toEqual([]);
  });

  test('all are missing if none took place, and none if the schedule does not recur', () => {
    expect(gapsOf([], expected('rate(1 hour)'))).toEqual([{ from: isoAt(1), until: isoAt(23), polls: 23 }]);
    expect(gapsOf([], expected('at(2026-11-01T00:00:00)'))).toEqual([]);
  });
});

describe('polls by a cron', () => {
  const DAYS = 30;
  const month = (schedule: string, timeZone = 'UTC'): Expected =>
    expected(schedule, { end: at(DAYS * 24), timeZone });

  test('exactly the missing ones are reported', () => {
    const crons = fc.constantFrom('0 * * * ? *', '0/20 6-8 ? * MON-FRI *', '30 6 1,15 * ? *');
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu');
    fc.assert(
      fc.property(crons, zones, fc.infiniteStream(fc.boolean()), (fields, timeZone, stream) => {
        const due = cronMinutes(fields, timeZone, begin, at(DAYS * 24)).map((minute) => minute.at);
        const done = new Set(due.filter(() => stream.next().value === true));

        // Retries and flexible windows do not change the scheduled minute.
        const polls = [...done].map((moment) => moment + 7_000);

        expect(missingPolls(polls, month(`cron(${fields})`, timeZone))).toEqual(
          due.filter((moment) => !done.has(moment)),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('twelve consecutive missing polls count as twelve', () => {
    const polls = everyHour.filter((moment) => moment < at(3) || moment >= at(15));

    expect(gapsOf(polls, expected('cron(0 * * * ? *)'))).toEqual([
      { from: isoAt(3), until: isoAt(14), polls: 12 },
    ]);
  });
});

describe('a cron is due', () => {
  const days = (fields: string, timeZone = 'UTC', month = 10): string[] =>
    cronMinutes(fields, timeZone, Date.UTC(2026, month, 1), Date.UTC(2026, month + 1, 1)).map((minute) =>
      new Date(minute.at).toISOString().slice(8, 16),
    );

  test.each([
    ['0 6 L * ? *', ['30T06:00']],
    ['0 6 15W * ? *', ['16T06:00']],
    ['0 6 1W * ? *', ['02T06:00']],
    ['0 6 LW * ? *', ['30T06:00']],
    ['0 6 ? * 2#1 *', ['02T06:00']],
    ['0 6 ? * 6L *', ['27T06:00']],
    ['0 6 ? * L *', ['07T06:00', '14T06:00', '21T06:00', '28T06:00']],
    [
      '0 6 ? NOV SAT-SUN 2026',
      [1, 7, 8, 14, 15, 21, 22, 28, 29].map((day) => `${`${day}`.padStart(2, '0')}T06:00`),
    ],
    ['10/25 6 1 * ? *', ['01T06:10', '01T06:35']],
    ['0 6 * * ? 2027', []],
    ['0 6 ? DEC * *', []],
  ])('%s in November 2026 at %j', (fields, moments) => {
    expect(days(fields)).toEqual(moments);
  });

  test('in its time zone: once at a time that clocks show twice, and never at a skipped time', () => {
    // Berlin's clocks go back on 25 October 2026 at 3:00, and went forward on 29 March at 2:00.
    expect(days('30 2 25 * ? *', 'Europe/Berlin', 9)).toEqual(['25T00:30']);
    expect(days('30 2 24,26 * ? *', 'Europe/Berlin', 9)).toEqual(['24T00:30', '26T01:30']);
    expect(days('30 2 29 * ? *', 'Europe/Berlin', 2)).toEqual([]);
  });

  test.each(['0 6 * *', '0 25 * * ? *', '0 6 * FOO ? *', '0/0 6 * * ? *'])('%s is refused', (fields) => {
    expect(() => cronMinutes(fields, 'UTC', begin, at(1))).toThrow(/^cron/);
  });
});
