import { beforeEach, expect, test } from 'vitest';
import { journalId } from '../../../../lambdas/model/job.ts';
import { limit } from '../../../../lambdas/remediator/gates/limit.ts';
import { denied } from '../support/iam-account.ts';
import {
  ACCOUNT,
  findingOf,
  jobOf,
  RemediatorInMemory,
  RULE,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const users = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((user) => [user, [`AKIA-${user}`]]));
const all = Object.keys(users);

let remediator: RemediatorInMemory;
const limitTo = (per_account_per_hour: number, per_rule_per_hour = 100): void => {
  remediator.settings = settingsOf({ limits: { per_account_per_hour, per_rule_per_hour } });
};
beforeEach(() => {
  remediator = new RemediatorInMemory(users);
});

/** A job that is so late that a new violation does not count as undone by hand. */
const hoursLater = (job = jobOf(...all)) => {
  remediator.now += 3 * 3_600_000;
  return { ...job, poll: { ...job.poll, asOf: new Date(remediator.now).toISOString() } };
};
const fixed = (): string[] => remediator.account.changed.map((changed) => changed.replace(/\/.*/, ''));

test('beyond the limit of an account, findings are deferred, with their plans', async () => {
  limitTo(3);

  await remediator.attempt(jobOf(...all));

  expect(remediator.names).toEqual({
    ...Object.fromEntries(['a', 'b', 'c'].map((user) => [user, 'remediated'])),
    d: 'deferred',
    e: 'deferred',
  });
  expect(remediator.outcome('d')).toMatchObject({
    willRetry: true,
    gate: 'limit',
    applied: [],
    plan: [{ line: expect.stringContaining('AKIA-d') }],
    reason: expect.stringMatching(
      /^iam-access-key-unrotated changes at most 3 resources per hour in account 111122223333: this finding needs 1 change, and none is left; more become available at 2026-06-30T13:.*Z\. At the next poll, it takes precedence over new findings; to allow more changes, raise limits\.per_account_per_hour$/,
    ),
  });
});

test('defers findings beyond the limit of a rule for all accounts', async () => {
  limitTo(100, 2);

  await remediator.attempt(jobOf(...all));

  expect(fixed()).toEqual(['a', 'b']);
  expect(remediator.outcome('e')?.reason).toMatch(
    /in all accounts together: .*raise limits\.per_rule_per_hour$/,
  );
  // Room that the rule's limit refuses is released for the account.
  expect(remediator.counts.used(RULE, ACCOUNT)).toBe(2);
});

test('the used percentage of the account’s limit counts what was changed, and never exceeds 100', async () => {
  limitTo(4, 100);
  remediator.account.fault = ({ operation, user }) =>
    operation === 'UpdateAccessKey' && user === 'a' ? denied : undefined;

  const some = await remediator.attempt(jobOf('a', 'b'));
  const more = await remediator.attempt(hoursLater(jobOf('c', 'd', 'e')));
  const nothing = await remediator.attempt(hoursLater(jobOf('b')));

  expect([some, more, nothing].map(({ accountLimitUsed }) => accountLimitUsed)).toEqual([25, 75, undefined]);
});

test('deferred findings come first at the next poll', async () => {
  limitTo(3);
  await remediator.attempt(jobOf(...all));
  // Someone else makes the first ones violate the rule again.
  for (const user of ['a', 'b', 'c']) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');

  await remediator.attempt(hoursLater());

  expect(fixed().slice(3)).toEqual(['d', 'e', 'a']);
});

test('deferred findings come first, even if other jobs run before theirs', async () => {
  limitTo(2);
  await remediator.attempt(jobOf('a', 'b', 'c'));
  const job = hoursLater(jobOf('d', 'e'));

  await remediator.attempt(job);
  await remediator.attempt({ ...jobOf('c'), poll: job.poll, chunk: 1 });
  await remediator.attempt({ ...hoursLater(jobOf('e')), chunk: 2 });

  expect(fixed()).toEqual(['a', 'b', 'd', 'c', 'e']);
});

test('no room is kept for findings that someone else has fixed, regardless of their outcome', async () => {
  limitTo(2);
  await remediator.attempt(jobOf('a', 'b', 'c'));
  remediator.account.users.get('c')?.set('AKIA-c', 'Inactive');
  const job = hoursLater(jobOf('c'));

  await remediator.attempt(job);
  await remediator.attempt({ ...jobOf('d', 'e'), poll: job.poll, chunk: 1 });

  expect(fixed()).toEqual(['a', 'b', 'd', 'e']);
});

test('a notice is published once per hour while a limit defers findings', async () => {
  limitTo(1);

  await remediator.attempt(jobOf('a', 'b'));
  await remediator.attempt({ ...jobOf('c', 'd'), chunk: 1 });
  const within = [...remediator.heldBack];
  remediator.now += 30 * 60_000;
  await remediator.attempt({ ...jobOf('d'), chunk: 2 });
  remediator.now += 31 * 60_000;
  await remediator.attempt({ ...jobOf('d', 'e'), chunk: 3 });

  expect(within).toMatchObject([
    {
      kind: 'limit_reached',
      rule: RULE,
      account: ACCOUNT,
      words: expect.stringContaining('raise limits.per_account_per_hour'),
    },
  ]);
  expect(remediator.heldBack).toHaveLength(2);
});

