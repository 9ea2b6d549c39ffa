import { describe, expect, test } from 'vitest';
import { FindingSourceError } from '../../../../lambdas/model/errors.ts';
import { SecretTokenStore } from '../../../../lambdas/sources/netskope/secret-token-store.ts';
import { type Answer, type ScriptedAws, scriptedAws } from '../../../lab/scripted-aws/scripted-aws.ts';

const ARN = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:netskope';

function json(status: number, body: object): Answer {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
}

function storeOf(server: ScriptedAws): SecretTokenStore {
  return new SecretTokenStore(ARN, 'eu-central-1', {
    endpoint: server.endpoint,
    credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

describe('the token in a secret', () => {
  test('is cached, and read again on request', async () => {
    let token = 'the-first-token';
    await using aws = await scriptedAws(() => json(200, { ARN, SecretString: token }));
    const store = storeOf(aws);

    const first = await store.read(false);
    token = 'the-second-token';
    const remembered = await store.read(false);
    const fresh = await store.read(true);
    const rememberedFresh = await store.read(false);

    expect([first, remembered, fresh, rememberedFresh]).toEqual([
      'the-first-token',
      'the-first-token',
      'the-second-token',
      'the-second-token',
    ]);
    expect(aws.calls.map((call) => JSON.parse(call.body).SecretId)).toEqual([ARN, ARN]);
  });

  test('without a value is an error that names the secret', async () => {
    await using aws = await scriptedAws(() =>
      json(400, { __type: 'ResourceNotFoundException', message: 'cannot find the specified secret value' }),
    );

    const reading = storeOf(aws).read(false);

    await expect(reading).rejects.toThrow(FindingSourceError);
    await expect(reading).rejects.toThrow(
      `cannot be read from ${ARN}: cannot find the specified secret value`,
    );
  });

  test('must be text', async () => {
    await using aws = await scriptedAws(() => json(200, { ARN, SecretBinary: 'AAEC' }));

    await expect(storeOf(aws).read(false)).rejects.toThrow(`the value of ${ARN} is not text`);
  });
});
