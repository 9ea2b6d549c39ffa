import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
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
import { beforeAll, describe, expect, test } from 'vitest';
import { holdKey, resumeKey, retryKey } from '../../lambdas/model/operator-items.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import type { ItemKey } from '../../lambdas/model/table-items.ts';
import type { Lab } from '../lab/index.ts';
import { type LabRuleId, labRules } from '../lab/rules/index.ts';
import { formatTenantTime, labelOfRegion, tenantItem } from '../lab/tenant/index.ts';
import type { TerraformRoot } from '../lab/terraform/index.ts';

const NAME = 'cspm-auto-remediation';
const SSH = 'security-group-ssh-open';
const RDP = 'security-group-rdp-open';
const BUCKET = 's3-bucket-public';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The user agent of Terraform's provider. */
const TERRAFORM =
  'APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/6.69.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.0 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.251.0';

/** A deployment of the root module in the local AWS. */
interface Deployed {
  readonly lab: () => Lab;
  readonly root: () => TerraformRoot;
  readonly rootFolder: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly account: string;
  readonly region: string;
}

/** An account of which nothing is known at first, one that settings exclude, and one that they exempt. */
const [roleless, excluded, exempt] = ['555555555555', '666666666666', '777777777777'] as const;

/** The module's inputs from which everything here comes. `closed`: an hour of the day that is far away. */
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
 * Tests each gate from the module's input, by way of the deployed zips, to the words of the outcome and of the message. The
 * world's clock is put ahead by days: to be called last.
 */
