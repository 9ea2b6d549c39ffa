import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ScheduleRecords, scheduleRecordKey } from '../../../lambdas/collector/schedule-records.ts';
import { historyOf } from '../../../scripts/audit/schedules.ts';

const RULE = 's3-bucket-public';
const HOUR = 3_600_000;
const BEGIN = Date.parse('2026-11-01T00:00:00Z');
const END = Date.parse('2026-12-01T00:00:00Z');

/** A record at a number of hours after the beginning of the month. */
function recordAt(hours: number, schedule: string | undefined, timeZone = 'UTC') {
  const at = new Date(BEGIN + hours * HOUR).toISOString();
  const schedules: Record<string, string> = schedule === undefined ? {} : { [RULE]: schedule };
  return { version: 1 as const, at, schedules, timeZone };
}

/** Converts spans to hours after the beginning of the month. */
function spansOf(records: readonly ReturnType<typeof recordAt>[]) {
  const { spans } = historyOf(RULE, records, BEGIN, END);
  return spans.map(({ from, until, schedule }) => [(from - BEGIN) / HOUR, (until - BEGIN) / HOUR, schedule]);
}

const MONTH = (END - BEGIN) / HOUR;

describe('the periods in which a rule was polled', () => {
  test.each([
    ['on all month', [recordAt(-5, 'a'), recordAt(7, 'a')], [[0, MONTH, 'a']]],
    ['first record within the month', [recordAt(7, 'a')], [[0, MONTH, 'a']]],
    ['switched on', [recordAt(-5, undefined), recordAt(7, 'a'), recordAt(9, 'a')], [[7, MONTH, 'a']]],
    ['switched off', [recordAt(-5, 'a'), recordAt(7, 'a'), recordAt(9, undefined)], [[0, 7, 'a']]],
    [
      'off for a time',
      [recordAt(1, 'a'), recordAt(3, undefined), recordAt(5, undefined), recordAt(8, 'a'), recordAt(9, 'a')],
      [
        [0, 1, 'a'],
        [8, MONTH, 'a'],
      ],
    ],
    [
      'with another schedule',
      [recordAt(-1, 'a'), recordAt(3, 'a'), recordAt(4, 'b')],
      [
        [0, 3, 'a'],
        [4, MONTH, 'b'],
      ],
    ],
    ['never on', [recordAt(-1, undefined), recordAt(3, undefined)], []],
  ])('%s', (_, records, expected) => {
    expect(spansOf(records)).toEqual(expected);
  });

  test('another time zone counts as another schedule', () => {
    const records = [recordAt(1, 'a'), recordAt(3, 'a', 'Europe/Berlin')];

    expect(spansOf(records)).toEqual([
      [0, 1, 'a'],
      [3, MONTH, 'a'],
    ]);
  });

  test('a record is in a span with its schedule, or in none if it has no schedule', () => {
    const schedule = fc.constantFrom('a', 'b', undefined);
    const sequence = fc.uniqueArray(fc.record({ hours: fc.integer({ min: -50, max: 700 }), schedule }), {
      selector: ({ hours }) => hours,
      minLength: 1,
      maxLength: 12,
    });

    fc.assert(
      fc.property(sequence, (all) => {
        const records = all
          .toSorted((one, other) => one.hours - other.hours)
          .map(({ hours, schedule: said }) => recordAt(hours, said));
        const before = records.findLastIndex(({ at }) => Date.parse(at) < BEGIN);
        const asked = records.slice(Math.max(0, before));

        const { spans, switches } = historyOf(RULE, asked, BEGIN, END);

        for (const [index, { at, schedules }] of asked.entries()) {
          const moment = Math.max(BEGIN, Date.parse(at));
          const said = schedules[RULE];
          const of = spans.filter(({ from, until }) => from <= moment && moment <= until);
          const amid = of.filter(({ from, until }) => from < moment && moment < until);
          expect(amid.every((span) => span.schedule === said)).toBe(true);
          expect(of.some((span) => span.schedule === said)).toBe(said !== undefined);
          const next = asked[index + 1];
          const differs = next !== undefined && next.schedules[RULE] !== schedules[RULE];
          expect(switches.some(({ from }) => from === at)).toBe(differs);
        }
      }),
    );
  });
});

test('the collector records its schedules once per hour, each time with another key', async () => {
  const objects = new Map<string, unknown>();
  let now = BEGIN;
  const put = async (key: string, json: string) => {
    objects.set(key, JSON.parse(json));
    return '';
  };
  const known = { schedules: { [RULE]: 'rate(1 hour)' }, timeZone: 'UTC' };
  const records = new ScheduleRecords({ put }, known, { now: () => now, sleep: async () => {} });

  for (const minutes of [0, 10, 59, 60, 61, 120]) {
    now = BEGIN + minutes * 60_000;
    await records.note();
  }

  const times = ['2026-11-01T00:00:00.000Z', '2026-11-01T01:00:00.000Z', '2026-11-01T02:00:00.000Z'];
  expect([...objects]).toEqual(times.map((at) => [scheduleRecordKey(at), { version: 1, at, ...known }]));
});

test('the next poll writes a record that could not be written', async () => {
  let isBroken = true;
  const written: string[] = [];
  const put = async (key: string) => {
    if (isBroken) throw new Error('no bucket');
    written.push(key);
    return '';
  };
  const clock = { now: () => BEGIN, sleep: async () => {} };
  const records = new ScheduleRecords({ put }, { schedules: {}, timeZone: 'UTC' }, clock);
  await expect(records.note()).rejects.toThrow('no bucket');
  isBroken = false;

  await records.note();

  expect(written).toEqual(['schedules/2026-11-01T00-00-00.000Z.json']);
});
