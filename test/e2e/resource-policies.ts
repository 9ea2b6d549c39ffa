import {
  DescribeEventBusCommand,
  EventBridgeClient,
  PutPermissionCommand,
  RemovePermissionCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetBucketPolicyCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { GetTopicAttributesCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Lab } from '../lab/index.ts';
import { DeliveryJudge } from '../lab/permissions/index.ts';

const NAME = 'cspm-auto-remediation';

/** A deployment in the local AWS. */
interface Place {
  readonly lab: () => Lab;
  readonly account: string;
  readonly region: string;
}

const policySchema = z.looseObject({ Statement: z.array(z.looseObject({ Sid: z.string().optional() })) });

/** A policy with one statement changed. */
function withStatement(policy: string, sid: string, change: object): string {
  const parsed = policySchema.parse(JSON.parse(policy));
  expect(parsed.Statement.map(({ Sid }) => Sid)).toContain(sid);
  const statements = parsed.Statement.map((one) => (one.Sid === sid ? { ...one, ...change } : one));
  return JSON.stringify({ ...parsed, Statement: statements });
}

/** A policy with one more statement that denies everyone. */
function withDenial(policy: string, Action: string, Resource: string): string {
  const parsed = policySchema.parse(JSON.parse(policy));
  const denial = { Sid: 'Broken', Effect: 'Deny', Principal: '*', Action, Resource };
  return JSON.stringify({ ...parsed, Statement: [...parsed.Statement, denial] });
}

/**
 * Tests that the deployed resource policies allow what works here, and that each fault in them shows: the local AWS itself
 * does not enforce them. Must run after the functions have worked.
 */
export function testResourcePolicies({ lab, account, region }: Place): void {
  const settings = () => lab().settings(account, region);
  const undelivered = async (): Promise<string[]> => {
    const deliveries = await new DeliveryJudge(lab().aws.endpoint, account, region).deliveries();
    expect(deliveries).not.toEqual([]);
    return [...new Set(deliveries.flatMap(({ to, allowed }) => (allowed ? [] : to)))];
  };
  const remediatorMay = async (action: string, resource: string): Promise<boolean> => {
    const { judge } = lab();
    judge.forget();
    const { allowed } = await judge.judge(
      {
        account,
        arn: `arn:aws:sts::${account}:assumed-role/${NAME}-remediator-${region}/function`,
        roleArn: `arn:aws:iam::${account}:role/${NAME}-remediator-${region}`,
      },
      {
        action,
        resource,
        account,
        conditions: {
          'aws:RequestedRegion': region,
          'aws:SecureTransport': 'true',
          's3:ResourceAccount': account,
        },
      },
    );
    return allowed;
  };
  const topic = `arn:aws:sns:${region}:${account}:${NAME}-notifications`;
  const deadLetters = `arn:aws:sqs:${region}:${account}:${NAME}-notifications-dead-letters`;

  describe('resource policies', () => {
    test('allow what the functions did, and what EventBridge delivers', async () => {
      const { judge } = lab();

      expect(judge.verdicts.length).toBeGreaterThan(0);
      expect([judge.denials, judge.unknownCalls]).toEqual([[], []]);
      expect(await undelivered()).toEqual([]);
    });

    test.each([
      { what: 'a condition in its policy', attribute: 'Policy' },
      { what: 'a key that EventBridge may use on a condition', attribute: 'KmsMasterKeyId' },
    ] as const)('EventBridge does not deliver to a topic with $what', async ({ attribute }) => {
      const sns = new SNSClient(settings());
      const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn: topic }));
      const set = (AttributeValue: string) =>
        sns.send(
          new SetTopicAttributesCommand({ TopicArn: topic, AttributeName: attribute, AttributeValue }),
        );
      const condition = { Condition: { StringEquals: { 'aws:SourceAccount': account } } };
      await set(
        attribute === 'Policy'
          ? withStatement(Attributes['Policy'] ?? '', 'EventBridge', condition)
          : await keyWith(settings(), condition),
      );

      const refused = await undelivered();

      await set(Attributes[attribute] ?? '');
      expect(refused).toEqual([topic]);
      expect(await undelivered()).toEqual([]);
    });

    test('EventBridge does not deliver to a dead-letter queue that allows another rule', async () => {
      const sqs = new SQSClient({ ...settings(), useQueueUrlAsEndpoint: false });
      const QueueUrl = `${lab().aws.endpoint}/${account}/${NAME}-notifications-dead-letters`;
      const { Attributes: { Policy = '' } = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }),
      );
      const set = (policy: string) =>
        sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: policy } }));
      const other = { ArnEquals: { 'aws:SourceArn': `arn:aws:events:${region}:${account}:rule/another` } };
      await set(withStatement(Policy, 'OnlyItsOwnRules', { Condition: other }));

      const refused = await undelivered();

      await set(Policy);
      expect(refused).toEqual([deadLetters]);
    });

    test('the remediator cannot write to an evidence bucket that denies it', async () => {
      const s3 = new S3Client(settings());
      const Bucket = `${NAME}-evidence-${account}-${region}`;
      const object = `arn:aws:s3:::${Bucket}/jobs/some.json`;
      const { Policy = '' } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
      const before = await remediatorMay('s3:PutObject', object);
      await s3.send(
        new PutBucketPolicyCommand({
          Bucket,
          Policy: withDenial(Policy, 's3:PutObject', `arn:aws:s3:::${Bucket}/jobs/*`),
        }),
      );

      const broken = await remediatorMay('s3:PutObject', object);

      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      expect([before, broken]).toEqual([true, false]);
    });

    test('an event bus that denies events accepts none', async () => {
      const events = new EventBridgeClient(settings());
      const { Arn = '', Policy } = await events.send(new DescribeEventBusCommand({ Name: NAME }));
      const before = await remediatorMay('events:PutEvents', Arn);
      const policy = withDenial('{"Version":"2012-10-17","Statement":[]}', 'events:PutEvents', Arn);
      await events.send(new PutPermissionCommand({ EventBusName: NAME, Policy: policy }));

      const broken = await remediatorMay('events:PutEvents', Arn);

      await events.send(new RemovePermissionCommand({ EventBusName: NAME, RemoveAllPermissions: true }));
      expect(Policy).toBeUndefined();
      expect([before, broken]).toEqual([true, false]);
    });
  });
}

async function keyWith(settings: ReturnType<Lab['settings']>, condition: object): Promise<string> {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        Resource: '*',
        ...condition,
      },
    ],
  });
  const { KeyMetadata } = await new KMSClient(settings).send(new CreateKeyCommand({ Policy }));
  return KeyMetadata?.Arn ?? '';
}
