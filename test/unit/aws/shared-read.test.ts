import { expect, test } from 'vitest';
import { logCall, loggingCalls } from '../../../lambdas/aws/call-log.ts';
import type { AwsCall, AwsSession } from '../../../lambdas/aws/session.ts';
import { sharedRead } from '../../../lambdas/aws/shared-read.ts';
import { modelSession, networkError, sdkError } from '../../lab/aws-model/session.ts';

const session = (): AwsSession =>
  modelSession(
    { account: '111122223333', region: 'eu-central-1' },
    () => 0,
    async () => ({}),
  );

/** A service with one call for any number of resources, which fails if it includes a failing one. */
class Service {
  readonly asked: (readonly string[])[] = [];
  readonly failing = new Map<string, Error>();
  readonly values = new Map<string, string>();
  readonly read = sharedRead<string>(async (session, keys) => {
    this.asked.push(keys);
    const call = { service: 'EC2', operation: 'Describe', requestId: `request-${this.asked.length}` };
    logCall([...session.calls], call);
    for (const key of keys) {
      const error = this.failing.get(key);
      if (error !== undefined) throw error;
    }
    return new Map([...this.values].filter(([key]) => keys.includes(key)));
  });
}

test('reads at the same moment share one call, and each gets its own result', async () => {
  const service = new Service();
  service.values.set('a', '1').set('b', '2');
  const one = session();

  const answers = await Promise.all(['a', 'b', 'gone', 'a'].map((key) => service.read(one, key)));

  expect(service.asked).toEqual([['a', 'b', 'gone']]);
  expect(answers).toEqual(['1', '2', undefined, '1']);
});

test('a result is never older than its read', async () => {
  const service = new Service();
  const one = session();
  service.values.set('a', 'before');
  const first = service.read(one, 'a');
  await first;
  service.values.set('a', 'after');

  await expect(service.read(one, 'a')).resolves.toBe('after');

  expect(service.asked).toEqual([['a'], ['a']]);
});

test('two sessions share no call', async () => {
  const service = new Service();

  await Promise.all([service.read(session(), 'a'), service.read(session(), 'b')]);

  expect(service.asked).toEqual([['a'], ['b']]);
});

const failures = [
  ['AWS refuses to read', sdkError('InvalidGroup.NotFound', 'no such group', 400, 'request')],
  ['AWS fails to read', sdkError('InternalError', 'oops', 500, 'request')],
  ['gets no answer', networkError()],
  ['cannot be parsed', new TypeError('expected a string')],
] as const;
test.each(failures)('a resource that %s does not affect the others', async (_, error) => {
  const service = new Service();
  service.values.set('a', '1').set('b', '2');
  service.failing.set('bad', error);
  const one = session();

  const answers = await Promise.allSettled(['a', 'bad', 'b'].map((key) => service.read(one, key)));

  expect(answers).toEqual([
    { status: 'fulfilled', value: '1' },
    { status: 'rejected', reason: error },
    { status: 'fulfilled', value: '2' },
  ]);
  expect(service.asked).toEqual([['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
});

test('a throttled call is not followed by separate reads', async () => {
  const service = new Service();
  const throttled = sdkError('RequestLimitExceeded', 'slow down', 503, 'request');
  service.failing.set('a', throttled);
  const one = session();

  const answers = await Promise.allSettled(['a', 'b'].map((key) => service.read(one, key)));

  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(service.asked).toEqual([['a', 'b']]);
});

test('the call is in the list of each caller that shares it', async () => {
  const service = new Service();
  const one = session();
  const lists: AwsCall[][] = [[], []];

  await Promise.all(
    lists.map((calls, index) => loggingCalls(calls, () => service.read(one, `key-${index}`))),
  );

  expect(lists.map((calls) => calls.map(({ requestId }) => requestId))).toEqual([
    ['request-1'],
    ['request-1'],
  ]);
});
