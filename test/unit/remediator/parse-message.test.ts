import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../lambdas/model/errors.ts';
import { MAX_FINDINGS_PER_JOB } from '../../../lambdas/model/job.ts';
import { parseMessage } from '../../../lambdas/remediator/parse-message.ts';
import { environment } from './support/environment.ts';
import { ACCOUNT, jobOf, RULE } from './support/remediator-in-memory.ts';

/** A message as SQS delivers it. @param sender the unique id of the sender's role, and the session's name */
function parse(body: string, sender = 'AROASOMEONE:session', group?: string) {
  const attributes = {
    SenderId: sender,
    ApproximateReceiveCount: '1',
    SentTimestamp: '0',
    ApproximateFirstReceiveTimestamp: '0',
    ...(group !== undefined && { MessageGroupId: group }),
  };
  return parseMessage({ body, attributes }, environment);
}

const OPERATOR = 'AROAOPERATOR:ada';

describe('parsing a message of a group', () => {
  const undo = {
    version: 1,
    kind: 'undo',
    request: { principal: OPERATOR, id: '7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10' },
    account: ACCOUNT,
    region: 'eu-central-1',
  };

  test.each<[string, object]>([
    ['a job', jobOf('a')],
    ['the name of a request', undo],
  ])('%s is accepted in the group of its account, and refused in another group', (_, body) => {
    const text = JSON.stringify(body);

    expect(parse(text, OPERATOR, ACCOUNT)).toEqual(body);
    expect(() => parse(text, OPERATOR, '444455556666')).toThrow(InvalidInputError);
    expect(() => parse(text, OPERATOR, '444455556666')).toThrow(
      `the message is for account ${ACCOUNT}, but has message group 444455556666`,
    );
  });
});

describe('parsing a job', () => {
  const job = jobOf('a', 'b');
  const many = jobOf(...Array.from({ length: MAX_FINDINGS_PER_JOB + 1 }, (_, index) => `u${index}`));
  const withFinding = (change: object) => ({
    ...job,
    findings: job.findings.map((finding) => ({ ...finding, ...change })),
  });

  test('what the collector sends is a job', () => {
    expect(parse(JSON.stringify(job))).toEqual(job);
  });

  test.each<[string, unknown, RegExp]>([
    ['not JSON', 'hello', /^the message is not JSON$/],
    ['nothing', '', /^the message is not JSON$/],
    ['another value', [], /^the message is not a job: /],
    ['another version', { ...job, version: 2 }, /version: /],
    [
      'another region',
      { ...job, region: 'us-east-1' },
      /^the job is for region us-east-1, but this is the remediator of eu-central-1$/,
    ],
    ['an invalid rule', { ...job, poll: { ...job.poll, rule: '../x' } }, /rule: expected a rule id/],
    ['no findings', { ...job, findings: [] }, /findings: /],
    ['too many findings', many, /findings: .*100/],
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
    ['an invalid account', { ...job, account: '12' }, /account: expected an AWS account id/],
  ])('%s is refused', (_, body, message) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);

    expect(() => parse(text)).toThrow(InvalidInputError);
    expect(() => parse(text)).toThrow(message);
  });
});

describe('parsing the name of a request', () => {
  const message = {
    version: 1,
    kind: 'undo',
    request: { principal: 'AROAOPERATOR:ada', id: '7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10' },
    account: ACCOUNT,
    region: 'eu-central-1',
  };

  test('an operator can send one', () => {
    expect(parse(JSON.stringify(message))).toEqual(message);
  });

  test('everything about the request except its name is ignored', () => {
    const forged = { ...message, fixes: [{ rule: RULE }], force: true };

    expect(parse(JSON.stringify(forged))).toEqual(message);
  });

  test.each<[string, object, string, RegExp]>([
    ['from the collector', message, 'AROACOLLECTOR:cspm-collector', /the collector sent it/],
    [
      'of another kind',
      { ...message, kind: 'remediate' },
      'AROAOPERATOR:ada',
      /is not a valid request: kind/,
    ],
    ['for another region', { ...message, region: 'us-east-1' }, 'AROAOPERATOR:ada', /for region us-east-1/],
    [
      'with a name that is none',
      { ...message, request: { principal: 'AROAOPERATOR:ada#x', id: message.request.id } },
      'AROAOPERATOR:ada',
      /principal/,
    ],
  ])('one %s is refused', (_, body, sender, words) => {
    expect(() => parse(JSON.stringify(body), sender)).toThrow(InvalidInputError);
    expect(() => parse(JSON.stringify(body), sender)).toThrow(words);
  });
});
