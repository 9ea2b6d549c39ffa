import { expect, test } from 'vitest';
import { gapsOf } from '../../../scripts/audit/gaps.ts';

const HOUR = 3_600_000;
const begin = Date.UTC(2026, 10, 1);
const end = begin + 24 * HOUR;
const at = (hours: number): number => begin + hours * HOUR;
const everyHour = Array.from({ length: 24 }, (_, hour) => at(hour));
const isoAt = (hours: number): string => new Date(at(hours)).toISOString();

test('a rule that was polled every hour has no gaps, whatever the minutes', () => {
  const late = everyHour.map((moment, index) => moment + (index % 3) * 600_000);

  expect(gapsOf(everyHour, { begin, end, schedule: 'rate(1 hour)' })).toEqual([]);
  expect(gapsOf(late.toReversed(), { begin, end, schedule: 'rate(1 hour)' })).toEqual([]);
});

test('polls that are missing are counted, in the middle and at both ends', () => {
  const polls = everyHour.filter(
    (moment) => moment >= at(4) && moment < at(20) && moment !== at(10) && moment !== at(11),
  );

  const gaps = gapsOf(polls, { begin, end, schedule: 'rate(1 hour)' });

  expect(gaps).toEqual([
    { from: isoAt(0), until: isoAt(4), polls: 2 },
    { from: isoAt(9), until: isoAt(12), polls: 1 },
    { from: isoAt(19), until: isoAt(24), polls: 3 },
  ]);
});

test('a rule that was never polled misses all, one that is not scheduled none', () => {
  expect(gapsOf([], { begin, end, schedule: 'rate(1 hour)' })).toEqual([
    { from: isoAt(0), until: isoAt(24), polls: 22 },
  ]);
  expect(gapsOf([], { begin, end, schedule: 'at(2026-11-01T00:00:00)' })).toEqual([]);
});
