import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CloudTrailClient,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  runTerraformScript,
  type TerraformInstallation,
  TerraformRoot,
} from '../lab/terraform/index.ts';
import { rootUser } from './run-command-line.ts';

const account = '444444444444';
const region = 'eu-west-1';
const bucket = `cspm-auto-remediation-settings-${account}-${region}`;
const key = 'rules/s3-bucket-public.json';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-tampered-settings-${process.pid}`);
const stopped = new AbortController();
let lab: Lab;
let terraform: TerraformInstallation;
/** Points Terraform and the AWS CLI to the local AWS. */
let environment: Readonly<Record<string, string>>;
let root: TerraformRoot;
let s3: S3Client;

const versionsSchema = z.object({ Versions: z.array(z.object({ LastModified: z.string() })) });

/** A root with a key: S3's ETags do not depend on an object's content then. */
const configuration = `
provider "aws" {}

resource "aws_kms_key" "this" {}

resource "aws_s3_bucket" "logs" {
  bucket = "logs-of-cloudtrail"
}

module "central" {
  source          = "../modules/central"
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { s3-bucket-public = { mode = "dry_run" }, rds-snapshot-public = {} }
  encryption      = { ${region} = { buckets = aws_kms_key.this.arn } }
  audit_trail     = { bucket = aws_s3_bucket.logs.bucket }

  evidence = {
    retention_days  = 2555
    noncurrent_days = 60
    transitions     = [{ days = 90, storage_class = "GLACIER_IR" }, { days = 30, storage_class = "STANDARD_IA" }]
    access_log      = { bucket = aws_s3_bucket.logs.bucket, prefix = "evidence/" }

    policy_statements = [{
      Sid       = "Auditors"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::222222222222:root" }
      Action    = ["s3:GetObject", "s3:ListBucket"]
    }]
  }
}

module "region" {
  source = "../modules/per-region"
  link   = module.central.link
}

output "settings" {
  value = module.central.settings
}

output "tampered_settings" {
  value = module.central.tampered_settings
}
`;

beforeAll(async () => {
  const installation = await prepareLocalAws(say);
  lab = await startLab({ installation, signal: stopped.signal });
  terraform = await prepareTerraform(say);
  await copyProject(folder);
  await mkdir(path.join(folder, 'root'));
  await writeFile(path.join(folder, 'root/main.tf'), configuration);
  // The local AWS includes the AWS CLI.
  const programs = installation.kind === 'installed' ? [path.dirname(installation.python)] : [];
  environment = {
    ...localAwsEnvironment(lab.aws.endpoint, account),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region, // For the AWS CLI.
    PATH: [path.dirname(terraform.binary), ...programs, process.env['PATH'] ?? ''].join(path.delimiter),
  };
  root = new TerraformRoot(terraform, path.join(folder, 'root'), {
    environment,
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

/** The commands of a section of docs/operations.md, in order, with this deployment's names. */
async function commandsOf(section: string): Promise<readonly string[]> {
  const text = await readFile(path.join(folder, 'docs/operations.md'), 'utf8');
  const [, body = ''] = text.split(`\n## ${section}\n`);
  const [own = ''] = body.split('\n## ');
  const commands = [...own.matchAll(/`((?:aws|cspm-remediation) [^`]+)`|```sh\n([\s\S]*?)```/g)];
  return commands.map(([, inline, block = '']) =>
    (inline ?? block).replaceAll('<settings bucket>', bucket).replaceAll('<name>', 'cspm-auto-remediation'),
  );
}

async function run(command: string): Promise<string> {
  const directory = path.join(folder, 'root');
  const result = await runTerraformScript(terraform, command, { directory, environment });
  expect(result, `${command}\n${result.stderr}`).toMatchObject({ exitCode: 0 });
  return result.stdout;
}

test('a plan shows a settings object that someone else wrote, until the documented commands have corrected it', async () => {
  const clean = await root.plan({});
  const object = { Bucket: bucket, Key: key, ContentType: 'application/json' };
  await s3.send(new PutObjectCommand({ ...object, Body: '{"mode":"enforce"}' }));

  const tampered = await root.plan({});
  const [pause = '', versions = '', repair = '', ...others] = await commandsOf('Tampered settings');
  await rootUser(lab, { account, region }).succeed(pause);
  const found = versionsSchema.parse(JSON.parse(await run(versions)));
  await run(repair);
  const repaired = await root.plan({});

  expect(clean, clean.text).toMatchObject({ changes: false });
  expect(tampered.text).toMatch(/tampered_settings = \[\n\s+\+ "rules\/s3-bucket-public\.json",\n\s+\]/);
  expect(others).toEqual([]);
  expect(found.Versions).toHaveLength(2);
  expect(repaired, repaired.text).toMatchObject({ changes: false });
  const paused = await new SSMClient(lab.settings(account, region)).send(
    new GetParameterCommand({ Name: '/cspm-auto-remediation/pause' }),
  );
  expect(paused.Parameter?.Value).toBe('all');
});

test('the evidence bucket has the configured lifecycle, access log and statements', async () => {
  const evidence = { Bucket: `cspm-auto-remediation-evidence-${account}-${region}` };
  const [lifecycle, logging, policy] = await Promise.all([
    s3.send(new GetBucketLifecycleConfigurationCommand(evidence)),
    s3.send(new GetBucketLoggingCommand(evidence)),
    s3.send(new GetBucketPolicyCommand(evidence)),
  ]);

  expect(lifecycle.Rules?.find(({ ID }) => ID === 'retention')).toMatchObject({
    Expiration: { Days: 2555 },
    NoncurrentVersionExpiration: { NoncurrentDays: 60 },
    Transitions: expect.arrayContaining([
      { Days: 30, StorageClass: 'STANDARD_IA' },
      { Days: 90, StorageClass: 'GLACIER_IR' },
    ]),
  });
  expect(logging.LoggingEnabled).toMatchObject({
    TargetBucket: 'logs-of-cloudtrail',
    TargetPrefix: 'evidence/',
  });
  expect(JSON.parse(policy.Policy ?? '')).toMatchObject({
    Statement: expect.arrayContaining([
      expect.objectContaining({
        Sid: 'Auditors',
        Resource: expect.arrayContaining([`arn:aws:s3:::${evidence.Bucket}/*`]),
      }),
    ]),
  });
});

test('a trail logs who writes settings, and who other than the functions writes the findings table', async () => {
  const trails = new CloudTrailClient(lab.settings(account, region));
  const trail = 'cspm-auto-remediation-audit';

  const { AdvancedEventSelectors = [] } = await trails.send(
    new GetEventSelectorsCommand({ TrailName: trail }),
  );
  const { IsLogging } = await trails.send(new GetTrailStatusCommand({ Name: trail }));

  const values = AdvancedEventSelectors.map(({ FieldSelectors = [] }) =>
    FieldSelectors.flatMap(({ Field, Equals, StartsWith, NotStartsWith }) =>
      Field === 'resources.ARN' || Field === 'userIdentity.arn'
        ? (Equals ?? StartsWith ?? NotStartsWith ?? [])
        : [],
    ).sort(),
  );
  expect(IsLogging).toBe(true);
  expect(values).toEqual([
    [`arn:aws:s3:::${bucket}/`],
    [
      `arn:aws:dynamodb:${region}:${account}:table/cspm-auto-remediation-findings`,
      `arn:aws:sts::${account}:assumed-role/cspm-auto-remediation-collector/`,
      `arn:aws:sts::${account}:assumed-role/cspm-auto-remediation-remediator-`,
    ],
  ]);
});
