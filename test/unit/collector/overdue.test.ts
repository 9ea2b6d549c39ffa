import { beforeEach, describe, expect, test } from 'vitest';
import { longestPeriod, overdueRules } from '../../../lambdas/collector/overdue.ts';
import { type PollMark, PollMarks } from '../../../lambdas/collector/poll-marks.ts';
import { UnreadableItemError } from '../../../lambdas/model/errors.ts';
import { ItemsInMemory } from '../support/items-in-memory.ts';

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

let table: ItemsInMemory;
let now: number;
beforeEach(() => {
  table = new ItemsInMemory();
  now = NOW.getTime();
});

const marksOf = () => new PollMarks(table, { now: () => now, sleep: async () => {} });

/** Writes marks as earlier polls and checks would have left them. */
async function marked(...known: readonly PollMark[]): Promise<PollMarks> {
  const marks = marksOf();
  for (const mark of known) await marks.renew(mark);
  return marks;
}

function succeeded(rule: string, at: string): PollMark {
  return { rule, at, poll: { source: 'netskope', rule, asOf: at } };
}

describe('overdue rules', () => {
  const schedules = {
    weekly: 'cron(0 6 ? * SUN *)',
    eight: 'rate(8 days)',
    hourly: 'rate(1 hour)',
    once: 'at(2026-02-01T00:00:00)',
  };

  test('are those without a successful poll for two periods, with a reason', async () => {
    const marks = await marked(
      succeeded('weekly', ago(15)),
      succeeded('eight', ago(16)),
      { rule: 'hourly', at: ago(1) },
      succeeded('once', ago(28)),
    );

    const overdue = await overdueRules(marks, schedules, NOW);

    expect(overdue).toEqual([
      {
        rule: 'weekly',
        reason: `rule weekly was last polled successfully at ${ago(15)}, although its schedule is cron(0 6 ? * SUN *): its findings are not checked`,
      },
      {
        rule: 'hourly',
        reason: expect.stringContaining(`since it was enabled (at ${ago(1)} or earlier)`),
      },
    ]);
  });

  test.each([
    { what: 'two periods and 75 minutes ago', more: 0, expected: [] },
    { what: 'a moment before that', more: 1, expected: ['weekly'] },
  ])(
    'are $expected after a poll that ended $what, which allows for its duration and retries',
    async ({ more, expected }) => {
      const at = new Date(NOW.getTime() - 14 * DAY - 75 * 60_000 - more).toISOString();
      const marks = await marked(succeeded('weekly', at));

      const overdue = await overdueRules(marks, { weekly: schedules.weekly }, NOW);

      expect(overdue.map(({ rule }) => rule)).toEqual(expected);
    },
  );

  test('do not include rules without a mark, whose time starts now', async () => {
    const first = await overdueRules(marksOf(), schedules, NOW);
    const later = await overdueRules(marksOf(), schedules, new Date(NOW.getTime() + 15 * DAY));

    expect(first).toEqual([]);
    expect(later.map(({ rule }) => rule)).toEqual(['weekly', 'hourly']);
    expect(table.items.map(({ pk }) => pk)).not.toContain('poll#once');
  });

  test('keep their marks: each check extends the expiry and changes nothing else', async () => {
    const mark = succeeded('weekly', ago(3));
    const marks = await marked(mark);
    const [before] = table.items;
    now += DAY;

    await overdueRules(marks, { weekly: 'cron(0 6 ? * SUN *)' }, NOW);

    const expiresAt = Number(before?.['expiresAt']) + DAY / 1000;
    expect(table.items).toEqual([{ ...before, expiresAt }]);
    expect(await marks.read(['weekly'])).toMatchObject([mark]);
  });

  test('keep the mark of a poll that ends during the check', async () => {
    const marks = await marked(succeeded('weekly', ago(3)));
    const ended = succeeded('weekly', ago(0));
    const read = async (rules: readonly string[]) => {
      const found = await marks.read(rules);
      await marks.end({ source: 'netskope', rule: 'weekly', asOf: ago(0) }, ago(0));
      return found;
    };

    await overdueRules({ read, renew: (mark) => marks.renew(mark) }, { weekly: 'cron(0 6 ? * SUN *)' }, NOW);

    expect(await marks.read(['weekly'])).toMatchObject([ended]);
  });

  test('keep the mark of a later poll when an earlier poll ends after it', async () => {
    const marks = await marked(succeeded('weekly', ago(1)));

    await marks.end({ source: 'netskope', rule: 'weekly', asOf: ago(9) }, ago(2));

    expect(await marks.read(['weekly'])).toMatchObject([succeeded('weekly', ago(1))]);
  });

  test('fail loudly on a mark of a newer version, which is neither read nor overwritten', async () => {
    const newer = { pk: 'poll#weekly', sk: 'last', version: 2 };
    await table.putIf({
      item: newer,
      condition: { expression: 'attribute_not_exists(pk)', names: {}, values: {} },
    });

    const ending = marksOf().end({ source: 'netskope', rule: 'weekly', asOf: ago(0) }, ago(0));

    await expect(ending).rejects.toThrow(UnreadableItemError);
    await expect(marksOf().read(['weekly'])).rejects.toThrow(UnreadableItemError);
    expect(table.items).toEqual([newer]);
  });
});
