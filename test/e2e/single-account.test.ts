import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNTS_KEY, ruleSettingsKey } from '../../lambdas/model/settings.ts';
import {
  collectorEnvironment,
  jobQueueAttributes,
  jobQueues,
  queueName,
  remediatorEnvironment,
  settingsBucketName,
  tokenSecretName,
} from '../integration/harness/deployed-form.ts';
import { accountsJson, settingsJson } from '../integration/harness/product.ts';
import { AccountBuilder } from '../lab/accounts/account-builder.ts';
import { startAwsProxy } from '../lab/aws-proxy/index.ts';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  runTerraform,
  type SharedProvider,
  startSharedProvider,
  type TerraformInstallation,
  TerraformRoot,
} from '../lab/terraform/index.ts';
import { testCommandLine } from './command-line.ts';
import { testGates } from './gates.ts';
import { testResourcePolicies } from './resource-policies.ts';

const account = '444444444444';
const region = 'eu-west-1';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-single-account-${process.pid}`);
const stopped = new AbortController();
const variables = { netskope_tenant: 'acme' };
const central = 'module.cspm_auto_remediation.module.central';
const evidenceBucket = `cspm-auto-remediation-evidence-${account}-${region}`;
const rootFolder = path.join(folder, 'examples/single-account');
let lab: Lab;
let terraform: TerraformInstallation;
let provider: SharedProvider;
let environment: Readonly<Record<string, string>>;
let root: TerraformRoot;

beforeAll(async () => {
  const installation = await prepareLocalAws(say);
  lab = await startLab({ installation, signal: stopped.signal });
  terraform = await prepareTerraform(say);
  await copyProject(folder);
  const main = path.join(rootFolder, 'main.tf');
  const text = await readFile(main, 'utf8');
  await writeFile(main, text.replace(/^( +security-group-ssh-open = )\{\}.*$/m, '$1{ mode = "enforce" }'));
  environment = {
    ...localAwsEnvironment(lab.aws.endpoint, account),
    AWS_REGION: region,
    TF_VAR_api_token: lab.tenant.token,
  };
  provider = await startProvider('provider', environment);
  root = newRoot(environment, provider);
  await root.init();
  await root.apply(variables);
});

afterAll(async () => {
  stopped.abort();
  await provider?.[Symbol.asyncDispose]();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function startProvider(name: string, given: Readonly<Record<string, string>>): Promise<SharedProvider> {
  return startSharedProvider(terraform, path.join(folder, name), {
    environment: given,
    directory: rootFolder,
    signal: stopped.signal,
  });
}

function newRoot(given: Readonly<Record<string, string>>, shared: SharedProvider): TerraformRoot {
  return new TerraformRoot(terraform, rootFolder, {
    environment: given,
    provider: shared,
    logFile: `${folder}-terraform.log`,
    say,
    signal: stopped.signal,
  });
}

function clientSettings() {
  return lab.settings(account, region);
}

/** A session of a role with all permissions, like one that applies Terraform: bucket policies do not bind an account's root. */
async function administrator(): Promise<Record<string, string>> {
  const iam = new IAMClient(clientSettings());
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: 'administrator',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'administrator',
      PolicyName: 'everything',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
      }),
    }),
  );
  const { Credentials: { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = {} } =
    await new STSClient(clientSettings()).send(
      new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'terraform' }),
    );
  return {
    AWS_ACCESS_KEY_ID: AccessKeyId,
    AWS_SECRET_ACCESS_KEY: SecretAccessKey,
    AWS_SESSION_TOKEN: SessionToken,
  };
}

/** All versions of all evidence, and their protection. */
async function evidence() {
  const s3 = new S3Client(clientSettings());
  const Bucket = evidenceBucket;
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  const answers = [
    await s3.send(new GetPublicAccessBlockCommand({ Bucket })),
    await s3.send(new GetBucketOwnershipControlsCommand({ Bucket })),
    await s3.send(new GetBucketVersioningCommand({ Bucket })),
    await s3.send(new GetBucketEncryptionCommand({ Bucket })),
    await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket })),
    await s3.send(new GetBucketPolicyCommand({ Bucket })),
  ];
  return {
    versions: Versions.map(({ Key, VersionId }) => `${Key} ${VersionId}`),
    settings: answers.map(({ $metadata: _, ...settings }) => settings),
  };
}

describe('examples/single-account in a local AWS', () => {
  test('a second plan has no changes', async () => {
    expect(await root.plan(variables)).toMatchObject({ changes: false });
  });

  test('settings that someone else wrote are an in-place change in the next plan', async () => {
    const settings = { ...clientSettings(), forcePathStyle: true };
    const object = {
      Bucket: `cspm-auto-remediation-settings-${account}-${region}`,
      Key: ruleSettingsKey('s3-bucket-public'),
    };
    const s3 = new S3Client(settings);
    const written = await s3.send(new GetObjectCommand(object));
    const content = (await written.Body?.transformToString()) ?? '';
    const put = (Body: string) =>
      s3.send(new PutObjectCommand({ ...object, Body, ContentType: 'application/json' }));

    await put(content.replace('dry_run', 'enforce'));
    const { text } = await root.plan(variables);
    await put(content);

    expect(text).toContain(`# ${central}.aws_s3_object.rule["s3-bucket-public"] will be updated in-place`);
    expect(text).toMatch(/~ etag +=/);
    expect(text).toContain('Plan: 0 to add, 1 to change, 0 to destroy.');
  });

  test('functions, queues and settings have the form that integration tests use', async () => {
    const place = { name: 'cspm-auto-remediation', account, homeRegion: region };
    const lambda = new LambdaClient(clientSettings());
    const variablesOf = async (name: string) => {
      const FunctionName = `${place.name}-${name}`;
      const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
      return Environment?.Variables;
    };
    const sqs = new SQSClient({ ...clientSettings(), useQueueUrlAsEndpoint: false });
    const urls = await Promise.all(
      jobQueues.map((queue) => sqs.send(new GetQueueUrlCommand({ QueueName: queueName(place, queue) }))),
    );
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: urls[0]?.QueueUrl, AttributeNames: ['All'] }),
    );
    const secret = await new SecretsManagerClient(clientSettings()).send(
      new DescribeSecretCommand({ SecretId: tokenSecretName(place) }),
    );
    const rule = 's3-bucket-public';
    const settingsIn = async (Key: string) => {
      const Bucket = settingsBucketName(place);
      const { Body } = await new S3Client(clientSettings()).send(new GetObjectCommand({ Bucket, Key }));
      return Object.keys(JSON.parse((await Body?.transformToString()) ?? '')).sort();
    };

    expect(await variablesOf('collector')).toEqual({
      ...collectorEnvironment(place, {
        netskopeUrl: 'https://acme.goskope.com',
        secretArn: secret.ARN ?? '',
        regions: [region],
        regionLabels: {},
        schedules: {},
      }),
      POLL_SCHEDULES: expect.any(String),
      POWERTOOLS_LOG_LEVEL: 'INFO',
    });
    expect(await variablesOf('remediator')).toEqual({
      ...remediatorEnvironment(place, { maxReceiveCount: 5, retryDelaySeconds: 30 }),
      // Created by IAM.
      COLLECTOR_ROLE_ID: expect.stringMatching(/^AROA/),
      POWERTOOLS_LOG_LEVEL: 'INFO',
    });
    const { RedrivePolicy = '', ...attributes } = jobQueueAttributes(place, region, 5);
    expect(Attributes).toMatchObject(attributes);
    expect(JSON.parse(Attributes['RedrivePolicy'] ?? '')).toEqual(JSON.parse(RedrivePolicy));
    expect(await settingsIn(ruleSettingsKey(rule))).toEqual(
      Object.keys(JSON.parse(settingsJson(rule, {}))).sort(),
    );
    expect(await settingsIn(ACCOUNTS_KEY)).toEqual(Object.keys(JSON.parse(accountsJson({}))).sort());
  });

  test('schedules are created after the queues, settings and roles that polls need', async () => {
    const log = await readFile(`${folder}-terraform.log`, 'utf8');

    const lines = log.split('\n');
    const firstSchedule = lines.findIndex((line) => /aws_scheduler_schedule\.rule.*: Creating/.test(line));
    const made = lines.flatMap((line, at) =>
      /(module\.(region|target)\b|aws_s3_object).*: Creation complete/.test(line) &&
      /aws_(sqs_queue|ssm_parameter|s3_object|lambda_event_source_mapping|iam_role)\./.test(line)
        ? [at]
        : [],
    );
    expect(made.length).toBeGreaterThan(5);
    expect(firstSchedule).toBeGreaterThan(Math.max(...made));
  });

  test('a plan refuses another name, which would abandon the evidence', async () => {
    const file = path.join(rootFolder, 'main.tf');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('  netskope_tenant =', '  name = "other"\n  netskope_tenant ='));

    const { exitCode, stderr } = await runTerraform(
      terraform,
      ['plan', '-input=false', '-no-color', '-var=netskope_tenant=acme'],
      { directory: rootFolder, environment: { ...environment, ...provider.environment } },
    );

    await writeFile(file, text);
    expect(exitCode).toBe(1);
    expect(stderr.replaceAll(/\s+│?\s*/g, ' ')).toContain(
      `The evidence is in the bucket ${evidenceBucket}, and this plan would replace it with other-evidence-${account}-${region}`,
    );
  });

  test('a plan refuses another address without a moved block; with one, nothing changes', async () => {
    const files = ['main.tf', 'outputs.tf'].map((name) => path.join(rootFolder, name));
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    const moved = path.join(rootFolder, 'moved.tf');
    const move = 'moved {\n  from = module.cspm_auto_remediation\n  to   = module.elsewhere\n}\n';
    const write = (change: (text: string) => string): Promise<unknown> =>
      Promise.all(files.map((file, index) => writeFile(file, change(texts[index] ?? ''))));
    try {
      await write((text) => text.replaceAll('cspm_auto_remediation', 'elsewhere'));
      await root.init();

      const refused = root.plan(variables);

      await expect(refused).rejects.toThrow(
        /A deployment named "cspm-auto-remediation" already\s+exists\s+in\s+account\s+444444444444\s+and\s+region\s+eu-west-1/,
      );
      await writeFile(moved, move);
      const { text } = await root.plan(variables);
      expect(text).toContain('Plan: 0 to add, 0 to change, 0 to destroy.');
    } finally {
      await rm(moved, { force: true });
      await write((text) => text);
      await root.init();
    }
  });

  test('no state file contains the API token', async () => {
    const state = await root.show();

    expect(state).toContain('netskope-api-token');
    expect(state).not.toContain(lab.tenant.token);
  });

  test('the schedules start polls: a rule that is in force remediates, one in dry run plans', async () => {
    const { aws, proxy, tenant } = lab;
    const builder = new AccountBuilder(aws.endpoint, account);
    const vpc = await builder.vpc(region);
    const group = await builder.securityGroup(region, vpc, 'web', [
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
    ]);
    const bucket = await builder.bucketPublicByAcl(region, 'public-bucket-444444444444');
    await builder.bucketPublicByAcl(region, 'website-444444444444');
    // A poll by a schedule of the local AWS requests findings from before the beginning of the minute.
    await tenant.scan(
      {
        endpoint: proxy.endpoint,
        accounts: [{ id: account, name: 'only' }],
        regions: [region],
        rules: ['CIS-1-2-0-4-1', 'BPR-1-0-0'],
      },
      new Date(Date.now() - 120_000),
    );
    const deployment = lab.deployment({ account, homeRegion: region });

    const [groups, buckets] = await Promise.all([
      deployment.awaitScheduledPoll('security-group-ssh-open'),
      deployment.awaitScheduledPoll('s3-bucket-public'),
    ]);

    expect(groups.outcomes).toMatchObject([{ outcome: 'remediated', finding: { resource: group } }]);
    const byResource = Object.fromEntries(
      buckets.outcomes.map(({ finding, outcome }) => [finding.resource, outcome]),
    );
    expect(byResource).toEqual({ [bucket]: 'planned', 'website-444444444444': 'exempt' });
  });

  testResourcePolicies({ lab: () => lab, account, region });

  testCommandLine({ lab: () => lab, account, region });

  testGates({ lab: () => lab, root: () => root, rootFolder, variables, account, region });

  test('a destroy keeps the evidence with its protection, and names its bucket', async () => {
    // The local AWS does not enforce policies: the relevant one is evaluated before.
    await using judged = await startAwsProxy({ upstream: () => lab.aws.endpoint });
    judged.intercept(async (call) =>
      call.operation === 'DeleteBucketPolicy' ? await lab.judge.intercept(call) : undefined,
    );
    environment = { ...environment, ...(await administrator()) };
    const before = await evidence();

    const throughJudge = { ...environment, AWS_ENDPOINT_URL: judged.endpoint };
    await using shared = await startProvider('judged', throughJudge);

    const destroyed = newRoot(throughJudge, shared).destroy(variables);

    await expect(destroyed).rejects.toThrow(
      new RegExp(`s3:DeleteBucketPolicy on resource: arn:aws:s3:::${evidenceBucket} with an explicit deny`),
    );
    expect(before.versions.length).toBeGreaterThan(0);
    const after = await evidence();
    expect(after.settings).toEqual(before.settings);
    // The schedules may poll until they are deleted.
    expect(after.versions).toEqual(expect.arrayContaining(before.versions));
    const { stdout: left } = await runTerraform(terraform, ['state', 'list'], { directory: rootFolder });
    expect(left.split('\n').filter((address) => !/\bdata\./.test(address))).toEqual([
      `${central}.aws_dynamodb_table.findings`,
      `${central}.aws_s3_bucket.evidence[0]`,
      `${central}.aws_s3_bucket_lifecycle_configuration.evidence[0]`,
      `${central}.aws_s3_bucket_ownership_controls.evidence[0]`,
      `${central}.aws_s3_bucket_policy.evidence[0]`,
      `${central}.aws_s3_bucket_public_access_block.evidence[0]`,
      `${central}.aws_s3_bucket_server_side_encryption_configuration.evidence[0]`,
      `${central}.aws_s3_bucket_versioning.evidence[0]`,
      `${central}.terraform_data.evidence_bucket`,
    ]);
  });

  test('a destroy removes the evidence if configured', async () => {
    const asked = { ...variables, force_destroy: true };
    await using shared = await startProvider('administrator', environment);
    const targets = ['aws_s3_bucket_policy.evidence', 'aws_dynamodb_table.findings'];
    const { exitCode } = await runTerraform(
      terraform,
      [
        'apply',
        '-auto-approve',
        '-input=false',
        ...targets.map((address) => `-target=${central}.${address}`),
        '-var=netskope_tenant=acme',
        '-var=force_destroy=true',
      ],
      { directory: rootFolder, environment: { ...environment, ...shared.environment } },
    );

    await newRoot(environment, shared).destroy(asked);

    expect(exitCode).toBe(0);
    expect(await root.output()).toEqual({});
    await expect(evidence()).rejects.toThrow(/bucket does not exist/);
  });
});
