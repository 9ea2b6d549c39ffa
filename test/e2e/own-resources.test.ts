import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { outcomeEventSchema } from '../../lambdas/model/outcome-event.ts';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import { DeliveryJudge } from '../lab/permissions/index.ts';
import { copyProject, localAwsEnvironment, prepareTerraform, TerraformRoot } from '../lab/terraform/index.ts';

const account = '444444444444';
const region = 'eu-west-1';
const place = { account, region };
const own = { bucket: 'acme-evidence', topic: 'acme-alarms', bus: 'acme-security' };
const settingsObject = {
  Bucket: `cspm-auto-remediation-settings-${account}-${region}`,
  Key: 'rules/security-group-ssh-open.json',
};
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-own-resources-${process.pid}`);
const stopped = new AbortController();
let lab: Lab;
let root: TerraformRoot;
let s3: S3Client;

/** A root as in docs/operations.md; the queues receive what arrives at the topic and on the bus. */
const ownResources = `
provider "aws" {}

locals {
  arn = "arn:aws:sns:${region}:${account}:${own.topic}"
}

resource "aws_s3_bucket" "evidence" {
  bucket = "${own.bucket}"
}

resource "aws_s3_bucket_versioning" "evidence" {
  bucket = aws_s3_bucket.evidence.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_cloudwatch_event_bus" "security" {
  name = "${own.bus}"
}

resource "aws_sns_topic" "alarms" {
  name = "${own.topic}"
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "sns:Publish", Resource = local.arn },
      {
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.arn
        Condition = { StringEquals = { "aws:SourceAccount" = "${account}" } }
      },
    ]
  })
}

resource "aws_lambda_layer_version" "agent" {
  layer_name = "agent"
  filename   = "layer.zip"
}

resource "aws_vpc" "this" {
  cidr_block = "10.20.0.0/16"
}

resource "aws_subnet" "private" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.20.1.0/24"
}

resource "aws_security_group" "functions" {
  name   = "functions"
  vpc_id = aws_vpc.this.id
}

resource "aws_sqs_queue" "seen" {
  for_each = toset(["topic", "bus"])

  name = "seen-by-\${each.key}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["sns.amazonaws.com", "events.amazonaws.com"] }
      Action    = "sqs:SendMessage"
      Resource  = "arn:aws:sqs:${region}:${account}:seen-by-\${each.key}"
    }]
  })
}

resource "aws_sns_topic_subscription" "seen" {
  topic_arn            = aws_sns_topic.alarms.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.seen["topic"].arn
  raw_message_delivery = true
}

resource "aws_cloudwatch_event_rule" "seen" {
  name           = "seen"
  event_bus_name = aws_cloudwatch_event_bus.security.name
  event_pattern  = jsonencode({ source = ["cspm-auto-remediation"], detail-type = ["Finding Outcome"] })
}

resource "aws_cloudwatch_event_target" "seen" {
  rule           = aws_cloudwatch_event_rule.seen.name
  event_bus_name = aws_cloudwatch_event_bus.security.name
  arn            = aws_sqs_queue.seen["bus"].arn
}
`;

const withModule = (token: string) => `${ownResources}
module "cspm_auto_remediation" {
  source          = "../"
  netskope_tenant = "acme"
  api_token       = "${token}"
  rules           = { security-group-ssh-open = { mode = "enforce" } }
  evidence        = { create_bucket = false, bucket = aws_s3_bucket.evidence.bucket, force_destroy = true }
  event_bus       = { create = false, name = aws_cloudwatch_event_bus.security.name }

  collector = {
    layers             = [aws_lambda_layer_version.agent.arn]
    environment        = { AGENT = "on" }
    subnet_ids         = [aws_subnet.private.id]
    security_group_ids = [aws_security_group.functions.id]
  }

  notifications = {
    create_topic = false
    topic_arn    = aws_sns_topic.alarms.arn
    each_finding = true
    outcomes     = ["deferred", "failed", "unprocessable"]
  }
}

