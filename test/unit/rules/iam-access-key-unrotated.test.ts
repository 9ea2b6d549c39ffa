import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyChange, describeChange, inverseOf, isChangeVisible } from '../../../lambdas/changes/index.ts';
import { rule } from '../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { actionsOf, answerByAction, grantedActions } from '../../lab/scripted-aws/called-actions.ts';
import { queryError, scriptedAws, xmlAnswer } from '../../lab/scripted-aws/scripted-aws.ts';

const NOW = new Date('2026-06-30T12:00:00Z');
const daysAgo = (days: number): string => new Date(NOW.getTime() - days * 86_400_000).toISOString();

interface Key {
  readonly id: string;
  readonly age: number;
  readonly status?: 'Active' | 'Inactive';
  /** Days since the last use; undefined if AWS has no record of a use. */
  readonly used?: number | undefined;
}
interface User {
  keys: Key[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** Simulates IAM as in its API reference, with pages of one entry. */
async function iam(users: Record<string, User>) {
  const page = (items: readonly string[], marker: string | null): string => {
    const at = Number(marker ?? 0);
    const more = at + 1 < items.length;
    return `${items[at] ?? ''}|<IsTruncated>${more}</IsTruncated>${more ? `<Marker>${at + 1}</Marker>` : ''}`;
  };
  return scriptedAws(
    answerByAction({
      'iam:ListAccessKeys': ({ form }) => {
        const name = form.get('UserName') ?? '';
        const user = users[name];
        if (user === undefined) return queryError('NoSuchEntity', 404);
        const members = user.keys.map(
          ({ id, age, status = 'Active' }) =>
            `<member><UserName>${name}</UserName><AccessKeyId>${id}</AccessKeyId><Status>${status}</Status><CreateDate>${daysAgo(age)}</CreateDate></member>`,
        );
        const [member = '', rest = ''] = page(members, form.get('Marker')).split('|');
        return xmlAnswer(
          `<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>${member}</AccessKeyMetadata>${rest}</ListAccessKeysResult></ListAccessKeysResponse>`,
        );
      },
      'iam:GetAccessKeyLastUsed': ({ form }) => {
        const key = Object.values(users)
          .flatMap(({ keys }) => keys)
          .find(({ id }) => id === form.get('AccessKeyId'));
        if (key === undefined) return queryError('NoSuchEntity', 404);
        const used =
          key.used === undefined
            ? '<ServiceName>N/A</ServiceName><Region>N/A</Region>'
            : `<LastUsedDate>${daysAgo(key.used)}</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-central-1</Region>`;
        return xmlAnswer(
          `<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><AccessKeyLastUsed>${used}</AccessKeyLastUsed></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>`,
        );
      },
      'iam:ListUserTags': ({ form }) => {
        const user = users[form.get('UserName') ?? ''];
        if (user === undefined) return queryError('NoSuchEntity', 404);
        const members = Object.entries(user.tags ?? {}).map(
          ([key, value]) => `<member><Key>${key}</Key><Value>${value}</Value></member>`,
        );
        const [member = '', rest = ''] = page(members, form.get('Marker')).split('|');
        return xmlAnswer(
          `<ListUserTagsResponse><ListUserTagsResult><Tags>${member}</Tags>${rest}</ListUserTagsResult></ListUserTagsResponse>`,
        );
      },
      'iam:UpdateAccessKey': ({ form }) => {
        const user = users[form.get('UserName') ?? ''];
        const index = user?.keys.findIndex(({ id }) => id === form.get('AccessKeyId')) ?? -1;
        const key = user?.keys[index];
        if (user === undefined || key === undefined) return queryError('NoSuchEntity', 404);
        user.keys[index] = { ...key, status: form.get('Status') === 'Active' ? 'Active' : 'Inactive' };
        return xmlAnswer('<UpdateAccessKeyResponse/>');
      },
    }),
  );
}

const sessionOf = (endpoint: string) =>
  testSession({ endpoint, account: '111122223333', region: 'eu-central-1', now: () => NOW });

async function inspect(user: User, options: { max_age_days?: number; unused_only_days?: number } = {}) {
  await using aws = await iam({ deploy: user });
  return (await rule.assess(sessionOf(aws.endpoint), ['deploy'], options)).get('deploy');
}

function changeOf({ id, age, used }: Key) {
  return {
    kind: 'iam-access-key-status-set',
    resource: 'deploy',
    key: id,
    before: 'Active',
    after: 'Inactive',
    created: daysAgo(age),
    lastUsed: used === undefined ? null : daysAgo(used),
  };
}

describe('the keys to make inactive', () => {
  test.each([
    { what: 'created 90 days ago', age: 90, options: {}, state: 'violation' },
    { what: 'created 89 days ago', age: 89, options: {}, state: 'compliant' },
    { what: 'created a day ago, with an age of 1', age: 1, options: { max_age_days: 1 }, state: 'violation' },
    {
      what: 'created 364 days ago, with an age of 365',
      age: 364,
      options: { max_age_days: 365 },
      state: 'compliant',
    },
  ])('a key that was $what: $state', async ({ age, options, state }) => {
    await expect(inspect({ keys: [{ id: 'AKIAOLD', age }] }, options)).resolves.toMatchObject({ state });
  });

  test('are active ones only', async () => {
    await expect(inspect({ keys: [{ id: 'AKIAOLD', age: 400, status: 'Inactive' }] })).resolves.toEqual({
      state: 'compliant',
    });
  });

  test('include all that are too old, in use or not, on all pages, the oldest first', async () => {
    const used: Key = { id: 'AKIAUSED', age: 100, used: 1 };
    const unused: Key = { id: 'AKIAUNUSED', age: 200 };

    const assessment = await inspect({ keys: [used, unused], tags: { team: 'blue', stage: 'live' } });

    expect(assessment).toMatchObject({
      state: 'violation',
      tags: { team: 'blue', stage: 'live' },
      plan: [changeOf(unused), changeOf(used)],
      notes: [],
    });
  });

  test('do not include keys in use with unused_only_days, which are named', async () => {
    const used: Key = { id: 'AKIAUSED', age: 100, used: 29 };
    const unused: Key = { id: 'AKIAUNUSED', age: 200, used: 30 };

    const both = await inspect({ keys: [used, unused] }, { unused_only_days: 30 });
    const only = await inspect({ keys: [used] }, { unused_only_days: 30 });

    const left =
      'access key AKIAUSED, created 2026-03-22, stays active: last used 2026-06-01, within the last 30 days (unused_only_days)';
    expect(both).toMatchObject({
      state: 'violation',
      plan: [{ ...changeOf(unused), unusedForDays: 30 }],
      notes: [left],
    });
    expect(only).toEqual({ state: 'not_applicable', reason: left });
  });

  test('are those that are active, old enough and not in use, for any keys', async () => {
    const anyKey = fc.record({
      age: fc.integer({ min: 0, max: 400 }),
      status: fc.constantFrom<'Active' | 'Inactive'>('Active', 'Inactive'),
      used: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
    });
    const anyOptions = fc.record(
      { max_age_days: fc.integer({ min: 1, max: 365 }), unused_only_days: fc.integer({ min: 1, max: 365 }) },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyKey, { maxLength: 2 }), anyOptions, async (found, options) => {
        const keys = found.map((key, index) => ({ ...key, id: `AKIA${index}` }));

        const assessment = await inspect({ keys }, options);

        const { max_age_days = 90, unused_only_days } = options;
        const expected = keys.filter(
          ({ age, status, used }) =>
            status === 'Active' &&
            age >= max_age_days &&
            !(unused_only_days !== undefined && used !== undefined && used < unused_only_days),
        );
        const planned = assessment?.state === 'violation' ? assessment.plan : [];
        expect(planned.map((change) => ('key' in change ? change.key : undefined)).sort()).toEqual(
          expected.map(({ id }) => id),
        );
      }),
      { numRuns: 40 },
    );
  });

  test.each([{ max_age_days: 0 }, { max_age_days: 366 }, { max_age_days: 1.5 }, { unused_only_days: 0 }])(
    'options must be whole days from 1 to 365: %j',
    (options) => {
      expect(rule.options.safeParse(options).success).toBe(false);
    },
  );
});

