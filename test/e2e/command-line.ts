import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { doctorSchema } from '../../cli/commands/doctor/result.ts';
import { commands } from '../../cli/commands/index.ts';
import { itemOf } from '../integration/harness/violations.ts';
import { type AwsProxy, startAwsProxy } from '../lab/aws-proxy/index.ts';
import type { Lab } from '../lab/index.ts';
import { PermissionJudge } from '../lab/permissions/index.ts';
import { labelOfRegion } from '../lab/tenant/index.ts';
import { type Policy, type PolicyUser, type Ran, startPolicyUser } from './run-command-line.ts';

const NAME = 'cspm-auto-remediation';
const SSH = 'security-group-ssh-open';

/** A deployment in the local AWS that enforces the rule for SSH in its own account. */
interface Deployed {
  readonly lab: () => Lab;
  readonly account: string;
  readonly region: string;
}

const rowsSchema = z.object({ outcomes: z.array(z.object({ resource: z.string(), outcome: z.string() })) });
const undoneSchema = z.object({
  held: z.array(z.string()),
  fixes: z.array(z.looseObject({ resource: z.string(), is: z.string() })),
});

const wrongIn = (out: string): string[] =>
  doctorSchema
    .parse(JSON.parse(out))
    .checks.filter(({ is }) => is !== 'ok')
    .map(({ check, says }) => `${check}: ${says}`);

