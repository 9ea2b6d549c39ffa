import { beforeEach, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { denied } from '../support/iam-account.ts';
import { Killed } from '../support/lifeline.ts';
import {
  ACCOUNT,
  jobOf,
  ONE_AT_FIRST,
  RemediatorInMemory,
  RULE,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
/** More users, for later jobs. */
const others = ['i', 'j', 'k', 'l', 'm', 'n', 'o'];
const users = Object.fromEntries([...names, ...others].map((user) => [user, [`AKIA-${user}`]]));

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory(users);
});

const refuse = (...refused: readonly string[]): void => {
  remediator.account.fault = ({ operation, user }) =>
    operation === 'UpdateAccessKey' && refused.includes(user) ? denied : undefined;
};
const later = (job: Job, minutes = 10): Job => {
  remediator.now += minutes * 60_000;
  return { ...job, poll: { ...job.poll, asOf: new Date(remediator.now).toISOString() } };
};
const resume = (at = remediator.now): void => {
  const word = { version: 1 as const, at: new Date(at).toISOString(), by: 'Ada', reason: 'mended' };
  remediator.table.resumed.set(`${RULE} ${ACCOUNT}`, word);
};
/** Outcomes of the last poll that no other outcome replaces, by user. */
const last = () => {
  const outcomes = [...remediator.outcomes.values()];
  return new Map(outcomes.map((outcome) => [outcome.finding.resource, outcome]));
};

test('half of five changes failed: the rest of the job is only planned, and a notice says why', async () => {
  refuse('a', 'b', 'd');

  await remediator.attempt(jobOf(...names));

  expect(remediator.names).toMatchObject({
    ...{ a: 'failed', b: 'failed', c: 'remediated', d: 'failed', e: 'remediated' },
    ...{ f: 'planned', g: 'planned', h: 'planned' },
  });
  expect(remediator.account.changed).toEqual(['c/AKIA-c', 'e/AKIA-e']);
  expect(remediator.outcome('f')).toMatchObject({
    gate: 'breaker',
    applied: [],
    plan: [{ line: expect.stringContaining('AKIA-f') }],
  });
  const reason = remediator.outcome('f')?.reason ?? '';
  expect(reason).toMatch(
    /^iam-access-key-unrotated has been in dry run in account 111122223333 since 2026-06-30T12:.*Z, because 3 of 5 changes within an hour failed or were undone by hand, most recently: "AccessDenied: .*", "AccessDenied: .*", "AccessDenied: .*". To resume after you have fixed the cause: cspm-remediation resume --breaker iam-access-key-unrotated --account 111122223333$/,
  );
  expect(remediator.heldBack).toMatchObject([
    { kind: 'breaker_open', rule: RULE, account: ACCOUNT, words: reason },
  ]);
});

test.each([
  { what: 'four changes are too few', job: ['a', 'b', 'c', 'd'], refused: ['a', 'b', 'c', 'd'] },
  { what: 'less than half failed', job: names, refused: ['b', 'd'] },
])('it remains closed: $what', async ({ job, refused }) => {
  refuse(...refused);

  await remediator.attempt(jobOf(...job));

  expect(Object.values(remediator.names)).not.toContain('planned');
  expect(remediator.heldBack).toEqual([]);
});

test('an open breaker is counted once per hour, regardless of the number of jobs and regions', async () => {
  refuse(...names);
  remediator.now = Math.ceil(remediator.now / 3_600_000) * 3_600_000;
  const counts = async (job: Job): Promise<boolean> => (await remediator.attempt(job)).countsBreaker;

  const counted = [
    await counts(jobOf(...names)),
    await counts(later(jobOf('i'))),
    await counts({ ...later(jobOf('j')), region: 'us-east-1' }),
    await counts(later(jobOf('k'), 50)),
  ];
  resume();
  const closed = await counts(later(jobOf('l'), 70));

  expect(counted).toEqual([true, false, false, true]);
  expect(closed).toBe(false);
});

test('later jobs read and plan, and publish no further notice, until an operator resumes the rule', async () => {
  refuse(...names);
  await remediator.attempt(jobOf(...names));
  refuse();
  remediator.account.sessions.length = 0;

  await remediator.attempt(later(jobOf(...names), 24 * 60));
  const held = last();
  const accesses = remediator.account.sessions.map(({ permissions }) =>
    permissions.flatMap(({ actions }) => actions),
  );
  resume();
  await remediator.attempt(later(jobOf(...names)));

  expect([...held.values()].map(({ outcome, mode }) => `${outcome} ${mode}`)).toEqual(
    names.map(() => 'planned dry_run'),
  );
  expect(accesses.flat()).not.toContain('iam:UpdateAccessKey');
  expect(remediator.heldBack).toHaveLength(1);
  expect([...last().values()].map(({ outcome }) => outcome)).toEqual(names.map(() => 'remediated'));
});

