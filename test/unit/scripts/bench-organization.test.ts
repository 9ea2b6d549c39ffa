import { expect, test } from 'vitest';
import { backlogOf, growthOf, jobsOf, minutesOf } from '../../../scripts/bench/organization.ts';

const small = { findings: 1_000, accounts: 20, regions: 2, secondsByRule: [1, 2], concurrency: 10 };

test('all findings are in jobs, by rule, account and region, most of them in the first account', () => {
  const [first = [], second = []] = jobsOf(small);

  const jobs = [...first, ...second];
  expect(jobs.length).toBeGreaterThanOrEqual(1_000 / 25);
  expect(jobs.length).toBeLessThanOrEqual(1_000 / 25 + 2 * 2 * 20);
  const ofAccount = (account: number) => jobs.filter((job) => job.account === account).length;
  expect(ofAccount(0)).toBeGreaterThan(ofAccount(1));
});

test('jobs of one account run one after another, jobs of several accounts in parallel', () => {
  const one = minutesOf({ ...small, accounts: 1, regions: 1 });
  const many = minutesOf({ ...small, regions: 1 });

  // 20 jobs of one second, and 20 of two seconds.
  expect(one * 60).toBeCloseTo(60);
  expect(many).toBeLessThan(one);
});

test('more concurrent functions do not take longer', () => {
  expect(minutesOf({ ...small, concurrency: 100 })).toBeLessThanOrEqual(
    minutesOf({ ...small, concurrency: 1 }),
  );
});

test('polls that are three times faster than jobs cause a backlog that does not grow', () => {
  const backlog = backlogOf({ ...small, concurrency: 2 }, 24, 3);

  expect(growthOf(backlog)).toBeLessThanOrEqual(1.1);
  expect(backlog.mostPolls).toBeLessThanOrEqual(4);
});
