import { describe, expect, test } from 'vitest';
import { closeMissing } from '../../../lambdas/collector/close-missing.ts';
import type { ListedFinding } from '../../../lambdas/collector/listing.ts';
import { UnreadFindings } from '../../../lambdas/collector/unread-findings.ts';
import { type Job, jobId, jobSchema } from '../../../lambdas/model/job.ts';
import { FakeJobs, FakeRecords } from './support/fakes.ts';

const RULE = 'security-group-ssh-open';
const HOME = 'eu-central-1';

const finding = (resource: string, region = 'us-east-1'): ListedFinding => ({
  rule: RULE,
  account: '111111111111',
  region,
  resource,
});
const pollAt = (hours: number): Job['poll'] => ({
  source: 'netskope',
  rule: RULE,
  asOf: new Date(Date.UTC(2026, 0, 31, hours)).toISOString(),
});

function setUp() {
  const jobs = new FakeJobs();
  const records = new FakeRecords();
  const unread = new UnreadFindings();
  const poll = (hours: number, ...listed: readonly ListedFinding[]): Promise<number> =>
    closeMissing(
      { jobs, records, homeRegion: HOME, regions: [HOME, 'us-east-1'], run: 'run' },
      pollAt(hours),
      listed,
      unread,
    );
  const closed = (): string[] =>
    jobs.taken.flatMap(({ findings }) => findings.map(({ resource }) => resource));
  return { jobs, records, poll, closed };
}

describe('a complete poll', () => {
  test('closes the findings that the source reported at the last one and no longer reports', async () => {
    const { jobs, poll, closed } = setUp();
    await poll(0, finding('a'), finding('b'), finding('user', 'global'));

    const number = await poll(1, finding('b'), finding('c'));

    expect(number).toBe(2);
    expect(closed()).toEqual(['a', 'user']);
    expect(jobs.taken.map(({ region, closes }) => [region, closes])).toEqual([
      ['us-east-1', true],
      [HOME, true],
    ]);
    for (const job of jobs.taken) expect(jobSchema.parse(job)).toEqual(job);
    expect(await poll(2, finding('b'), finding('c'))).toBe(0);
  });

  test('that is repeated sends the same jobs until it has completed', async () => {
    const { jobs, records, poll } = setUp();
    await poll(0, finding('a'));
    const before = new Map(records.listings);
    await poll(1);
    // The poll was killed before it stored its listing.
    for (const [name, listing] of before) records.listings.set(name, listing);

    await poll(1);

    const [first, second] = jobs.taken.map(jobId);
    expect(first).toBe(second);
    expect(jobs.taken).toHaveLength(2);
  });

  test('that is repeated after it stored its listing returns how many findings it closed', async () => {
    const { jobs, poll } = setUp();
    await poll(0, finding('a'), finding('b'));
    await poll(1);
    // The poll was killed before it wrote its summary.

    expect(await poll(1)).toBe(2);

    expect(jobs.taken).toHaveLength(1);
    expect(await poll(2)).toBe(0);
  });

  test('that is repeated after a newer one closes nothing', async () => {
    const { poll, closed } = setUp();
    await poll(2, finding('a'));

    expect(await poll(1)).toBe(0);

    expect(closed()).toEqual([]);
    expect(await poll(3)).toBe(1);
  });

  test('whose jobs are refused stores no listing, so that the next poll closes the findings', async () => {
    const { jobs, poll } = setUp();
    await poll(0, finding('a'));
    jobs.failing.set('us-east-1', new Error('SQS is down'));
    await expect(poll(1)).rejects.toThrow('SQS is down');
    jobs.failing.clear();

    expect(await poll(2)).toBe(1);
  });

  test('skips regions that no longer have a queue', async () => {
    const { jobs, poll } = setUp();
    await poll(0, finding('a', 'us-west-2'));

    expect(await poll(1)).toBe(0);
    expect(jobs.sends).toEqual([]);
  });

  test('stores its listing if it changed, and at least once a day', async () => {
    const { records, poll } = setUp();
    const written: string[] = [];
    const write = records.writeListing.bind(records);
    records.writeListing = (listing, etag) => {
      written.push(listing.poll.asOf);
      return write(listing, etag);
    };

    for (const hours of [0, 1, 2, 24, 25]) await poll(hours, finding('a'));
    await poll(26, finding('a'), finding('b'));

    expect(written).toEqual([0, 24, 26].map((hours) => pollAt(hours).asOf));
  });
});
