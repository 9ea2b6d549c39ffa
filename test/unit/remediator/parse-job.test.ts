import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../lambdas/model/errors.ts';
import { MAX_FINDINGS_PER_JOB } from '../../../lambdas/model/job.ts';
import { parseJob } from '../../../lambdas/remediator/parse-job.ts';
import { jobOf } from './support/remediator-in-memory.ts';

describe('parsing a job', () => {
  const job = jobOf('a', 'b');
  const many = jobOf(...Array.from({ length: MAX_FINDINGS_PER_JOB + 1 }, (_, index) => `u${index}`));
  const withFinding = (change: object) => ({
    ...job,
    findings: job.findings.map((finding) => ({ ...finding, ...change })),
  });

  test('what the collector sends is one', () => {
    expect(parseJob(JSON.stringify(job), 'eu-central-1')).toEqual(job);
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', 'hello', /^the message is not JSON$/],
    ['nothing', '', /^the message is not JSON$/],
    ['another value', [], /^the message is no job: /],
    ['another version', { ...job, version: 2 }, /version: /],
    [
      'another region',
      { ...job, region: 'us-east-1' },
      /^the job is for region us-east-1, and this is the remediator of eu-central-1$/,
    ],
    ['a rule that is none', { ...job, poll: { ...job.poll, rule: '../x' } }, /rule: expected a rule id/],
    ['no findings', { ...job, findings: [] }, /findings: /],
    ['too many findings', many, /findings: .*25/],
    ['a resource twice', jobOf('a', 'b', 'a'), /expected each resource once, got 3 findings of 2 resources/],
    [
      'a finding of another account',
      withFinding({ account: '444455556666' }),
      /findings\.0: expected .* got .*444455556666/,
    ],
    [
      'a finding of another rule',
      withFinding({ rule: 's3-bucket-public' }),
      /findings\.1: expected .* got s3-bucket-public/,
    ],
    ['a finding of another region', withFinding({ region: 'us-east-1' }), /got .* and us-east-1/],
    ['an account that is none', { ...job, account: '12' }, /account: expected an AWS account id/],
  ])('%s is refused', (_, body, message) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const parse = () => parseJob(text, 'eu-central-1');

    expect(parse).toThrow(InvalidInputError);
    expect(parse).toThrow(message);
  });
});