describe('a deletion after the finding', () => {
  test('of the user makes the user gone', async () => {
    await using aws = await iam({ deploy: { keys: [{ id: 'AKIAOLD', age: 100 }] } });

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['deploy', 'left-us'], {});

    expect([...assessments.values()].map(({ state }) => state)).toEqual(['violation', 'gone']);
  });

  test('of a key between two reads does not make the user gone', async () => {
    await using aws = await scriptedAws(
      answerByAction({
        'iam:ListAccessKeys': () =>
          xmlAnswer(
            `<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member><AccessKeyId>AKIAOLD</AccessKeyId><Status>Active</Status><CreateDate>${daysAgo(100)}</CreateDate></member></AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult></ListAccessKeysResponse>`,
          ),
        'iam:GetAccessKeyLastUsed': () => queryError('NoSuchEntity', 404),
        'iam:ListUserTags': () =>
          xmlAnswer(
            '<ListUserTagsResponse><ListUserTagsResult><Tags/><IsTruncated>false</IsTruncated></ListUserTagsResult></ListUserTagsResponse>',
          ),
      }),
    );

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['deploy'], {});

    expect(assessments.get('deploy')).toEqual({ state: 'compliant' });
  });
});

describe('the change', () => {
  const change = changeOf({ id: 'AKIAOLD', age: 100, used: 3 });

  test.each([
    {
      change,
      line: '~ access key AKIAOLD of deploy: Active -> Inactive (created 2026-03-22, last used 2026-06-27)',
    },
    {
      change: { ...change, lastUsed: null },
      line: '~ access key AKIAOLD of deploy: Active -> Inactive (created 2026-03-22, never used)',
    },
  ])('is described in one line, with the last use of the key', async ({ change, line }) => {
    await expect(describeChange(change)).resolves.toBe(line);
  });

  test('makes the key inactive, so that the user is compliant; its inverse makes it active again', async () => {
    const users = { deploy: { keys: [{ id: 'AKIAOLD', age: 100, used: 3 }] } };
    await using aws = await iam(users);
    const session = sessionOf(aws.endpoint);

    const applied = await applyChange(session, change);
    const after = (await rule.assess(session, ['deploy'], {})).get('deploy');
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await applyChange(session, inverse);

    expect(after).toEqual({ state: 'compliant' });
    expect(inverse).toMatchObject({ before: 'Inactive', after: 'Active' });
    expect(users.deploy.keys).toMatchObject([{ id: 'AKIAOLD', status: 'Active' }]);
  });

  const old: Key = { id: 'AKIAOLD', age: 100, used: 60 };
  const unusedOnly = { ...changeOf(old), unusedForDays: 30 };

  test.each<{ what: string; keys: Key[] | undefined; tried: Record<string, unknown>; message: string }>([
    { what: 'deleted', keys: [], tried: change, message: 'access key AKIAOLD of deploy is gone' },
    {
      what: 'deleted with its user',
      keys: undefined,
      tried: change,
      message: 'access key AKIAOLD of deploy is gone',
    },
    {
      what: 'made inactive by its owner',
      keys: [{ ...old, status: 'Inactive' }],
      tried: change,
      message: 'access key AKIAOLD of deploy was made Inactive by someone else in the meantime',
    },
    {
      what: 'rotated (deleted and replaced)',
      keys: [{ id: 'AKIANEW', age: 0 }],
      tried: change,
      message: 'access key AKIAOLD of deploy is gone',
    },
    {
      what: 'used',
      keys: [{ ...old, used: 0 }],
      tried: unusedOnly,
      message: 'access key AKIAOLD of deploy was used in the meantime, on 2026-06-30: nothing was changed',
    },
    {
      what: 'deleted before the undo',
      keys: [],
      tried: { ...change, before: 'Inactive', after: 'Active' },
      message: 'access key AKIAOLD of deploy is gone',
    },
  ])('is stale if the key was $what after the read: nothing is written', async ({ keys, tried, message }) => {
    const users: Record<string, User> = keys === undefined ? {} : { deploy: { keys: [...keys] } };
    await using aws = await iam(users);

    const application = applyChange(sessionOf(aws.endpoint), { ...change, ...tried });

    await expect(application).rejects.toMatchObject({
      name: 'StalePlanError',
      message: expect.stringContaining(message),
    });
    expect(actionsOf(aws.calls)).not.toContain('iam:UpdateAccessKey');
  });

  test('is stale if the key is deleted at that very moment', async () => {
    await using aws = await scriptedAws(
      answerByAction({
        'iam:ListAccessKeys': () =>
          xmlAnswer(
            '<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member><AccessKeyId>AKIAOLD</AccessKeyId><Status>Active</Status></member></AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult></ListAccessKeysResponse>',
          ),
        'iam:UpdateAccessKey': () => queryError('NoSuchEntity', 404),
      }),
    );

    const application = applyChange(sessionOf(aws.endpoint), change);

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
  });

  test('of an unused key is made, and can be undone even if the key is used afterwards', async () => {
    const users = { deploy: { keys: [old] } };
    await using aws = await iam(users);
    const session = sessionOf(aws.endpoint);

    const applied = await applyChange(session, unusedOnly);
    users.deploy.keys[0] = { ...old, status: 'Inactive', used: 0 };
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await applyChange(session, inverse);

    expect(users.deploy.keys).toMatchObject([{ id: 'AKIAOLD', status: 'Active' }]);
  });

  test('is confirmed when reads show it', async () => {
    const users = { deploy: { keys: [old] } };
    await using aws = await iam(users);
    const session = sessionOf(aws.endpoint);

    const inAnOldRead = await isChangeVisible(session, change);
    await applyChange(session, change);
    const afterwards = await isChangeVisible(session, change);

    expect([inAnOldRead, afterwards]).toEqual([false, true]);
  });
});

