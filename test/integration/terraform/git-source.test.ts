import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workFolder } from '../../lab/local-aws/paths.ts';
import { copyProject, prepareTerraform, runTerraform } from '../../lab/terraform/index.ts';

const project = path.resolve(import.meta.dirname, '../../..');
let folder: string;
/** The project as in a clone: without files that git ignores. */
let repository: string;
let commit: string;

async function git(...gitArguments: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', gitArguments, {
    cwd: repository,
    // Independent of the settings of whoever runs this: no signatures, no hooks.
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
  return stdout.trim();
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(workFolder, 'git-source-'));
  repository = path.join(folder, 'repository');
  await copyProject(repository);
  await git('init', '--quiet');
  await git('add', '--all');
  await git(
    '-c',
    'user.name=Test',
    '-c',
    'user.email=test@example.com',
    'commit',
    '--quiet',
    '-m',
    'All of it',
  );
  commit = await git('rev-parse', 'HEAD');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('modules with a git address as source contain everything that they deploy, including functions', async () => {
  const source = (module = '') => `source = "git::file://${repository}${module}?ref=${commit}"`;
  const directory = path.join(folder, 'root');
  await mkdir(directory);
  await writeFile(
    path.join(directory, 'main.tf'),
    `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

module "one_account" {
  ${source()}
  name            = "one-account"
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { security-group-ssh-open = {} }
}

module "central" {
  ${source('//modules/central')}
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { security-group-ssh-open = {} }
}

module "region" {
  ${source('//modules/per-region')}
  link = module.central.link
}

module "target" {
  ${source('//modules/target')}
  security_account_id = "111111111111"
}

module "accounts" {
  ${source('//modules/target-stackset')}
  security_account_id  = "111111111111"
  organizational_units = { ou-ab12-workload = {} }
}
`,
  );
  await writeFile(
    path.join(directory, 'plan.tftest.hcl'),
    `
mock_provider "aws" {
  source          = "${repository}/test/lab/aws-mocks"
  override_during = plan
}

run "plan" {
  command = plan
}
`,
  );
  const terraform = await prepareTerraform(console.info);

  const initialized = await runTerraform(terraform, ['init', '-input=false', '-no-color'], { directory });
  const planned = await runTerraform(terraform, ['test', '-no-color'], { directory });

  expect(initialized).toMatchObject({ exitCode: 0 });
  expect(planned).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('1 passed, 0 failed'),
    stderr: '',
  });
  const zips = (await readdir(path.join(project, 'dist'))).filter((name) => name.endsWith('.zip'));
  expect(zips).toEqual(['collector.zip', 'remediator.zip']);
  for (const module of ['one_account', 'central', 'region']) {
    for (const zip of zips) {
      const cloned = await readFile(path.join(directory, '.terraform/modules', module, 'dist', zip));
      expect(cloned.equals(await readFile(path.join(project, 'dist', zip)))).toBe(true);
    }
  }
});
