import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, SetAlarmStateCommand, type StateValue } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { AuthorizeSecurityGroupIngressCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateRoleCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { marshall } from '@aws-sdk/util-dynamodb';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { undoSchema } from '../../cli/commands/undo/result.ts';
import { MAX_FINDINGS_PER_JOB } from '../../lambdas/model/job.ts';
import { MODULE_VERSION } from '../../lambdas/model/module-version.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import type { PollSummary } from '../../lambdas/model/poll-summary.ts';
import { itemOf } from '../integration/harness/violations.ts';
import { unfinishedJobs } from '../lab/deployed/unfinished-jobs.ts';
import type { Lab } from '../lab/index.ts';
import type { LabRuleId } from '../lab/rules/index.ts';
import { formatTenantTime, labelOfRegion } from '../lab/tenant/index.ts';
import type { TerraformRoot } from '../lab/terraform/index.ts';
import { rootUser } from './run-command-line.ts';

const NAME = 'cspm-auto-remediation';
const SSH = 'security-group-ssh-open';
const RDP = 'security-group-rdp-open';
const BUCKET = 's3-bucket-public';
/** The number of findings that need exactly two jobs. */
const TWO_JOBS = MAX_FINDINGS_PER_JOB + 1;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The user agent of Terraform's provider. */
const TERRAFORM =
  'APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/6.69.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.0 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.251.0';

/** The user agent of CloudFormation when it calls on behalf of a stack's owner, as in CloudTrail. */
const CLOUDFORMATION = 'cloudformation.amazonaws.com';

/** A deployment of the root module in the local AWS. */
interface Deployed {
  readonly lab: () => Lab;
  readonly root: () => TerraformRoot;
  readonly rootFolder: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly account: string;
  readonly region: string;
}

/** An account without the role at first, one that settings exclude, and one that they exempt. */
const [roleless, excluded, exempt] = ['555555555555', '666666666666', '777777777777'] as const;

/** The module's inputs that all tests here depend on. `closed`: an hour of the day that is far away. */
function inputs(closed: string) {
  return {
    limits: { per_account_per_hour: 2, per_rule_per_hour: 3 },
    breaker: { changes: 2, failed_percent: 100 },
    notifications: { deferred_days: 1 },
    cloudtrail_lookup: true,
    excluded_accounts: [excluded],
    rules: {
      [SSH]: { mode: 'enforce' },
      [BUCKET]: { mode: 'enforce', limits: { per_account_per_hour: 9, per_rule_per_hour: 9 } },
      [RDP]: {
        mode: 'enforce',
        maintenance_window: { start: closed, end: closed.replace(':00', ':30') },
        exemptions: [{ account: exempt, reason: 'a honeypot', owner: 'blue team', expires: '2099-12-31' }],
      },
    },
  };
}

/**
 * Tests each gate from the module's input, by the deployed zips, to the texts of the outcome and of the message. It puts the
 * lab's clock ahead by days, so it must run last.
 */
export function testGates({ lab, root, rootFolder, variables, account, region }: Deployed): void {
  const override = path.join(rootFolder, 'gates_override.tf.json');
  const settings = () => lab().settings(account, region);

  /** Runs an operator's commands, which must succeed. @returns their output */
  const operated = (commands: string): Promise<string> =>
    rootUser(lab(), { account, region }).succeed(commands);
  /** Runs the command that an outcome's reason names. */
  const operateBy = (outcome: Outcome | undefined, ...options: readonly string[]): Promise<string> =>
    operated([commandIn(outcome?.reason), ...options].join(' '));
  const pause = (Value: string) =>
    new SSMClient(settings()).send(
      new PutParameterCommand({ Name: `/${NAME}/pause`, Value, Overwrite: true }),
    );

  /** The summary of the last poll. */
  let lastSummary: PollSummary | undefined;

  /** Polls a rule a minute later, when Netskope returns these resources. @returns the outcomes by resource */
  const poll = async (
    rule: LabRuleId,
    resources: readonly (string | readonly [account: string, resource: string])[],
    scanned = lab().now(),
  ): Promise<(resource: string | undefined) => Outcome | undefined> => {
    const { tenant, deployment } = lab();
    const place = { region_name: labelOfRegion(region), last_scan_time: formatTenantTime(scanned) };
    tenant.setFindings(
      resources.map((each) => {
        const [account_id, resource_id] = typeof each === 'string' ? [account, each] : each;
        return itemOf(rule, { ...place, account_id, resource_id });
      }),
    );
    // Functions cache settings for some seconds.
    lab().passTime(MINUTE);
    const deployed = deployment({ account, homeRegion: region });
    const { outcomes, summary } = await deployed.poll(rule, lab().now());
    lastSummary = summary;
    // An account and region with pending jobs get no further ones: jobs end a moment after their outcomes are written.
    await expect.poll(async () => (await deployed.queueDepths(region)).jobs, { timeout: 60_000 }).toBe(0);
    return (resource) => outcomes.find(({ finding }) => finding.resource === resource);
  };
  /** A client of an account's owner, with the user agent of a tool. */
  const ownerWith = (userAgent: string, of: string): EC2Client => {
    const owner = new EC2Client({ ...lab().settings(of, region), endpoint: lab().proxy.endpoint });
    owner.middlewareStack.add(
      (next) => (call) => {
        Object.assign(headersOf(call.request), { 'user-agent': userAgent });
        return next(call);
      },
      { step: 'finalizeRequest' },
    );
    return owner;
  };
  const groups = (count: number, of = account): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => lab().violate(SSH, { account: of, region })));

  /** All messages that people have received so far. */
  const told: string[] = [];
  const messageWith = async (text: string, from = 0): Promise<string> => {
    const sqs = new SQSClient({ ...settings(), useQueueUrlAsEndpoint: false });
    const QueueUrl = `${lab().aws.endpoint}/${account}/told`;
    // Far longer than a message takes, even on a slow machine.
    const deadline = Date.now() + 240_000;
    for (;;) {
      const found = told.slice(from).find((message) => message.includes(text));
      if (found !== undefined) return found;
      if (Date.now() > deadline) break;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }),
      );
      for (const { Body = '', ReceiptHandle } of Messages) {
        told.push(Body);
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
    throw new Error(`found no message with "${text}" in:\n${told.join('\n')}`);
  };

  const setAlarms = async (state: StateValue, names: readonly string[], reason = 'said by CloudWatch') => {
    const cloudWatch = new CloudWatchClient(settings());
    for (const name of names) {
      const alarm = { AlarmName: `${NAME}-${name}`, StateValue: state, StateReason: reason };
      await cloudWatch.send(new SetAlarmStateCommand(alarm));
    }
  };
  let lasts = 0;
  /** Resolves when all earlier messages have arrived: the message with the longest path is among them. */
  const allIsTold = async (): Promise<void> => {
    lasts += 1;
    const last = `the last message, ${lasts}.`;
    await setAlarms('ALARM', ['take-back-failed'], last);
    await messageWith(last);
    await setAlarms('INSUFFICIENT_DATA', ['take-back-failed']);
  };

  /** Applies the module with inputs. */
  const apply = async (module: object): Promise<void> => {
    await writeFile(override, JSON.stringify({ module: { cspm_auto_remediation: module } }));
    await root().apply(variables);
    await lab().deployment({ account, homeRegion: region }).stopSchedules();
  };

  describe('each gate, from the input to the texts', () => {
    let given: ReturnType<typeof inputs>;

    beforeAll(async () => {
      const hour = (lab().now().getUTCHours() + 12) % 24;
      given = inputs(`${String(hour).padStart(2, '0')}:00`);
      await apply(given);
      const sqs = new SQSClient({ ...settings(), useQueueUrlAsEndpoint: false });
      await sqs.send(new CreateQueueCommand({ QueueName: 'told' }));
      await new SNSClient(settings()).send(
        new SubscribeCommand({
          TopicArn: `arn:aws:sns:${region}:${account}:${NAME}-notifications`,
          Protocol: 'sqs',
          Endpoint: `arn:aws:sqs:${region}:${account}:told`,
          Attributes: { RawMessageDelivery: 'true' },
        }),
      );
      return () => rm(override, { force: true });
    });

    test('off, exempt, and outside the maintenance window', async () => {
      const builder = lab().accountBuilder(account);
      const vpc = await builder.anyVpc(region);
      const port = { IpProtocol: 'tcp', FromPort: 3389, ToPort: 3389, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
      const group = (name: string, tag?: string) =>
        builder.securityGroup(
          region,
          vpc,
          name,
          [port],
          tag === undefined ? {} : { [`${NAME}:exempt`]: tag },
        );
      const tagged = await group('tagged', 'bastion host until 2099-12-31');
      const mistagged = await group('mistagged', 'for ever');
      const outside = await group('outside');

      const of = await poll(RDP, [
        [excluded, 'sg-0000000000000000a'],
        [exempt, 'sg-0000000000000000b'],
        tagged,
        mistagged,
        outside,
      ]);

      expect(of('sg-0000000000000000a')).toMatchObject({
        outcome: 'not_applicable',
        reason: `rule ${RDP} is off for account ${excluded} until its settings are changed: excluded_accounts for all rules includes the account`,
      });
      expect(of('sg-0000000000000000b')).toMatchObject({
        outcome: 'exempt',
        reason:
          "a honeypot (blue team, until 2099-12-31); to end it earlier, remove it from the rule's exemptions",
      });
      expect(of(tagged)).toMatchObject({
        outcome: 'exempt',
        reason: `bastion host (tag, until 2099-12-31); to end it earlier, remove the resource's tag ${NAME}:exempt`,
      });
      expect(of(mistagged)).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('expected "<reason> until <last day>"'),
      });
      expect(of(outside)).toMatchObject({
        outcome: 'deferred',
        gate: 'maintenance_window',
        applied: [],
        plan: [{ line: expect.stringContaining('tcp 3389') }],
        reason: expect.stringMatching(
          new RegExp(
            `^${RDP} changes nothing outside its maintenance window, \\d\\d:00 to \\d\\d:30 .*: the finding waits for the first poll after .*Z; to fix it sooner, change maintenance_window in the rule's settings$`,
          ),
        ),
      });
    });

    test('a missing role is checked once per poll and reported in one message, and everything continues when it is back', async () => {
      const resources = Array.from(
        { length: TWO_JOBS },
        (_, index) => `sg-${String(index).padStart(17, '0')}`,
      );
      const findings = resources.map((resource) => [roleless, resource] as const);
      const looks = (): number =>
        lab().proxy.calls.filter(
          ({ operation, parameters }) =>
            operation === 'AssumeRole' && String(parameters['RoleArn']).includes(roleless),
        ).length;

      const first = await poll(SSH, findings);
      const afterFirst = looks();
      lab().passTime(HOUR);
      const second = await poll(SSH, findings);
      const afterSecond = looks();
      const message = await messageWith('role missing: ');
      await copyTargetRole(lab(), account, roleless);
      const back = await poll(SSH, findings);

      const waiting = (of: typeof first): string[] =>
        resources.flatMap((resource) => of(resource)?.reason?.match(/.*Each poll checks once.*/) ?? []);
      expect(resources.map((resource) => first(resource)?.outcome)).toEqual(Array(TWO_JOBS).fill('failed'));
      expect([afterFirst, afterSecond]).toEqual([1, 2]);
      expect(waiting(first)).toHaveLength(1);
      expect(waiting(second)).toHaveLength(1);
      expect(waiting(second)[0]).toMatch(
        new RegExp(
          `^the target role in account ${roleless} has not been assumable since .*Z, so nothing is done there\\. Each poll checks once whether the role is back\\. If so, all findings are processed\\. Deploy modules/target in that account, or add it to excluded_accounts$`,
        ),
      );
      expect(message).toMatch(new RegExp(`role missing: account ${roleless} has findings, but since `));
      expect(resources.map((resource) => back(resource)?.outcome)).toEqual(Array(TWO_JOBS).fill('gone'));
    });

    test('limits, per account and per rule, and awaiting a scan', async () => {
      // Changes by other tests no longer count.
      lab().passTime(80 * MINUTE);
      const [own, others] = [await groups(3), await groups(2, roleless)];
      const scanned = lab().now();
      const findings = [...own, ...others.map((resource) => [roleless, resource] as const)];

      const now = await poll(SSH, findings, scanned);
      lab().passTime(80 * MINUTE);
      const later = await poll(SSH, findings, scanned);

      const all = [...own, ...others];
      const outcomesOf = (of: typeof now) => all.map((resource) => of(resource)?.outcome).sort();
      expect(outcomesOf(now)).toEqual([...Array(2).fill('deferred'), ...Array(3).fill('remediated')]);
      const reasons = all.flatMap((resource) =>
        now(resource)?.gate === 'limit' ? now(resource)?.reason : [],
      );
      expect(reasons).toContainEqual(
        expect.stringMatching(
          new RegExp(
            `^${SSH} changes at most 2 resources per hour in account ${account}: this finding needs 1 change.* more become available at .*Z.* raise limits\\.per_account_per_hour$`,
          ),
        ),
      );
      expect(reasons).toContainEqual(
        expect.stringMatching(
          /at most 3 resources per hour in all accounts.* raise limits\.per_rule_per_hour$/,
        ),
      );
      expect(await messageWith(`limit_reached: ${SSH} changes at most 2 resources`)).toContain(account);
      await messageWith(`limit_reached: ${SSH} changes at most 3 resources`);
      expect(outcomesOf(later)).toEqual([...Array(3).fill('awaiting_scan'), ...Array(2).fill('remediated')]);
      const awaiting = all.map((resource) => later(resource)).find((one) => one?.outcome === 'awaiting_scan');
      expect(awaiting?.reason).toMatch(
        /^fixed at .*Z, after the last scan at .*Z: it is checked again after the next scan, or after .*Z if there is none; to check it sooner: cspm-remediation retry \S+ --account \d+ --region \S+$/,
      );
    });

    test('a violation that returns is fixed again, and the message says who restored it', async () => {
      const [group = ''] = await groups(1);
      const stackGroup = await groupOfStack(lab(), roleless, region);
      const port = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
      const open = (owner: EC2Client, GroupId: string) =>
        owner.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [port] }));
      const [terraform, stack] = [ownerWith(TERRAFORM, account), ownerWith(CLOUDFORMATION, roleless)];

      await open(stack, stackGroup);
      const fixed: (Outcome | undefined)[] = [];
      const ofStack: (Outcome | undefined)[] = [];
      for (let time = 1; time <= 3; time += 1) {
        // Past the hour of the limit, and of undone changes that the breaker counts.
        lab().passTime(3 * HOUR);
        const of = await poll(SSH, [group, [roleless, stackGroup]]);
        fixed.push(of(group));
        ofStack.push(of(stackGroup));
        if (time === 3) break;
        await open(terraform, group);
        await open(stack, stackGroup);
      }
      const recurring = await messageWith(`${group} has been fixed 3 times since `);
      lab().passTime(16 * MINUTE);
      const undone = await messageWith(`the fix of ${group} was undone by `);
      const undoneByStack = await messageWith(`the fix of ${stackGroup} was undone by `);

      expect(fixed.map((one) => one?.outcome)).toEqual(Array(3).fill('remediated'));
      expect(fixed.map((one) => one?.recurring?.times)).toEqual([undefined, undefined, 3]);
      expect(fixed[2]?.reason).toMatch(
        new RegExp(
          `^${group} has been fixed 3 times since .*Z, and keeps violating the rule: find out in CloudTrail in account ${account} who changes it; `,
        ),
      );
      expect(recurring).toContain('recurring: ');
      expect(ofStack.map((one) => one?.outcome)).toEqual(Array(3).fill('remediated'));
      expect(ofStack[2]?.reason).toMatch(
        new RegExp(
          `^${stackGroup} has been fixed 3 times since .*Z, and keeps violating the rule: it belongs to the CloudFormation stack web, whose template causes the violation again: fix the template, or exempt it$`,
        ),
      );
      expect(undoneByStack).toMatch(
        /AuthorizeSecurityGroupIngress at .*Z, with CloudFormation: the owner's template will cause the violation again/,
      );
      expect(undone).toMatch(
        new RegExp(
          `the fix of ${group} was undone by arn:aws:iam::${account}:root: AuthorizeSecurityGroupIngress at .*Z, with Terraform: the owner's code will cause the violation again`,
        ),
      );
    });

    test('the breaker opens; the back-off waits; an operator resumes and retries', async () => {
      const [first = '', second = '', third = ''] = await Promise.all(
        Array.from({ length: 3 }, () => lab().violate(BUCKET, { account, region })),
      );
      const buckets = [first, second, third];
      const outcomesOf = (of: Awaited<ReturnType<typeof poll>>) =>
        buckets.map((bucket) => [of(bucket)?.outcome, of(bucket)?.gate]);
      const refused = lab().inject({ service: 's3', operation: 'PutPublicAccessBlock', effect: 'denied' });

      const opened = await poll(BUCKET, buckets);
      refused.remove();
      const open = await poll(BUCKET, buckets);
      const [failed = ''] = buckets.filter((bucket) => open(bucket)?.gate === 'back_off');
      const [planned = ''] = buckets.filter((bucket) => open(bucket)?.gate === 'breaker');
      await operateBy(open(planned));
      await operateBy(open(failed), '--yes');
      const resumed = await poll(BUCKET, buckets);
      lab().passTime(40 * MINUTE);
      const due = await poll(BUCKET, buckets);

      expect(outcomesOf(opened).sort()).toEqual([
        ['failed', undefined],
        ['failed', undefined],
        ['planned', 'breaker'],
      ]);
      expect(outcomesOf(open).sort()).toEqual([
        ['failed', 'back_off'],
        ['failed', 'back_off'],
        ['planned', 'breaker'],
      ]);
      expect(open(planned)?.reason).toMatch(
        new RegExp(
          `^${BUCKET} has been in dry run in account ${account} since .*Z, because 2 of 2 changes within an hour failed or were undone by hand, most recently: "AccessDenied.*", ".*". To resume after you have fixed the cause: cspm-remediation resume --breaker ${BUCKET} --account ${account}$`,
        ),
      );
      expect(await messageWith('breaker_open: ')).toContain(
        '2 of 2 changes within an hour failed or were undone by hand',
      );
      expect(open(failed)?.reason).toMatch(
        new RegExp(
          `^not attempted at this poll, because it has failed once, most recently at .*Z: "AccessDenied.*"\\. The next attempt is at the poll nearest to .*Z, or sooner if its settings or the module's version change, or if an operator requests it: cspm-remediation retry ${failed} --account ${account} --region ${region}$`,
        ),
      );
      expect(outcomesOf(resumed).sort()).toEqual([
        ['failed', 'back_off'],
        ['remediated', undefined],
        ['remediated', undefined],
      ]);
      expect([resumed(failed)?.outcome, resumed(planned)?.outcome]).toEqual(['remediated', 'remediated']);
      // An hour after the failure, within half a poll period.
      expect(outcomesOf(due).map(([outcome]) => outcome)).not.toContain('failed');
    });

    test('changed settings and a new version of the module end the wait after a failure', async () => {
      const [bySettings, byVersion] = [
        await lab().violate(BUCKET, { account, region }),
        await lab().violate(BUCKET, { account, region }),
      ];
      const zip = path.join(rootFolder, '../../dist/remediator.zip');
      const released = await readFile(zip);
      /** Makes a bucket fail once, an hour after everything that counts for the breaker. */
      const failOnce = async (bucket: string) => {
        lab().passTime(2 * HOUR);
        const refused = lab().inject({ service: 's3', operation: 'PutPublicAccessBlock', effect: 'denied' });
        const outcomes = [(await poll(BUCKET, [bucket]))(bucket)];
        refused.remove();
        return [...outcomes, (await poll(BUCKET, [bucket]))(bucket)];
      };

      const before = await failOnce(bySettings);
      await apply({ ...given, limits: { per_account_per_hour: 2, per_rule_per_hour: 4 } });
      const unchanged = (await poll(BUCKET, [bySettings]))(bySettings);
      const rules = { ...given.rules, [BUCKET]: { mode: 'enforce' } };
      await apply({ ...given, rules });
      const changed = (await poll(BUCKET, [bySettings]))(bySettings);
      const beforeUpgrade = await failOnce(byVersion);
      await writeFile(zip, withVersion(released, '0.1.1'));
      await apply({ ...given, rules });
      const upgraded = (await poll(BUCKET, [byVersion]))(byVersion);
      await writeFile(zip, released);
      await apply(given);

      const waits = [
        { outcome: 'failed', reason: expect.stringContaining('AccessDenied') },
        { outcome: 'failed', gate: 'back_off' },
      ];
      expect(before).toMatchObject(waits);
      // The settings of another rule do not affect this one.
      expect(unchanged).toMatchObject({ outcome: 'failed', gate: 'back_off' });
      expect(changed).toMatchObject({ outcome: 'remediated' });
      expect(beforeUpgrade).toMatchObject(waits);
      expect(upgraded).toMatchObject({ outcome: 'remediated' });
    });

    test('all+undo also stops undos until an operator ends it', async () => {
      const [group = ''] = await groups(1);
      lab().passTime(2 * HOUR);
      const fixed = (await poll(SSH, [group]))(group);
      const undo = `cspm-remediation undo ${group} --reason 'needed by the web team' --timeout 3m --yes --json`;
      const undone = async () => {
        // Remediators cache the pause for some seconds.
        lab().passTime(MINUTE);
        const { code, out, error } = await rootUser(lab(), { account, region }).run(undo);
        if (out === '') throw new Error(error);
        const [{ is, reason } = { is: undefined, reason: undefined }] = undoSchema.parse(
          JSON.parse(out),
        ).fixes;
        return { code, is, reason };
      };

      await operated('cspm-remediation pause');
      await operated('cspm-remediation pause --undo');
      const stopped = await undone();
      await operated(/: (cspm-remediation .*?)\. To allow/.exec(stopped.reason ?? '')?.[1] ?? 'exit 1');
      await operated('cspm-remediation pause');
      const goesOn = await undone();
      await operated('cspm-remediation resume');
      await operated(`cspm-remediation release ${group} --account ${account} --region ${region} --yes`);

      expect(fixed).toMatchObject({ outcome: 'remediated' });
      expect(stopped).toMatchObject({
        code: 7,
        is: 'undo_refused',
        reason: `undo is paused in ${region} (all+undo) until an operator ends the pause: cspm-remediation resume --region ${region}. To allow undos only, pause again without --undo afterwards`,
      });
      expect(goesOn).toMatchObject({ code: 0, is: 'undone' });
    });

    test('a pause of the account, a long deferral, and a hold', async () => {
      const [group = ''] = await groups(1);

      await operated(`cspm-remediation pause --account ${account}`);
      const paused = (await poll(SSH, [group]))(group);
      lab().passTime(25 * HOUR);
      await poll(SSH, [group]);
      const message = await messageWith('lasting_deferral: ');
      await operateBy(paused);
      await operated(
        `cspm-remediation hold --account ${account} --region ${region} --rule ${SSH} --reason 'looked into it' --until 2099-12-31 --yes`,
      );
      const held = (await poll(SSH, [group]))(group);
      await operateBy(held, '--yes');
      const lifted = (await poll(SSH, [group]))(group);

      expect(paused).toMatchObject({
        outcome: 'deferred',
        gate: 'pause',
        applied: [],
        reason: `enforcement of ${SSH} is paused in ${region} for account ${account} until an operator ends the pause: cspm-remediation resume --account ${account} --region ${region}`,
      });
      expect(message).toMatch(
        new RegExp(
          `at least 1 finding is deferred for more than 1 day\\. The oldest of them is ${group} in account ${account}, deferred since .*Z: enforcement of`,
        ),
      );
      expect(held).toMatchObject({
        outcome: 'deferred',
        gate: 'hold',
        // The principal that STS of the local AWS returns.
        reason: expect.stringMatching(
          new RegExp(
            `^account ${account} in ${region} is held for ${SSH} by arn:aws:\\S+ until 2099-12-31: looked into it; to release it earlier: cspm-remediation release --account ${account} --region ${region} --rule ${SSH}$`,
          ),
        ),
      });
      expect(lifted).toMatchObject({ outcome: 'remediated' });
    });

    test('invalid settings cause one message, and no alarm', async () => {
      const [first = '', second = ''] = await groups(2);

      await pause('everything');
      const of = await poll(SSH, [first]);
      await poll(SSH, [second]);
      await pause('none');

      expect(of(first)).toMatchObject({ outcome: 'failed', gate: 'settings' });
      const message = await messageWith('settings_invalid: ');
      expect(message).toContain('unknown value \\"everything\\" in pause');
      expect(message).toContain('Apply Terraform again, or correct the pause parameter.');
      await allIsTold();
      expect(told.filter((each) => each.includes('settings_invalid'))).toHaveLength(1);
    });

    test('jobs that are never done are reported by the alarm for their cause, and not by polls-skipped', async () => {
      const since = new Date(lab().now().getTime() - 13 * HOUR).toISOString();
      const sent = unfinishedJobs({ rule: SSH, account, region, since, now: lab().now() });
      const table = new DynamoDBClient(settings());
      await table.send(new PutItemCommand({ TableName: `${NAME}-findings`, Item: marshall(sent) }));
      await setAlarms('ALARM', ['jobs-dead-letters']);

      await poll(SSH, await groups(1));
      await setAlarms('OK', ['jobs-dead-letters']);

      expect(lastSummary).toMatchObject({ skipped: 1, findings: 0 });
      expect(lastSummary?.behind).toEqual([
        { account, region, since, alarms: [`${NAME}-jobs-dead-letters`] },
      ]);
    });

    test.each([
      {
        cause: 'Netskope cannot be reached',
        raised: ['polls-failed', 'collector-errors', 'polls-failing', 'polls-dead-letters', 'polls-overdue'],
        message: 'polls-dead-letters',
      },
      {
        cause: 'the schedules are missing',
        raised: ['polls-overdue', 'checks-missing'],
        message: 'rules-not-polled',
      },
      {
        cause: 'AWS is unavailable for a while',
        raised: ['unexpected-errors', 'remediator-errors', 'jobs-dead-letters', 'oldest-job'],
        message: 'jobs-dead-letters',
      },
      {
        cause: 'the remediator is not invoked',
        raised: ['remediator-throttled', 'oldest-job'],
        message: 'remediator-throttled',
      },
      { cause: 'more jobs arrive than are processed', raised: ['oldest-job'], message: 'jobs-waiting' },
      { cause: 'the breaker is open', raised: ['breaker-open'], message: undefined },
    ])('alarms with one cause are one message: $cause', async ({ raised, message }) => {
      // The local AWS derives no metrics from the functions' logs: it does not see the checks.
      await setAlarms('OK', [...raised, 'checks-missing']);
      await allIsTold();
      const before = told.length;

      await setAlarms('ALARM', raised);
      if (message !== undefined) await messageWith(`ALARM: ${NAME}-${message} in`, before);
      await allIsTold();
      const now = told.slice(before, -1);
      await setAlarms('OK', raised.toReversed());
      await allIsTold();

      // The end of the previous test's alarm may arrive late, and is not an alarm.
      expect(now.flatMap((each) => /^"ALARM: (\S+) in/.exec(each)?.[1] ?? [])).toEqual(
        message === undefined ? [] : [`${NAME}-${message}`],
      );
    });
  });
}

