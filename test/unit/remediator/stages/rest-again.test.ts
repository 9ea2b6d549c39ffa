import { describe, expect, test } from 'vitest';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import { type AwsState, EMPTY_STATE, type Tags, withEntry } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';

/**
 * More changes than the default breaker allows at once at first: the last resources are read again before their
 * changes.
 */
const NAMES = Array.from({ length: 7 }, (_, index) => `name-${index}`);
const LAST = 'name-6';

const bucket = { region: 'eu-central-1', tags: {}, aclIsPublic: true, policyIsPublic: true, block: null };
const user = {
  tags: {},
  keys: [{ id: 'AKIA1', status: 'Active', created: Date.parse('2020-01-01'), lastUsed: null }],
} as const;

const buckets: AwsState = {
  ...EMPTY_STATE,
  buckets: Object.fromEntries(NAMES.map((name) => [name, bucket])),
};
const users: AwsState = { ...EMPTY_STATE, users: Object.fromEntries(NAMES.map((name) => [name, user])) };

/**
 * A rule, resources that violate it, its reads of tags and of what a change checks itself, and the state with other
 * tags of the last resource, or without it.
 */
const cases = [
  {
    rule: 's3-bucket-public',
    initial: buckets,
    ofTags: 'GetBucketTagging',
    ofState: 'GetBucketAcl',
    setLast: (state: AwsState, tags: Tags | undefined): AwsState => ({
      ...state,
      buckets: withEntry(state.buckets, LAST, tags && { ...bucket, tags }),
    }),
  },
  {
    rule: 'iam-access-key-unrotated',
    initial: users,
    ofTags: 'ListUserTags',
    ofState: 'GetAccessKeyLastUsed',
    setLast: (state: AwsState, tags: Tags | undefined): AwsState => ({
      ...state,
      users: withEntry(state.users, LAST, tags && { ...user, tags }),
    }),
  },
] as const;

/** Fixes all resources, while someone does something after the first write. */
async function run(
  { rule, initial }: { readonly rule: string; readonly initial: AwsState },
  act: (state: AwsState) => AwsState = (state) => state,
) {
  const account = new ModelAccount(rule, initial);
  const { remediator } = account;
  const operations: string[] = [];
  account.onCall = (operation) => operations.push(operation);
  account.actAfterFirstWrite(act);
  await remediator.attempt(account.job(...NAMES));
  await remediator.workOffLater();
  const outcomes = new Map(
    [...remediator.outcomes.values()].map(({ finding, outcome }) => [finding.resource, outcome]),
  );
  const count = (operation: string): number => operations.filter((each) => each === operation).length;
  return { outcomes, writes: account.writes.length, count };
}

test.each(cases)(
  '$rule: before a later change, only the tags are read again, and what the change depends on',
  async (given) => {
    const { outcomes, writes, count } = await run(given);

    expect(new Set(outcomes.values())).toEqual(new Set(['remediated']));
    expect(writes).toBe(NAMES.length);
    // For the plan, and for the two that are changed later.
    expect(count(given.ofTags)).toBe(NAMES.length + 2);
    const looks = given.ofState === 'GetBucketAcl' ? 2 : 1;
    expect(count(given.ofState)).toBe(looks * NAMES.length);
  },
);

test.each(cases)('$rule: one that is exempted by a tag in the meantime is left', async (given) => {
  const exempt = { [EXEMPTION_TAG]: 'migration until 2999-01-01' };

  const { outcomes, writes } = await run(given, (state) => given.setLast(state, exempt));

  expect(outcomes.get(LAST)).toBe('exempt');
  expect(writes).toBe(NAMES.length - 1);
});

test.each(cases)('$rule: one whose tags change in the meantime is read again, and fixed', async (given) => {
  const { outcomes, count } = await run(given, (state) => given.setLast(state, { owner: 'web' }));

  expect(outcomes.get(LAST)).toBe('remediated');
  const looks = given.ofState === 'GetBucketAcl' ? 2 : 1;
  expect(count(given.ofState)).toBe(looks * NAMES.length + 1);
});

