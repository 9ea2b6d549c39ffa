import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, test } from 'vitest';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  type TerraformInstallation,
  TerraformRoot,
  type TerraformRootOptions,
} from './index.ts';

const workFolder = path.resolve(import.meta.dirname, '../../../.work');

/** An account id that no other test uses. */
const newAccount = (): string => String(randomInt(100_000_000_000, 1_000_000_000_000));
const account = newAccount();
const otherAccount = newAccount();

/** A bucket (addressed by path), and a parameter in another account (by an assumed role), with two providers. */
const twoProviders = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "other"
  region = "us-east-1"

  assume_role {
    role_arn = "arn:aws:iam::${otherAccount}:role/any"
  }
}

data "aws_caller_identity" "other" {
  provider = aws.other
}

resource "aws_s3_bucket" "this" {
  bucket = "terraform-root-${account}"
}

resource "aws_ssm_parameter" "other" {
  provider = aws.other
  name     = "/text"
  type     = "String"
  value    = "text"
}

output "account" {
  value = data.aws_caller_identity.other.account_id
}

output "parameter" {
  value     = aws_ssm_parameter.other.arn
  sensitive = true
}
`;

/** A configuration with only Terraform's own resource, because most of a command's work is the start of a provider. */
const noProvider = `
variable "text" {
  type = string
}

variable "token" {
  type      = string
  ephemeral = true
  sensitive = true
}

resource "terraform_data" "this" {
  input = var.text

  lifecycle {
    precondition {
      condition     = var.text != "refused"
      error_message = "The text is refused."
    }
  }
}
`;

let terraform: TerraformInstallation;
let folder: string;

beforeAll(async () => {
  terraform = await prepareTerraform(console.log);
  await mkdir(workFolder, { recursive: true });
  folder = await mkdtemp(path.join(workFolder, 'terraform-root-test-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('a Terraform root is applied to the local AWS, planned, read and destroyed', async () => {
  const said: string[] = [];
  const directory = path.join(folder, 'two-providers');
  await mkdir(directory);
  await writeFile(path.join(directory, 'main.tf'), twoProviders);
  const root = new TerraformRoot(terraform, directory, {
    environment: localAwsEnvironment(inject('localAwsEndpoint'), account),
    logFile: path.join(directory, 'terraform.log'),
    say: (line) => said.push(line),
  });
  await root.init();

  await root.apply({});
  const again = await root.plan({});
  const output = await root.output();
  await root.destroy({});
  const gone = await root.output();

  expect(again.changes).toBe(false);
  expect(output).toEqual({
    account: otherAccount,
    parameter: `arn:aws:ssm:us-east-1:${otherAccount}:parameter/text`,
  });
  expect(gone).toEqual({});
  expect(said).toContainEqual(
    expect.stringMatching(/^terraform apply .*: 2 to add, 0 to change, 0 to destroy$/),
  );
  expect(said).toContainEqual(expect.stringMatching(/^terraform apply .*: 2 of 2 done$/));
});

describe('a Terraform root', () => {
  let directory: string;
  let logFile: string;
  let root: TerraformRoot;

  /** The root again, with its output in another file. */
  const withOptions = (options: Partial<TerraformRootOptions>) =>
    new TerraformRoot(terraform, directory, {
      environment: { TF_VAR_token: 'never-written' },
      logFile,
      ...options,
    });

  beforeAll(async () => {
    directory = path.join(folder, 'no-provider');
    logFile = path.join(directory, 'terraform.log');
    await mkdir(directory);
    await writeFile(path.join(directory, 'main.tf'), noProvider);
    root = withOptions({});
    await root.init();
    await root.apply({ text: 'first' });
  });

  it('reports what a plan would change', async () => {
    const different = await root.plan({ text: 'second' });

    expect(different.changes).toBe(true);
    expect(different.text).toContain('terraform_data.this will be updated in-place');
  });

  it("fails with Terraform's own errors, and keeps the other output in its log", async () => {
    const applying = root.apply({ text: 'refused' });

    await expect(applying).rejects.toThrow(/precondition failed: The text is refused\.[\s\S]*terraform\.log/);
    expect(await readFile(logFile, 'utf8')).toContain('The text is refused.');
  });

  it('writes no secrets', async () => {
    const texts = await Promise.all(
      (await readdir(directory, { withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(path.join(directory, entry.name), 'utf8')),
    );

    expect(texts.join('\n')).toContain('first');
    expect(texts.join('\n')).not.toContain('never-written');
  });

  it('stops when it receives a signal', async () => {
    const interruption = new AbortController();
    const stopping = withOptions({
      logFile: path.join(directory, 'stopped.log'),
      say: () => interruption.abort(new Error('enough')),
      signal: interruption.signal,
    });

    await expect(stopping.apply({ text: 'third' })).rejects.toThrow('enough');
    await expect(stopping.plan({ text: 'third' })).rejects.toThrow('enough');
  });
});

describe('a copy of the project', () => {
  it('has what Terraform needs, and nothing that was installed or generated', async () => {
    const copy = path.join(folder, 'copy');

    await copyProject(copy);

    const files = await readdir(copy, { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining(['main.tf', 'modules/catalog.json', 'examples/organization/main.tf']),
    );
    expect(
      files.filter((file) => /(^|\/)(node_modules|\.git|\.work|\.terraform)(\/|$)|tfstate/.test(file)),
    ).toEqual([]);
  });
});