test('failures before a rule was resumed no longer count, but later ones do', async () => {
  refuse(...names);
  await remediator.attempt(jobOf(...names));
  resume();
  refuse('i', 'j', 'n');

  await remediator.attempt(later(jobOf('i', 'j', 'k', 'l', 'm'), 5));
  const told = remediator.heldBack.length;
  await remediator.attempt(later(jobOf('n', 'o'), 5));

  expect(told).toBe(1);
  expect(last().get('k')).toMatchObject({ outcome: 'remediated' });
  expect(remediator.heldBack).toMatchObject([{}, { words: expect.stringContaining('3 of 6 changes') }]);
  expect(last().get('o')).toMatchObject({ outcome: 'planned' });
});

test('a resume that is dated in the future resumes nothing until then', async () => {
  refuse(...names);
  await remediator.attempt(jobOf(...names));
  refuse();
  resume(remediator.now + 15 * 60_000);

  await remediator.attempt(later(jobOf(...others)));
  const early = new Set(others.map((user) => last().get(user)?.outcome));
  await remediator.attempt(later(jobOf(...others)));
  const late = new Set(others.map((user) => last().get(user)?.outcome));

  expect([[...early], [...late]]).toEqual([['planned'], ['remediated']]);
});

test('a resume item that cannot be parsed resumes nothing, and is reported', async () => {
  refuse(...names);
  await remediator.attempt(jobOf(...names));
  remediator.table.resumed.set(`${RULE} ${ACCOUNT}`, { problem: 'at: Invalid ISO datetime' });

  await remediator.attempt(later(jobOf('h')));

  expect(last().get('h')).toMatchObject({
    outcome: 'planned',
    reason: expect.stringContaining('(the existing item cannot be parsed: at: Invalid ISO datetime)'),
  });
});

test('results of several jobs count together, for an hour', async () => {
  refuse(...names);
  await remediator.attempt(jobOf('a', 'b', 'c'));
  const hourLater = later(jobOf('d', 'e'), 61);
  await remediator.attempt(hourLater);
  await remediator.attempt({ ...later(jobOf('f', 'g', 'h'), 30) });

  await remediator.attempt(later(jobOf('a'), 1));

  expect(
    [...last().values()].map(({ outcome }) => outcome).filter((name) => name === 'planned'),
  ).toHaveLength(1);
});

test('changes that were undone by hand count as failures, and are not made again', async () => {
  await remediator.attempt(jobOf(...names));
  for (const user of names) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');
  const before = remediator.account.changed.length;

  await remediator.attempt(later(jobOf(...names), 60));

  expect(remediator.account.changed).toHaveLength(before);
  const [outcome] = last().values();
  expect(outcome).toMatchObject({ outcome: 'planned', gate: 'breaker' });
  expect(outcome?.reason).toMatch(/8 of 8 changes .* violates the rule again: the change was undone by hand/);
});

test('an undone change is noticed at the next check, whenever that is', async () => {
  await remediator.attempt(jobOf(...names));
  const fixedAt = new Date(remediator.now).toISOString();
  for (const user of names) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');
  const before = remediator.account.changed.length;
  const scannedBefore = (job: Job): Job => ({
    ...job,
    findings: job.findings.map((finding) => ({ ...finding, lastScanTime: fixedAt })),
  });

  // Nothing is checked while Netskope has not scanned since.
  await remediator.attempt(scannedBefore(later(jobOf(...names), 60)));
  const waiting = new Set([...last().values()].map(({ outcome }) => outcome));
  await remediator.attempt(scannedBefore(later(jobOf(...names), 24 * 60)));

  expect(waiting).toEqual(new Set(['awaiting_scan']));
  expect(remediator.account.changed).toHaveLength(before);
  expect([...last().values()].map(({ gate }) => gate)).toEqual(names.map(() => 'breaker'));
});

test('an undone change is also noticed if nothing may be changed now', async () => {
  await remediator.attempt(jobOf(...names));
  for (const user of names) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');
  remediator.pause = 'all';

  await remediator.attempt(later(jobOf(...names), 60));
  const paused = new Set([...last().values()].map(({ gate }) => gate));
  remediator.pause = 'none';
  await remediator.attempt(later(jobOf(...names), 60));

  expect(paused).toEqual(new Set(['pause']));
  expect(remediator.heldBack).toMatchObject([{ kind: 'breaker_open' }]);
  expect([...last().values()].map(({ gate }) => gate)).toEqual(names.map(() => 'breaker'));
});

test('a few undone changes among many others do not open it', async () => {
  const many = [...names, ...others];
  await remediator.attempt(jobOf(...many));
  for (const user of names.slice(0, 5)) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');

  await remediator.attempt(later(jobOf(...names.slice(0, 5)), 20 * 60));

  expect(new Set([...last().values()].map(({ outcome }) => outcome))).toEqual(new Set(['remediated']));
  expect(remediator.heldBack).toEqual([]);
});

test('a violation that returns after days does not count as undone by hand', async () => {
  await remediator.attempt(jobOf(...names));
  for (const user of names) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');

  await remediator.attempt(later(jobOf(...names), 49 * 60));

  expect([...last().values()].map(({ outcome }) => outcome)).toEqual(names.map(() => 'remediated'));
});

