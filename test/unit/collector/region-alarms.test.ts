import { expect, test } from 'vitest';
import { withAlarms } from '../../../lambdas/collector/region-alarms.ts';

const since = '2026-01-31T00:00:00Z';
const place = (account: string, region: string) => ({ account, region, since });

test('each lagging place names the alarms of its region, which are read once', async () => {
  const asked: string[] = [];
  const places = [
    place('111111111111', 'eu-central-1'),
    place('222222222222', 'us-east-1'),
    place('333333333333', 'us-east-1'),
  ];

  const behind = await withAlarms(places, async (region) => {
    asked.push(region);
    return region === 'us-east-1' ? ['x-jobs-dead-letters'] : [];
  });

  expect(behind.map(({ account, alarms }) => [account, alarms])).toEqual([
    ['111111111111', []],
    ['222222222222', ['x-jobs-dead-letters']],
    ['333333333333', ['x-jobs-dead-letters']],
  ]);
  expect(asked.sort()).toEqual(['eu-central-1', 'us-east-1']);
});

test('no alarms are read if no place lags', async () => {
  const behind = await withAlarms([], () => Promise.reject(new Error('asked')));

  expect(behind).toEqual([]);
});

test("a region whose alarms can't be read has no alarms, and the reason", async () => {
  const behind = await withAlarms([place('111111111111', 'eu-central-1')], () =>
    Promise.reject(new Error('throttled')),
  );

  expect(behind).toMatchObject([{ alarms: [], notAsked: expect.stringContaining('throttled') }]);
});
