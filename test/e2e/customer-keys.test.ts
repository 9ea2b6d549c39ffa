import { GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { GetObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../lab/index.ts';
import { DeliveryJudge, KeyJudge, parsePolicy } from '../lab/permissions/index.ts';
import type { TerraformRoot } from '../lab/terraform/index.ts';
import { type LabExample, startExample } from './deployed-example.ts';

const NAME = 'cspm-auto-remediation';
const account = '555555555555';
const region = 'eu-west-1';
const variables = { netskope_tenant: 'acme', force_destroy: true };
let example: LabExample | undefined;
let lab: Lab;
let root: TerraformRoot;
let keyArn: string;
let keys: KeyJudge;

beforeAll(async () => {
  example = await startExample('customer-keys', { account, region });
  ({ lab, root } = example);
  await root.apply(variables);
  keyArn = String((await root.output())['key_arn']);
  keys = new KeyJudge(lab.aws.endpoint, account, region);
});

afterAll(async () => {
  await example?.stop();
});

const roleOf = (name: string): string => `arn:aws:iam::${account}:role/${NAME}-${name}`;
const queue = (name: string): string => `arn:aws:sqs:${region}:${account}:${NAME}-${name}`;
const topic = `arn:aws:sns:${region}:${account}:${NAME}-notifications`;
const logGroup = (name: string): string =>
  `arn:aws:logs:${region}:${account}:log-group:/aws/lambda/${NAME}-${name}`;
const undelivered = async (): Promise<string[]> => {
  const deliveries = await new DeliveryJudge(lab.aws.endpoint, account, region).deliveries();
  expect(deliveries).not.toEqual([]);
  return [...new Set(deliveries.flatMap(({ to, allowed }) => (allowed ? [] : to)))].sort();
};

/** Uses of the keys by services in the roles, which the proxy does not see: Lambda's pollers of queues, dead letters. */
const byServices = [
  { role: roleOf(`remediator-${region}`), action: 'sqs:ReceiveMessage', resource: queue('jobs.fifo') },
  { role: roleOf(`remediator-${region}`), action: 'sqs:ReceiveMessage', resource: queue('jobs-delayed') },
  { role: roleOf('collector'), action: 'sqs:SendMessage', resource: queue('polls-dead-letters') },
  { role: roleOf('scheduler'), action: 'sqs:SendMessage', resource: queue('polls-dead-letters') },
];

test('a second plan has no changes, and the bucket locks objects', async () => {
  const { changes, text } = await root.plan(variables);

  const { ObjectLockConfiguration: lock } = await new S3Client(lab.settings(account, region)).send(
    new GetObjectLockConfigurationCommand({ Bucket: `${NAME}-evidence-${account}-${region}` }),
  );
  expect({ changes, text: changes ? text : '' }).toEqual({ changes: false, text: '' });
  expect(lock?.Rule?.DefaultRetention).toMatchObject({ Mode: 'GOVERNANCE', Days: 30 });
});

test('the functions work, and the policies of their roles allow the use of every key that it takes', async () => {
  const place = { account, region };
  await lab.violate('security-group-ssh-open', place);
  // A poll requests findings from before the second in which it begins.
  await lab.tenant.scan(
    {
      endpoint: lab.proxy.endpoint,
      accounts: [{ id: account, name: 'only' }],
      regions: [region],
      rules: ['CIS-1-2-0-4-1'],
    },
    new Date(Date.now() - 120_000),
  );

  const { outcomes } = await lab
    .deployment({ account, homeRegion: region })
    .poll('security-group-ssh-open', new Date());

  expect(outcomes).toMatchObject([{ outcome: 'planned' }]);
  expect([lab.judge.denials, lab.judge.unknownCalls]).toEqual([[], []]);
  const uses = await keys.usesOf([...lab.judge.verdicts, ...byServices]);
  const kinds = new Set(uses.map(({ of }) => of.split(':')[2]));
  expect([...kinds].sort()).toEqual(['dynamodb', 's3', 'secretsmanager', 'sqs']);
  for (const use of uses) {
    const allowed = await keys.allows(use);
    const withoutTheirOwn = await keys.allows(use, { roles: true });
    const withoutTheStatement = await keys.allows(use, { statement: 'EnableIamPolicies' });
    expect({ use, allowed, withoutTheirOwn, withoutTheStatement }).toEqual({
      use,
      allowed: true,
      withoutTheirOwn: false,
      withoutTheStatement: false,
    });
  }
});

test.each([
  ...['collector', 'remediator'].map((name) => ({
    who: `logs.${region}.amazonaws.com`,
    of: logGroup(name),
    statement: 'CloudWatchLogs',
    actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
  })),
  {
    who: 'cloudwatch.amazonaws.com',
    of: topic,
    statement: 'CloudWatchAlarms',
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
  },
])(
  '$who may use the key of $of only because of the statement $statement',
  async ({ who, of, statement, actions }) => {
    for (const action of actions) {
      expect(await keys.allows({ who, action, of })).toBe(true);
      expect(await keys.allows({ who, action, of }, { statement })).toBe(false);
    }
  },
);

test('EventBridge delivers to the topic and the dead-letter queues, but not without its statement', async () => {
  const kms = new KMSClient(lab.settings(account, region));
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' }));
  const put = (policy: string) =>
    kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default', Policy: policy }));
  const policy = parsePolicy(Policy);
  const Statement = policy.Statement.filter(({ Sid }) => Sid !== 'EventBridge');
  const before = await undelivered();
  await put(JSON.stringify({ ...policy, Statement }));

  const refused = await undelivered();

  await put(Policy);
  expect(before).toEqual([]);
  expect(refused).toEqual([topic, queue('alarms-dead-letters'), queue('notifications-dead-letters')].sort());
});
