import { expect, test } from 'vitest';
import { Retries } from '../../../../lambdas/remediator/record/retries.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

const NOON = Date.parse('2026-06-30T12:00:00Z');
const MINUTE = 60_000;
const finding = findingOf('deploy');

/** Checks at noon, for a failure at eleven, with one request of an operator. */
function isAskedBy(at: number, resource = 'deploy'): boolean {
  const retries = new Retries({ now: () => NOON, sleep: async () => {} });
  const name = { account: finding.account, region: finding.region, resource };
  retries.keep([{ name, at: new Date(at).toISOString(), reason: 'the role is mended', by: 'Ada' }]);
  return retries.isAsked(finding, NOON - 60 * MINUTE);
}

test.each([
  ['before the last event', -61 * MINUTE, false],
  ['after the last event', -59 * MINUTE, true],
  ['now', 0, true],
  // It would be effective for everything that happens until then.
  ['in the future', 1, false],
])('a retry that is dated %s', (_when, fromNoon, expected) => {
  expect(isAskedBy(NOON + fromNoon)).toBe(expected);
});

test('a retry of another resource has no effect', () => {
  expect(isAskedBy(NOON, 'build')).toBe(false);
});
