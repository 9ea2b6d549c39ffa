import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobGrouper } from '../../../lambdas/collector/job-grouper.ts';
import type { Finding } from '../../../lambdas/model/finding.ts';
import { type Job, jobId, jobSchema } from '../../../lambdas/model/job.ts';
import { groupId } from './support/items.ts';

const POLL = { source: 'netskope' as const, rule: 'security-group-ssh-open', asOf: '2026-01-31T12:00:00Z' };
const ACCOUNTS = ['111111111111', '222222222222', '333333333333'];
const REGIONS = ['eu-central-1', 'us-east-1'];

function finding(account: string, region: string, resource: string, notes: Partial<Finding> = {}): Finding {
  return { rule: POLL.rule, account, region, resource, ...notes };
}

/** The size of the fields that a finding does not share with others. */
const ownBytes = ({ resource }: Finding): number => JSON.stringify({ resource }).length;

function group(findings: readonly Finding[]): Job[] {
  const grouper = new JobGrouper(POLL, 'run');
  const jobs = findings.flatMap((one) => grouper.add(one, one.region));
  return [...jobs, ...grouper.rest()];
}

/** Findings of few accounts and regions, so that jobs fill up, each with a different resource; some are large. */
const anyFindings = fc
  .array(
    fc.record({
      account: fc.constantFrom(...ACCOUNTS),
      region: fc.constantFrom(...REGIONS),
      bytes: fc.oneof({ weight: 9, arbitrary: fc.constant(10) }, fc.constantFrom(30_000, 90_000)),
    }),
    { maxLength: 300, size: 'max' },
  )
  .map((list) =>
    list.map(({ account, region, bytes }, index) =>
      finding(account, region, groupId(index), { accountName: 'ä'.repeat(bytes / 2) }),
    ),
  );

describe('jobs', () => {
  test("contain every finding once, in order, and match the remediator's schema", () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        const jobs = group(findings);

        for (const job of jobs) {
          expect(jobSchema.safeParse(job).error).toBeUndefined();
          expect(Buffer.byteLength(JSON.stringify(job))).toBeLessThan(256 * 1024);
        }
        for (const account of ACCOUNTS) {
          for (const region of REGIONS) {
            const own = jobs.filter((job) => job.account === account && job.region === region);
            expect(own.map(({ chunk }) => chunk)).toEqual(own.map((_, index) => index));
            expect(own.flatMap((job) => job.findings)).toEqual(
              findings.filter((one) => one.account === account && one.region === region),
            );
          }
        }
        expect(jobs.flatMap((job) => job.findings)).toHaveLength(findings.length);
      }),
      { numRuns: 30 },
    );
  });

  test('of the same findings are the same, with the same ids', () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        expect(group(findings).map(jobId)).toEqual(group(findings).map(jobId));
      }),
      { numRuns: 20 },
    );
  });

  test('have at most 100 findings', () => {
    const findings = Array.from({ length: 240 }, (_, index) =>
      finding('111111111111', 'us-east-1', groupId(index)),
    );

    expect(group(findings).map((job) => job.findings.length)).toEqual([100, 100, 40]);
  });

  test('have at most 200 KB of findings', () => {
    const findings = Array.from({ length: 5 }, (_, index) =>
      finding('111111111111', 'us-east-1', groupId(index), { accountName: 'ä'.repeat(45_000) }),
    );

    expect(group(findings).map((job) => job.findings.length)).toEqual([2, 2, 1]);
  });

  test('of the remaining findings are created in batches', () => {
    const grouper = new JobGrouper(POLL, 'run');
    for (let account = 0; account < 10; account += 1)
      grouper.add(finding(String(account).padStart(12, '0'), 'us-east-1', groupId(account)), 'us-east-1');

    const made = [4, 4, 4, 4].map((most) => grouper.rest(most).map((job) => job.account.slice(-1)));

    expect(made).toEqual([['0', '1', '2', '3'], ['4', '5', '6', '7'], ['8', '9'], []]);
  });

  test('contain their findings unchanged', () => {
    const full: Finding = finding('111111111111', 'us-east-1', groupId(1), {
      accountName: 'Zürich',
      resourceName: 'web',
      severity: 'high',
      failingSince: '2026-01-30T12:00:00Z',
      lastScanTime: '2026-01-31T12:00:00Z',
      policies: ['all'],
      profiles: ['cis'],
      complianceStandards: [{ standard: 'CIS', control: '4.1' }],
      sourceRuleName: 'SSH',
    });
    const findings = [
      full,
      finding('111111111111', 'us-east-1', groupId(2)),
      { ...full, resource: groupId(3) },
    ];

    expect(group(findings).flatMap((job) => job.findings)).toEqual(findings);
  });

  test('begin with the findings that an earlier poll did not reach', () => {
    const grouper = new JobGrouper(POLL, 'run');
    const ids = Array.from({ length: 240 }, (_, index) => groupId(index));

    const full = ids.flatMap((id) =>
      grouper.add(finding('111111111111', 'us-east-1', id), 'us-east-1', { startAfter: 130 }),
    );
    const jobs = [...full, ...grouper.rest()];

    expect(jobs.map(({ chunk }) => chunk)).toEqual([0, 1, 2]);
    expect(jobs.map(({ findings }) => findings.length)).toEqual([100, 100, 40]);
    expect(jobs.flatMap(({ findings }) => findings).map(({ resource }) => resource)).toEqual([
      ...ids.slice(130),
      ...ids.slice(0, 130),
    ]);
  });

  test('are returned as soon as they are full', () => {
    const grouper = new JobGrouper(POLL, 'run');

    const given = Array.from({ length: 100 }, (_, index) =>
      grouper.add(finding('111111111111', 'us-east-1', groupId(index)), 'us-east-1'),
    );

    expect(given.slice(0, 99)).toEqual(Array.from({ length: 99 }, () => []));
    expect(given[99]).toHaveLength(1);
    expect(grouper.rest()).toEqual([]);
  });

  test('are full even if the findings of accounts are interleaved', () => {
    const grouper = new JobGrouper(POLL, 'run');
    const findings = Array.from({ length: 25_000 }, (_, index) =>
      finding(String(index % 250).padStart(12, '0'), 'us-east-1', groupId(index)),
    );

    const jobs = findings.flatMap((one) => grouper.add(one, one.region));

    expect(jobs).toHaveLength(250);
    expect(grouper.rest()).toEqual([]);
  });

  test('are returned before they are full if too many findings wait, the fullest first', () => {
    const most = 150_000;
    const grouper = new JobGrouper(POLL, 'run', most);
    const given: Job[] = [];
    let waiting = 0;
    for (let index = 0; index < 12_000; index += 1) {
      // Every second finding belongs to one of 14 accounts; each of the others has an account to itself.
      const account = String(index % 2 === 0 ? index % 14 : index).padStart(12, '0');
      const one = finding(account, 'us-east-1', groupId(index));
      const jobs = grouper.add(one, 'us-east-1');
      waiting += ownBytes(one);
      for (const job of jobs) for (const each of job.findings) waiting -= ownBytes(each);
      expect(waiting).toBeLessThanOrEqual(most);
      given.push(...jobs);
    }

    const full = given.filter(({ findings }) => findings.length === 100);
    expect(full.length).toBeGreaterThan(20);
    expect([...given, ...grouper.rest()].flatMap(({ findings }) => findings)).toHaveLength(12_000);
  });
});
