import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { LeaseHeldError } from '../../../../lambdas/model/errors.ts';
import {
  type Fix,
  MOST_UNDONE,
  type RequestItem,
  type RequestMessage,
} from '../../../../lambdas/model/requests.ts';
import type { Attempt } from '../../../../lambdas/remediator/ports.ts';
import { actBeforePuttingBack, actOnPending } from '../../../../lambdas/remediator/undo/act-on-pending.ts';
import type { RequestsStore } from '../../../../lambdas/remediator/undo/requests-store.ts';
import { Killed } from '../support/lifeline.ts';
import {
  ACCOUNT,
  awsError,
  jobOf,
  REGION,
  RemediatorInMemory,
  settingsOf,
} from '../support/remediator-in-memory.ts';
import { PRINCIPAL, UndoDesk } from '../support/undo-desk.ts';

const MINUTE = 60_000;

let remediator: RemediatorInMemory;
let desk: UndoDesk;
let fix: Fix;

beforeEach(async () => {
  remediator = new RemediatorInMemory({ deploy: ['old1'], backup: ['old2'] });
  remediator.settings = settingsOf();
  desk = new UndoDesk(remediator);
  await remediator.attempt(jobOf('deploy'));
  remediator.now += 20 * MINUTE;
  const [found] = desk.fixesOf('deploy');
  if (found === undefined) throw new Error('deploy was not fixed');
  fix = found;
});

const statusOf = (user: string) => [...(remediator.account.users.get(user)?.values() ?? [])];

describe('a message', () => {
  test('whose request exists carries it out, and the result is logged', async () => {
    const message = desk.ask([fix]);

    await desk.act(message);

    expect(statusOf('deploy')).toEqual(['Active']);
    expect(desk.result(message)).toMatchObject({
      state: 'done',
      beganAt: expect.any(String),
      endedAt: expect.any(String),
      results: [
        {
          is: 'undone',
          rule: fix.rule,
          resource: 'deploy',
          undoes: fix.evidence,
          evidence: expect.any(String),
        },
      ],
    });
  });

  test.each<[string, (message: RequestMessage) => RequestMessage, RegExp]>([
    [
      'of no request',
      (message) => ({ ...message, request: { principal: PRINCIPAL, id: randomUUID() } }),
      /does not exist$/,
    ],
    [
      "of somebody else's name",
      (message) => ({ ...message, request: { ...message.request, principal: 'AROAOTHER:eve' } }),
      /does not exist$/,
    ],
    [
      'for another account',
      (message) => ({ ...message, account: '444455556666' }),
      /does not match its message: .* its account 111122223333,/,
    ],
    [
      'for another region',
      (message) => ({ ...message, region: 'us-east-1' }),
      /does not match its message: .* its region eu-central-1$/,
    ],
    ['of another kind', (message) => ({ ...message, kind: 'check' }), /does not match .*: its kind is undo,/],
  ])('%s changes nothing, and is logged', async (_, forge, words) => {
    const message = forge(desk.ask([fix]));
    const calls = remediator.account.calls.length;

    const answer = await desk.act(message);

    expect(answer).toEqual({ outcomes: [], ignored: expect.stringMatching(words) });
    expect(remediator.account.calls).toHaveLength(calls);
    expect(statusOf('deploy')).toEqual(['Inactive']);
    expect(desk.results.size).toBe(0);
  });

  test('for a request that cannot be parsed changes nothing', async () => {
    const message = desk.ask([fix]);
    desk.requests.set(`request#${message.request.principal}#${message.request.id}`, {
      problem: 'version: 2',
    });

    expect(await desk.act(message)).toMatchObject({
      ignored: expect.stringMatching(/cannot be parsed: version: 2/),
    });
  });

  test('for a request that cannot be parsed writes a refusal if the request names the same account, region, and kind', async () => {
    const message = desk.ask([fix]);
    const { account, region } = message;
    const key = `request#${message.request.principal}#${message.request.id}`;
    desk.requests.set(key, { problem: 'version: 2', addressed: { account, region, kind: 'undo' } });

    await desk.act(message);

    expect(desk.result(message)).toMatchObject({
      state: 'refused',
      reason: expect.stringMatching(
        /cannot read the request \(version: 2\): use the version of cspm-remediation/,
      ),
      results: [],
    });
  });

  test.each([
    ['account', { account: '444455556666' }],
    ['region', { region: 'us-east-1' }],
    ['kind', { kind: 'check' as const }],
  ])('for a request with another %s that cannot be parsed writes no result', async (_, other) => {
    const message = desk.ask([fix]);
    const { account, region } = message;
    const key = `request#${message.request.principal}#${message.request.id}`;
    const addressed = { account, region, kind: 'undo' as const, ...other };
    desk.requests.set(key, { problem: 'version: 2', addressed });

    await desk.act(message);

    expect(desk.results.size).toBe(0);
  });

  test('for a finished request that can no longer be parsed keeps its result', async () => {
    const message = desk.ask([fix]);
    await desk.act(message);
    const { account, region } = message;
    const key = `request#${message.request.principal}#${message.request.id}`;
    desk.requests.set(key, { problem: 'version: 2', addressed: { account, region, kind: 'undo' } });

    await desk.act(message);

    expect(desk.result(message)).toMatchObject({ state: 'done' });
  });

  test('for a finished request changes nothing', async () => {
    const message = desk.ask([fix]);
    await desk.act(message);
    remediator.account.users.get('deploy')?.set('old1', 'Inactive');

    const again = await desk.act(message);

    expect(again).toEqual({ outcomes: [], over: expect.stringMatching(/was already carried out$/) });
    expect(statusOf('deploy')).toEqual(['Inactive']);
  });

  test.each<[string, number, RegExp]>([
    ['older than an hour', -61 * MINUTE, /must begin within an hour: submit it again/],
    ['from the future', 10 * MINUTE, /in the future: correct the clock/],
  ])('for a request that is %s refuses it', async (_, offset, reason) => {
    const message = desk.ask([fix], { at: new Date(remediator.now + offset).toISOString() });

    await desk.act(message);

    expect(desk.result(message)).toMatchObject({
      state: 'refused',
      reason: expect.stringMatching(reason),
      results: [],
    });
    expect(statusOf('deploy')).toEqual(['Inactive']);
  });

  test('for a fix without a region is for the home region', async () => {
    desk.isHome = false;
    const message = desk.ask([fix]);

    await desk.act(message);

    expect(desk.result(message)?.results).toMatchObject([
      { is: 'undo_refused', reason: expect.stringMatching(/a fix in global/) },
    ]);
  });

  test('that is delivered while another attempt processes it does nothing', async () => {
    const message = desk.ask([fix]);
    let second: Promise<unknown> | undefined;

    await desk.act(message, {
      onStep: () => {
        if (desk.results.size === 1) second ??= desk.act(message).catch((error: unknown) => error);
      },
    });

    expect(await second).toBeInstanceOf(LeaseHeldError);
    expect(remediator.account.changed).toEqual(['deploy/old1', 'deploy/old1']);
  });

  test('that returns after its function was killed continues, regardless of its age', async () => {
    const message = desk.ask([fix]);
    await expect(desk.act(message, { steps: 30 })).rejects.toBeInstanceOf(Killed);
    remediator.now += 120 * MINUTE;

    await desk.act(message, { number: 2 });

    expect(desk.result(message)).toMatchObject({ state: 'done', results: [{ is: 'undone' }] });
    expect(statusOf('deploy')).toEqual(['Active']);
  });
});

