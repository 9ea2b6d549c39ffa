import { describe, expect, test } from 'vitest';
import { nextRun } from '../../../cli/cron.ts';

/** The next run in UTC; undefined if it is unknown. */
const next = (
  expression: string,
  { now, last, zone = 'UTC' }: { readonly now: string; readonly last?: string; readonly zone?: string },
): string | undefined => {
  const at = nextRun(expression, zone, last === undefined ? undefined : Date.parse(last), Date.parse(now));
  return at === undefined ? undefined : new Date(at).toISOString();
};

describe('a rate counts from the last run', () => {
  const now = '2026-11-24T12:00:00Z';

  test.each<[string, string, string]>([
    ['rate(1 hour)', '2026-11-24T11:40:00Z', '2026-11-24T12:40:00.000Z'],
    ['rate(2 hours)', '2026-11-24T11:40:00Z', '2026-11-24T13:40:00.000Z'],
    ['rate(30 minutes)', '2026-11-24T11:40:00Z', '2026-11-24T12:10:00.000Z'],
    ['rate(1 day)', '2026-11-24T11:40:00Z', '2026-11-25T11:40:00.000Z'],
    // Missed runs are not repeated.
    ['rate(1 hour)', '2026-11-24T08:40:00Z', '2026-11-24T12:40:00.000Z'],
    // A run that is due now.
    ['rate(1 hour)', '2026-11-24T11:00:00Z', '2026-11-24T12:00:00.000Z'],
    // A run that has just started.
    ['rate(1 hour)', '2026-11-24T12:00:00Z', '2026-11-24T13:00:00.000Z'],
    [' rate(1 hour) ', '2026-11-24T11:40:00Z', '2026-11-24T12:40:00.000Z'],
  ])('%s after %s', (expression, last, expected) => {
    expect(next(expression, { now, last })).toBe(expected);
  });

  test('the next run is unknown without a last run', () => {
    expect(next('rate(1 hour)', { now })).toBeUndefined();
  });
});

describe('a cron runs in its time zone', () => {
  test.each<[string, string, string, string | undefined]>([
    ['cron(0 6 * * ? *)', 'UTC', '2026-11-24T12:00:00Z', '2026-11-25T06:00:00.000Z'],
    ['cron(0 6 * * ? *)', 'Europe/Berlin', '2026-11-24T04:59:30Z', '2026-11-24T05:00:00.000Z'],
    // Exactly at that minute.
    ['cron(0 12 * * ? *)', 'UTC', '2026-11-24T12:00:00Z', '2026-11-24T12:00:00.000Z'],
    ['cron(0/20 9-17 ? * MON-FRI *)', 'UTC', '2026-11-27T17:41:00Z', '2026-11-30T09:00:00.000Z'],
    ['cron(30 4 L * ? *)', 'UTC', '2026-11-24T12:00:00Z', '2026-11-30T04:30:00.000Z'],
    ['cron(0 8 ? * TUE#1 *)', 'UTC', '2026-11-24T12:00:00Z', '2026-12-01T08:00:00.000Z'],
    ['cron(0 0 1 1 ? *)', 'UTC', '2026-11-24T12:00:00Z', '2027-01-01T00:00:00.000Z'],
    // Clocks skip this minute on 2027-03-28.
    ['cron(30 2 * * ? *)', 'Europe/Berlin', '2027-03-28T00:00:00Z', '2027-03-29T00:30:00.000Z'],
    ['cron(0 0 1 1 ? 2020)', 'UTC', '2026-11-24T12:00:00Z', undefined],
  ])('%s in %s after %s', (expression, zone, now, expected) => {
    expect(next(expression, { now, zone })).toBe(expected);
  });

  test('names a field that cannot be parsed', () => {
    expect(() => next('cron(0 25 * * ? *)', { now: '2026-11-24T12:00:00Z' })).toThrow(
      'cron field "25": expected 0 to 23',
    );
  });
});

test.each(['at(2026-11-24T13:00:00)', '', 'rate(1 week)', 'every hour'])(
  'of "%s" nobody can tell',
  (expression) => {
    expect(next(expression, { now: '2026-11-24T12:00:00Z', last: '2026-11-24T11:00:00Z' })).toBeUndefined();
  },
);
