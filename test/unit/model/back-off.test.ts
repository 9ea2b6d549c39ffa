import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BackOff, counts, dueAt, isDue, withFailure } from '../../../lambdas/model/back-off.ts';
import { MODULE_VERSION } from '../../../lambdas/model/module-version.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse('2026-06-01T00:00:00Z');
const settings = { rule: 'rule-1', accounts: 'accounts-1' };

const failed = (failures: number): BackOff => ({
  failures,
  last: new Date(START).toISOString(),
  settings,
  module: MODULE_VERSION,
});

describe('the back-off of a finding', () => {
  test('is one hour, four hours, and then a day each time', () => {
    const waits = [1, 2, 3, 4, 5, 50].map((failures) => (dueAt(failed(failures)) - START) / HOUR);

    expect(waits).toEqual([1, 4, 24, 24, 24, 24]);
  });

  test('ends up to half a poll period early, or a quarter of an hour if the period is unknown', () => {
    const dueBefore = (minutes: number, pollMinutes?: number) =>
      isDue(failed(2), START + 4 * HOUR - minutes * MINUTE, pollMinutes);

    expect([dueBefore(30, 60), dueBefore(31, 60)]).toEqual([true, false]);
    expect([dueBefore(15), dueBefore(16), dueBefore(15, 0), dueBefore(16, 0)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('allows three attempts on the first day for a finding that fails at every hourly poll', () => {
    const attempts: number[] = [];
    let backOff: BackOff | undefined;
    for (let hour = 0; hour < 24; hour += 1) {
      // A job waits some seconds or minutes in its queue.
      const now = START + hour * HOUR + ((hour * 7) % 20) * MINUTE;
      if (backOff !== undefined && !isDue(backOff, now, 60)) continue;
      attempts.push(hour);
      backOff = withFailure(backOff, new Date(now).toISOString(), settings);
    }

    expect(attempts).toEqual([0, 1, 5]);
  });

  test('never ends more than half a poll period early, whenever polls run', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 * 1440 }),
        fc.array(fc.integer({ min: 1, max: 3 * 1440 }), { minLength: 1, maxLength: 60 }),
        (pollMinutes, gaps) => {
          let now = START;
          let backOff: BackOff | undefined;
          let before: number | undefined;
          for (const gap of gaps) {
            now += gap * MINUTE;
            if (backOff !== undefined && !isDue(backOff, now, pollMinutes)) continue;
            if (backOff !== undefined && before !== undefined) {
              const wait = [1, 4][backOff.failures - 1] ?? 24;
              expect(now - before).toBeGreaterThanOrEqual(wait * HOUR - (pollMinutes * MINUTE) / 2);
            }
            backOff = withFailure(backOff, new Date(now).toISOString(), settings);
            before = now;
          }
        },
      ),
    );
  });

  test.each([
    ['the settings of the rule', { rule: 'rule-2', accounts: 'accounts-1' }, MODULE_VERSION, false],
    ['the settings of accounts', { rule: 'rule-1', accounts: 'accounts-2' }, MODULE_VERSION, false],
    ['the version of the module', settings, '0.0.9', false],
    ['nothing', settings, MODULE_VERSION, true],
  ])('no longer counts when %s has changed', (_, now, module, isCounting) => {
    expect(counts({ ...failed(3), module }, now)).toBe(isCounting);
  });
});