describe('a request to check', () => {
  const check = (): RequestMessage => {
    const message = desk.ask([fix]);
    const { fixes: _, force: __, ...item } = { ...undoItem(message) };
    desk.requests.set(`request#${message.request.principal}#${message.request.id}`, {
      ...item,
      kind: 'check',
    });
    return { ...message, kind: 'check' };
  };
  const undoItem = ({ request }: RequestMessage): Extract<RequestItem, { kind: 'undo' }> => {
    const item = desk.requests.get(`request#${request.principal}#${request.id}`);
    if (item === undefined || 'problem' in item || item.kind !== 'undo') throw new Error('no request');
    return item;
  };

  test('says that the role can be assumed', async () => {
    const message = check();

    await desk.act(message);

    expect(desk.result(message)).toMatchObject({ kind: 'check', state: 'done', results: [] });
    expect(desk.result(message)?.reason).toBeUndefined();
  });

  test('says why it cannot', async () => {
    const message = check();
    remediator.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);

    await desk.act(message);

    expect(desk.result(message)).toMatchObject({
      state: 'done',
      reason: expect.stringMatching(/deploy modules\/target/),
    });
  });
});

describe('requests behind jobs', () => {
  /**
   * Makes jobs process pending requests, as the function does.
   * @param before called with the id of each request before it is carried out
   */
  function listen(before: (id: string) => void = () => {}): string[] {
    const acted: string[] = [];
    remediator.actOnPending = (pending, place) =>
      actOnPending(
        pending,
        place,
        { number: 1, last: false, remainingMilliseconds: () => 300_000 },
        { clock: { now: () => remediator.now, sleep: async () => {} }, requests: desk.store },
        async (message, attempt) => {
          before(message.request.id);
          acted.push(message.request.id);
          return desk.act(message, attempt);
        },
      );
    return acted;
  }

  const list = ({ request }: RequestMessage): void => {
    remediator.table.pending.push({ ...request, at: new Date(remediator.now).toISOString() });
  };

  test('are carried out before the next job changes anything', async () => {
    const acted = listen();
    const message = desk.ask([fix]);
    list(message);
    const job = jobOf('backup');

    await remediator.attempt({ ...job, chunk: 1 });

    expect(acted).toEqual([message.request.id]);
    expect(remediator.account.changed.slice(-2)).toEqual(['deploy/old1', 'backup/old2']);
  });

  test('are carried out once, regardless of who is first', async () => {
    const acted = listen();
    const message = desk.ask([fix]);
    list(message);
    await remediator.attempt({ ...jobOf('backup'), chunk: 1 });

    await remediator.attempt({ ...jobOf('backup'), chunk: 2 });
    const own = await desk.act(message);

    expect(acted).toEqual([message.request.id]);
    expect(own).toMatchObject({ outcomes: [], over: expect.stringMatching(/already carried out/) });
  });

  test('for the same finding are known to the job', async () => {
    listen();
    list(desk.ask([fix]));
    const poll = { ...jobOf('deploy').poll, asOf: new Date(remediator.now).toISOString() };

    await remediator.attempt({ ...jobOf('deploy'), poll });

    const [known] = [...remediator.table.findings.values()].filter(({ resource }) => resource === 'deploy');
    expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['remediated', 'undone', 'remediated']);
  });

  test('that fail are not an error of the job', async () => {
    listen();
    list(desk.ask([fix]));
    const broken = desk.ask([fix]);
    let failures = 0;
    desk.failure = (name) => {
      if (name.id !== broken.request.id) return undefined;
      failures += 1;
      return awsError('ServiceUnavailable', 503);
    };
    list(broken);

    const result = await remediator.attempt({ ...jobOf('backup'), chunk: 1 });

    expect(failures).toBeGreaterThan(0);
    expect(result.unfinished).toEqual([]);
    expect(statusOf('backup')).toEqual(['Inactive']);
  });

  test.each([
    ['the first', 'is read', 0],
    ['the second', 'is read', 1],
    ['the first', 'is acted on', 0],
    ['the second', 'is acted on', 1],
  ])('are carried out even if %s fails when it %s', async (_, when, index) => {
    const both = [desk.ask([fix]), desk.ask([fix])];
    const [broken, other] = index === 0 ? both : both.toReversed();
    if (broken === undefined || other === undefined) throw new Error('two were asked');
    const acted = listen((message) => {
      if (when === 'is acted on' && message === broken.request.id) throw new Error('nobody foresaw this');
    });
    desk.failure = ({ id }) =>
      when === 'is read' && id === broken.request.id ? awsError('ServiceUnavailable', 503) : undefined;
    for (const each of both) list(each);

    const result = await remediator.attempt({ ...jobOf('backup'), chunk: 1 });

    expect(acted).toContain(other.request.id);
    expect(desk.result(other)).toMatchObject({ state: 'done' });
    expect(desk.result(broken)).toBeUndefined();
    expect(result.unfinished).toEqual([]);
    expect(statusOf('backup')).toEqual(['Inactive']);
  });

  test('are carried out even if the result of another one is unreadable', async () => {
    const acted = listen();
    const [broken, message] = [desk.ask([fix]), desk.ask([fix])];
    list(broken);
    list(message);
    desk.unreadable.add(broken.request.id);

    await remediator.attempt({ ...jobOf('backup'), chunk: 1 });

    expect(acted).toEqual([message.request.id]);
    expect(desk.result(message)).toMatchObject({ state: 'done' });
  });

  test('that cannot be parsed are refused', async () => {
    listen();
    const message = desk.ask([fix]);
    const { account, region } = message;
    const key = `request#${message.request.principal}#${message.request.id}`;
    desk.requests.set(key, { problem: 'version: 2', addressed: { account, region, kind: 'undo' } });
    list(message);

    await remediator.attempt({ ...jobOf('backup'), chunk: 1 });

    expect(desk.result(message)).toMatchObject({ state: 'refused' });
  });

  test('that are listed but do not exist, or have ended, delay nothing', async () => {
    const acted = listen();
    const old = {
      principal: PRINCIPAL,
      id: randomUUID(),
      at: new Date(remediator.now - 61 * MINUTE).toISOString(),
    };
    remediator.table.pending.push(old, {
      ...old,
      id: randomUUID(),
      at: new Date(remediator.now).toISOString(),
    });

    await remediator.attempt({ ...jobOf('backup'), chunk: 1 });

    expect(acted).toEqual([]);
  });
});

