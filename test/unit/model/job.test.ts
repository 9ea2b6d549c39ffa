import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPollId, type Job, jobId, jobSchema, pollId } from '../../../lambdas/model/job.ts';

const job: Job = {
  version: 1,
  poll: { source: 'netskope', rule: 's3-bucket-public', asOf: '2026-06-30T11:00:00Z' },
  account: '111122223333',
  region: 'eu-central-1',
  chunk: 0,
  findings: [
    { rule: 's3-bucket-public', account: '111122223333', region: 'eu-central-1', resource: 'logs' },
    { rule: 's3-bucket-public', account: '111122223333', region: 'global', resource: 'data' },
  ],
};

test('a job is unchanged by the queue', () => {
  expect(jobSchema.parse(JSON.parse(JSON.stringify(job)))).toEqual(job);
});

test('a poll is identified by its rule and its time in seconds', () => {
  expect(pollId(job.poll)).toBe('netskope.s3-bucket-public@1782817200');
  expect(pollId({ ...job.poll, asOf: '2026-06-30T11:00:00.999Z' })).toBe(pollId(job.poll));
  expect([pollId(job.poll), 'someone.s3-bucket-public@1782817200', 'netskope.s3'].map(isPollId)).toEqual([
    true,
    false,
    false,
  ]);
});

test('a poll without a source is a poll of Netskope', () => {
  const { source: _, ...poll } = job.poll;

  expect(jobSchema.parse({ ...job, poll })).toEqual(job);
});

test('the id of a poll is a valid role session name, however long the rule id is', () => {
  const idOf = (rule: string) => pollId({ source: 'netskope', rule, asOf: '2999-12-31T23:59:59Z' });
  const longest = 'a'.repeat(43);

  expect(idOf(longest)).toBe(`netskope.${longest}@32503679999`);
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{1,30}(-[a-z0-9]{1,30}){0,6}$/), (rule) => {
      expect(idOf(rule)).toMatch(/^[\w+=,.@-]{2,64}$/);
    }),
  );
  expect(idOf(`${longest}-one`)).not.toBe(idOf(`${longest}-two`));
  expect(idOf(`${longest}-one`)).toMatch(/^netskope\.a{34}\.[0-9a-f]{8}@32503679999$/);
});

test('the same job has the same id, regardless of other fields of its findings', () => {
  const again = { ...job, findings: job.findings.map((finding) => ({ ...finding, severity: 'High' })) };

  expect(jobId(again)).toBe(jobId(job));
  expect(jobId(job)).toMatch(/^[0-9a-f]{64}$/);
});

test('a job with another poll, account, region, chunk or list of resources has another id', () => {
  const others: Job[] = [
    { ...job, poll: { ...job.poll, asOf: '2026-06-30T11:00:01Z' } },
    { ...job, poll: { ...job.poll, rule: 'security-group-ssh-open' } },
    { ...job, account: '444455556666' },
    { ...job, region: 'us-east-1' },
    { ...job, chunk: 1 },
    { ...job, findings: job.findings.slice(0, 1) },
    { ...job, findings: job.findings.toReversed() },
  ];

  expect(new Set([job, ...others].map(jobId)).size).toBe(others.length + 1);
});

test('no two lists of resources have the same id, whatever characters they contain', () => {
  const resources = fc.array(fc.string({ unit: fc.constantFrom('a', ',', '"', '\\', '#') }), {
    minLength: 1,
  });
  const withResources = (names: readonly string[]): Job => ({
    ...job,
    findings: names.map((resource) => ({
      rule: 's3-bucket-public',
      account: '111122223333',
      region: 'global',
      resource,
    })),
  });
  fc.assert(
    fc.property(resources, resources, (one, other) => {
      const isSame = one.length === other.length && one.every((name, index) => name === other[index]);
      expect(jobId(withResources(one)) === jobId(withResources(other))).toBe(isSame);
    }),
  );
});