test('jobs of one rule share the room, regardless of the poll', async () => {
  limitTo(3);

  await remediator.attempt(jobOf('a', 'b'));
  await remediator.attempt({ ...jobOf('c', 'd'), chunk: 1 });

  expect(fixed()).toEqual(['a', 'b', 'c']);
});

test('a change for which other jobs have used the room since the read is not made, although it was prepared', async () => {
  limitTo(3);
  await remediator.attempt(jobOf('a', 'b'));
  const job = { ...jobOf('c', 'd', 'e'), chunk: 1 };

  // The counters were read before the first job had used any room.
  await remediator.attempt(job);

  expect(fixed()).toEqual(['a', 'b', 'c']);
  expect(remediator.names).toMatchObject({ c: 'remediated', d: 'deferred', e: 'deferred' });
  expect(remediator.outcome('d')).not.toHaveProperty('unconfirmed');
  // The journal was written before room was granted. It no longer lists the changes as begun.
  const journal = remediator.journals.get(journalId(job));
  const begun = Object.fromEntries(journal?.resources.map((each) => [each.resource, each.begun]) ?? []);
  expect(begun).toMatchObject({ d: [], e: [] });
});

test('a change that AWS refuses does not count', async () => {
  limitTo(3);
  remediator.account.fault = ({ operation, user }) =>
    operation === 'UpdateAccessKey' && user !== 'c' ? denied : undefined;

  await remediator.attempt(jobOf('a', 'b', 'c'));

  expect(remediator.names).toMatchObject({ a: 'failed', b: 'failed', c: 'remediated' });
  expect(remediator.counts.used(RULE, ACCOUNT)).toBe(1);
  expect(remediator.counts.used(RULE, 'all')).toBe(1);
});

test('a change without an answer counts', async () => {
  limitTo(3);
  remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'lost' : undefined);

  await remediator.attempt(jobOf('a'));

  expect(remediator.counts.used(RULE, ACCOUNT)).toBe(1);
});

test('what a killed function had reserved counts for an hour', async () => {
  limitTo(3);
  let reserved = false;
  await remediator
    .attempt(jobOf('a', 'b', 'c'), {
      steps: 60,
      onStep: () => {
        reserved ||= remediator.counts.used(RULE, ACCOUNT) === 3;
        if (reserved && remediator.account.changed.length > 0) throw new Error('killed');
      },
    })
    .catch(() => {});

  expect(remediator.counts.used(RULE, ACCOUNT)).toBe(3);
  remediator.now += 80 * 60_000;
  expect(remediator.counts.used(RULE, ACCOUNT)).toBe(0);
});

test('while the counter cannot be written, nothing is changed', async () => {
  remediator.fault = (port) => (port === 'reserve' ? new Error('throttled') : undefined);

  const { unfinished } = await remediator.attempt(jobOf('a', 'b'));

  expect(unfinished).toHaveLength(2);
  expect(fixed()).toEqual([]);
});

test('a dry run reserves nothing', async () => {
  remediator.settings = settingsOf({ mode: 'dry_run' });

  await remediator.attempt(jobOf(...all));

  expect(remediator.counts.reserved.size).toBe(0);
});

test('the reason of a finding that needs more than the limit says which limit would be sufficient', async () => {
  const counter = { rule: RULE, scope: ACCOUNT };
  const perAccount = { name: 'per_account_per_hour' as const, counter, most: 10 };
  const refusal = {
    limit: perAccount,
    changes: 40,
    room: { left: 10, kept: 0, moreAt: undefined },
    wasDeferred: false,
  };

  const verdict = await limit(findingOf('a'), { refusals: new Map([['a', refusal]]) });

  expect(verdict?.details.reason).toMatch(
    /so it stays deferred until limits\.per_account_per_hour is raised to at least 40$/,
  );
});

test('the reason says how much room is kept for others', () => {
  const limitOf = {
    name: 'per_account_per_hour' as const,
    counter: { rule: RULE, scope: ACCOUNT },
    most: 10,
  };
  const reasonOf = (kept: number, wasDeferred: boolean) => {
    const refusal = { limit: limitOf, changes: 4, room: { left: 3, kept, moreAt: undefined }, wasDeferred };
    const verdict = limit(findingOf('a'), { refusals: new Map([['a', refusal]]) });
    return verdict !== undefined && 'details' in verdict ? verdict.details.reason : undefined;
  };

  expect(reasonOf(3, false)).toContain('and 3 are left, reserved for findings that are already waiting.');
  expect(reasonOf(2, false)).toContain(
    'and 3 are left, 2 of them reserved for findings that are already waiting.',
  );
  expect(reasonOf(2, true)).toContain('and 3 are left. At the next poll, it takes precedence');
});

test('findings are deferred even if no room can be kept for them', async () => {
  limitTo(1);
  remediator.fault = (port) =>
    port === 'keep' ? Object.assign(new Error('too large'), { name: 'ValidationException' }) : undefined;

  const { failures } = await remediator.attempt(jobOf('a', 'b'));

  expect(remediator.names).toEqual({ a: 'remediated', b: 'deferred' });
  expect(remediator.heldBack.map(({ kind }) => kind)).toEqual(['limit_reached']);
  expect(failures).toHaveLength(1);
});
