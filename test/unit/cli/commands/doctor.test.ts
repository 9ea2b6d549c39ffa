import { afterEach, beforeEach, expect, test } from 'vitest';
import { doctorSchema } from '../../../../cli/commands/doctor/result.ts';
import { requestMessageSchema } from '../../../../lambdas/model/requests.ts';
import { lineOf, PRODUCTION, pollAt, putPoll, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { deployment, HOME, jsonError, NAME, SmallAws } from '../support/small-aws.ts';

const POLL = pollAt('2026-11-24T11:30:00Z');
const TOPIC = `arn:aws:sns:${HOME}:111111111111:${NAME}-notifications`;

let aws: SmallAws;
/** Reasons why the role cannot be assumed, by account. */
let missing: Map<string, string>;

beforeEach(async () => {
  aws = await SmallAws.start();
  missing = new Map();
  putPoll(aws, POLL, [lineOf(POLL, 'sg-1'), lineOf(POLL, 'sg-2', { account: STAGING })]);
  aws.parameters.set(`${HOME} /${NAME}/deployment`, JSON.stringify({ ...deployment, topic: TOPIC }));
  for (const name of [SSH, 'check-polls'])
    aws.schedules.set(name, { State: 'ENABLED', ScheduleExpression: 'rate(1 hour)' });
  aws.subscriptions = [['ada@example.com', `${TOPIC}:1`]];
  aws.invoke = () => ({ value: { sources: [{ source: 'netskope' }] } });
  aws.fault = ({ operation, region, input }) => {
    if (operation !== 'AmazonSQS.SendMessage') return undefined;
    const { request, account } = requestMessageSchema.parse(JSON.parse(String(input['MessageBody'])));
    aws.put({
      pk: `result#${account}#${region}#${request.principal}#${request.id}`,
      sk: 'result',
      version: 1,
      kind: 'check',
      account,
      region,
      state: 'done',
      reason: missing.get(account),
      beganAt: POLL.asOf,
      results: [],
      expiresAt: 9e9,
    });
    return undefined;
  };
});
afterEach(() => aws[Symbol.asyncDispose]());

const checksFor = async (...argv: string[]) => {
  const { code, out, error } = await runCli(aws, ['doctor', ...argv, '--json']);
  expect(error).toBe('');
  const { checks } = doctorSchema.parse(JSON.parse(out));
  return { code, checks, wrong: checks.filter(({ is }) => is !== 'ok') };
};

test('finds no problem in a complete deployment', async () => {
  const { code, checks, wrong } = await checksFor();

  expect({ code, wrong }).toEqual({ code: 0, wrong: [] });
  expect(new Set(checks.map(({ check }) => check))).toEqual(
    new Set([
      'version',
      'function',
      'queue',
      'pause',
      'settings',
      'schedule',
      'notifications',
      'concurrency',
      'token',
      'role',
    ]),
  );
  const roles = checks.filter(({ check }) => check === 'role').map(({ place }) => place);
  expect(roles).toEqual(
    [HOME, 'us-east-1'].flatMap((region) => [PRODUCTION, STAGING].map((account) => `${account} ${region}`)),
  );
});

test.each<[string, () => void, string, RegExp, RegExp]>([
  [
    'the module has another version',
    () =>
      aws.parameters.set(`${HOME} /${NAME}/deployment`, JSON.stringify({ ...deployment, module: '99.0.0' })),
    'version',
    /the module is 99\.0\.0/,
    /came with the module/,
  ],
  [
    'a function has other code',
    () =>
      aws.parameters.set(
        `${HOME} /${NAME}/deployment`,
        JSON.stringify({ ...deployment, code: { ...deployment.code, collector: 'other' } }),
      ),
    'function',
    /not that of the deployed module/,
    /terraform apply/,
  ],
  [
    'a queue is missing',
    () => aws.queues.delete(`us-east-1 ${NAME}-jobs.fifo`),
    'queue',
    /it is missing/,
    /per-region module in us-east-1/,
  ],
  [
    'dead letters',
    () => aws.queues.set(`us-east-1 ${NAME}-jobs-dead-letters.fifo`, ['x']),
    'queue',
    /1 dead letter\b/,
    /cspm-remediation redrive/,
  ],
  [
    'a pause parameter is missing',
    () => aws.parameters.delete(`us-east-1 /${NAME}/pause`),
    'pause',
    /missing/,
    /terraform apply/,
  ],
  [
    'settings',
    () => aws.objects.set(`settings/rules/${SSH}.json`, '{}'),
    'settings',
    /settings in rules/,
    /terraform apply/,
  ],
  [
    'a schedule is off',
    () => aws.schedules.set('check-polls', { State: 'DISABLED' }),
    'schedule',
    /disabled/,
    /terraform apply/,
  ],
  ['a schedule is missing', () => aws.schedules.delete(SSH), 'schedule', /missing/, /terraform apply/],
  [
    'a subscription is not confirmed',
    () => (aws.subscriptions = [['ada@example.com', 'PendingConfirmation']]),
    'notifications',
    /not confirmed/,
    /link in the email/,
  ],
  [
    'nobody is subscribed',
    () => (aws.subscriptions = []),
    'notifications',
    /nobody is subscribed/,
    /email_addresses/,
  ],
  [
    'the token is refused',
    () =>
      (aws.invoke = () => ({
        value: { sources: [{ source: 'netskope', problem: 'refused the API token' }] },
      })),
    'token',
    /refused the API token/,
    /Rotate the token/,
  ],
  [
    'the collector fails',
    () => (aws.invoke = () => ({ error: 'Unhandled', value: { errorMessage: 'broken' } })),
    'token',
    /broken/,
    /log of the collector/,
  ],
  [
    'a role cannot be assumed',
    () => missing.set(STAGING, 'cannot be assumed'),
    'role',
    /cannot be assumed/,
    /deploy modules\/target/,
  ],
  [
    "Lambda's quota is lower than a region needs",
    () => {
      aws.concurrency = 9;
    },
    'concurrency',
    /at most 9 concurrent invocations/,
    /quota/,
  ],
])('finds a problem, and says what to do: %s', async (_, breakIt, check, says, remedy) => {
  breakIt();

  const { code, wrong } = await checksFor();

  expect(code).toBe(9);
  const toFix = wrong.filter(({ is }) => is === 'attention');
  expect(new Set(toFix.map((each) => each.check))).toEqual(new Set([check]));
  expect(toFix[0]).toMatchObject({
    is: 'attention',
    says: expect.stringMatching(says),
    remedy: expect.stringMatching(remedy),
  });
});

test('a denied check is unknown, names the required policy, and is not a problem', async () => {
  aws.fault = ({ operation }) =>
    ['lambda.Invoke', 'DynamoDB.PutItem', 'sns.ListSubscriptionsByTopic'].includes(operation)
      ? operation.startsWith('sns')
        ? {
            status: 403,
            body: '<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>',
          }
        : jsonError('AccessDeniedException', 403, 'no')
      : undefined;

  const { code, wrong } = await checksFor();

  expect(code).toBe(0);
  expect(wrong.map(({ check, is, says }) => [check, is, says.match(/policy \S+/)?.[0]])).toEqual([
    ['notifications', 'unknown', `policy ${NAME}-viewer`],
    ['token', 'unknown', `policy ${NAME}-operator`],
    ['role', 'unknown', `policy ${NAME}-operator`],
  ]);
});

test('names a remediator that does not answer', async () => {
  aws.fault = undefined;

  const { code, wrong } = await checksFor('--account', PRODUCTION, '--region', HOME, '--timeout', '0m');

  expect(code).toBe(9);
  expect(wrong).toMatchObject([
    { check: 'role', place: `${PRODUCTION} ${HOME}`, says: 'the remediator did not answer in time' },
  ]);
});

test('prints a table, with a summary at the end', async () => {
  const well = await runCli(aws, ['doctor'], { width: 200 });
  aws.schedules.delete(SSH);
  const badly = await runCli(aws, ['doctor'], { width: 200 });

  expect(well.out).toMatch(/^STATUS +CHECK +TARGET$/m);
  expect(well.out).toMatch(/Nothing needs to be fixed\.\n$/);
  expect(badly.out).toMatch(
    /^attention +schedule +security-group-ssh-open +it is missing\. To do: run terraform apply/m,
  );
  expect(badly.out).toMatch(/1 problem to fix\.\n$/);
});