test('the root user is refused with an explanation', () => {
  const parsed = rule.resourceId.safeParse('<root_account>');

  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
    "this is the account's root user, which is never touched, because only the root user can change its keys: delete them as the root user",
  ]);
});

test('the rule uses exactly its declared permissions', async () => {
  await using aws = await iam({ deploy: { keys: [{ id: 'AKIAOLD', age: 100 }] } });
  const session = sessionOf(aws.endpoint);

  await rule.assess(session, ['deploy'], {});
  const read = actionsOf(aws.calls);
  await applyChange(session, changeOf({ id: 'AKIAOLD', age: 100 }));

  const { permissions } = rule;
  expect(grantedActions(permissions.read)).toEqual(read);
  expect(grantedActions(permissions.read, permissions.write)).toEqual(actionsOf(aws.calls));
  expect(grantedActions(permissions.undo)).toEqual(['iam:ListAccessKeys', 'iam:UpdateAccessKey']);
});

test('25 users with one old key each take three read calls per user', async () => {
  const names = Array.from({ length: 25 }, (_, n) => `user-${n}`);
  await using aws = await iam(
    Object.fromEntries(names.map((name, n) => [name, { keys: [{ id: `AKIA${n}`, age: 100 }] }])),
  );

  await rule.assess(sessionOf(aws.endpoint), names, {});

  expect(aws.calls).toHaveLength(75);
});