describe('requests that arrived during a job that is retried', () => {
  const place = { account: ACCOUNT, region: REGION };
  const attempt = { number: 1, last: false, remainingMilliseconds: () => 300_000 };

  /** Requests the undo of a fix, and lets the function check before it returns its job to the queue. @returns the requests that were carried out */
  async function putBack(
    given: Partial<Attempt> = {},
    store: Partial<RequestsStore> = {},
  ): Promise<string[]> {
    const message = desk.ask([fix]);
    remediator.table.pending.push({ ...message.request, at: new Date(remediator.now).toISOString() });
    const acted: string[] = [];
    const clock = { now: () => remediator.now, sleep: async () => {} };
    const ports = { clock, requests: { ...desk.store, ...store } };
    await actBeforePuttingBack(place, { ...attempt, ...given }, ports, async (asked, at) => {
      acted.push(asked.request.id);
      return desk.act(asked, at);
    });
    return acted;
  }

  test('are carried out before the job waits', async () => {
    expect(await putBack({ number: 3 })).toHaveLength(1);
    expect(statusOf('deploy')).toEqual(['Active']);
  });

  test.each<[string, Partial<Attempt>, Partial<RequestsStore>]>([
    ['after the last attempt, because nothing waits then', { last: true }, {}],
    ['without enough time', { remainingMilliseconds: () => 30_000 }, {}],
    [
      'where the table does not answer',
      {},
      {
        readPending: async () => {
          throw awsError('ServiceUnavailable', 503);
        },
      },
    ],
  ])('are left to their messages %s', async (_, given, store) => {
    expect(await putBack(given, store)).toEqual([]);
  });
});

