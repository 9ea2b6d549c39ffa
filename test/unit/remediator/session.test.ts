import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { EC2Client } from '../../../lambdas/aws/ec2.ts';
import { errorKind, isNotTaken } from '../../../lambdas/aws/errors.ts';
import { GetAccessKeyLastUsedCommand, IAMClient, UpdateAccessKeyCommand } from '../../../lambdas/aws/iam.ts';
import { paceOf } from '../../../lambdas/changes/index.ts';
import { pollId } from '../../../lambdas/model/job.ts';
import { Sessions } from '../../../lambdas/remediator/session.ts';
import { sessionPolicy } from '../../../lambdas/remediator/session-policy.ts';
import { rule } from '../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { loadRule, ruleIds } from '../../../lambdas/rules/index.ts';
import type { Permission } from '../../../lambdas/rules/permission.ts';
import { findPermission, followPermission, sessionStartPermissions } from '../../../lambdas/rules/runbook.ts';
import {
  type Answer,
  queryError,
  type ReceivedCall,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';
import { environment } from './support/environment.ts';

/**
 * Maximum length of a session policy. STS packs policies into an internal format, and refuses those that are then too
 * large. According to AWS's examples, the limit is at about 1,700 characters, and a margin is kept.
 */
const LONGEST_POLICY = 1_400;

/** The longest names that AWS has. */
const SCOPE = { partition: 'aws-us-gov', region: 'ap-southeast-1', account: '111122223333' };

/** Converts a single value to a list: IAM allows both. */
const valuesSchema = z
  .union([z.string(), z.array(z.string())])
  .transform((values) => (typeof values === 'string' ? [values] : values));
const policySchema = z.object({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.object({
      Effect: z.literal('Allow'),
      Action: valuesSchema,
      Resource: valuesSchema,
      Condition: z.record(z.string(), z.record(z.string(), valuesSchema)).optional(),
    }),
  ),
});

/** Lists each action with each resource for which it is allowed, and its conditions. */
function grants(
  statements: readonly { actions: readonly string[]; resources: readonly string[]; conditions?: unknown }[],
): string[] {
  return statements
    .flatMap(({ actions, resources, conditions = {} }) =>
      actions.flatMap((action) =>
        resources.map((resource) => JSON.stringify([action, resource, conditions])),
      ),
    )
    .toSorted();
}

describe.each(ruleIds)('the session policy of %s', (id) => {
  test.each([
    { what: 'reads', kinds: ['read'] as const },
    { what: 'changes', kinds: ['read', 'write'] as const },
    { what: 'undoes', kinds: ['read', 'undo'] as const },
  ])('that $what is accepted by STS, and grants exactly what was requested', async ({ kinds }) => {
    const { permissions } = await loadRule(id);
    const asked = kinds.flatMap((kind) => permissions[kind]);

    const text = sessionPolicy(asked, SCOPE);

    expect(text.length).toBeLessThan(LONGEST_POLICY);
    expect(text).not.toContain('${');
    const statements = policySchema.parse(JSON.parse(text)).Statement;
    const filled = z
      .array(
        z.object({
          actions: z.array(z.string()),
          resources: z.array(z.string()),
          conditions: z.record(z.string(), z.record(z.string(), z.array(z.string()))).optional(),
        }),
      )
      .parse(
        JSON.parse(
          JSON.stringify(asked)
            .replaceAll('${partition}', SCOPE.partition)
            .replaceAll('${region}', SCOPE.region)
            .replaceAll('${account}', SCOPE.account),
        ),
      );
    expect(
      grants(
        statements.map(({ Action, Resource, Condition }) => ({
          actions: Action,
          resources: Resource,
          conditions: Condition,
        })),
      ),
    ).toEqual([...new Set(grants(filled))]);
  });

  test('that starts and follows a runbook and makes changes is accepted by STS, with the longest role', async () => {
    const { permissions, runbook } = await loadRule(id);
    // IAM: a path of at most 512 characters is possible, one of 64 is long; a name has at most 64.
    const role = `arn:aws-us-gov:iam::111122223333:role/${'p'.repeat(64)}/${'n'.repeat(64)}`;
    const follow = runbook === undefined ? [] : [followPermission(runbook)];
    const startAnd = (more: readonly Permission[]) =>
      runbook === undefined ? [] : sessionStartPermissions(runbook, role, [...follow, ...more]);

    const texts = [
      [...permissions.read, ...startAnd([]), ...permissions.write],
      [...permissions.read, ...startAnd([findPermission])],
    ].map((all) => sessionPolicy(all, SCOPE));

    for (const text of texts) expect(text.length).toBeLessThan(LONGEST_POLICY);
  });

  test('its session has a name that STS accepts, with the rule and the poll', () => {
    const name = pollId({ source: 'netskope', rule: id, asOf: '2999-12-31T23:59:59Z' });

    expect(name).toMatch(/^[\w+=,.@-]{2,64}$/);
    expect(name).toBe(`netskope.${id}@32503679999`);
  });
});

