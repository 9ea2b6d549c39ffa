import { expect, test } from 'vitest';
import { EvidenceObjects } from '../../../lambdas/aws/evidence-objects.ts';
import { type Answer, s3Error, scriptedAws } from '../../lab/scripted-aws/scripted-aws.ts';

function objectsAt(endpoint: string): EvidenceObjects {
  return new EvidenceObjects({
    bucket: 'evidence',
    owner: '111122223333',
    region: 'eu-central-1',
    clientOptions: { endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
  });
}

const written: Answer = { status: 200, body: '' };

test('a conditional write that conflicts with another one is sent again', async () => {
  const answers: Answer[] = [
    s3Error('ConditionalRequestConflict', 409),
    s3Error('ConditionalRequestConflict', 409),
    written,
  ];
  await using aws = await scriptedAws(() => answers.shift() ?? written);

  await objectsAt(aws.endpoint).put('outcomes/one.json', '{}', { IfNoneMatch: '*' });

  expect(aws.calls.map(({ method, headers }) => [method, headers['if-none-match']])).toEqual([
    ['PUT', '*'],
    ['PUT', '*'],
    ['PUT', '*'],
  ]);
});

test('a write whose condition is not met is not sent again', async () => {
  await using aws = await scriptedAws(() => s3Error('PreconditionFailed', 412));

  const writing = objectsAt(aws.endpoint).put('outcomes/one.json', '{}', { IfNoneMatch: '*' });

  await expect(writing).rejects.toMatchObject({ name: 'PreconditionFailed' });
  expect(aws.calls).toHaveLength(1);
});

test('a lasting conflict is AWS’s own error', async () => {
  await using aws = await scriptedAws(() => s3Error('ConditionalRequestConflict', 409));

  const writing = objectsAt(aws.endpoint).put('outcomes/one.json', '{}', { IfNoneMatch: '*' });

  await expect(writing).rejects.toMatchObject({ name: 'ConditionalRequestConflict' });
});
