import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { DeliveryJudge } from '../../lab/permissions/index.ts';
import { freshAccount } from '../harness/product.ts';

const REGION = 'eu-central-1';
const endpoint = inject('localAwsEndpoint');

let account: string;
beforeEach(() => {
  account = freshAccount();
});

const settings = () => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: account, secretAccessKey: 'test' },
});
const ruleArn = () => `arn:aws:events:${REGION}:${account}:rule/notifications`;
const topicArn = () => `arn:aws:sns:${REGION}:${account}:notifications`;
const queueArn = () => `arn:aws:sqs:${REGION}:${account}:dead-letters`;

function policyOf(action: string, resource: string, condition?: object): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: action,
        Resource: resource,
        ...(condition !== undefined && { Condition: condition }),
      },
    ],
  });
}

/** A rule whose target is a topic, with a dead-letter queue. */
async function deploy(topicPolicy: string, queuePolicy: string, topicKey?: string): Promise<void> {
  await new SNSClient(settings()).send(
    new CreateTopicCommand({
      Name: 'notifications',
      Attributes: { Policy: topicPolicy, ...(topicKey !== undefined && { KmsMasterKeyId: topicKey }) },
    }),
  );
  await new SQSClient(settings()).send(
    new CreateQueueCommand({ QueueName: 'dead-letters', Attributes: { Policy: queuePolicy } }),
  );
  const events = new EventBridgeClient(settings());
  await events.send(
    new PutRuleCommand({ Name: 'notifications', EventPattern: '{"source":["cspm-auto-remediation"]}' }),
  );
  await events.send(
    new PutTargetsCommand({
      Rule: 'notifications',
      Targets: [{ Id: 'topic', Arn: topicArn(), DeadLetterConfig: { Arn: queueArn() } }],
    }),
  );
}

const judged = () => new DeliveryJudge(endpoint, account, REGION).deliveries();
const ofThisRule = () => ({ ArnEquals: { 'aws:SourceArn': ruleArn() } });

test('EventBridge delivers to a topic and a queue whose policies allow it', async () => {
  await deploy(policyOf('sns:Publish', topicArn()), policyOf('sqs:SendMessage', queueArn(), ofThisRule()));

  expect(await judged()).toEqual([
    { rule: ruleArn(), to: topicArn(), allowed: true },
    { rule: ruleArn(), to: queueArn(), allowed: true },
  ]);
});

test('EventBridge does not deliver to a topic that allows it on a condition', async () => {
  await deploy(
    policyOf('sns:Publish', topicArn(), ofThisRule()),
    policyOf('sqs:SendMessage', queueArn(), ofThisRule()),
  );

  expect(await judged()).toContainEqual({ rule: ruleArn(), to: topicArn(), allowed: false });
});

test('EventBridge does not deliver to a queue that allows another rule', async () => {
  const other = { ArnEquals: { 'aws:SourceArn': `${ruleArn()}-of-another` } };
  await deploy(policyOf('sns:Publish', topicArn()), policyOf('sqs:SendMessage', queueArn(), other));

  expect(await judged()).toContainEqual({ rule: ruleArn(), to: queueArn(), allowed: false });
});

describe('an encrypted topic', () => {
  const deployWithKey = async (keyPolicy: string | undefined): Promise<void> => {
    const key =
      keyPolicy === undefined
        ? 'alias/aws/sns'
        : ((await new KMSClient(settings()).send(new CreateKeyCommand({ Policy: keyPolicy }))).KeyMetadata
            ?.Arn ?? '');
    await deploy(policyOf('sns:Publish', topicArn()), policyOf('sqs:SendMessage', queueArn()), key);
  };
  const use = ['kms:Decrypt', 'kms:GenerateDataKey'];
  const keyPolicyOf = (condition?: object): string =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: use,
          Resource: '*',
          ...(condition !== undefined && { Condition: condition }),
        },
      ],
    });

  test.each([
    {
      what: 'receives deliveries if EventBridge may use its key',
      policy: () => keyPolicyOf(),
      allowed: true,
    },
    {
      what: 'receives none if EventBridge may use its key on a condition',
      policy: () => keyPolicyOf(ofThisRule()),
      allowed: false,
    },
    { what: "receives none with AWS's own key for SNS", policy: () => undefined, allowed: false },
  ])('$what', async ({ policy, allowed }) => {
    await deployWithKey(policy());

    expect(await judged()).toContainEqual({ rule: ruleArn(), to: topicArn(), allowed });
  });
});
