import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListSubscriptionsCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  GetParameterCommand,
  GetParametersByPathCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  type TerraformInstallation,
  TerraformRoot,
} from '../lab/terraform/index.ts';

/**
 * The root module and the modules that it uses, of the last commit before settings became objects. In a file, because a
 * shallow clone or a release's archive has no history. Made by `git archive f03da6c` of their `*.tf` files and of
 * `modules/catalog.json`.
 */
const BEFORE = path.join(import.meta.dirname, 'upgrade/before.tar.gz');
const account = '444444444444';
const region = 'eu-west-1';
const evidenceBucket = `cspm-auto-remediation-evidence-${account}-${region}`;
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-upgrade-${process.pid}`);
const root = path.join(folder, 'root');
const stopped = new AbortController();
let lab: Lab;
let terraform: TerraformInstallation;

beforeAll(async () => {
  lab = await startLab({ installation: await prepareLocalAws(say), signal: stopped.signal });
  terraform = await prepareTerraform(say);
  const dist = path.join(folder, 'before/dist');
  await Promise.all([mkdir(dist, { recursive: true }), mkdir(root, { recursive: true })]);
  await copyProject(path.join(folder, 'after'));
  await promisify(execFile)('tar', ['-xzf', BEFORE, '-C', path.join(folder, 'before')]);
  // Other code than today's, so that the upgrade brings new code, too.
  const code = zipSync({ 'index.mjs': strToU8('export const handler = async () => {};') });
  for (const name of ['collector', 'remediator']) await writeFile(path.join(dist, `${name}.zip`), code);
});

afterAll(async () => {
  stopped.abort();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A root that uses the module of one of the two; the state stays. */
async function rootWith(source: 'before' | 'after', inputs: string): Promise<TerraformRoot> {
  await writeFile(
    path.join(root, 'main.tf'),
    `
provider "aws" {}

module "cspm_auto_remediation" {
  source          = "../${source}"
  netskope_tenant = "acme"
  api_token       = "token"
  evidence        = { force_destroy = true }
  notifications   = { email_addresses = ["security@example.com"] }
${inputs}
}
`,
  );
  const made = new TerraformRoot(terraform, root, {
    environment: { ...localAwsEnvironment(lab.aws.endpoint, account), AWS_REGION: region },
    logFile: `${folder}-terraform.log`,
    say,
    signal: stopped.signal,
  });
  await made.init();
  return made;
}

/** What must outlive an upgrade, as a reader of each service sees it. */
async function dataKept(): Promise<unknown> {
  const settings = lab.settings(account, region);
  const [evidence, secret, subscriptions, pause] = await Promise.all([
    new S3Client({ ...settings, forcePathStyle: true }).send(
      new GetObjectCommand({ Bucket: evidenceBucket, Key: 'outcomes/kept.json' }),
    ),
    new SecretsManagerClient(settings).send(
      new GetSecretValueCommand({ SecretId: 'cspm-auto-remediation/netskope-api-token' }),
    ),
    new SNSClient(settings).send(new ListSubscriptionsCommand({})),
    new SSMClient(settings).send(new GetParameterCommand({ Name: '/cspm-auto-remediation/pause' })),
  ]);
  return {
    evidence: await evidence.Body?.transformToString(),
    secret: { arn: secret.ARN, version: secret.VersionId, value: secret.SecretString },
    subscriptions: subscriptions.Subscriptions,
    pause: pause.Parameter?.Value,
  };
}

async function oldSettings(): Promise<readonly (string | undefined)[]> {
  const { Parameters = [] } = await new SSMClient(lab.settings(account, region)).send(
    new GetParametersByPathCommand({ Path: '/cspm-auto-remediation/rules', Recursive: true }),
  );
  return Parameters.map(({ Name }) => Name);
}

test('an apply upgrades a deployment with settings in parameters, and destroys nothing else', async () => {
  const before = await rootWith(
    'before',
    `
  api_token_version       = 2
  api_token_recovery_days = 0
  rules = {
    security-group-ssh-open = { mode = "enforce", mode_by_account = { "111111111111" = "dry_run" }, schedule = "rate(1 day)" }
    redshift-cluster-public = { method = "runbook", excluded_accounts = ["222222222222"] }
    CIS-1-2-0-2-9           = {}
  }
`,
  );
  await before.apply({});
  const settings = lab.settings(account, region);
  await new S3Client({ ...settings, forcePathStyle: true }).send(
    new PutObjectCommand({ Bucket: evidenceBucket, Key: 'outcomes/kept.json', Body: '{"kept":true}' }),
  );
  await new SSMClient(settings).send(
    new PutParameterCommand({ Name: '/cspm-auto-remediation/pause', Value: 'all', Overwrite: true }),
  );
  const keptBefore = await dataKept();
  const settingsBefore = await oldSettings();

  const after = await rootWith(
    'after',
    `
  adopt            = true
  api_token_secret = { version = 2, recovery_days = 0 }
  rules = {
    security-group-ssh-open = { mode = "enforce", mode_by_account = { "111111111111" = "dry_run" }, schedule_expression = "rate(1 day)" }
    redshift-cluster-public = { method = "runbook", excluded_accounts = ["222222222222"] }
    CIS-1-2-0-2-9           = {}
  }
`,
  );
  const planned = await after.plan({});
  await after.apply({});
  const again = await after.plan({});

  const destroyed = [...planned.text.matchAll(/^ {2}# (\S+).* (?:will be destroyed|must be replaced)/gm)].map(
    ([, address]) => address,
  );
  expect(destroyed.map((address) => address?.replace(/\[.*/, ''))).toEqual(
    settingsBefore.map(() => 'module.cspm_auto_remediation.module.region.aws_ssm_parameter.settings'),
  );
  expect(settingsBefore.length).toBeGreaterThanOrEqual(3);
  expect(await oldSettings()).toEqual([]);
  expect(keptBefore).toMatchObject({ evidence: '{"kept":true}', pause: 'all', secret: { value: 'token' } });
  expect(await dataKept()).toEqual(keptBefore);
  expect(again, again.text).toMatchObject({ changes: false });
});