export function testGates({ lab, root, rootFolder, variables, account, region }: Deployed): void {
  const override = path.join(rootFolder, 'gates_override.tf.json');
  const settings = () => lab().settings(account, region);

  /** Puts an item into the findings table, as an operator does. */
  const put = async (key: ItemKey, content: object): Promise<void> => {
    const Item = marshall({ ...key, version: 1, by: 'Ada', reason: 'looked into it', ...content });
    await new DynamoDBClient(settings()).send(new PutItemCommand({ TableName: `${NAME}-findings`, Item }));
  };
  const pause = (Value: string) =>
    new SSMClient(settings()).send(
      new PutParameterCommand({ Name: `/${NAME}/pause`, Value, Overwrite: true }),
    );

  /** Polls a rule a minute later, of which Netskope gives these resources. @returns the outcomes by resource */
  const poll = async (
    rule: LabRuleId,
    resources: readonly (string | readonly [account: string, resource: string])[],
    scanned = lab().now(),
  ): Promise<(resource: string | undefined) => Outcome | undefined> => {
    const { tenant, deployment } = lab();
    const { rule_name, severity, resource_type, resource_category } = labRules[rule].words;
    const words = { rule_name, severity, resource_type, resource_category };
    const place = { region_name: labelOfRegion(region), last_scan_time: formatTenantTime(scanned) };
    tenant.setFindings(
      resources.map((each) => {
        const [account_id, resource_id] = typeof each === 'string' ? [account, each] : each;
        return tenantItem({ ...words, ...place, account_id, resource_id });
      }),
    );
    // Settings are remembered for some seconds.
    lab().passTime(MINUTE);
    const deployed = deployment({ account, homeRegion: region });
    const { outcomes } = await deployed.poll(rule, lab().now());
    // A place whose jobs are still pending gets no further ones: they end a moment after their outcomes are written.
    await expect.poll(async () => (await deployed.queueDepths(region)).jobs, { timeout: 60_000 }).toBe(0);
    return (resource) => outcomes.find(({ finding }) => finding.resource === resource);
  };
  const groups = (count: number, of = account): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => lab().violate(SSH, { account: of, region })));

  /** All that people were told so far. */
  const told: string[] = [];
  const messageWith = async (text: string): Promise<string> => {
    const sqs = new SQSClient({ ...settings(), useQueueUrlAsEndpoint: false });
    const QueueUrl = `${lab().aws.endpoint}/${account}/told`;
    // However slow the machine: nobody waits for what was told.
    const deadline = Date.now() + 240_000;
    for (;;) {
      const found = told.find((message) => message.includes(text));
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
    throw new Error(`nobody was told "${text}", but:\n${told.join('\n')}`);
  };

  const setAlarms = async (state: StateValue, names: readonly string[], reason = 'said by CloudWatch') => {
    const cloudWatch = new CloudWatchClient(settings());
    for (const name of names) {
      const alarm = { AlarmName: `${NAME}-${name}`, StateValue: state, StateReason: reason };
      await cloudWatch.send(new SetAlarmStateCommand(alarm));
    }
  };
  let lasts = 0;
  /** Resolves when all is told that was to be told before: what goes the longest way of all has come. */
  const allIsTold = async (): Promise<void> => {
    lasts += 1;
    const last = `the last message, ${lasts}.`;
    await setAlarms('ALARM', ['take-back-failed'], last);
    await messageWith(last);
    await setAlarms('INSUFFICIENT_DATA', ['take-back-failed']);
  };

  describe('each gate, from the input to the words', () => {
    beforeAll(async () => {
      const hour = (lab().now().getUTCHours() + 12) % 24;
      const module = { cspm_auto_remediation: inputs(`${String(hour).padStart(2, '0')}:00`) };
      await writeFile(override, JSON.stringify({ module }));
      await root().apply(variables);
      await lab().deployment({ account, homeRegion: region }).stopSchedules();
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
        reason: `rule ${RDP} is off for account ${excluded} until its settings are changed: excluded_accounts of all rules names it`,
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
            `^${RDP} changes nothing outside its maintenance window, \\d\\d:00 to \\d\\d:30 .*: it waits for the first poll after .*Z; to change it sooner, change maintenance_window in its settings$`,
          ),
        ),
      });
    });

    test('a missing role: one look per poll, one message, and all goes on when it is back', async () => {
      const resources = Array.from({ length: 26 }, (_, index) => `sg-${String(index).padStart(17, '0')}`);
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
        resources.flatMap((resource) => of(resource)?.reason?.match(/.*each poll checks once.*/) ?? []);
      expect(resources.map((resource) => first(resource)?.outcome)).toEqual(Array(26).fill('failed'));
      expect([afterFirst, afterSecond]).toEqual([1, 2]);
      expect(waiting(first)).toHaveLength(1);
      expect(waiting(second)).toHaveLength(1);
      expect(waiting(second)[0]).toMatch(
        new RegExp(
          `^the target role in account ${roleless} can't be assumed since .*Z, so nothing is done there: each poll checks once whether it is back, and then continues with all findings\\. Deploy modules/target in that account, or add it to excluded_accounts$`,
        ),
      );
      expect(message).toMatch(new RegExp(`role missing: account ${roleless} has findings, and since `));
      expect(resources.map((resource) => back(resource)?.outcome)).toEqual(Array(26).fill('gone'));
    });

    test('limits, per account and per rule, and awaiting a scan', async () => {
      // What other tests changed no longer counts.
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
            `^${SSH} changes at most 2 resources within an hour in account ${account}: this finding needs 1 change.* there is more from .*Z on.* raise limits\\.per_account_per_hour$`,
          ),
        ),
      );
      expect(reasons).toContainEqual(
        expect.stringMatching(
          /at most 3 resources within an hour in all accounts.* raise limits\.per_rule_per_hour$/,
        ),
      );
      expect(await messageWith(`limit_reached: ${SSH} changes at most 2 resources`)).toContain(account);
      await messageWith(`limit_reached: ${SSH} changes at most 3 resources`);
      expect(outcomesOf(later)).toEqual([...Array(3).fill('awaiting_scan'), ...Array(2).fill('remediated')]);
      const awaiting = all.map((resource) => later(resource)).find((one) => one?.outcome === 'awaiting_scan');
      expect(awaiting?.reason).toMatch(
        /^fixed at .*Z, after the last scan at .*Z: it is checked again after the next scan, and from .*Z on at the latest; sooner if an operator requests it: cspm-remediation retry /,
      );
    });

    test('what comes back is fixed, and who brings it back is said', async () => {
      const [group = ''] = await groups(1);
      const owner = new EC2Client({ ...settings(), endpoint: lab().proxy.endpoint });
      owner.middlewareStack.add(
        (next) => (call) => {
          Object.assign(headersOf(call.request), { 'user-agent': TERRAFORM });
          return next(call);
        },
        { step: 'finalizeRequest' },
      );
      const open = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };

      const fixed: (Outcome | undefined)[] = [];
      for (let time = 1; time <= 3; time += 1) {
        // Past the hour of the limit, and of what counts as undone for the breaker.
        lab().passTime(3 * HOUR);
        fixed.push((await poll(SSH, [group]))(group));
        if (time === 3) break;
        await owner.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group, IpPermissions: [open] }));
      }
      const recurring = await messageWith('recurring: ');
      lab().passTime(16 * MINUTE);
      const undone = await messageWith('undone_by: ');

      expect(fixed.map((one) => one?.outcome)).toEqual(Array(3).fill('remediated'));
      expect(fixed.map((one) => one?.recurring?.times)).toEqual([undefined, undefined, 3]);
      expect(fixed[2]?.reason).toMatch(
        new RegExp(`^${group} was fixed 3 times since .*Z, and keeps violating the rule: CloudTrail`),
      );
      expect(recurring).toContain(`${group} was fixed 3 times since `);
      expect(undone).toMatch(
        new RegExp(
          `the fix of ${group} was undone by arn:aws:iam::${account}:root: AuthorizeSecurityGroupIngress at .*Z, with Terraform: the owner's code will bring it back`,
        ),
      );
    });

    test('the breaker opens; back-off waits; an operator resumes, and retries', async () => {
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
      const at = lab().now().toISOString();
      await put(resumeKey({ rule: BUCKET, account }), { at });
      await put(retryKey({ account, region, resource: failed }), { at });
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
          `^${BUCKET} is in dry run in account ${account} since .*Z, as 2 of 2 changes within an hour went wrong, the latest: "AccessDenied.*", ".*"; it stays so until an operator has fixed the cause: cspm-remediation resume --breaker ${BUCKET} --account ${account}$`,
        ),
      );
      expect(await messageWith('breaker_open: ')).toContain('2 of 2 changes within an hour went wrong');
      expect(open(failed)?.reason).toMatch(
        new RegExp(
          `^not attempted at this poll, because it has failed once, last at .*Z: "AccessDenied.*"\\. It is attempted again at the poll nearest to .*Z; sooner when its settings change, with a new version of this module, or when an operator requests it: cspm-remediation retry ${failed} --account ${account} --region ${region}$`,
        ),
      );
      expect(outcomesOf(resumed).sort()).toEqual([
        ['failed', 'back_off'],
        ['remediated', undefined],
        ['remediated', undefined],
      ]);
      expect([resumed(failed)?.outcome, resumed(planned)?.outcome]).toEqual(['remediated', 'remediated']);
      // An hour after it failed, within half a poll period.
      expect(outcomesOf(due).map(([outcome]) => outcome)).not.toContain('failed');
    });

    test('a pause of the account, deferred for long, and a hold', async () => {
      const [group = ''] = await groups(1);

      await pause(`account:${account}`);
      const paused = (await poll(SSH, [group]))(group);
      lab().passTime(25 * HOUR);
      await poll(SSH, [group]);
      const message = await messageWith('lasting_deferral: ');
      await pause('none');
      await put(holdKey({ account, region, resource: '*', rule: SSH }), { until: '2099-12-31' });
      const held = (await poll(SSH, [group]))(group);
      await put(holdKey({ account, region, resource: '*', rule: SSH }), { until: '2020-01-01' });
      const lifted = (await poll(SSH, [group]))(group);

      expect(paused).toMatchObject({
        outcome: 'deferred',
        gate: 'pause',
        applied: [],
        reason: `enforcement of ${SSH} is paused in ${region} for account ${account} until an operator ends the pause: cspm-remediation resume --account ${account} --region ${region}`,
      });
      expect(message).toMatch(
        new RegExp(
          `deferred for more than 1 day: ${group}\\. The oldest, ${group}, since .*Z: enforcement of`,
        ),
      );
      expect(held).toMatchObject({
        outcome: 'deferred',
        gate: 'hold',
        reason: `account ${account} in ${region} is held for ${SSH} by Ada until 2099-12-31: looked into it; to release it earlier: cspm-remediation release --account ${account} --region ${region} --rule ${SSH}`,
      });
      expect(lifted).toMatchObject({ outcome: 'remediated' });
    });

    test('settings that nobody understands are one message, and no alarm', async () => {
      const [first = '', second = ''] = await groups(2);

      await pause('everything');
      const of = await poll(SSH, [first]);
      await poll(SSH, [second]);
      await pause('none');

      expect(of(first)).toMatchObject({ outcome: 'failed', gate: 'settings' });
      const message = await messageWith('settings_invalid: ');
      expect(message).toContain('of which \\"everything\\" is unknown: expected none');
      expect(message).toContain('Apply Terraform again, or correct the pause parameter.');
      await allIsTold();
      expect(told.filter((each) => each.includes('settings_invalid'))).toHaveLength(1);
    });

    test.each([
      {
        cause: 'Netskope can not be reached',
        raised: ['polls-failed', 'collector-errors', 'polls-failing', 'polls-dead-letters', 'polls-overdue'],
        message: 'polls-dead-letters',
      },
      {
        cause: 'schedules are gone',
        raised: ['polls-overdue', 'checks-missing'],
        message: 'rules-not-polled',
      },
      {
        cause: 'AWS is not there for a while',
        raised: ['unexpected-errors', 'remediator-errors', 'jobs-dead-letters', 'oldest-job'],
        message: 'jobs-dead-letters',
      },
      {
        cause: 'the remediator is not started',
        raised: ['remediator-throttled', 'oldest-job'],
        message: 'remediator-throttled',
      },
      { cause: 'more comes in than is worked off', raised: ['oldest-job'], message: 'jobs-waiting' },
      { cause: 'the breaker is open', raised: ['breaker-open'], message: undefined },
    ])('alarms of one cause are one message: $cause', async ({ raised, message }) => {
      // The local AWS makes no metrics of what functions log: it knows of no look.
      await setAlarms('OK', [...raised, 'checks-missing']);
      await allIsTold();
      const before = told.length;

      await setAlarms('ALARM', raised);
      await allIsTold();
      const now = told.slice(before, -1);
      await setAlarms('OK', raised.toReversed());
      await allIsTold();

      expect(now.map((each) => /^"ALARM: (\S+) in/.exec(each)?.[1])).toEqual(
        message === undefined ? [] : [`${NAME}-${message}`],
      );
    });
  });
}

function headersOf(request: unknown): object {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return {};
  return typeof request.headers === 'object' && request.headers !== null ? request.headers : {};
}

/** Gives another account the target role of one that has it, as its Terraform would. */
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
