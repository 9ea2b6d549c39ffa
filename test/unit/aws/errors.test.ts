import { afterEach, describe, expect, test, vi } from 'vitest';
import { CloudWatchLogsClient, ListTagsForResourceCommand } from '../../../lambdas/aws/cloudwatch-logs.ts';
import { describeError, errorKind, isAwsError } from '../../../lambdas/aws/errors.ts';
import { GetAccessKeyLastUsedCommand, IAMClient } from '../../../lambdas/aws/iam.ts';
import {
  ChangeRefusedError,
  DeliveryError,
  InvalidInputError,
  OutOfTimeError,
} from '../../../lambdas/model/errors.ts';
import { type Answer, jsonAnswer, queryError, scriptedAws } from '../../lab/scripted-aws/scripted-aws.ts';

afterEach(() => {
  vi.useRealTimers();
});

const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };

/** Returns the error that the SDK throws for an answer of IAM, after its retries. */
async function thrownFor(answer: Answer, maxAttempts = 1): Promise<unknown> {
  await using aws = await scriptedAws(() => answer);
  const client = new IAMClient({ endpoint: aws.endpoint, region: 'us-east-1', maxAttempts, credentials });
  return await client
    .send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'a' }))
    .catch((error: unknown) => error);
}

describe('the kind of an error', () => {
  test.each([
    'Throttling',
    'ThrottlingException',
    'RequestLimitExceeded',
    'TooManyRequestsException',
    'SlowDown',
    'RequestTimeout',
    'DependentServiceRequestThrottlingFault',
  ])('%s is temporary', async (code) => {
    expect(errorKind(await thrownFor(queryError(code, 400)))).toBe('unavailable');
  });

  test.each([429, 500, 502, 503, 504, 501])('HTTP %i is temporary', async (status) => {
    expect(errorKind(await thrownFor(queryError('Whatever', status)))).toBe('unavailable');
  });

  test('a broken connection is temporary', async () => {
    expect(errorKind(await thrownFor('cut'))).toBe('unavailable');
  });

  test('a refused connection is temporary', async () => {
    const server = await scriptedAws(() => 'cut');
    await server[Symbol.asyncDispose]();
    const client = new IAMClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials,
    });

    const error = await client
      .send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'a' }))
      .catch((thrown: unknown) => thrown);

    expect(errorKind(error)).toBe('unavailable');
  });

  test.each(['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET', 'EPIPE', 'EHOSTUNREACH'])(
    'the network error %s is temporary',
    (code) => {
      expect(errorKind(Object.assign(new Error(code), { code }))).toBe('unavailable');
    },
  );

  test.each([
    ['AccessDenied', 403],
    ['UnauthorizedOperation', 403],
    ['ValidationError', 400],
    ['InvalidParameterValue', 400],
    ['NoSuchEntity', 404],
    ['InvalidClientTokenId', 403],
  ])('%s is a refusal', async (code, status) => {
    expect(errorKind(await thrownFor(queryError(code, status)))).toBe('refused');
  });

  test('a used-up quota is not throttling, although the SDK classifies it as such', async () => {
    await using aws = await scriptedAws(() => jsonAnswer({ __type: 'LimitExceededException' }, 400));
    const client = new CloudWatchLogsClient({
      endpoint: aws.endpoint,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials,
    });

    const error = await client
      .send(new ListTagsForResourceCommand({ resourceArn: 'arn:aws:logs:us-east-1:1:log-group:a' }))
      .catch((thrown: unknown) => thrown);

    expect(errorKind(error)).toBe('refused');
  });

  test('a refused change is refused, lack of time and undelivered messages are temporary, all else is a bug', () => {
    expect(errorKind(new ChangeRefusedError('full'))).toBe('refused');
    expect(errorKind(new OutOfTimeError('late'))).toBe('unavailable');
    expect(errorKind(new DeliveryError('the queue is missing'))).toBe('unavailable');
    expect(errorKind(new InvalidInputError('no change'))).toBe('bug');
    expect(errorKind(new TypeError('x is not a function'))).toBe('bug');
    expect(errorKind('thrown')).toBe('bug');
    expect(errorKind(undefined)).toBe('bug');
  });
});

describe('the description of an error', () => {
  test('has its code, its message and the AWS request id', async () => {
    const denied: Answer = {
      status: 403,
      headers: { 'x-amzn-requestid': 'r-1' },
      body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>',
    };

    expect(describeError(await thrownFor(denied))).toBe('AccessDenied: no (request r-1)');
    expect(describeError(new TypeError('x is not a function'))).toBe('TypeError: x is not a function');
    expect(describeError(new ChangeRefusedError('group sg-1 is full'))).toBe('group sg-1 is full');
  });

  test.each([
    new Error('a'.repeat(100_000)),
    new ChangeRefusedError('a'.repeat(100_000)),
    'a'.repeat(100_000),
  ])('is always short', (error) => {
    expect(describeError(error).length).toBeLessThan(500);
    expect(describeError(error)).toMatch(/a…$/);
  });
});

test('a code matches with and without the suffix that the SDK adds to some', async () => {
  const error = await thrownFor(queryError('NoSuchEntity', 404));

  expect(isAwsError(error, 'Other', 'NoSuchEntity')).toBe(true);
  expect(isAwsError(error, 'NoSuchEntit')).toBe(false);
  expect(isAwsError('NoSuchEntity', 'NoSuchEntity')).toBe(false);
});
