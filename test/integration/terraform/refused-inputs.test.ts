import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workFolder } from '../../lab/local-aws/paths.ts';
import { copyProject, prepareTerraform, runTerraform } from '../../lab/terraform/index.ts';

/**
 * Inputs by the module that they are given to. The error of a plan may come from a nested module, which a test file cannot
 * name.
 */
const given = {
  root: `
variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { s3-bucket-public = "enforce", security-group-ssh-open = { mode = "enforced", maintenance_windw = {} } }
  schedule        = "hourly"
  lambda          = { log_levl = "DEBUG" }
  evidence        = { retention_days = [400] }
  iam             = null
}
`,
  // Mistakes that both central and target would find.
  'root-rules': `
variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { ssh-opened = {}, vpc-flow-logs-disabled = { options = { delivery_role_name = "acme-delivery" } } }
}
`,
  'root-iam': `
variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = {}
  iam             = { path = "functions", target_role_path = "targets" }
}
`,
  'per-region': `
variables {
  link = {
    name = "cspm", partition = "aws", security_account_id = "111111111111", home_region = "eu-central-1", regions = ["eu-central-1"],
    event_bus_arn = "arn:aws:events:eu-central-1:111111111111:event-bus/cspm", notifications = true, evidence_bucket = "evidence",
    findings_table = "findings", target_role_name = "role", automation_role_name = "role", external_id = "external", collector_role_id = "AROACOLLECTOR",
    settings_bucket = "settings", metrics_namespace = "Metrics", iam_path = "/", permissions_boundary_arn = null, tags = {},
    lambda = { architecture = "arm64", log_level = "INFO", log_retention_days = 90, tracing = false }
  }
  remediator = { subnets = ["subnet-1"] }
}
`,
  target: 'variables {\n  security_account_id = "111111111111"\n  iam = { role_path = "/security/" }\n}\n',
  'target-stackset': `
variables {
  security_account_id  = "111111111111"
  organizational_units = { ou-ab12-workload = { account = ["222222222222"] } }
}
`,
  // A key and a subnet that the same apply creates.
  unknown: '',
  // With rules.yaml as below.
  gitops: `
variables {
  account_id           = "111111111111"
  region               = "us-east-1"
  netskope_tenant      = "acme"
  api_token_secret_arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:token-abcdef"
}
`,
};
const sources: Readonly<Record<string, string>> = {
  unknown: './refused/unknown',
  gitops: './examples/gitops',
};
let folder: string;
/** Terraform's output, without frames and line breaks. */
let said: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(workFolder, 'refused-inputs-'));
  await copyProject(folder);
  await mkdir(path.join(folder, 'refused/unknown'), { recursive: true });
  await writeFile(
    path.join(folder, 'examples/gitops/rules.yaml'),
    'rds-snapshot-public:\n  mode: enforce\n  exemption: []\n',
  );
  for (const [name, variables] of Object.entries(given)) {
    const source = sources[name] ?? `./modules/${name}`;
    await writeFile(
      path.join(folder, `refused/${name}.tftest.hcl`),
      `
mock_provider "aws" {
  source          = "./test/lab/aws-mocks"
  override_during = plan
}
${variables}
run "plan" {
  command = plan
  ${name.startsWith('root') ? '' : `module {\n    source = "${source}"\n  }`}
}
`,
    );
  }
  await writeFile(
    path.join(folder, 'refused/unknown/main.tf'),
    `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "terraform_data" "made" {}

module "central" {
  source          = "../../modules/central"
  netskope_tenant = "acme"
  api_token       = "token"
  encryption      = { eu-central-1 = { all = terraform_data.made.id } }
  collector       = { subnet_ids = [terraform_data.made.id], security_group_idz = [terraform_data.made.id] }
  rules           = { s3-bucket-public = {} }
}
`,
  );
  const terraform = await prepareTerraform(console.info);
  const initialized = await runTerraform(terraform, ['init', '-backend=false', '-test-directory=refused'], {
    directory: folder,
  });
  expect(initialized).toMatchObject({ exitCode: 0 });
  const tested = await runTerraform(terraform, ['test', '-no-color', '-test-directory=refused'], {
    directory: folder,
  });
  said = `${tested.stdout}\n${tested.stderr}`.replace(/[│\s]+/g, ' ');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('the root reports misspelled names, values of a wrong type and all other mistakes in one error', () => {
  const message = /6 to correct: .*?(?= Error:|$)/.exec(said)?.[0];

  for (const mistake of [
    'rules["security-group-ssh-open"] has "maintenance_windw", which is unknown: expected maintenance_window or',
    'lambda has "log_levl", which is unknown: expected log_level or log_retention_days or',
    'rules["s3-bucket-public"] is "enforce", a string: expected an object',
    'schedule is "hourly", a string: expected an object',
    'evidence.retention_days is a list: expected a number',
    'rules["security-group-ssh-open"].mode is "enforced": expected off, dry_run, enforce',
  ]) {
    expect(message).toContain(mistake);
  }
});

test.each([
  ['per-region', 'remediator has "subnets", which is unknown: expected subnet_ids or'],
  [
    'target',
    'iam has "role_path", which is unknown: expected create_delivery_role, delivery_role_name, path,',
  ],
  ['target-stackset', '["ou-ab12-workload"] has "account", which is unknown: expected accounts or'],
])('%s refuses a misspelled name', (_, message) => {
  expect(said).toContain(message);
});

test('a misspelled name is reported by a plan although values beside it are unknown before an apply', () => {
  expect(said).toContain('collector has "security_group_idz", which is unknown: expected security_group_ids');
});

test.each([
  'rules["security-group-ssh-open"] has "maintenance_windw"',
  'evidence.retention_days is a list',
  'iam has "role_path"',
  'collector has "security_group_idz"',
  'rules["rds-snapshot-public"] has "exemption"',
  '"ssh-opened"',
  ' is "acme-delivery"',
  'iam.path is "functions"',
  'iam.target_role_path is "targets"',
])('%s is reported once, however the modules are wired', (message) => {
  expect(said.split(message)).toHaveLength(2);
});
