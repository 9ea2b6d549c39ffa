import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
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
import { z } from 'zod';
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
 * The modules before settings became objects and inputs were regrouped. A file, not a tag: see upgrade/README.md, which
 * describes its contents.
 */
const BEFORE = path.join(import.meta.dirname, 'upgrade/before-settings-objects.tar.gz');
const account = '444444444444';
const region = 'eu-west-1';
/** Accounts of the deployment with separate module blocks. */
const organization = { security: '666666666666', target: '777777777777', regions: [region, 'eu-central-1'] };
const evidenceBucketOf = (security: string) => `cspm-auto-remediation-evidence-${security}-${region}`;
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-upgrade-${process.pid}`);
const stopped = new AbortController();
let lab: Lab;
let terraform: TerraformInstallation;

beforeAll(async () => {
  lab = await startLab({ installation: await prepareLocalAws(say), signal: stopped.signal });
  terraform = await prepareTerraform(say);
  const dist = path.join(folder, 'before/dist');
  for (const made of [dist, ...['root', 'organization'].map((name) => path.join(folder, name))]) {
    await mkdir(made, { recursive: true });
  }
  await copyProject(path.join(folder, 'after'));
  await promisify(execFile)('tar', ['-xzf', BEFORE, '-C', path.join(folder, 'before')]);
  // Other code than the current one, so that the upgrade deploys new code, too.
  const code = zipSync({ 'index.mjs': strToU8('export const handler = async () => {};') });
  for (const name of ['collector', 'remediator']) await writeFile(path.join(dist, `${name}.zip`), code);
});

afterAll(async () => {
  stopped.abort();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** An initialized root in its folder, which keeps its state. */
async function rootWith(name: string, security: string, text: string): Promise<TerraformRoot> {
  const root = path.join(folder, name);
  await writeFile(path.join(root, 'main.tf'), text);
  const made = new TerraformRoot(terraform, root, {
    environment: { ...localAwsEnvironment(lab.aws.endpoint, security), AWS_REGION: region },
    logFile: `${folder}-${name}-terraform.log`,
    say,
    signal: stopped.signal,
  });
  await made.init();
  return made;
}

/** A root that uses the root module of one of the two. */
function singleAccount(source: 'before' | 'after', inputs: string): Promise<TerraformRoot> {
  return rootWith(
    'root',
    account,
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
}

/** A root with the three module blocks, for two regions and another account. */
function severalAccounts(source: 'before' | 'after', inputs: string): Promise<TerraformRoot> {
  const [, second = ''] = organization.regions;
  return rootWith(
    'organization',
    organization.security,
    `
provider "aws" {}

provider "aws" {
  alias  = "second"
  region = "${second}"
}

provider "aws" {
  alias      = "target"
  access_key = "${organization.target}"
  secret_key = "test"
}

module "central" {
  source          = "../${source}/modules/central"
  netskope_tenant = "acme"
  api_token       = "token"
  regions         = ${JSON.stringify(organization.regions)}
  iam             = { target_role_path = "/security/" }
  evidence        = { force_destroy = true }
  notifications   = { email_addresses = ["security@example.com"] }
${inputs}
}

module "home" {
  source = "../${source}/modules/per-region"
  link   = module.central.link
}

module "second" {
  source    = "../${source}/modules/per-region"
  providers = { aws = aws.second }
  link      = module.central.link
}

