import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { applyChange, changeKinds, describeChange, inverseOf } from '../../../lambdas/changes/index.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { scriptedAws } from '../../lab/scripted-aws/scripted-aws.ts';

const unknown = { kind: 'everything-delete', resource: 'sg-0123abcd' };
const malformed = {
  kind: 'security-group-rules-revoke',
  resource: 'sg-0123abcd',
  rules: [{ id: 'all of them' }],
};

test('every kind of change in the folder is listed by its name', async () => {
  const folder = new URL('../../../lambdas/changes/', import.meta.url);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)));

  const kinds = modules.flatMap(({ changeKind }) => changeKind?.kind ?? []);

  expect(changeKinds).toEqual(kinds.toSorted());
});

describe.each([
  {
    what: 'of no kind',
    change: unknown,
    message: 'unknown kind of change everything-delete (resource sg-0123abcd)',
  },
  {
    what: 'that does not match the schema of its kind',
    change: malformed,
    message: 'not a change of kind security-group-rules-revoke (resource sg-0123abcd)',
  },
])('a change $what', ({ change, message }) => {
  test('is not described and not inverted', async () => {
    await expect(describeChange(change)).rejects.toThrow(message);
    await expect(inverseOf(change)).rejects.toThrow(message);
  });

  test('is not applied: no call is made', async () => {
    await using aws = await scriptedAws(() => 'cut');
    const session = testSession({ endpoint: aws.endpoint, account: '111122223333', region: 'eu-central-1' });

    await expect(applyChange(session, change)).rejects.toThrow(message);

    expect(aws.calls).toEqual([]);
  });
});
