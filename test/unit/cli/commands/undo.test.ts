import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { undoSchema } from '../../../../cli/commands/undo/result.ts';
import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import type { Poll } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import {
  pendingItemSchema,
  type RequestResult,
  requestItemSchema,
  requestMessageSchema,
} from '../../../../lambdas/model/requests.ts';
import { lineOf, PRODUCTION, pollAt, putFinding, putPoll, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, jsonError, NAME, SmallAws } from '../support/small-aws.ts';

const KEYS = 'iam-access-key-unrotated';
const OLD = pollAt('2026-11-24T09:00:00Z');
const NEW = pollAt('2026-11-24T11:00:00Z');
const GROUP = 'sg-01234567';

/** A fix that revoked a rule of a security group. */
const fixOf = (
  poll: Poll,
  resource: string,
  more: Partial<Outcome> & { account?: string; region?: string } = {},
): Outcome =>
  lineOf(poll, resource, {
    outcome: 'remediated',
    mode: 'enforce',
    applied: [
      {
        change: { kind: 'ec2.ingress.revoke', resource, rules: [] },
        line: '- ingress tcp 22 from 0.0.0.0/0',
        appliedAt: poll.asOf,
        requestIds: [],
      },
    ],
    ...more,
  });

let aws: SmallAws;
let keys: { readonly old: string; readonly staging: string; readonly new: string };