output "arns" {
  value = module.cspm_auto_remediation.arns
}
`;

beforeAll(async () => {
  lab = await startLab({ installation: await prepareLocalAws(say), signal: stopped.signal });
  const terraform = await prepareTerraform(say);
  await copyProject(folder);
  await mkdir(path.join(folder, 'root'));
  await writeFile(path.join(folder, 'root/main.tf'), withModule(lab.tenant.token));
  await writeFile(path.join(folder, 'root/layer.zip'), zipSync({ 'agent.txt': strToU8('an agent') }));
  root = new TerraformRoot(terraform, path.join(folder, 'root'), {
    environment: { ...localAwsEnvironment(lab.aws.endpoint, account), AWS_REGION: region },
    logFile: `${folder}-terraform.log`,
    say,
    signal: stopped.signal,
  });
  s3 = new S3Client({ ...lab.settings(account, region), forcePathStyle: true });
  await root.init();
  await root.apply({});
});

afterAll(async () => {
  stopped.abort();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The next message of a queue that contains a text; the messages before it belong to other tests. */
async function nextMessage(queue: string, text: string): Promise<string> {
  const sqs = new SQSClient({ ...lab.settings(account, region), useQueueUrlAsEndpoint: false });
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: `${lab.aws.endpoint}/${account}/${queue}`,
        WaitTimeSeconds: 20,
        MaxNumberOfMessages: 10,
      }),
    );
    if (Messages.length === 0) throw new Error(`${queue}: expected a message with ${text}`);
    const found = Messages.find(({ Body = '' }) => Body.includes(text));
    if (found?.Body !== undefined) return found.Body;
  }
}

/** The objects with outcomes in the evidence bucket. */
async function evidenceKeys(): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: own.bucket, Prefix: 'outcomes/' }),
  );
  return Contents.flatMap(({ Key = [] }) => Key);
}

test('a second plan has no changes, and no bucket for evidence is created', async () => {
  const { changes, text } = await root.plan({});
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));

  expect({ changes, text: changes ? text : '' }).toEqual({ changes: false, text: '' });
  expect(Buckets.map(({ Name }) => Name).sort()).toEqual([own.bucket, settingsObject.Bucket]);
  expect(await root.output()).toMatchObject({
    arns: {
      buckets: { evidence: `arn:aws:s3:::${own.bucket}` },
      buses: { outcomes: `arn:aws:events:${region}:${account}:event-bus/${own.bus}` },
      topics: { notifications: `arn:aws:sns:${region}:${account}:${own.topic}` },
    },
  });
});

test('the function has the layer, the variable and the subnet', async () => {
  const {
    Layers = [],
    Environment,
    VpcConfig,
  } = await new LambdaClient(lab.settings(account, region)).send(
    new GetFunctionConfigurationCommand({ FunctionName: 'cspm-auto-remediation-collector' }),
  );

  expect(Layers.map(({ Arn }) => Arn)).toEqual([`arn:aws:lambda:${region}:${account}:layer:agent:1`]);
  expect(Environment?.Variables).toMatchObject({ AGENT: 'on' });
  expect(VpcConfig?.SubnetIds).toEqual([expect.stringMatching(/^subnet-/)]);
});

test('evidence, an event and a notification arrive in the existing resources', async () => {
  await new SSMClient(lab.settings(account, region)).send(
    new PutParameterCommand({ Name: '/cspm-auto-remediation/pause', Value: 'all', Overwrite: true }),
  );
  const group = await lab.violate('security-group-ssh-open', place);
  await lab.tenant.scan(
    {
      endpoint: lab.proxy.endpoint,
      accounts: [{ id: account, name: 'only' }],
      regions: [region],
      rules: ['CIS-1-2-0-4-1'],
    },
    // A poll requests findings from before the second in which it begins.
    new Date(Date.now() - 120_000),
  );

  const { outcomes } = await lab
    .deployment({ account, homeRegion: region, evidenceBucket: own.bucket })
    .poll('security-group-ssh-open', new Date());
  const event = z
    .object({ detail: outcomeEventSchema })
    .parse(JSON.parse(await nextMessage('seen-by-bus', group)));
  const message = await nextMessage('seen-by-topic', group);

  expect(outcomes).toMatchObject([{ outcome: 'deferred', finding: { resource: group } }]);
  expect(event.detail).toMatchObject({ outcome: 'deferred', finding: { resource: group } });
  expect(message).toContain('deferred: security-group-ssh-open');
  expect(message).toContain(`s3://${own.bucket}/outcomes/`);
  expect([lab.judge.denials, lab.judge.unknownCalls]).toEqual([[], []]);
});

test('the topic, with the policy of docs/operations.md, accepts what EventBridge delivers', async () => {
  const deliveries = await new DeliveryJudge(lab.aws.endpoint, account, region).deliveries();

  const toTopic = deliveries.filter(({ to }) => to.endsWith(`:${own.topic}`));
  expect(toTopic.length).toBeGreaterThan(0);
  expect(toTopic.filter(({ allowed }) => !allowed)).toEqual([]);
});

test('without a key, an apply corrects settings that someone else wrote', async () => {
  const read = async () => (await s3.send(new GetObjectCommand(settingsObject))).Body?.transformToString();
  const written = await read();
  await s3.send(
    new PutObjectCommand({ ...settingsObject, Body: '{"mode":"off"}', ContentType: 'application/json' }),
  );

  const tampered = await root.plan({});
  await root.apply({});
  const repaired = await root.plan({});

  expect(tampered.text).toContain('Plan: 0 to add, 1 to change, 0 to destroy.');
  expect(tampered.text).toContain('.aws_s3_object.rule["security-group-ssh-open"] will be updated in-place');
  expect(await read()).toBe(written);
  expect(repaired, repaired.text).toMatchObject({ changes: false });
});

test('the existing resources are still there without the module, with the evidence', async () => {
  const before = await evidenceKeys();
  await writeFile(path.join(folder, 'root/main.tf'), ownResources);
  const without = await root.plan({});
  await root.apply({});
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));

  const destroyed = [...without.text.matchAll(/^ {2}# (\S+) will be (\w+)/gm)];
  expect(
    destroyed.filter(([, address = '']) => !address.startsWith('module.cspm_auto_remediation.')),
  ).toEqual([]);
  expect(new Set(destroyed.map(([, , what]) => what))).toEqual(new Set(['destroyed']));
  expect(before).not.toEqual([]);
  expect(await evidenceKeys()).toEqual(before);
  expect(Buckets.map(({ Name }) => Name)).toEqual([own.bucket]);
  expect(await root.plan({})).toMatchObject({ changes: false });
});
