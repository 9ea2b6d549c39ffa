import { expect, test } from 'vitest';
import { Retries } from '../../../../lambdas/remediator/record/retries.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

const NOON = Date.parse('2026-06-30T12:00:00Z');
const MINUTE = 60_000;
const finding = findingOf('deploy');

/** Asks at noon, of what failed at eleven, with one request of an operator's. */
function isAskedBy(at: number, resource = 'deploy'): boolean {
  const retries = new Retries({ now: () => NOON, sleep: async () => {} });
  const name = { account: finding.account, region: finding.region, resource };
  retries.keep([{ name, at: new Date(at).toISOString(), reason: 'the role is mended', by: 'Ada' }]);
  return retries.isAsked(finding, NOON - 60 * MINUTE);
}

test.each([
  ['before what happened last', -61 * MINUTE, false],
  ['since what happened last', -59 * MINUTE, true],
  ['now', 0, true],
  // It would count for everything that happens until then.
  ['in the future', 1, false],
])('a retry that is dated %s', (_when, fromNoon, expected) => {
  expect(isAskedBy(NOON + fromNoon)).toBe(expected);
});

test('a retry of another resource counts for nothing', () => {
  expect(isAskedBy(NOON, 'build')).toBe(false);
});