beforeEach(async () => {
  aws = await SmallAws.start();
  const [old = '', staging = ''] = putPoll(aws, OLD, [
    fixOf(OLD, GROUP),
    fixOf(OLD, 'sg-89abcdef', { account: STAGING, region: 'us-east-1' }),
  ]);
  const [fresh = ''] = putPoll(aws, NEW, [fixOf(NEW, GROUP)]);
  keys = { old, staging, new: fresh };
  putFinding(aws, { resource: GROUP, outcome: 'remediated', changes: changesOf([OLD, old], [NEW, fresh]) });
  putFinding(aws, {
    resource: 'sg-89abcdef',
    account: STAGING,
    region: 'us-east-1',
    outcome: 'remediated',
    changes: changesOf([OLD, staging]),
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await aws[Symbol.asyncDispose]();
});

const changesOf = (...fixes: readonly (readonly [Poll, string])[]) =>
  fixes.map(([poll, evidence]) => ({ outcome: 'remediated', at: poll.asOf, poll, evidence }));

/** Makes the remediators answer each submitted request. */
function answer(
  is: 'undone' | 'undo_refused' = 'undone',
  reason?: string,
  state: RequestResult['state'] = 'done',
): void {
  aws.fault = ({ operation, region, input }) => {
    if (operation !== 'AmazonSQS.SendMessage') return undefined;
    const { request, account } = requestMessageSchema.parse(JSON.parse(String(input['MessageBody'])));
    const item = requestItemSchema.parse(aws.item(`request#${request.principal}#${request.id}`, 'request'));
    if (item.kind !== 'undo') throw new Error('expected an undo');
    aws.put({
      pk: `result#${account}#${region}#${request.principal}#${request.id}`,
      sk: 'result',
      version: 1,
      kind: 'undo',
      account,
      region,
      state,
      beganAt: item.at,
      results: (state === 'done' ? item.fixes : []).map(({ rule, region: of, resource, evidence }) => ({
        rule,
        region: of,
        resource,
        undoes: evidence,
        is,
        reason,
      })),
      expiresAt: 9e9,
    });
    return undefined;
  };
}

/** Advances the clock by an hour at the first read of results after a request was submitted. */
function endTheWait(): void {
  const { fault } = aws;
  let isSent = false;
  vi.useFakeTimers({ toFake: ['Date'] });
  aws.fault = (call) => {
    if (isSent && call.operation === 'DynamoDB.BatchGetItem') vi.setSystemTime(Date.now() + 3_600_000);
    isSent ||= call.operation === 'AmazonSQS.SendMessage';
    return fault?.(call);
  };
}

const requests = () =>
  [...aws.items.keys()]
    .filter((key) => key.includes('request#'))
    .map((key) => requestItemSchema.parse(aws.item(JSON.parse(key)[0], 'request')));
const fixesAsked = () =>
  requests().flatMap((request) =>
    request.kind === 'undo' ? request.fixes.map(({ evidence }) => evidence) : [],
  );

const pendingIds = (account: string, region: string): string[] =>
  pendingItemSchema.parse(aws.item(`pending#${account}#${region}`, 'requests')).requests.map(({ id }) => id);
const resourcesAsked = () =>
  requests()
    .flatMap((request) => (request.kind === 'undo' ? request.fixes.map(({ resource }) => resource) : []))
    .sort();

/** Records a job that fixed two groups, one of which was undone. @returns the key of its evidence */
function putTwoOfWhichOneIsUndone(): string {
  const poll = pollAt('2026-11-24T11:45:00Z');
  const [evidence = ''] = putPoll(aws, poll, [fixOf(poll, 'sg-11111111'), fixOf(poll, 'sg-22222222')]);
  putFinding(aws, { resource: 'sg-11111111', outcome: 'remediated', changes: changesOf([poll, evidence]) });
  const undoKey = outcomesKey(poll, 'ef'.repeat(32), 1);
  aws.putLines(undoKey, [
    lineOf({ ...poll, source: 'undo' }, 'sg-22222222', {
      outcome: 'undone',
      undo: {
        request: { principal: 'AROAEXAMPLE:ada', id: 'x' },
        by: 'ada',
        reason: 'r',
        undoes: evidence,
      },
    }),
  ]);
  putFinding(aws, {
    resource: 'sg-22222222',
    outcome: 'undone',
    changes: [
      ...changesOf([poll, evidence]),
      { outcome: 'undone', at: poll.asOf, poll: { ...poll, source: 'undo' }, evidence: undoKey },
    ],
  });
  return evidence;
}

describe('undo', () => {
  test('shows what it restores, asks, holds the resource, submits a request, and reports the result', async () => {
    answer();

    const { code, out, error } = await runCli(aws, ['undo', GROUP, '--reason', 'needed', '--json'], {
      typed: 'yes',
    });

    expect(code).toBe(0);
    expect(error).toMatch(
      /# sg-01234567 in 222222222222 eu-central-1: security-group-ssh-open fixed it at 2026-11-24 11:00 UTC/,
    );
    expect(error).toMatch(
      /Undo: 1 fix, newest first\. Restored resources are held for all rules until they are released: 1 resource\./,
    );
    expect(error).toMatch(/Submitted\. To stop waiting, press Ctrl-C: the undo goes on/);
    const by = 'arn:aws:sts::111111111111:assumed-role/operator/ada';
    expect(requests()).toEqual([
      {
        version: 1,
        kind: 'undo',
        account: PRODUCTION,
        region: HOME,
        at: '2026-11-24T12:00:00.000Z',
        by,
        reason: 'needed',
        expiresAt: expect.any(Number),
        fixes: [{ rule: SSH, region: HOME, resource: GROUP, evidence: keys.new }],
        force: false,
      },
    ]);
    expect(aws.item(`hold#${PRODUCTION}#${HOME}#${GROUP}`, '*')).toMatchObject({
      by,
      reason: 'undone: needed',
    });
    expect(aws.item(`pending#${PRODUCTION}#${HOME}`, 'requests')).toMatchObject({
      requests: [{ principal: 'AROAEXAMPLE:ada' }],
    });
    // The hold is written before the request, and the message is sent last.
    const writes = aws.calls.filter(({ operation }) => /PutItem|SendMessage/.test(operation));
    expect(
      writes.map(
        ({ input }) => JSON.stringify(input).match(/(holds|hold#|request#|pending#|MessageBody)/)?.[0],
      ),
    ).toEqual(['holds', 'hold#', 'request#', 'pending#', 'MessageBody']);
    const undone = undoSchema.parse(JSON.parse(out));
    expect(undone.fixes).toMatchObject([{ is: 'undone', resource: GROUP, undoes: keys.new }]);
    expect(undone.held).toEqual([`${PRODUCTION} ${HOME} ${GROUP}`]);
  });

  test('passes --force in the request, and --until in the hold', async () => {
    answer();

    const argv = ['undo', GROUP, '--reason', 'needed', '--force', '--until', '2026-12-31', '--yes'];
    const { code } = await runCli(aws, argv);

    expect(code).toBe(0);
    expect(requests()).toMatchObject([{ force: true }]);
    expect(aws.item(`hold#${PRODUCTION}#${HOME}#${GROUP}`, '*')).toMatchObject({ until: '2026-12-31' });
  });

  test.each<[string, string | undefined, string[]]>([
    ['without an end, if the undo asks for one', undefined, ['--until', '2026-12-31']],
    ['without an end, if the undo asks for none either', undefined, []],
    ['until the same day', '2026-12-31', ['--until', '2026-12-31']],
    ['until a later day', '2027-01-01', ['--until', '2026-12-31']],
  ])('keeps a hold by someone else %s', async (_, until, argv) => {
    answer();
    const hold = {
      pk: `hold#${PRODUCTION}#${HOME}#${GROUP}`,
      sk: '*',
      version: 1,
      by: 'grace',
      reason: 'incident',
    };
    aws.put({ ...hold, ...(until !== undefined && { until }) });

    const text = await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes', ...argv]);
    const { code, out } = await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes', '--json', ...argv]);

    expect(aws.item(hold.pk, '*')).toEqual({ ...hold, ...(until !== undefined && { until }) });
    expect(undoSchema.parse(JSON.parse(out))).toMatchObject({
      held: [],
      held_before: [`${PRODUCTION} ${HOME} ${GROUP}`],
      fixes: [{ is: 'undone' }],
    });
    expect({ code, text: text.out.replaceAll(/\s+/g, ' ') }).toEqual({
      code: 0,
      text: expect.stringContaining(
        'The command put 0 resources on hold; 1 was held before, for at least as long. To end a hold',
      ),
    });
  });

  test('extends a hold by someone else that would end first, and keeps its reason', async () => {
    answer();
    const pk = `hold#${PRODUCTION}#${HOME}#${GROUP}`;
    aws.put({ pk, sk: '*', version: 1, by: 'grace', reason: 'incident', until: '2026-12-30' });

    await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes', '--until', '2026-12-31']);

    expect(aws.item(pk, '*')).toMatchObject({
      reason: 'undone: x; also held by grace until 2026-12-30: incident',
      until: '2026-12-31',
    });
  });

  test('replaces a hold that has ended', async () => {
    answer();
    const pk = `hold#${PRODUCTION}#${HOME}#${GROUP}`;
    aws.put({ pk, sk: '*', version: 1, by: 'grace', reason: 'incident', until: '2026-11-23' });

    await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes', '--until', '2026-12-31']);

    expect(aws.item(pk, '*')).toMatchObject({ reason: 'undone: x', until: '2026-12-31' });
  });

  test.each<[string, () => string[], () => string[]]>([
    ['all fixes of a resource, newest first', () => [GROUP, '--with-newer'], () => [keys.new, keys.old]],
    ['everything since a time', () => ['--since', '08:30'], () => [keys.new, keys.old, keys.staging]],
    ['only fixes since a time', () => ['--since', '2h'], () => [keys.new]],
    ['one account', () => ['--since', '24h', '--account', STAGING], () => [keys.staging]],
    [
      'a poll',
      () => ['--poll', `netskope.${SSH}@${Date.parse(OLD.asOf) / 1000}`, '--account', STAGING],
      () => [keys.staging],
    ],
    [
      'a poll, with newer fixes',
      () => [
        '--poll',
        `netskope.${SSH}@${Date.parse(OLD.asOf) / 1000}`,
        '--account',
        PRODUCTION,
        '--with-newer',
      ],
      () => [keys.new, keys.old],
    ],
    ['a job by its evidence', () => ['--job', `s3://evidence/${keys.staging}`], () => [keys.staging]],
  ])('%s', async (_, argv, expected) => {
    answer();

    const { code } = await runCli(aws, ['undo', ...argv(), '--reason', 'x', '--yes']);

    expect(code).toBe(0);
    expect(fixesAsked().sort()).toEqual([...expected()].sort());
    const [first] = requests();
    expect(first?.kind === 'undo' ? first.fixes[0]?.evidence : '').toBe(expected()[0]);
  });

  test('finds a fix since a time by a job that waited for hours after its poll', async () => {
    answer();
    const early = pollAt('2026-11-23T16:00:00Z');
    const change = { kind: 'ec2.ingress.revoke', resource: 'sg-11111111', rules: [] };
    const applied = [
      { change, line: '- ingress', appliedAt: '2026-11-24T11:30:00Z', requestIds: [] },
    ] satisfies Outcome['applied'];
    const [late = ''] = putPoll(aws, early, [fixOf(early, 'sg-11111111', { applied })]);

    const { code } = await runCli(aws, ['undo', '--since', '45m', '--reason', 'x', '--yes']);

    expect(code).toBe(0);
    expect(fixesAsked()).toEqual([late]);
  });

  test('finds a job by its id', async () => {
    const job = 'ab'.repeat(32);
    aws.putLines(outcomesKey(OLD, job, 1), [fixOf(OLD, 'sg-11111111')]);
    aws.put({
      pk: `lease#us-east-1#${job}`,
      sk: 'lease',
      version: 1,
      expiresAt: 9e9,
      state: 'done',
      holder: 'h',
      until: 0,
      poll: OLD,
    });
    answer();

    await runCli(aws, ['undo', '--job', job, '--reason', 'x', '--yes']);

    expect(fixesAsked()).toEqual([outcomesKey(OLD, job, 1)]);
  });

  test('leaves out a fix that was already undone; the previous one is next', async () => {
    const undoKey = outcomesKey({ ...OLD, asOf: '2026-11-24T11:30:00Z' }, 'cd'.repeat(32), 1);
    const undoing = {
      request: { principal: 'AROAEXAMPLE:ada', id: 'x' },
      by: 'ada',
      reason: 'r',
      undoes: keys.new,
    };
    aws.putLines(undoKey, [lineOf({ ...OLD, source: 'undo' }, GROUP, { outcome: 'undone', undo: undoing })]);
    putFinding(aws, {
      resource: GROUP,
      outcome: 'undone',
      changes: [
        ...changesOf([OLD, keys.old], [NEW, keys.new]),
        { outcome: 'undone', at: NEW.asOf, poll: { ...NEW, source: 'undo' }, evidence: undoKey },
      ],
    });
    answer();

    await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes']);

    expect(fixesAsked()).toEqual([keys.old]);
  });

  test.each<[string, (job: string) => string[]]>([
    ['since a time', () => ['--since', '30m']],
    ['of a poll', () => ['--poll', `netskope.${SSH}@${Date.parse('2026-11-24T11:45:00Z') / 1000}`]],
    ['of a job', (job) => ['--job', job]],
  ])('a fix that was already undone does not hide another one in the same object: %s', async (_, argv) => {
    const evidence = putTwoOfWhichOneIsUndone();
    answer();

    const { code, error } = await runCli(aws, ['undo', ...argv(evidence), '--reason', 'x', '--yes']);

    expect(code).toBe(0);
    expect(resourcesAsked()).toEqual(['sg-11111111']);
    expect(error.replaceAll(/\s+/g, ' ')).toMatch(/because they were already undone: 1\./);
  });

  test('a fix that was already undone does not hide a newer one with --with-newer', async () => {
    putTwoOfWhichOneIsUndone();
    const earlier = pollAt('2026-11-24T11:20:00Z');
    const [first = ''] = putPoll(
      aws,
      earlier,
      ['sg-11111111', 'sg-22222222', 'sg-33333333'].map((group) => fixOf(earlier, group)),
    );
    answer();

    const argv = ['undo', '--job', first, '--with-newer', '--reason', 'x', '--yes'];
    const { code } = await runCli(aws, argv);

    expect(code).toBe(0);
    expect(resourcesAsked()).toEqual(['sg-11111111', 'sg-11111111', 'sg-22222222', 'sg-33333333']);
  });

  test.each<[string, () => string[], () => string[]]>([
    ['a job elsewhere', () => ['--job', keys.old, '--region', 'us-east-1'], () => []],
    ['a job there', () => ['--job', keys.staging, '--region', 'us-east-1'], () => [keys.staging]],
    ['a job in another account', () => ['--job', keys.old, '--account', STAGING], () => []],
    ['a job of another rule', () => ['--job', keys.old, '--rule', KEYS], () => []],
    [
      'a poll',
      () => ['--poll', `netskope.${SSH}@${Date.parse(OLD.asOf) / 1000}`, '--region', 'us-east-1'],
      () => [keys.staging],
    ],
    [
      'a poll of another rule',
      () => ['--poll', `netskope.${SSH}@${Date.parse(OLD.asOf) / 1000}`, '--rule', KEYS],
      () => [],
    ],
    ['a time', () => ['--since', '24h', '--region', 'us-east-1'], () => [keys.staging]],
    ['a time, for findings without a region', () => ['--since', '24h', '--region', 'global'], () => []],
  ])('filters go with %s', async (_, argv, expected) => {
    answer();

    const { code } = await runCli(aws, ['undo', ...argv(), '--reason', 'x', '--yes']);

    expect(fixesAsked()).toEqual(expected());
    expect(code).toBe(expected().length === 0 ? 3 : 0);
  });

  test('reports why an undo was refused, with the exit code', async () => {
    answer('undo_refused', 'the resource has changed since the fix: rule sgr-1 was changed by bob');

    const { code, out } = await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes']);

    expect(code).toBe(7);
    expect(out).toMatch(
      /undo_refused +the resource has changed since the fix: rule sgr-1 was changed by bob/,
    );
  });

  test('reports requests that no remediator has begun in time', async () => {
    endTheWait();

    const { code, out } = await runCli(aws, [
      'undo',
      GROUP,
      '--reason',
      'x',
      '--yes',
      '--timeout',
      '1m',
      '--json',
    ]);

    expect(code).toBe(7);
    expect(JSON.parse(out).fixes).toMatchObject([{ is: 'not begun' }]);
  });

  test('splits 200 fixes into requests of at most 25, each of one account and region', async () => {
    const poll = pollAt('2026-11-24T11:45:00Z');
    putPoll(
      aws,
      poll,
      Array.from({ length: 200 }, (_, index) =>
        fixOf(poll, `sg-${String(index).padStart(8, '0')}`, index % 2 === 0 ? {} : { account: STAGING }),
      ),
    );
    answer();

    const { code, out } = await runCli(aws, [
      'undo',
      '--since',
      '30m',
      '--rule',
      SSH,
      '--reason',
      'x',
      '--yes',
      '--json',
    ]);

    expect(code).toBe(0);
    expect(JSON.parse(out).fixes).toHaveLength(200);
    expect(requests()).toHaveLength(8);
  });

  test('submits all requests while others submit theirs for the same account', async () => {
    const poll = pollAt('2026-11-24T11:45:00Z');
    const fixed = Array.from({ length: 80 }, (_, index) =>
      fixOf(poll, `sg-${String(index).padStart(8, '0')}`),
    );
    putPoll(aws, poll, fixed);
    answer();
    const { fault } = aws;
    let others = 5;
    aws.fault = (call) => {
      if (call.operation === 'DynamoDB.PutItem' && JSON.stringify(call.input).includes('"pending#')) {
        others -= 1;
        if (others >= 0) {
          const requests = [{ principal: 'AROAEXAMPLE:bob', id: randomUUID(), at: NEW.asOf }];
          const list = { version: 1, writer: randomUUID(), requests, expiresAt: 9e9 };
          aws.put({ pk: `pending#${PRODUCTION}#${HOME}`, sk: 'requests', ...list });
        }
      }
      return fault?.(call);
    };

    const { code } = await runCli(aws, ['undo', '--since', '30m', '--reason', 'x', '--yes']);

    expect(code).toBe(0);
    const { requests: listed } = pendingItemSchema.parse(
      aws.item(`pending#${PRODUCTION}#${HOME}`, 'requests'),
    );
    expect(listed.filter(({ principal }) => principal === 'AROAEXAMPLE:ada')).toHaveLength(4);
  });

  test('lists what remains if the wake-up of a request is refused; other requests are carried out', async () => {
    answer();
    const { fault } = aws;
    aws.fault = (call) => {
      const isRefused = call.operation === 'AmazonSQS.SendMessage' && call.region === 'us-east-1';
      return isRefused ? jsonError('AccessDeniedException', 400, 'not for you') : fault?.(call);
    };

    const argv = ['undo', '--since', '24h', '--reason', 'x', '--yes'];
    const { code, out } = await runCli(aws, argv);

    expect(code).toBe(7);
    const text = out.replaceAll(/\s+/g, ' ');
    const [id] = pendingIds(STAGING, 'us-east-1');
    expect(text).toContain(
      `${id} for ${STAGING} us-east-1: submitted, but the wake-up failed: it begins with the next job of the account (not for you. Attach the policy ${NAME}-operator`,
    );
    expect(text).toContain(`On hold: - ${PRODUCTION} ${HOME} ${GROUP} - ${STAGING} us-east-1 sg-89abcdef`);
    expect(text).toContain('2 undone, 1 not begun. The command put 2 resources on hold');
    expect(aws.item(`hold#${STAGING}#us-east-1#sg-89abcdef`, '*')).toBeDefined();
  });

  test('reports a request that could not be written as not submitted', async () => {
    answer();
    const { fault } = aws;
    aws.fault = (call) => {
      const written = call.operation === 'DynamoDB.PutItem' ? JSON.stringify(call.input) : '';
      const isRefused = written.includes('"request#') && written.includes(STAGING);
      return isRefused ? jsonError('ThrottlingException') : fault?.(call);
    };

    const argv = ['undo', '--since', '24h', '--reason', 'x', '--yes', '--json'];
    const { code, out } = await runCli(aws, argv);

    expect(code).toBe(7);
    const { fixes } = undoSchema.parse(JSON.parse(out));
    expect(fixes.filter(({ account }) => account === STAGING)).toMatchObject([
      { is: 'not submitted', reason: expect.stringMatching(/^not submitted \(AWS did not answer/) },
    ]);
    expect(fixes.filter(({ account }) => account === PRODUCTION)).toMatchObject([
      { is: 'undone' },
      { is: 'undone' },
    ]);
  });

  test('reports a request that may be listed, but has no message, as perhaps submitted', async () => {
    aws.fault = ({ operation, input }) => {
      if (operation === 'AmazonSQS.SendMessage')
        return jsonError('AccessDeniedException', 403, 'not for you');
      const isList = operation === 'DynamoDB.PutItem' && JSON.stringify(input).includes('"pending#');
      return isList ? 'cut' : undefined;
    };

    const argv = ['undo', GROUP, '--reason', 'x', '--yes', '--json'];
    const { code, out } = await runCli(aws, argv);

    expect(code).toBe(7);
    const words = /^perhaps submitted: .* begins with the next job of the account \(not for you/;
    expect(undoSchema.parse(JSON.parse(out))).toMatchObject({
      requests: [{ problem: expect.stringMatching(words) }],
      fixes: [{ is: 'perhaps submitted', reason: expect.stringMatching(words) }],
    });
  });

  test('submits nothing if a hold cannot be written, and lists the holds that remain', async () => {
    answer();
    aws.fault = ({ operation, input }) =>
      operation === 'DynamoDB.PutItem' && JSON.stringify(input).includes('"hold#333333333333')
        ? jsonError('AccessDeniedException', 400, 'not there')
        : undefined;

    const argv = ['undo', '--since', '24h', '--reason', 'x', '--yes'];
    const { code, out } = await runCli(aws, argv);

    expect(code).toBe(7);
    const text = out.replaceAll(/\s+/g, ' ');
    expect(text).toMatch(/not submitted +a hold could not be written: not there\. Attach the policy/);
    expect(text).toContain(`On hold: - ${PRODUCTION} ${HOME} ${GROUP} 3 not submitted.`);
    expect(requests()).toEqual([]);
  });

  test('prints one line if no hold can be written', async () => {
    aws.fault = ({ operation }) =>
      operation === 'DynamoDB.PutItem' ? jsonError('AccessDeniedException', 400, 'not for you') : undefined;

    const { code, error } = await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes']);

    expect(code).toBe(4);
    expect(error).toMatch(/cspm-remediation: not for you\. Attach the policy/);
  });

  test('lists what was submitted if credentials expire during the wait', async () => {
    let isSent = false;
    aws.fault = ({ operation }) => {
      if (operation === 'AmazonSQS.SendMessage') isSent = true;
      return isSent && operation === 'DynamoDB.BatchGetItem' ? jsonError('ExpiredTokenException') : undefined;
    };

    const { code, out } = await runCli(aws, ['undo', GROUP, '--reason', 'x', '--yes']);

    expect(code).toBe(7);
    const text = out.replaceAll(/\s+/g, ' ');
    expect(text).toMatch(
      /unknown +submitted, but its result could not be read: the AWS credentials have expired/,
    );
    expect(text).toContain(`${pendingIds(PRODUCTION, HOME)[0]} for ${PRODUCTION} ${HOME}: submitted`);
  });

  test('reports requests that were begun but not finished in time', async () => {
    answer('undone', undefined, 'working');
    endTheWait();

    const argv = ['undo', GROUP, '--reason', 'x', '--yes', '--timeout', '1m', '--json'];
    const { code, out } = await runCli(aws, argv);

    expect(code).toBe(7);
    expect(JSON.parse(out).fixes).toMatchObject([
      { is: 'begun', reason: expect.stringMatching(/begun, not finished: .* redrive/) },
    ]);
  });

  test.each<[string, string[], number, RegExp]>([
    ['the undo is not confirmed', [GROUP, '--reason', 'x'], 8, /There is no terminal for the question/],
    ['nothing is selected', ['--reason', 'x'], 2, /expected one of: a resource, --poll, --job, or --since/],
    ['two selections', [GROUP, '--since', '1h', '--reason', 'x'], 2, /expected one of/],
    [
      'two selections, even with an invalid region',
      ['--since', '1h', '--job', 'ff', '--region', 'xx', '--reason', 'x'],
      2,
      /expected one of/,
    ],
    [
      'the region is not protected',
      ['--since', '1h', '--region', 'eu-west-1', '--reason', 'x'],
      2,
      /does not protect the region eu-west-1: expected one of eu-central-1, us-east-1/,
    ],
    [
      'there is no such poll',
      ['--poll', 'netskope.x@1', '--reason', 'x'],
      3,
      /there is no poll netskope\.x@1/,
    ],
    [
      'a malformed name of a poll',
      ['--poll', 'foo', '--reason', 'x'],
      3,
      /there is no poll foo: expected a name such as netskope\./,
    ],
    [
      'the name of a poll without a time',
      ['--poll', 'netskope.s3-bucket-public', '--reason', 'x'],
      3,
      /there is no poll netskope\.s3-bucket-public: expected a name/,
    ],
    [
      'the name of a poll with an impossible time',
      ['--poll', 'netskope.s3-bucket-public@99999999999999', '--reason', 'x'],
      3,
      /there is no poll netskope\.s3-bucket-public@99999999999999: expected a name/,
    ],
    [
      'a duration that is too long',
      ['--since', '999999999999d', '--reason', 'x'],
      2,
      /since: expected a duration such as 30m.*See cspm-remediation undo --help/,
    ],
    [
      'an empty reason',
      ['sg-ffffffff', '--reason', ' '],
      2,
      /reason: expected a reason of at most 1,000 characters\. See cspm-remediation undo --help/,
    ],
    [
      'the last day of the holds is over',
      [GROUP, '--reason', 'x', '--until', '2026-11-23', '--yes'],
      2,
      /--until 2026-11-23 is in the past: expected today or a later date/,
    ],
    ['there is no such job', ['--job', 'ff', '--reason', 'x'], 3, /there is no job ff/],
    ['nothing was changed', ['sg-ffffffff', '--reason', 'x'], 3, /there is nothing to undo/],
    ['nothing is selected, and no reason is given', [], 2, /expected one of: a resource, --poll/],
    ['the timeout is zero', [GROUP, '--reason', 'x', '--timeout', '0m'], 2, /timeout: expected at least 1m/],
    [
      'the time is in the future',
      ['--since', '2026-11-25', '--reason', 'x', '--yes'],
      2,
      /since: 2026-11-25 is in the future: expected a time in the past/,
    ],
    ['no reason is given', [GROUP], 2, /required option '--reason/],
  ])('nothing is done where %s', async (_, argv, code, words) => {
    const ran = await runCli(aws, ['undo', ...argv]);

    expect(ran.code).toBe(code);
    expect(ran.error).toMatch(words);
    expect([...aws.items.keys()].filter((key) => /hold|request/.test(key))).toEqual([]);
  });
});

test('the plan shows the inverses; the home region undoes fixes without a region', async () => {
  const poll = pollAt('2026-11-24T11:00:00Z', KEYS);
  const change = {
    kind: 'iam-access-key-status-set',
    resource: 'deploy',
    key: 'AKIAIOSFODNN7EXAMPLE',
    before: 'Active',
    after: 'Inactive',
    created: '2025-01-01T00:00:00Z',
    lastUsed: null,
  };
  const [key = ''] = putPoll(aws, poll, [
    {
      ...lineOf(poll, 'deploy', { region: 'global', outcome: 'remediated' }),
      applied: [{ change, line: '~ key', appliedAt: poll.asOf, requestIds: [] }],
    },
  ]);
  aws.put({
    pk: `finding#${PRODUCTION}#global#deploy`,
    sk: KEYS,
    version: 1,
    expiresAt: 9e9,
    rule: KEYS,
    account: PRODUCTION,
    region: 'global',
    resource: 'deploy',
    outcome: 'remediated',
    since: poll.asOf,
    firstSeen: poll.asOf,
    lastSeen: poll.asOf,
    attempts: 1,
    changes: changesOf([poll, key]),
  });
  answer();

  const { error } = await runCli(aws, [
    'undo',
    'deploy',
    '--account',
    PRODUCTION,
    '--rule',
    KEYS,
    '--reason',
    'x',
    '--yes',
  ]);

  expect(error).toMatch(
    /# deploy in 222222222222 global: .*\n {6}~ access key AKIAIOSFODNN7EXAMPLE of deploy: Inactive -> Active/,
  );
  expect(requests()).toMatchObject([{ region: HOME, fixes: [{ region: 'global', resource: 'deploy' }] }]);
  expect(aws.item(`hold#${PRODUCTION}#global#deploy`, '*')).toBeDefined();
  expect(aws.queues.get(`${HOME} ${NAME}-jobs.fifo`)).toHaveLength(1);
});

test('the plan says what an undo cannot restore, before it asks', async () => {
  const resource = 'sg-0123abcd';
  const poll = pollAt('2026-11-24T11:45:00Z');
  const change = {
    kind: 'automation-execution-start',
    resource,
    document: 'AWS-DisablePublicAccessForSecurityGroup',
    version: '2',
    region: HOME,
    parameters: { GroupId: [resource] },
    roleArn: `arn:aws:iam::${PRODUCTION}:role/automation`,
    tags: {},
    clientToken: '7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10',
  };
  const [key = ''] = putPoll(aws, poll, [
    {
      ...lineOf(poll, resource, { outcome: 'remediated' }),
      applied: [{ change, line: '~ run it', appliedAt: poll.asOf, requestIds: [] }],
    },
  ]);
  putFinding(aws, { resource, outcome: 'remediated', changes: changesOf([poll, key]) });

  const { code, error } = await runCli(aws, ['undo', resource, '--reason', 'x'], { typed: 'no' });

  expect(code).toBe(8);
  expect(error.replaceAll(/\s+/g, ' ')).toContain(
    `! Note: what document AWS-DisablePublicAccessForSecurityGroup changed in ${resource} is not undone`,
  );
  expect(requests()).toEqual([]);
});
