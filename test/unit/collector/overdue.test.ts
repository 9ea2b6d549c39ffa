import { describe, expect, test } from 'vitest';
import type { WriteCondition } from '../../../lambdas/aws/evidence-objects.ts';
import { longestPeriod, overdueRules } from '../../../lambdas/collector/overdue.ts';
import type { PollMark } from '../../../lambdas/collector/poll-mark.ts';

const DAY = 24 * 3_600_000;
const NOW = new Date('2026-03-01T12:00:00Z');
const ago = (days: number): string => new Date(NOW.getTime() - days * DAY).toISOString();

describe('the longest period of a schedule', () => {
  test.each([
    ['rate(1 hour)', 1 / 24],
    ['rate(15 minutes)', 15 / 24 / 60],
    ['rate(8 days)', 8],
    ['cron(0/30 * * * ? *)', 1],
    ['cron(0 6 * * ? *)', 1],
    ['cron(0 6 ? * MON-FRI *)', 7],
    ['cron(0 6 ? * 2#1 *)', 35],
    ['cron(0 6 1 * ? *)', 31],
    ['cron(0 6 1 1,7 ? *)', 366],
    ['cron(0 6 * * ? 2027)', undefined],
    ['at(2027-01-01T00:00:00)', undefined],
    ['nonsense', undefined],
  ])('%s is at most %d days', (expression, days) => {
    expect(longestPeriod(expression)).toBe(days === undefined ? undefined : days * DAY);
  });
});

/** The marks in the evidence bucket. */
function bucketOf(marks: Readonly<Record<string, PollMark>>) {
  const objects = new Map(
    Object.entries(marks).map(([rule, mark]) => [`polls/${rule}/last.json`, JSON.stringify(mark)]),
  );
  const writtenAnew: string[] = [];
  return {
    objects,
    /** The keys of the objects that were written over. */
    writtenAnew,
    find: async (key: string) => {
      const text = objects.get(key);
      return text === undefined ? undefined : { text, etag: text };
    },
    put: async (key: string, json: string, condition: WriteCondition = {}) => {
      const known = objects.get(key);
      const isMet =
        'IfMatch' in condition
          ? known === condition.IfMatch
          : known === undefined || !('IfNoneMatch' in condition);
      if (!isMet) throw Object.assign(new Error('not so'), { name: 'PreconditionFailed' });
      if (known !== undefined) writtenAnew.push(key);
      objects.set(key, json);
      return json;
    },
  };
}

function succeeded(rule: string, at: string): PollMark {
  return { version: 1, at, poll: { source: 'netskope', rule, asOf: at } };
}

describe('rules that are overdue', () => {
  const schedules = {
    weekly: 'cron(0 6 ? * SUN *)',
    eight: 'rate(8 days)',
    hourly: 'rate(1 hour)',
    once: 'at(2026-02-01T00:00:00)',
  };

  test('are those without a successful poll for two periods, in words', async () => {
    const bucket = bucketOf({
      weekly: succeeded('weekly', ago(15)),
      eight: succeeded('eight', ago(16)),
      hourly: { version: 1, at: ago(1) },
      once: succeeded('once', ago(28)),
    });

    const overdue = await overdueRules(bucket, schedules, NOW);

    expect(overdue).toEqual([
      {
        rule: 'weekly',
        reason: `rule weekly was last polled successfully at ${ago(15)}, although its schedule is cron(0 6 ? * SUN *): its findings are not looked at`,
      },
      {
        rule: 'hourly',
        reason: expect.stringContaining(`since it was enabled, at the latest ${ago(1)}`),
      },
    ]);
  });

  test('are not those that were never seen: they are expected from now on', async () => {
    const bucket = bucketOf({});

    const first = await overdueRules(bucket, schedules, NOW);
    const later = await overdueRules(bucket, schedules, new Date(NOW.getTime() + 15 * DAY));

    expect(first).toEqual([]);
    expect(later.map(({ rule }) => rule)).toEqual(['weekly', 'hourly']);
    expect(bucket.objects.has('polls/once/last.json')).toBe(false);
  });

  test('stay known however soon the bucket deletes what is old: each look writes the marks anew, as they are', async () => {
    const mark = succeeded('weekly', ago(3));
    const bucket = bucketOf({ weekly: mark });

    await overdueRules(bucket, { weekly: 'cron(0 6 ? * SUN *)' }, NOW);

    expect(bucket.writtenAnew).toEqual(['polls/weekly/last.json']);
    expect(bucket.objects.get('polls/weekly/last.json')).toBe(JSON.stringify(mark));
  });

  test('a poll that ends while the marks are looked at keeps its mark', async () => {
    const bucket = bucketOf({ weekly: succeeded('weekly', ago(3)) });
    const ended = JSON.stringify(succeeded('weekly', ago(0)));
    const find = async (key: string) => {
      const found = await bucket.find(key);
      bucket.objects.set(key, ended);
      return found;
    };

    await overdueRules({ ...bucket, find }, { weekly: 'cron(0 6 ? * SUN *)' }, NOW);

    expect(bucket.objects.get('polls/weekly/last.json')).toBe(ended);
  });
});
