import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CloudTrailClient,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import { copyProject, localAwsEnvironment, prepareTerraform, TerraformRoot } from '../lab/terraform/index.ts';

const account = '444444444444';
const region = 'eu-west-1';
const bucket = `cspm-auto-remediation-settings-${account}-${region}`;
const key = 'rules/s3-bucket-public.json';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-tampered-settings-${process.pid}`);
const stopped = new AbortController();
let lab: Lab;
let root: TerraformRoot;
let s3: S3Client;

/** With a key, S3's ETags say nothing of an object's content. */
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
}

output "settings" {
  value = module.central.settings
}

output "tampered_settings" {
  value = module.central.tampered_settings
}
`;

beforeAll(async () => {
  lab = await startLab({ installation: await prepareLocalAws(say), signal: stopped.signal });
  const terraform = await prepareTerraform(say);
  await copyProject(folder);
  await mkdir(path.join(folder, 'root'));
  await writeFile(path.join(folder, 'root/main.tf'), configuration);
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

const outputSchema = z.object({
  settings: z.object({ rules: z.object({ 's3-bucket-public': z.string() }) }),
});

test('a plan names a settings object that someone else wrote, until it is as Terraform wrote it', async () => {
  const clean = await root.plan({});
  const object = { Bucket: bucket, Key: key, ContentType: 'application/json' };
  await s3.send(new PutObjectCommand({ ...object, Body: '{"mode":"enforce"}' }));

  const tampered = await root.plan({});
  // As docs/operations.md says; a replacement by Terraform would delete the versions, that of who did it among them.
  const { settings } = outputSchema.parse(await root.output());
  await s3.send(
    new PutObjectCommand({
      ...object,
      Body: settings.rules['s3-bucket-public'],
      ChecksumAlgorithm: 'SHA256',
    }),
  );
  const repaired = await root.plan({});

  expect(clean, clean.text).toMatchObject({ changes: false });
  expect(tampered.text).toMatch(/tampered_settings = \[\n\s+\+ "rules\/s3-bucket-public\.json",\n\s+\]/);
  expect(repaired, repaired.text).toMatchObject({ changes: false });
});

test('a trail logs who writes settings, and who but the functions writes the findings table', async () => {
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