module "target" {
  source              = "../${source}/modules/target"
  providers           = { aws = aws.target }
  security_account_id = module.central.security_account_id
  rules               = ["security-group-ssh-open", "redshift-cluster-public"]
  iam                 = { path = "/security/" }
}
`,
  );
}

/** Collects what an upgrade must keep, as a client of each service sees it. */
async function dataKept(security: string): Promise<unknown> {
  const settings = lab.settings(security, region);
  const [evidence, secret, subscriptions, pause] = await Promise.all([
    new S3Client({ ...settings, forcePathStyle: true }).send(
      new GetObjectCommand({ Bucket: evidenceBucketOf(security), Key: 'outcomes/kept.json' }),
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

async function oldSettings(security: string, inRegion: string): Promise<readonly (string | undefined)[]> {
  const { Parameters = [] } = await new SSMClient(lab.settings(security, inRegion)).send(
    new GetParametersByPathCommand({ Path: '/cspm-auto-remediation/rules', Recursive: true }),
  );
  return Parameters.map(({ Name }) => Name);
}

/** Creates what a deployment has after some work: evidence, and an operator's pause. */
async function work(security: string, regions: readonly string[]): Promise<void> {
  await new S3Client({ ...lab.settings(security, region), forcePathStyle: true }).send(
    new PutObjectCommand({
      Bucket: evidenceBucketOf(security),
      Key: 'outcomes/kept.json',
      Body: '{"kept":true}',
    }),
  );
  for (const one of regions) {
    await new SSMClient(lab.settings(security, one)).send(
      new PutParameterCommand({ Name: '/cspm-auto-remediation/pause', Value: 'all', Overwrite: true }),
    );
  }
}

/** The addresses, without keys, of resources that a plan destroys, including those that it replaces. */
function destroyedBy(plan: string): string[] {
  return [...plan.matchAll(/^ {2}# (\S+).* (?:will be destroyed|must be replaced)/gm)].map(
    ([, address = '']) => address.replace(/\[.*/, ''),
  );
}

interface StateModule {
  readonly resources?: readonly { address: string; mode: string; values: { id?: unknown } }[] | undefined;
  readonly child_modules?: readonly StateModule[] | undefined;
}
const moduleSchema: z.ZodType<StateModule> = z.object({
  resources: z
    .array(
      z.object({ address: z.string(), mode: z.string(), values: z.object({ id: z.unknown().optional() }) }),
    )
    .optional(),
  child_modules: z.array(z.lazy(() => moduleSchema)).optional(),
});
const stateSchema = z.object({ values: z.object({ root_module: moduleSchema }) });

/** The id of each resource in a root's state, by its address. */
async function idsIn(root: TerraformRoot): Promise<ReadonlyMap<string, unknown>> {
  const ids = (module: StateModule): (readonly [string, unknown])[] => [
    ...(module.resources ?? []).flatMap(({ address, mode, values }) =>
      mode === 'managed' ? [[address, values.id] as const] : [],
    ),
    ...(module.child_modules ?? []).flatMap(ids),
  ];
  return new Map(ids(stateSchema.parse(JSON.parse(await root.show())).values.root_module));
}

/** Removed resources: settings in parameters, and an alarm per rule that is not polled, which a single alarm replaced. */
const GONE = /aws_ssm_parameter\.settings|aws_cloudwatch_metric_alarm\.poll_missing/;

/** Alarms that moved to their own module. */
function nowAt(address: string): string {
  return address.replace(/\.(aws_cloudwatch_metric_alarm\.this)/, '.module.alarms.$1');
}

/** Expects that each resource, except for removed ones, is the same as before. @returns those with a new address */
function expectKept(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): string[] {
  const moved: string[] = [];
  for (const [addressBefore, id] of before) {
    if (GONE.test(addressBefore)) continue;
    const address = nowAt(addressBefore);
    if (!after.has(address)) moved.push(address.replace(/.*module\.central\./, ''));
    expect({ address, id: after.get(address) ?? after.get(`${address}[0]`) }).toEqual({ address, id });
  }
  return moved.sort();
}

/** Resources that became optional and therefore have an index: Terraform moves them without a `moved` block. */
const movedByTerraform = [
  'aws_cloudwatch_event_bus.this',
  'aws_s3_bucket.evidence',
  'aws_s3_bucket_lifecycle_configuration.evidence',
  'aws_s3_bucket_ownership_controls.evidence',
  'aws_s3_bucket_policy.evidence',
  'aws_s3_bucket_public_access_block.evidence',
  'aws_s3_bucket_server_side_encryption_configuration.evidence',
  'aws_s3_bucket_versioning.evidence',
];

const rules = (schedule: string) => `
  rules = {
    security-group-ssh-open = { mode = "enforce", mode_by_account = { "111111111111" = "dry_run" }, ${schedule} = "rate(1 day)" }
    redshift-cluster-public = { method = "runbook", excluded_accounts = ["222222222222"] }
    CIS-1-2-0-2-9           = {}
  }
