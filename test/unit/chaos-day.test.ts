import { expect, test } from 'vitest';
import { defaultBreaker } from '../../lambdas/model/breaker-settings.ts';
import { STATES } from '../chaos/day/accounts.ts';
import { dayLines } from '../chaos/day/report.ts';
import { runDay } from '../chaos/day/run.ts';

/** The same each time; `npm run test:chaos -- --hours 30` chooses a new seed, and has 1,000 findings. */
const OPTIONS = { seed: 7, findings: 200, hours: 6 };

test('of hourly polls each finding is attempted as often as it says, whatever its account does, and no more', async () => {
  const report = await runDay(OPTIONS);

  const { problems, attempts, mostWithoutRole, messages } = report;
  expect(problems, dayLines(report).join('\n')).toEqual([]);
  expect([...attempts.keys()].sort()).toEqual([...STATES].sort());
  expect(mostWithoutRole).toBe(1);
  expect(messages).toBeGreaterThan(0);
}, 120_000);

test('with limits and breakers, too, nothing is attempted more often than it says, and no limit is passed', async () => {
  const limits = { per_account_per_hour: 1, per_rule_per_hour: 3 };

  const report = await runDay({ ...OPTIONS, hours: 3, bounds: { limits, breaker: defaultBreaker } });

  const { problems, attempts } = report;
  expect(problems, dayLines(report).join('\n')).toEqual([]);
  // The limits held something back.
  expect(attempts.get('healthy')?.get(0) ?? 0).toBeGreaterThan(0);
  expect(attempts.get('healthy')?.get(1) ?? 0).toBeGreaterThan(10);
}, 120_000);