/** Tests the bundled command line, each command by a role that only has the policy which the command's help names. */
export function testCommandLine({ lab, account, region }: Deployed): void {
  describe('the command line', () => {
    let proxy: AwsProxy;
    let judge: PermissionJudge;
    const users = new Map<Policy, PolicyUser>();
    let group = '';

    beforeAll(async () => {
      const { aws } = lab();
      proxy = await startAwsProxy({ upstream: () => aws.endpoint });
      judge = new PermissionJudge({ upstream: () => aws.endpoint });
      proxy.intercept(judge.intercept);
      for (const policy of ['viewer', 'operator'] as const) {
        const started = await startPolicyUser(lab(), { account, region, endpoint: proxy.endpoint }, policy);
        users.set(policy, started);
      }
      group = await lab().violate(SSH, { account, region });
      const place = { account_id: account, region_name: labelOfRegion(region) };
      lab().tenant.setFindings([itemOf(SSH, { ...place, resource_id: group })]);
      return async () => {
        await proxy.stop();
        for (const user of users.values()) await user[Symbol.asyncDispose]();
      };
    });

    const run = (
      policy: Policy,
      argv: readonly string[],
      changed: Record<string, string> = {},
    ): Promise<Ran> => {
      const started = users.get(policy);
      if (started === undefined) throw new Error(`expected a user with the policy ${policy}`);
      return started.user.run(argv, changed);
    };

    /** Runs a command, and expects that it succeeds and that its policy allows all of its calls. */
    const json = async (policy: Policy, argv: readonly string[]): Promise<unknown> => {
      const ran = await run(policy, [...argv, '--json']);
      expect(ran, `${argv.join(' ')}: ${ran.error}`).toMatchObject({ code: 0 });
      expect(judge.denials).toEqual([]);
      expect(judge.unknownCalls).toEqual([]);
      const result: unknown = JSON.parse(ran.out);
      const code = await commands.find(({ name }) => name === argv[0])?.load();
      expect(code?.result.parse(result)).toEqual(result);
      return result;
    };

    const outcomeOf = (result: unknown): string | undefined =>
      rowsSchema.parse(result).outcomes.find(({ resource }) => resource === group)?.outcome;
    const poll = async () => outcomeOf(await json('operator', ['poll', SSH, '--wait', '--timeout', '3m']));

    test('plan shows what enforcement would change, and neither changes nor records anything', async () => {
      const plan = await run('operator', ['plan', SSH, '--timeout', '3m']);
      const explained = await json('viewer', ['explain', group]);

      expect(plan).toMatchObject({ code: 0 });
      expect(plan.out).toContain(`# ${group}`);
      expect(explained).toMatchObject({ is_ours: false, findings: [] });
    });

    test('poll fixes a finding, which can be explained, undone and held until it is released', async () => {
      const polled = await poll();
      const fixed = await json('viewer', ['explain', group]);
      const undone = undoneSchema.parse(
        await json('operator', ['undo', group, '--reason', 'needed', '--yes', '--timeout', '3m']),
      );
      const held = await poll();
      const stands = await json('viewer', ['explain', group]);
      await json('operator', ['release', group, '--account', account, '--region', region, '--yes']);
      const released = await poll();

      expect(polled).toBe('remediated');
      expect(fixed).toMatchObject({ is_ours: true, findings: [{ state: { outcome: 'remediated' } }] });
      expect(undone.fixes).toMatchObject([{ resource: group, is: 'undone' }]);
      expect(held).toBe('deferred');
      expect(stands).toMatchObject({ findings: [{ against: [{ gate: 'hold' }] }] });
      expect(released).toBe('remediated');
    });

    test('undo everything since a time of day, and by rule and account', async () => {
      const clock = new Date(Date.now() - 2 * 3_600_000).toISOString().slice(11, 16);
      const undoSince = async (...argv: readonly string[]) => {
        const order = ['--reason', 'incident 4711', '--yes', '--timeout', '3m'];
        const { held, fixes } = undoneSchema.parse(
          await json('operator', ['undo', '--since', ...argv, ...order]),
        );
        for (const name of held) {
          const [of = '', where = '', resource = ''] = name.split(' ');
          await json('operator', ['release', resource, '--account', of, '--region', where, '--yes']);
        }
        return fixes;
      };

      const today = await undoSince(clock);
      const again = await poll();
      const byRule = await undoSince('24h', '--rule', SSH, '--account', account);
      const last = await poll();

      expect(today).toContainEqual(expect.objectContaining({ resource: group, is: 'undone' }));
      expect(again).toBe('remediated');
      expect(byRule).toMatchObject([{ resource: group, is: 'undone' }]);
      expect(last).toBe('remediated');
    });

    test('hold, retry, pause and resume', async () => {
      const at = ['--account', account, '--region', region];

      await json('operator', ['hold', group, ...at, '--reason', 'incident 4711', '--yes']);
      await json('operator', ['release', group, ...at, '--yes']);
      await json('operator', ['retry', group, ...at, '--reason', 'repaired', '--yes']);
      await json('operator', ['retry', ...at, '--reason', 'role repaired', '--yes']);
      const rules = await json('operator', ['pause', SSH, 's3-bucket-public']);
      const ofAccount = await json('operator', ['pause', '--account', account]);
      const withUndo = await json('operator', ['pause', '--undo']);
      await json('operator', ['resume']);
      const paused = await json('operator', ['pause']);
      const resumed = await json('operator', ['resume']);
      await json('operator', ['resume', '--breaker', SSH, '--account', account]);
      await json('operator', ['redrive', '--yes']);

      expect(rules).toMatchObject({ regions: [{ region, pause: `${SSH},s3-bucket-public` }] });
      expect(ofAccount).toMatchObject({
        regions: [{ region, pause: expect.stringContaining(`account:${account}`) }],
      });
      expect(withUndo).toMatchObject({ regions: [{ region, pause: expect.stringContaining('all+undo') }] });
      expect(paused).toMatchObject({ regions: [{ region, pause: 'all' }] });
      expect(resumed).toMatchObject({ regions: [{ region, pause: 'none' }] });
    });

    test('viewers see everything, and what must be fixed', async () => {
      const status = await json('viewer', ['status']);
      const there = await json('viewer', ['status', SSH, '--region', region, '--account', account]);
      const outcomes = await json('viewer', ['outcomes', '--since', '1h', '--rule', SSH]);
      const filtered = ['--since', '24h', '--outcome', 'undone', 'remediated', '--account', account];
      const some = await json('viewer', [
        'outcomes',
        ...filtered,
        '--resource',
        'sg-*',
        '--changed',
        '--all',
      ]);
      const covered = await json('operator', ['coverage']);
      const seen = await run('viewer', ['doctor', '--json']);
      const seenThere = await run('viewer', ['doctor', '--region', region, '--account', account, '--json']);
      judge.clear();
      const tried = await run('operator', ['doctor', '--timeout', '3m', '--json']);

      expect(status).toMatchObject({ name: NAME, regions: [{ region }] });
      expect(there).toMatchObject({ regions: [{ region }], rules: [{ rule: SSH, last_poll: {} }] });
      expect(outcomeOf(outcomes)).toBeDefined();
      const names = rowsSchema.parse(some).outcomes.map(({ outcome }) => outcome);
      expect(new Set(names)).toEqual(new Set(['remediated', 'undone']));
      expect(covered).toMatchObject({ rules: [{ rule: SSH, served_by: 'built_in', is_enabled: true }] });
      // A viewer cannot ask functions to try something; the example has no addresses for notifications.
      expect(wrongIn(seen.out)).toEqual([
        'notifications: nobody is subscribed',
        'token: not visible to you: it requires the policy cspm-auto-remediation-operator',
        'role: not visible to you: it requires the policy cspm-auto-remediation-operator',
      ]);
      expect(wrongIn(tried.out)).toEqual(['notifications: nobody is subscribed']);
      expect(wrongIn(seenThere.out)).toEqual(wrongIn(seen.out));
      expect([seen.code, tried.code, seenThere.code]).toEqual([9, 9, 9]);
      expect(judge.denials).toEqual([]);
    });

    test("the viewer's policy is not enough to release a hold", async () => {
      const at = ['--account', account, '--region', region];
      await json('operator', ['hold', 'sg-held', ...at, '--reason', 'incident 4711', '--yes']);

      const { code, error } = await run('viewer', ['release', 'sg-held', ...at, '--yes']);
      judge.clear();
      const released = await json('operator', ['release', 'sg-held', ...at, '--yes']);

      expect(code).toBe(4);
      expect(error).toMatch(/viewer\/\w+ is not authorized to perform: dynamodb:DeleteItem/);
      expect(released).toMatchObject({ resource: 'sg-held' });
    });

    test("the viewer's policy is not enough to redrive, the operator's is", async () => {
      const sqs = new SQSClient({ ...lab().settings(account, region), useQueueUrlAsEndpoint: false });
      const QueueName = `${NAME}-jobs-dead-letters.fifo`;
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      const letter = { MessageGroupId: account, MessageDeduplicationId: 'not-a-job', MessageBody: 'no job' };
      await sqs.send(new SendMessageCommand({ QueueUrl, ...letter }));

      const { code, out } = await run('viewer', ['redrive', '--discard', '--yes', '--json']);
      judge.clear();
      const redriven = await json('operator', ['redrive', '--discard', '--yes']);

      expect(code).toBe(7);
      expect(out).toMatch(/viewer\/\w+ is not authorized to perform: sqs:ReceiveMessage/);
      expect(redriven).toMatchObject({ regions: [{ region, letters: [{ is: 'dropped' }] }] });
    });

    const refused: readonly (readonly string[])[] = [
      ['poll', SSH],
      ['plan', SSH],
      ['coverage'],
      ['pause'],
      ['resume'],
      ['hold', 'sg-1', '--reason', 'mine', '--yes'],
      ['retry', 'sg-1', '--reason', 'mine', '--yes'],
      ['undo', '', '--reason', 'mine', '--yes'],
      ['resume', '--breaker', SSH],
    ];

    test('every command that acts is tried with the policy that is not enough', () => {
      const tried = new Set([...refused.map(([command]) => command), 'release', 'redrive']);
      const acting = commands.filter(({ policy }) => policy === 'operator').map(({ name }) => name);

      expect([...tried].sort()).toEqual(acting.sort());
    });

    test.each(refused)("the viewer's policy is not enough for %s", async (command, ...rest) => {
      const isOfPlace = ['hold', 'retry'].includes(command) || rest.includes('--breaker');
      const place = isOfPlace ? ['--account', account, '--region', region] : [];
      // Only a fix can be undone, and its name is only known when the test runs.
      const argv = [command, ...rest.map((word) => (word === '' ? group : word)), ...place];

      const { code, out, error } = await run('viewer', argv);

      // Commands for all regions name each one that refused.
      expect(code).toBe(['pause', 'resume'].includes(command) && !isOfPlace ? 7 : 4);
      expect(out + error).toMatch(/viewer\/\w+ is not authorized to perform: \w+:\w+/);
      judge.clear();
    });

    test('wrong input results in one line and an exit code: expired credentials', async () => {
      const expired = proxy.inject({ effect: { error: 'ExpiredTokenException', status: 400 } });

      const ran = await run('operator', ['status']);

      expired.remove();
      expect(ran).toMatchObject({ code: 5, out: '', error: expect.stringMatching(/have expired: sign in/) });
      expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
      judge.clear();
    });

    test.each<[string, string[], Record<string, string>, number, RegExp]>([
      ['a deployment of another name', ['status', '--name', 'other'], {}, 4, /set --name/],
      ['an unknown finding', ['undo', 'sg-none', '--reason', 'x', '--yes'], {}, 3, /nothing to undo/],
      ['another region', ['status'], { AWS_REGION: 'sa-east-1' }, 3, /--region/],
      ['AWS is unreachable', ['status'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }, 6, /cannot be reached/],
      [
        'no credentials',
        ['status'],
        { AWS_ACCESS_KEY_ID: '', AWS_EC2_METADATA_DISABLED: 'true' },
        5,
        /sign in/,
      ],
    ])('wrong input results in one line and an exit code: %s', async (_, argv, changed, code, words) => {
      const ran = await run('operator', argv, changed);

      expect(ran).toMatchObject({ code, out: '', error: expect.stringMatching(words) });
      expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
      judge.clear();
    });
  });
}