`;
const inputsBefore = `  api_token_version       = 2\n  api_token_recovery_days = 0\n${rules('schedule')}`;
const inputsAfter = `  adopt            = true\n  api_token_secret = { version = 2, recovery_days = 0 }\n${rules('schedule_expression')}`;

test('an apply upgrades a deployment with settings in parameters, and destroys little else', async () => {
  const before = await singleAccount('before', inputsBefore);
  await before.apply({});
  await work(account, [region]);
  const keptBefore = await dataKept(account);
  const idsBefore = await idsIn(before);
  const settingsBefore = await oldSettings(account, region);

  const after = await singleAccount('after', inputsAfter);
  const planned = await after.plan({});
  await after.apply({});
  const again = await after.plan({});

  expect(destroyedBy(planned.text).sort()).toEqual([
    ...Array(3).fill('module.cspm_auto_remediation.module.central.aws_cloudwatch_metric_alarm.poll_missing'),
    ...settingsBefore.map(() => 'module.cspm_auto_remediation.module.region.aws_ssm_parameter.settings'),
  ]);
  expect(settingsBefore.length).toBeGreaterThanOrEqual(3);
  expect(await oldSettings(account, region)).toEqual([]);
  expect(keptBefore).toMatchObject({ evidence: '{"kept":true}', pause: 'all', secret: { value: 'token' } });
  expect(await dataKept(account)).toEqual(keptBefore);
  expect(expectKept(idsBefore, await idsIn(after))).toEqual(movedByTerraform);
  expect(again, again.text).toMatchObject({ changes: false });
});

test('an apply upgrades separate module blocks, in two regions and another account', async () => {
  const { security, target, regions } = organization;
  const roleOfTarget = async () => {
    const { Role } = await new IAMClient(lab.settings(target, region)).send(
      new GetRoleCommand({ RoleName: 'cspm-auto-remediation-remediation' }),
    );
    return { id: Role?.RoleId, path: Role?.Path };
  };
  const before = await severalAccounts('before', inputsBefore);
  await before.apply({});
  await work(security, regions);
  const keptBefore = await dataKept(security);
  const idsBefore = await idsIn(before);
  const roleBefore = await roleOfTarget();
  const settingsBefore = (await Promise.all(regions.map((one) => oldSettings(security, one)))).flat();

  const after = await severalAccounts('after', inputsAfter);
  const planned = await after.plan({});
  await after.apply({});
  const again = await after.plan({});

  const destroyed = destroyedBy(planned.text);
  expect([...new Set(destroyed)].sort()).toEqual([
    'module.central.aws_cloudwatch_metric_alarm.poll_missing',
    'module.home.aws_ssm_parameter.settings',
    'module.second.aws_ssm_parameter.settings',
  ]);
  expect(destroyed).toHaveLength(settingsBefore.length + 3);
  expect(expectKept(idsBefore, await idsIn(after))).toEqual(movedByTerraform);
  expect(roleBefore.path).toBe('/security/');
  expect(await roleOfTarget()).toEqual(roleBefore);
  expect(await dataKept(security)).toEqual(keptBefore);
  const pauses = await Promise.all(
    regions.map((one) =>
      new SSMClient(lab.settings(security, one)).send(
        new GetParameterCommand({ Name: '/cspm-auto-remediation/pause' }),
      ),
    ),
  );
  expect(pauses.map(({ Parameter }) => Parameter?.Value)).toEqual(['all', 'all']);
  expect(again, again.text).toMatchObject({ changes: false });
});
