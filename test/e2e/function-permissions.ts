import {
  BatchGetItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test, vi } from 'vitest';
import type { RunningDemo } from '../../demo/demo.ts';
import { accounts, homeRegion, regions } from '../../demo/organization.ts';
import { ruleSettingsKey } from '../../lambdas/model/settings.ts';
import { itemOf } from '../integration/harness/violations.ts';
import { startAwsProxy } from '../lab/aws-proxy/index.ts';
import { unfinishedJobs } from '../lab/deployed/unfinished-jobs.ts';
import type { Poll } from '../lab/index.ts';
import { DeliveryJudge, lintPolicy, PermissionJudge, type Requirement } from '../lab/permissions/index.ts';
import type { LabRuleId } from '../lab/rules/index.ts';
import { labelOfRegion } from '../lab/tenant/index.ts';

const NAME = 'cspm-auto-remediation';
const { security } = accounts;

const roleOf = (name: string): string => `arn:aws:iam::${security}:role/${name}`;
const collector = roleOf(`${NAME}-collector`);
const remediator = roleOf(`${NAME}-remediator-${homeRegion}`);
const scheduler = roleOf(`${NAME}-scheduler`);
const alarms = roleOf(`${NAME}-alarms-${homeRegion}`);

const queue = (suffix: string): string => `arn:aws:sqs:${homeRegion}:${security}:${NAME}-${suffix}`;
const functionArn = `arn:aws:lambda:${homeRegion}:${security}:function:${NAME}-collector`;
const bus = `arn:aws:events:${homeRegion}:${security}:event-bus/${NAME}`;
const stream = (name: string): string =>
  `arn:aws:logs:${homeRegion}:${security}:log-group:/aws/lambda/${name}:log-stream:2026/01/01/[$LATEST]0`;

const logs = (name: string): readonly (readonly [string, string])[] => [
  ['logs:CreateLogStream', stream(name)],
  ['logs:PutLogEvents', stream(name)],
];

/**
 * Actions of these roles by AWS's services, which the proxy does not see: Lambda's own logs, its pollers of queues and
 * destinations of failed events; EventBridge and its Scheduler.
 */
const byServices: readonly (readonly [role: string, readonly (readonly [string, string])[]])[] = [
  [collector, [...logs(`${NAME}-collector`), ['sqs:SendMessage', queue('polls-dead-letters')]]],
  [
    remediator,
    [
      ...logs(`${NAME}-remediator`),
      ...['jobs.fifo', 'jobs-delayed'].flatMap((suffix): (readonly [string, string])[] => [
        ['sqs:ReceiveMessage', queue(suffix)],
        ['sqs:DeleteMessage', queue(suffix)],
        ['sqs:GetQueueAttributes', queue(suffix)],
      ]),
    ],
  ],
  [
    scheduler,
    [
      ['lambda:InvokeFunction', functionArn],
      ['sqs:SendMessage', queue('polls-dead-letters')],
    ],
  ],
  [alarms, [['events:PutEvents', bus]]],
];