test('nor does one that the source had reported as fixed in between', async () => {
  await remediator.attempt(jobOf(...names));
  await remediator.attempt({ ...later(jobOf(...names), 60), closes: true });
  for (const user of names) remediator.account.users.get(user)?.set(`AKIA-${user}`, 'Active');

  await remediator.attempt(later(jobOf(...names), 60));

  expect([...last().values()].map(({ outcome }) => outcome)).toEqual(names.map(() => 'remediated'));
});

test('a change that is not visible when it is read back has failed', async () => {
  remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'no effect' : undefined);
  await remediator.attempt(jobOf('a', 'b', 'c', 'd', 'e'));
  const closed = remediator.heldBack.length;

  remediator.now += 61 * 60_000;
  await remediator.attempt(remediator.lastLook);

  expect(closed).toBe(0);
  expect(remediator.heldBack).toMatchObject([
    { words: expect.stringContaining('still violates the rule when it is read back') },
  ]);
});

test('throttling and timeouts do not open it', async () => {
  remediator.account.fault = ({ operation }) =>
    operation === 'UpdateAccessKey' ? { code: 'ServiceUnavailable', status: 503 } : undefined;

  for (let number = 1; number <= 3; number += 1) {
    await remediator.attempt(jobOf(...names), { number, last: number === 3 });
  }

  expect(remediator.heldBack).toEqual([]);
  expect(Object.values(remediator.names)).not.toContain('planned');
});

test('other rules and other accounts continue', async () => {
  refuse(...names);
  await remediator.attempt(jobOf(...names));
  refuse();

  const elsewhere = jobOf('h');
  const account = '999900001111';
  const findings = elsewhere.findings.map((finding) => ({ ...finding, account }));
  await remediator.attempt({ ...elsewhere, account, findings });

  expect([...remediator.outcomes.values()].at(-1)).toMatchObject({ outcome: 'remediated' });
});

test('the settings contain the thresholds', async () => {
  remediator.settings = settingsOf({ breaker: { changes: 2, failed_percent: 100 } });
  refuse('a', 'b', 'c');

  await remediator.attempt(jobOf('a', 'b', 'c'));

  expect(remediator.names).toEqual({ a: 'failed', b: 'failed', c: 'planned' });
});

test('while the breaker cannot be read, nothing is changed', async () => {
  remediator.fault = (port) => (port === 'readOperatorItems' ? new Error('throttled') : undefined);

  const { unfinished } = await remediator.attempt(jobOf('a'));

  expect(unfinished).toHaveLength(1);
  expect(remediator.account.changed).toEqual([]);
});

test('results that cannot be written are written by the next attempt', async () => {
  refuse(...names);
  remediator.fault = (port) => (port === 'writeBreaker' ? new Error('throttled') : undefined);
  const { failures } = await remediator.attempt(jobOf(...names));
  remediator.fault = () => undefined;

  await remediator.attempt(jobOf(...names), { number: 2 });
  await remediator.attempt(later(jobOf('i')));

  expect(failures).toHaveLength(1);
  expect(last().get('i')).toMatchObject({ outcome: 'planned' });
});

test('a change that a job made before the breaker opened was not a dry run, and its outcome says so', async () => {
  const onStep = (): void => {
    if (remediator.account.changed.length > 0) throw new Killed('the function was ended');
  };
  const { settings } = remediator;
  remediator.settings = { ...settings, breaker: ONE_AT_FIRST };
  await remediator.attempt(jobOf('i', 'j'), { onStep }).catch(() => undefined);
  remediator.settings = settings;
  const changed = [...remediator.account.changed];
  refuse(...names);
  await remediator.attempt({ ...jobOf(...names), chunk: 1 });
  refuse();

  await remediator.attempt(jobOf('i', 'j'), { number: 2 });
  for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
    remediator.now += next.delaySeconds * 1000;
    await remediator.attempt(next.job);
  }

  expect(changed).toEqual(['i/AKIA-i']);
  expect(remediator.outcome('i')).toMatchObject({ outcome: 'remediated', mode: 'enforce' });
  expect(remediator.outcome('j')).toMatchObject({ outcome: 'planned', mode: 'dry_run' });
});

test('no more changes run in parallel than would open the breaker, until these have succeeded', async () => {
  const many = Array.from({ length: 20 }, (_, index) => `user-${index}`);
  const inTurn = async (refused: readonly string[]): Promise<string[]> => {
    const users = Object.fromEntries(many.map((user) => [user, [`AKIA-${user}`]]));
    const job = new RemediatorInMemory(users);
    const sent: string[] = [];
    job.account.fault = ({ operation, user }) => {
      if (operation !== 'UpdateAccessKey') return undefined;
      sent.push(user);
      return refused.includes(user) ? denied : undefined;
    };
    await job.attempt(jobOf(...many));
    return sent;
  };

  const allGoWell = await inTurn([]);
  const allAreRefused = await inTurn(many);
  const oneIsRefused = await inTurn(['user-2']);

  expect(allGoWell).toHaveLength(20);
  expect(allAreRefused).toEqual(many.slice(0, 5));
  expect(oneIsRefused).toHaveLength(20);
});