/** The command at the end of a reason. */
function commandIn(reason: string | undefined): string {
  const [, command] = /: (cspm-remediation \S.*)$/.exec(reason ?? '') ?? [];
  if (command === undefined) throw new Error(`expected a command at the end of "${reason}"`);
  return command;
}

/** A function's package with another version of the module. */
function withVersion(zip: Uint8Array, version: string): Uint8Array {
  const files = unzipSync(zip);
  let places = 0;
  for (const [name, content] of Object.entries(files)) {
    if (!name.endsWith('.mjs')) continue;
    const parts = strFromU8(content).split(`"${MODULE_VERSION}"`);
    places += parts.length - 1;
    files[name] = strToU8(parts.join(`"${version}"`));
  }
  expect(places).toBe(1);
  return zipSync(files);
}

/** Creates a security group by a CloudFormation stack. @returns its id */
async function groupOfStack(lab: Lab, account: string, region: string): Promise<string> {
  const cloudFormation = new CloudFormationClient(lab.settings(account, region));
  const VpcId = await lab.accountBuilder(account).anyVpc(region);
  const Properties = { GroupDescription: 'web', VpcId };
  const TemplateBody = JSON.stringify({
    Resources: { Web: { Type: 'AWS::EC2::SecurityGroup', Properties } },
  });
  const StackName = 'web';
  await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody }));
  await waitUntilStackCreateComplete({ client: cloudFormation, maxWaitTime: 120 }, { StackName });
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }));
  const [{ PhysicalResourceId = '' } = {}] = StackResources;
  return PhysicalResourceId;
}

function headersOf(request: unknown): object {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return {};
  return typeof request.headers === 'object' && request.headers !== null ? request.headers : {};
}

/** Copies the target role to another account, as that account's Terraform would create it. */
async function copyTargetRole(lab: Lab, from: string, to: string): Promise<void> {
  const RoleName = `${NAME}-remediation`;
  const [source, target] = [from, to].map((each) => new IAMClient(lab.settings(each, 'us-east-1')));
  if (source === undefined || target === undefined) throw new Error('expected two accounts');
  const { Role } = await source.send(new GetRoleCommand({ RoleName }));
  const text = (encoded: string | undefined): string => decodeURIComponent(encoded ?? '');
  const trust = text(Role?.AssumeRolePolicyDocument);
  await target.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
  const { PolicyNames = [] } = await source.send(new ListRolePoliciesCommand({ RoleName }));
  for (const PolicyName of PolicyNames) {
    const policy = await source.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    const PolicyDocument = text(policy.PolicyDocument).replaceAll(from, to);
    await target.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  }
}