/** Tests that the deployed functions have the permissions that they need, and no others. Must run after the demo. */
export function testFunctionPermissions(demo: () => RunningDemo): void {
  describe("the functions' permissions", () => {
    test('no call was refused, and none was unknown', () => {
      const { judge } = demo().lab;

      expect(judge.verdicts.length).toBeGreaterThan(0);
      expect(judge.denials).toEqual([]);
      expect(judge.unknownCalls).toEqual([]);
    });

    describe('each function reaches only its own items of the findings table', () => {
      const table = `arn:aws:dynamodb:${homeRegion}:${security}:table/${NAME}-findings`;
      const [elsewhere = ''] = regions.filter((region) => region !== homeRegion);
      const itemsOf = (region: string, name = '1'): string[] => [
        `lease#${region}#${name.repeat(64)}`,
        `done#rule-${name}#${accounts.production}#${region}`,
        `finding#${accounts.production}#${region}#sg-${name}`,
        `result#${accounts.production}#${region}#AROAEXAMPLE:ada#${name}`,
        `undone#${region}`,
      ];
      // Independent of the region: each remediator writes them.
      const ofAccounts = [`account#${accounts.production}`];
      const ofCollector = [
        'poll#security-group-ssh-open',
        'poll#s3-bucket-public',
        `sent#security-group-ssh-open#${accounts.production}#${homeRegion}`,
      ];
      const own = [...itemsOf(homeRegion), ...ofAccounts];
      const ofElsewhere = itemsOf(elsewhere);
      const ofNoRegion = `finding#${accounts.production}#global#user`;
      const ofOperators = [
        'hold#111111111111#eu-central-1#sg-1',
        'hold#111111111111#*#*',
        'resume#security-group-ssh-open#111111111111',
        'retry#111111111111#eu-central-1#sg-1',
        'request#AROAEXAMPLE:ada#7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10',
        `pending#${accounts.production}#${homeRegion}`,
      ];
      // For one account or all, independent of the region: each remediator writes them.
      const counters = ['count#security-group-ssh-open#111111111111', 'count#security-group-ssh-open#all'];
      const ofGates = [
        ...counters,
        'trip#security-group-ssh-open#111111111111',
        'deferral#0123456789abcdef',
        'settings#0123456789abcdef',
      ];
      const others = [...ofElsewhere, ...ofOperators, ...ofCollector];
      // The collector reads which jobs are done, in every region.
      const done = [...own, ...ofElsewhere].filter((key) => key.startsWith('done#'));

      /** Evaluates whether a role may use items with these keys, or, without keys, whether it may send a request without any. */
      async function may(
        role: string,
        action: string,
        keys: readonly string[] | undefined,
      ): Promise<boolean> {
        const { aws } = demo().lab;
        const judge = new PermissionJudge({ upstream: () => aws.endpoint });
        const name = role.replace(/^.*:role\//, '');
        const arn = `arn:aws:sts::${security}:assumed-role/${name}/session`;
        const { allowed } = await judge.judge(
          { account: security, roleArn: role, sessionName: 'session', arn },
          {
            action: `dynamodb:${action}`,
            resource: table,
            account: security,
            conditions: keys === undefined ? {} : { 'dynamodb:LeadingKeys': keys },
          },
        );
        return allowed;
      }

      test.each(['PutItem', 'BatchGetItem'])('the remediator by %s', async (action) => {
        const remediatorElsewhere = roleOf(`${NAME}-remediator-${elsewhere}`);
        // It also reads which jobs the collector sent to its region.
        const sent = ofCollector.filter((key) => key.startsWith('sent#'));
        const onlyRead = action === 'BatchGetItem' ? [...ofOperators, ...sent] : [];
        const foreign = others.filter((key) => !onlyRead.includes(key));
        const allowed = await Promise.all([
          ...[own, [ofNoRegion], [...own, ...onlyRead], ofGates].map((keys) => may(remediator, action, keys)),
          ...[ofElsewhere, ofAccounts, ofGates].map((keys) => may(remediatorElsewhere, action, keys)),
        ]);
        const refused = await Promise.all([
          ...foreign.map((key) => may(remediator, action, [key])),
          // A foreign key among its own, as in a transaction or a batch; and no key at all.
          ...foreign.map((key) => may(remediator, action, [...own, key])),
          may(remediator, action, undefined),
          may(remediatorElsewhere, action, own),
          may(remediatorElsewhere, action, [ofNoRegion]),
        ]);

        expect(new Set(allowed)).toEqual(new Set([true]));
        expect(new Set(refused)).toEqual(new Set([false]));
      });

      test('the remediator by UpdateItem, only counters', async () => {
        const foreign = [...own, ...others, ...ofGates.filter((key) => !counters.includes(key))];
        const refused = await Promise.all([
          ...foreign.map((key) => may(remediator, 'UpdateItem', [key])),
          ...foreign.map((key) => may(remediator, 'UpdateItem', [...counters, key])),
          may(remediator, 'UpdateItem', undefined),
        ]);

        expect(await may(remediator, 'UpdateItem', counters)).toBe(true);
        expect(new Set(refused)).toEqual(new Set([false]));
      });

      test.each([
        [
          'the remediator',
          remediator,
          own,
          itemsOf(homeRegion, '2').filter((key) => !own.includes(key)),
          others.filter((key) => !ofOperators.includes(key)),
        ],
        [
          'the collector',
          collector,
          ofCollector,
          ['poll#rule-2'],
          [...own, ...ofElsewhere].filter((key) => !done.includes(key)),
        ],
      ])(
        'a transaction or a batch of %s with one foreign key among its own is refused, and leaves nothing behind',
        async (_, role, ownKeys, untouched, foreign) => {
          const { aws } = demo().lab;
          await using proxy = await startAwsProxy({ upstream: () => aws.endpoint });
          const judge = new PermissionJudge({ upstream: () => aws.endpoint });
          // In the local AWS, only Lambda may assume the role.
          const name = role.replace(/^.*:role\//, '');
          const arn = `arn:aws:sts::${security}:assumed-role/${name}/session`;
          const principal = { account: security, roleArn: role, sessionName: 'session', arn };
          proxy.intercept((call) => judge.intercept({ ...call, principal }));
          const settings = demo().lab.settings(security, homeRegion);
          const root = new DynamoDBClient(settings);
          const dynamodb = new DynamoDBClient({ ...settings, endpoint: proxy.endpoint });
          const TableName = `${NAME}-findings`;
          const keyOf = (pk: string) => ({ pk: { S: pk }, sk: { S: `tried-${name}` } });
          const put = (pk: string) => ({
            Put: { TableName, Item: keyOf(pk), ConditionExpression: 'attribute_not_exists(pk)' },
          });
          const write = (...keys: readonly string[]) =>
            dynamodb.send(new TransactWriteItemsCommand({ TransactItems: keys.map(put) }));
          const get = (...keys: readonly string[]) =>
            new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys.map(keyOf) } } });
          const [first = ''] = ownKeys;
          const [other = ''] = foreign;
          await write(...ownKeys);

          const cancelled = await Promise.allSettled([write(...ownKeys)]);
          const refused = await Promise.allSettled([
            ...foreign.flatMap((key) => [
              // The foreign key first, last, and in a transaction that its condition would cancel.
              write(key, ...untouched),
              write(...untouched, key),
              write(first, key),
              // The remediator may read which jobs the collector sent to its region.
              ...(key.startsWith('sent#') ? [] : [dynamodb.send(get(first, key))]),
            ]),
            dynamodb.send(new PutItemCommand(put(other).Put)),
            dynamodb.send(new ScanCommand({ TableName })),
          ]);

          const because = (is: string) => ({ status: 'rejected', reason: { name: is } });
          expect(cancelled).toMatchObject([because('TransactionCanceledException')]);
          expect(refused).toMatchObject(refused.map(() => because('AccessDeniedException')));
          const { Responses } = await root.send(get(...ownKeys, ...untouched, ...foreign));
          expect(Responses?.[TableName]?.map(({ pk }) => pk?.S).sort()).toEqual([...ownKeys].sort());
        },
      );

      test.each([
        'UpdateItem',
        'DeleteItem',
        'GetItem',
        'Query',
        'Scan',
        'BatchWriteItem',
        'PartiQLDelete',
        'PartiQLInsert',
        'PartiQLSelect',
        'PartiQLUpdate',
        'DeleteTable',
      ])('no function by %s', async (action) => {
        const asked = [remediator, collector, scheduler, alarms].flatMap((role) => [
          may(role, action, own),
          may(role, action, ofCollector),
          may(role, action, undefined),
        ]);

        expect(new Set(await Promise.all(asked))).toEqual(new Set([false]));
      });

      test.each(['PutItem', 'BatchGetItem'])('the collector by %s', async (action) => {
        const onlyRead = action === 'BatchGetItem' ? done : [];
        const foreign = [...own, ...others].filter((key) => ![...ofCollector, ...onlyRead].includes(key));
        const refused = foreign.flatMap((key) => [
          may(collector, action, [key]),
          may(collector, action, [...ofCollector, key]),
        ]);

        expect(await may(collector, action, [...ofCollector, ...onlyRead])).toBe(true);
        expect(new Set(await Promise.all(refused))).toEqual(new Set([false]));
        expect(await may(collector, action, undefined)).toBe(false);
      });

      test('the scheduler and the forwarder of alarms reach none', async () => {
        const asked = [scheduler, alarms].flatMap((role) => [
          may(role, 'PutItem', own),
          may(role, 'BatchGetItem', own),
          may(role, 'PutItem', ofCollector),
          may(role, 'BatchGetItem', ofCollector),
        ]);

        expect(new Set(await Promise.all(asked))).toEqual(new Set([false]));
      });
    });

    test('the check for rules that are not polled may read and renew their marks', async () => {
      const { lab } = demo();

      const { FunctionError, Payload } = await new LambdaClient(lab.settings(security, homeRegion)).send(
        new InvokeCommand({
          FunctionName: `${NAME}-collector`,
          Payload: JSON.stringify({ check: 'polls' }),
        }),
      );

      expect(FunctionError).toBeUndefined();
      expect(JSON.parse(Buffer.from(Payload ?? []).toString())).toEqual({ overdue: [] });
      expect(lab.judge.denials).toEqual([]);
    });

    /** Makes the tenant return one finding in production, and polls its rule. */
    const pollWith = (rule: LabRuleId, region_name: string, resource_id: string): Promise<Poll> => {
      const { tenant, deployment } = demo().lab;
      tenant.setFindings([itemOf(rule, { account_id: accounts.production, region_name, resource_id })]);
      return deployment({ account: security, homeRegion }).poll(rule, new Date());
    };
    /** The calls that a role made, and that its policies allow. @param from the number of earlier verdicts to leave out */
    const allowedTo = (role: string, from = 0): string[] =>
      demo()
        .lab.judge.verdicts.slice(from)
        .flatMap((verdict) =>
          verdict.role === role && verdict.allowed ? `${verdict.action} ${verdict.resource}` : [],
        );

    test('an unreadable item is reported', async () => {
      const { summary } = await pollWith('security-group-ssh-open', 'Atlantis', 'sg-0123456789abcdef0');

      expect(summary.findings).toBe(0);
      expect(allowedTo(collector)).toContain(`events:PutEvents ${bus}`);
    });

    test('the collector may read the alarms that explain why jobs are never done', async () => {
      const { settings, now } = demo().lab;
      const rule = 'redshift-cluster-public';
      const place = { account: accounts.production, region: homeRegion };
      const since = new Date(now().getTime() - 13 * 3_600_000).toISOString();
      const Item = marshall(unfinishedJobs({ rule, ...place, since, now: now() }));
      const table = new DynamoDBClient(settings(security, homeRegion));
      await table.send(new PutItemCommand({ TableName: `${NAME}-findings`, Item }));

      const { summary } = await pollWith(rule, labelOfRegion(homeRegion), 'orders');

      expect(summary).toMatchObject({ skipped: 1, behind: [{ ...place, since, alarms: [] }] });
      expect(summary.behind[0]).not.toHaveProperty('notAsked');
      expect(allowedTo(collector)).toContainEqual(expect.stringMatching(/^cloudwatch:DescribeAlarms /));
      expect(demo().lab.judge.denials).toEqual([]);
    });

    test('the remediator may remove the mark of an execution that was not started after all', async () => {
      const { lab } = demo();
      const rule = 'security-group-rdp-open';
      const s3 = new S3Client(lab.settings(security, homeRegion));
      const object = {
        Bucket: `${NAME}-settings-${security}-${homeRegion}`,
        Key: ruleSettingsKey(rule),
        ContentType: 'application/json',
      };
      const { Body } = await s3.send(new GetObjectCommand(object));
      const before = (await Body?.transformToString()) ?? '';
      const byRunbook = JSON.stringify({ ...JSON.parse(before), method: 'runbook' });
      await s3.send(new PutObjectCommand({ ...object, Body: byRunbook }));
      await lab.settingsInForce();
      const group = await lab.violate(rule, { account: accounts.production, region: homeRegion });
      const refused = lab.inject({ service: 'ssm', operation: 'StartAutomationExecution', effect: 'denied' });

      const { outcomes } = await pollWith(rule, labelOfRegion(homeRegion), group);

      refused.remove();
      await s3.send(new PutObjectCommand({ ...object, Body: before }));
      await lab.settingsInForce();
      expect(outcomes).toMatchObject([
        { outcome: 'failed', reason: expect.stringContaining('AccessDenied') },
      ]);
      const mark = `in-progress/${rule}/${accounts.production}/${homeRegion}/${group}.json`;
      expect(allowedTo(remediator)).toContain(
        `s3:DeleteObject arn:aws:s3:::${NAME}-evidence-${security}-${homeRegion}/${mark}`,
      );
      expect(lab.judge.denials).toEqual([]);
    });

    test('a message that is not a job becomes a dead letter, and a job that fails returns to the queue', async () => {
      const { aws, judge, proxy } = demo().lab;
      const sqs = new SQSClient({
        endpoint: aws.endpoint,
        region: homeRegion,
        credentials: { accessKeyId: security, secretAccessKey: 'test' },
        useQueueUrlAsEndpoint: false,
      });
      const unavailable = proxy.inject({
        service: 'sts',
        operation: 'AssumeRole',
        account: security,
        effect: 'unavailable',
      });
      const poll = {
        source: 'netskope' as const,
        rule: 'security-group-ssh-open',
        // A job of a poll before the last complete one is superseded, even if it fails.
        asOf: new Date().toISOString(),
      };
      const place = { account: accounts.production, region: homeRegion };
      const finding = { rule: poll.rule, ...place, resource: 'sg-0123456789abcdef0' };
      // Another test's job may have come back, too.
      const earlier = judge.verdicts.length;
      for (const [group, body] of [
        ['none', 'no job'],
        [accounts.production, JSON.stringify({ version: 1, poll, ...place, chunk: 0, findings: [finding] })],
      ]) {
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: `${aws.endpoint}/${security}/${NAME}-jobs.fifo`,
            MessageBody: body,
            MessageGroupId: group,
            MessageDeduplicationId: group,
          }),
        );
      }

      await vi.waitFor(
        () => {
          const asked = allowedTo(remediator, earlier);
          expect(asked).toContain(`sqs:SendMessage ${queue('jobs-dead-letters.fifo')}`);
          expect(asked).toContain(`sqs:ChangeMessageVisibility ${queue('jobs.fifo')}`);
        },
        { timeout: 60_000, interval: 500 },
      );
      unavailable.remove();
      expect(judge.denials).toEqual([]);
    });

    test.each(byServices)(
      '%s may do what services do with it, and was granted nothing else',
      async (role, calls) => {
        const { judge } = demo().lab;
        for (const [action, resource] of calls) {
          const verdict = await judge.judge(
            {
              account: security,
              arn: `arn:aws:sts::${security}:assumed-role/${role.split('/').at(-1)}/service`,
              roleArn: role,
            },
            asked(action, resource),
          );
          expect(verdict).toMatchObject({ action, resource, allowed: true });
        }

        expect(await judge.unusedActions(role)).toEqual([]);
      },
    );

    test.each(regions)('topics and queues accept what EventBridge delivers in %s', async (region) => {
      const judge = new DeliveryJudge(demo().lab.aws.endpoint, security, region);

      const deliveries = await judge.deliveries();

      if (region === homeRegion) expect(deliveries).not.toEqual([]);
      expect(deliveries.filter(({ allowed }) => !allowed)).toEqual([]);
    });

    test('only its service may assume each role, for this account and for its purpose', async () => {
      const { judge } = demo().lab;
      const mayTakeOn = (role: string, service: string, account: string = security, source = '') =>
        judge.trustsService(role, service, { 'aws:SourceAccount': account, 'aws:SourceArn': source });
      const group = `arn:aws:scheduler:${homeRegion}:${security}:schedule-group/${NAME}`;
      const rule = `arn:aws:events:${homeRegion}:${security}:rule/${NAME}-forward-alarms`;

      for (const role of [collector, remediator]) {
        expect(await mayTakeOn(role, 'lambda.amazonaws.com')).toBe(true);
        expect(await mayTakeOn(role, 'ec2.amazonaws.com')).toBe(false);
      }
      for (const [role, service, source] of [
        [scheduler, 'scheduler.amazonaws.com', group],
        [alarms, 'events.amazonaws.com', rule],
      ] as const) {
        expect(await mayTakeOn(role, service, security, source)).toBe(true);
        expect(await mayTakeOn(role, service, accounts.production, source)).toBe(false);
        expect(await mayTakeOn(role, service, security, `${source}-other`)).toBe(false);
        expect(await mayTakeOn(role, 'lambda.amazonaws.com', security, source)).toBe(false);
      }
    });

    test.each([
      collector,
      scheduler,
      ...regions.flatMap((region) => [
        roleOf(`${NAME}-remediator-${region}`),
        roleOf(`${NAME}-alarms-${region}`),
      ]),
    ])('the policies of %s contain nothing that AWS does not know or would ignore', async (role) => {
      const policies = await demo().lab.judge.policiesOf(role);

      expect(policies?.identity.length).toBeGreaterThan(0);
      for (const { policy } of policies?.identity ?? []) expect(await lintPolicy(policy)).toEqual([]);
    });
  });
}

function asked(action: string, resource: string): Requirement {
  return {
    action,
    resource,
    account: security,
    conditions: { 'aws:RequestedRegion': homeRegion, 'aws:SecureTransport': 'true' },
  };
}