test('placeholders are replaced wherever they are', () => {
  const policy = sessionPolicy(
    [
      {
        actions: ['s3:GetObject'],
        resources: ['arn:${partition}:s3:::*', 'arn:${partition}:x:${region}:${account}:${account}'],
        conditions: { StringEquals: { 'aws:ResourceAccount': ['${account}'] } },
      },
    ],
    { partition: 'aws', region: 'eu-central-1', account: '111122223333' },
  );

  expect(JSON.parse(policy)).toEqual({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: ['arn:aws:s3:::*', 'arn:aws:x:eu-central-1:111122223333:111122223333'],
        Condition: { StringEquals: { 'aws:ResourceAccount': '111122223333' } },
      },
    ],
  });
});

const assumed = {
  status: 200,
  body: `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIATARGET</AccessKeyId><SecretAccessKey>target-secret</SecretAccessKey><SessionToken>target-token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
} as const satisfies Answer;

function answer(call: ReceivedCall): Answer {
  if (call.form.get('Action') === 'AssumeRole') return assumed;
  if (call.form.get('AccessKeyId') === 'gone') {
    const error = queryError('NoSuchEntity', 404);
    return error === 'cut' ? error : { ...error, headers: { 'x-amzn-requestid': 'request-2' } };
  }
  return {
    status: 200,
    headers: { 'x-amzn-requestid': 'request-1' },
    body: '<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult/></GetAccessKeyLastUsedResponse>',
  };
}

const silent = { debug: () => {}, warn: () => {} };

describe('opening a session', () => {
  const clock = { now: () => Date.parse('2026-06-30T12:00:00Z'), sleep: async () => {} };
  const request = {
    account: '444455556666',
    region: 'eu-central-1',
    name: `netskope.${rule.id}@1782817200`,
    permissions: rule.permissions.read,
  };

  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'ASIAREMEDIATOR');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'remediator-secret');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('requests the role by its name, with external id, session name, and policy', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);

    const session = await new Sessions(environment, clock, silent).open(request);

    expect(aws.calls).toHaveLength(1);
    const [call] = aws.calls;
    expect(Object.fromEntries(call?.form ?? [])).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::444455556666:role/security/cspm-remediation',
      RoleSessionName: 'netskope.iam-access-key-unrotated@1782817200',
      ExternalId: 'external',
      Policy: sessionPolicy(rule.permissions.read, {
        partition: 'aws',
        region: 'eu-central-1',
        account: '444455556666',
      }),
    });
    // The regional STS: the global one is in another region, and its tokens do not work everywhere.
    expect(call?.headers.authorization).toContain('Credential=ASIAREMEDIATOR/');
    expect(call?.headers.authorization).toContain('/eu-central-1/sts/aws4_request');
    expect(session).toMatchObject({ account: '444455556666', region: 'eu-central-1', partition: 'aws' });
    expect(session.now()).toEqual(new Date('2026-06-30T12:00:00Z'));
  });

  test.each(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'AuthFailure'])(
    'that expires during a job (%s) is opened again, and the call is sent again, at most twice',
    async (code) => {
      let refusals = 2;
      await using aws = await scriptedAws((call) => {
        if (call.form.get('Action') === 'AssumeRole' || refusals === 0) return answer(call);
        refusals -= 1;
        return queryError(code, 403);
      });
      vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
      const session = await new Sessions(environment, clock, silent).open(request);
      const ask = () =>
        session.client(IAMClient).send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'AKIA1' }));

      await ask();
      refusals = Number.POSITIVE_INFINITY;
      const again = ask();

      await expect(again).rejects.toSatisfy((error) => errorKind(error) === 'unavailable');
      const assumed = aws.calls.filter(({ form }) => form.get('Action') === 'AssumeRole');
      expect(assumed).toHaveLength(3);
    },
  );

  test.each([
    { what: 'cut off', failure: 'cut' as const },
    { what: 'throttled', failure: queryError('Throttling', 400) },
    { what: 'answered with an internal error', failure: queryError('InternalFailure', 500) },
    { what: 'refused because the session has expired', failure: queryError('ExpiredToken', 403) },
  ])(
    'a call that is $what is sent again if it only reads, and is sent only once if it changes something',
    async (given) => {
      const failures = new Set(['GetAccessKeyLastUsed', 'UpdateAccessKey']);
      await using aws = await scriptedAws((call) =>
        failures.delete(call.form.get('Action') ?? '') ? given.failure : answer(call),
      );
      vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
      const session = await new Sessions(environment, clock, silent).open(request);
      const client = session.client(IAMClient);

      await client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'AKIA1' }));
      const change = client.send(new UpdateAccessKeyCommand({ AccessKeyId: 'AKIA1', Status: 'Inactive' }));

      await expect(change).rejects.toSatisfy((error) => errorKind(error) === 'unavailable');
      const sent = aws.calls
        .map(({ form }) => form.get('Action'))
        .filter((action) => action !== 'AssumeRole');
      expect(sent).toEqual(['GetAccessKeyLastUsed', 'GetAccessKeyLastUsed', 'UpdateAccessKey']);
    },
  );

  test('after a change that failed because the session had expired, calls are signed with a new session', async () => {
    let sessions = 0;
    await using aws = await scriptedAws((call) => {
      const action = call.form.get('Action');
      if (action === 'UpdateAccessKey' && sessions === 1) return queryError('ExpiredToken', 403);
      if (action !== 'AssumeRole') return answer(call);
      sessions += 1;
      return { ...assumed, body: assumed.body.replace('target-token', `token-${sessions}`) };
    });
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const session = await new Sessions(environment, clock, silent).open(request);
    const change = () =>
      session
        .client(IAMClient)
        .send(new UpdateAccessKeyCommand({ AccessKeyId: 'AKIA1', Status: 'Inactive' }));

    await expect(change()).rejects.toThrow();
    await change();

    expect(aws.calls.at(-1)?.headers['x-amz-security-token']).toBe('token-2');
  });

  test('a call that failed because the session had expired keeps AWS’s error if the role cannot be assumed again', async () => {
    let sessions = 0;
    await using aws = await scriptedAws((call) => {
      if (call.form.get('Action') !== 'AssumeRole') return queryError('ExpiredToken', 403);
      sessions += 1;
      return sessions === 1 ? assumed : queryError('AccessDenied', 403);
    });
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const session = await new Sessions(environment, clock, silent).open(request);

    const change = session
      .client(IAMClient)
      .send(new UpdateAccessKeyCommand({ AccessKeyId: 'AKIA1', Status: 'Inactive' }));

    await expect(change).rejects.toSatisfy(isNotTaken);
    expect(sessions).toBe(2);
  });

  test('calls are signed with the role’s credentials, and recorded with their request ids, including failures', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const session = await new Sessions(environment, clock, silent).open(request);
    const client = session.client(IAMClient);

    await client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'there' }));
    await expect(client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'gone' }))).rejects.toThrow();

    expect(aws.calls.slice(1).map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      'target-token',
      'target-token',
    ]);
    expect(aws.calls[1]?.headers.authorization).toContain('Credential=ASIATARGET/');
    expect(session.calls).toEqual([
      { service: 'IAM', operation: 'GetAccessKeyLastUsed', requestId: 'request-1' },
      { service: 'IAM', operation: 'GetAccessKeyLastUsed', requestId: 'request-2' },
    ]);
    expect(JSON.stringify(session.calls)).not.toMatch(/secret|token/);
  });

  test.each([
    { functionRegion: 'eu-central-1', inAnyRegion: true, asked: 'eu-central-1' },
    { functionRegion: 'eu-south-2', inAnyRegion: true, asked: 'us-east-1' },
    { functionRegion: 'eu-south-2', inAnyRegion: false, asked: 'eu-south-2' },
  ])('in $functionRegion (any region: $inAnyRegion) calls STS in $asked', async (given) => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const sessions = new Sessions({ ...environment, AWS_REGION: given.functionRegion }, clock, silent);

    await sessions.open({ ...request, inAnyRegion: given.inAnyRegion });

    expect(aws.calls[0]?.headers.authorization).toContain(`/${given.asked}/sts/aws4_request`);
  });

  test.each([
    { packed: 40, level: 'debug' as const },
    { packed: 92, level: 'warn' as const },
  ])('logs at level $level that $packed % of the packed size is used', async ({ packed, level }) => {
    const size = `<PackedPolicySize>${packed}</PackedPolicySize></AssumeRoleResult>`;
    await using aws = await scriptedAws(() => ({
      ...assumed,
      body: assumed.body.replace('</AssumeRoleResult>', size),
    }));
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const log = { debug: vi.fn(), warn: vi.fn() };

    await new Sessions(environment, clock, log).open(request);

    expect(log[level].mock.calls).toEqual([
      [`session policy of ${request.name}: ${packed} % of the size that STS allows`],
    ]);
    expect(log.debug.mock.calls.length + log.warn.mock.calls.length).toBe(1);
  });

  test('there is one client for each service and region', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const session = await new Sessions(environment, clock, silent).open(request);

    const client = session.client(EC2Client);

    expect(session.client(EC2Client)).toBe(client);
    expect(session.client(EC2Client, 'us-east-1')).not.toBe(client);
    await expect(session.client(EC2Client, 'us-east-1').config.region()).resolves.toBe('us-east-1');
    expect(session.client(IAMClient)).toBeInstanceOf(IAMClient);
  });

  test('no call lasts longer than the job’s time', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const time = new AbortController();
    const session = await new Sessions(environment, clock, silent).open({ ...request, signal: time.signal });
    time.abort();

    const error = await session
      .client(IAMClient)
      .send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'there' }))
      .catch((thrown: unknown) => thrown);

    expect(errorKind(error)).toBe('unavailable');
    expect(aws.calls).toHaveLength(1);
  });

  test('a closed session keeps no connection open', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const sessions = new Sessions(environment, clock, silent);
    const opened = await Promise.all(Array.from({ length: 20 }, () => sessions.open(request)));
    await Promise.all(
      opened.map((session) =>
        session.client(IAMClient).send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'there' })),
      ),
    );
    const before = await aws.connections();

    for (const session of opened) session.close();

    await vi.waitFor(async () => expect(await aws.connections()).toBe(before - opened.length));
  });

  test('changes that share a quota are spread in time, across all sessions of an account', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const trails = { quota: 'trails', perSecond: 1, burst: 1 };
    const waits: number[] = [];
    const patient = { ...clock, sleep: async (milliseconds: number) => void waits.push(milliseconds) };
    const sessions = new Sessions(environment, patient, silent);
    const [one, two] = [await sessions.open(request), await sessions.open(request)];
    const other = await sessions.open({ ...request, account: '777788889999' });

    await one.turn(trails);
    await two.turn(trails);
    await other.turn(trails);

    expect(waits).toEqual([1_000]);
  });

  test.each(['UpdateAccessKey', 'GetAccessKeyLastUsed'])(
    'a throttled %s slows down the changes of its service in the account, also in other sessions',
    async (throttled) => {
      const failures = new Set([throttled]);
      await using aws = await scriptedAws((call) =>
        failures.delete(call.form.get('Action') ?? '') ? queryError('Throttling', 400) : answer(call),
      );
      vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
      const waits: number[] = [];
      const patient = { ...clock, sleep: async (milliseconds: number) => void waits.push(milliseconds) };
      const sessions = new Sessions(environment, patient, silent);
      const session = await sessions.open(request);
      const pace = await paceOf('iam-access-key-status-set');
      const turnsIn = async (one: Awaited<ReturnType<Sessions['open']>>) => {
        for (let turn = 0; turn < 2; turn += 1) await one.turn(pace);
        return waits.splice(0);
      };

      const before = await turnsIn(session);
      const client = session.client(IAMClient);
      await client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: 'AKIA1' }));
      const change = new UpdateAccessKeyCommand({ AccessKeyId: 'AKIA1', Status: 'Inactive' });
      await client.send(change).catch(() => undefined);
      const after = await turnsIn(await sessions.open(request));
      const ofOthers = await turnsIn(await sessions.open({ ...request, account: '777788889999' }));

      expect({ before, after, ofOthers }).toEqual({ before: [], after: [200], ofOthers: [] });
    },
  );

  test('a refusal is thrown as AWS’s own error', async () => {
    await using aws = await scriptedAws(() => queryError('AccessDenied', 403));
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);

    await expect(new Sessions(environment, clock, silent).open(request)).rejects.toMatchObject({
      name: 'AccessDenied',
      $fault: 'client',
    });
  });

  test('an answer without credentials is an error that contains none', async () => {
    await using aws = await scriptedAws(() => ({
      status: 200,
      body: '<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>target-secret</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>',
    }));
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const error = await new Sessions(environment, clock, silent)
      .open(request)
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(z.ZodError);
    expect(String(error)).toContain('AccessKeyId');
    expect(String(error)).not.toContain('target-secret');
  });

  test('every name is converted to one that STS accepts', async () => {
    await using aws = await scriptedAws(answer);
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);

    await new Sessions(environment, clock, silent).open({ ...request, name: `a rule: ${'é'.repeat(100)}` });

    expect(aws.calls[0]?.form.get('RoleSessionName')).toBe(`a-rule--${'-'.repeat(56)}`);
  });
});