test.each(cases)('$rule: one that is deleted in the meantime is reported as gone', async (given) => {
  const { outcomes, writes } = await run(given, (state) => given.setLast(state, undefined));

  expect(outcomes.get(LAST)).toBe('gone');
  expect(writes).toBe(NAMES.length - 1);
});

describe('rds-snapshot-public', () => {
  const snapshotOf = (name: string) => ({ id: `${name}-s0`, tags: {}, sharedWith: ['all'] });
  const database = (name: string) => ({
    of: 'instance' as const,
    isThere: true,
    tags: {},
    snapshots: [snapshotOf(name)],
  });
  const last = database(LAST);
  const initial: AwsState = {
    ...EMPTY_STATE,
    databases: Object.fromEntries(NAMES.map((name) => [name, database(name)])),
  };
  const given = { rule: 'rds-snapshot-public', initial };
  const withLast = (other: Partial<typeof last>) => (state: AwsState) => ({
    ...state,
    databases: withEntry(state.databases, LAST, { ...last, ...other }),
  });
  const exempt = { [EXEMPTION_TAG]: 'migration until 2999-01-01' };

  test('before a later change, one list shows that all are still public, and few calls read the rest', async () => {
    const { outcomes, writes, count } = await run(given);

    expect(new Set(outcomes.values())).toEqual(new Set(['remediated']));
    expect(writes).toBe(NAMES.length);
    // For the plan, and afterwards.
    expect(count('DescribeDBSnapshotAttributes')).toBe(2 * NAMES.length);
    // For the plan, by name and by resource id, and afterwards; before both groups of changes; and for the later group.
    expect(count('DescribeDBSnapshots')).toBe(2 + 2 + 2 + 1);
    // For the plan, for the later ones, and afterwards.
    expect(count('DescribeDBInstances')).toBe(3);
    // For the plan, and afterwards: none of the later ones is a cluster's.
    expect(count('DescribeDBClusterSnapshots')).toBe(2);
  });

  test('before a later change of a cluster, few calls read the rest', async () => {
    const databases = Object.fromEntries(
      NAMES.map((name) => [name, { ...database(name), of: 'cluster' as const }]),
    );

    const { outcomes, count } = await run({ ...given, initial: { ...EMPTY_STATE, databases } });

    expect(new Set(outcomes.values())).toEqual(new Set(['remediated']));
    expect(count('DescribeDBClusterSnapshotAttributes')).toBe(2 * NAMES.length);
    // For the plan, and afterwards; before both groups of changes; and for the later group.
    expect(count('DescribeDBClusterSnapshots')).toBe(2 + 2 + 1);
  });

  test('a later one whose database has another public snapshot in the meantime is fixed, and not done', async () => {
    const snapshots = [...last.snapshots, { ...snapshotOf(LAST), id: `${LAST}-s1` }];

    const { outcomes, writes } = await run(given, withLast({ snapshots }));

    expect(outcomes.get(LAST)).toBe('failed');
    expect(writes).toBe(NAMES.length);
  });

  test.each([
    ['that is exempted by a tag', { tags: exempt }, 'exempt'],
    [
      'whose snapshot is exempted by its tag',
      { snapshots: [{ ...snapshotOf(LAST), tags: exempt }] },
      'exempt',
    ],
    ['whose snapshot is private', { snapshots: [{ ...snapshotOf(LAST), sharedWith: [] }] }, 'compliant'],
    ['whose snapshot is gone', { snapshots: [] }, 'compliant'],
  ])('one %s in the meantime is left', async (_, other, outcome) => {
    const { outcomes, writes } = await run(given, withLast(other));

    expect(outcomes.get(LAST)).toBe(outcome);
    expect(writes).toBe(NAMES.length - 1);
  });
});