describe('a poll after an undo', () => {
  const later = (hours: number) => {
    remediator.now += hours * 60 * MINUTE;
    return {
      ...jobOf('deploy'),
      poll: { ...jobOf('deploy').poll, asOf: new Date(remediator.now).toISOString() },
    };
  };

  test('does not change what is held', async () => {
    await desk.undo([fix]);
    const name = { account: fix && '111122223333', region: 'global', resource: 'deploy', rule: '*' };
    remediator.table.holds.push({ name, reason: 'undone', by: 'ada@example.com' });

    await remediator.attempt(later(1));

    expect(statusOf('deploy')).toEqual(['Active']);
    expect(remediator.published.at(-1)).toMatchObject({ outcome: 'deferred', gate: 'hold' });
  });

  test('fixes what is not held, and counts it neither as undone by hand nor as recurring', async () => {
    for (let times = 0; times < 3; times += 1) {
      const [newest] = desk.fixesOf('deploy');
      if (newest !== undefined) await desk.undo([newest]);
      await remediator.attempt(later(1));
      remediator.now += 20 * MINUTE;
    }

    const fixes = [...remediator.outcomes.values()].filter(({ outcome }) => outcome === 'remediated');
    const breakers = [...remediator.table.breakers.values()];
    expect(statusOf('deploy')).toEqual(['Inactive']);
    expect(fixes.some(({ recurring }) => recurring !== undefined)).toBe(false);
    expect(breakers.flatMap(({ results }) => results).filter(({ reason }) => reason !== undefined)).toEqual(
      [],
    );
  });
});

test('everything since a time, over 200 findings, is undone by requests for 25 each', async () => {
  const users = Array.from({ length: 200 }, (_, number) => `user-${number}`);
  remediator = new RemediatorInMemory(Object.fromEntries(users.map((user) => [user, [`old-${user}`]])));
  remediator.settings = settingsOf({ limits: { per_account_per_hour: 1000, per_rule_per_hour: 1000 } });
  desk = new UndoDesk(remediator);
  for (let first = 0; first < users.length; first += MOST_UNDONE) {
    const job = { ...jobOf(...users.slice(first, first + MOST_UNDONE)), chunk: first };
    await remediator.attempt(job);
  }
  remediator.now += 20 * MINUTE;
  const fixes = users.flatMap((user) => desk.fixesOf(user));
  const changed = remediator.account.changed.length;

  const messages = [];
  for (let first = 0; first < fixes.length; first += MOST_UNDONE) {
    messages.push(desk.ask(fixes.slice(first, first + MOST_UNDONE)));
  }
  for (const message of messages) await desk.act(message);

  expect(fixes).toHaveLength(200);
  expect(changed).toBe(200);
  expect(messages.flatMap((message) => desk.result(message)?.results.map(({ is }) => is) ?? [])).toEqual(
    Array.from({ length: 200 }, () => 'undone'),
  );
  expect(users.flatMap(statusOf)).toEqual(Array.from({ length: 200 }, () => 'Active'));
  expect(remediator.account.changed).toHaveLength(400);
});

test('the region of a request is the one of its fixes', () => {
  expect(desk.ask([fix])).toMatchObject({ region: REGION });
});
