import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalAws, prepareLocalAws, startLocalAws } from '../local-aws/index.ts';
import { copyProject, localAwsEnvironment, prepareTerraform, TerraformRoot } from './index.ts';

const workFolder = path.resolve(import.meta.dirname, '../../../.work');
const account = '111111111111';
const otherAccount = '222222222222';

/** A bucket (addressed by path), and a parameter in another account (by an assumed role), through two providers. */
const configuration = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "text" {
  type = string
}

variable "token" {
  type      = string
  ephemeral = true
  sensitive = true
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
  bucket = "terraform-root-test"
}

resource "aws_ssm_parameter" "other" {
  provider = aws.other
  name     = "/text"
  type     = "String"
  value    = var.text

  lifecycle {
    precondition {
      condition     = var.text != "refused"
      error_message = "The text is refused."
    }
  }
}

output "account" {
  value = data.aws_caller_identity.other.account_id
}

output "parameter" {
  value     = aws_ssm_parameter.other.arn
  sensitive = true
}
`;

let aws: LocalAws;
let folder: string;
let root: TerraformRoot;
const said: string[] = [];

beforeAll(async () => {
  aws = await startLocalAws({ installation: await prepareLocalAws(console.log) });
  await mkdir(workFolder, { recursive: true });
  folder = await mkdtemp(path.join(workFolder, 'terraform-root-test-'));
  await writeFile(path.join(folder, 'main.tf'), configuration);
  root = new TerraformRoot(await prepareTerraform(console.log), folder, {
    environment: { ...localAwsEnvironment(aws.endpoint, account), TF_VAR_token: 'never-written' },
    logFile: path.join(folder, 'terraform.log'),
    say: (line) => said.push(line),
  });
  await root.init();
});

afterAll(async () => {
  await aws?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a Terraform root at the local AWS', () => {
  it('is applied, planned, read and destroyed', async () => {
    const variables = { text: 'first' };

    await root.apply(variables);
    const same = await root.plan(variables);
    const different = await root.plan({ text: 'second' });
    const output = await root.output();
    await root.destroy(variables);
    const gone = await root.output();

    expect(same.changes).toBe(false);
    expect(different.changes).toBe(true);
    expect(different.text).toContain('aws_ssm_parameter.other will be updated in-place');
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

  it("fails with Terraform's own words, and keeps the rest in its log", async () => {
    const applying = root.apply({ text: 'refused' });

    await expect(applying).rejects.toThrow(/precondition failed: The text is refused\.[\s\S]*terraform\.log/);
    expect(await readFile(path.join(folder, 'terraform.log'), 'utf8')).toContain('The text is refused.');
  });

  it('writes no secret down', async () => {
    const texts = await Promise.all(
      (await readdir(folder, { withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(path.join(folder, entry.name), 'utf8')),
    );

    expect(texts.join('\n')).not.toContain('never-written');
  });

  it('stops when it is told to', async () => {
    const interruption = new AbortController();
    const stopping = new TerraformRoot(await prepareTerraform(console.log), folder, {
      environment: { ...localAwsEnvironment(aws.endpoint, account), TF_VAR_token: 'never-written' },
      logFile: path.join(folder, 'stopped.log'),
      say: () => interruption.abort(new Error('enough')),
      signal: interruption.signal,
    });

    await expect(stopping.apply({ text: 'third' })).rejects.toThrow('enough');
    await expect(stopping.plan({ text: 'third' })).rejects.toThrow('enough');
  });
});

describe('a copy of the project', () => {
  it('has what Terraform needs, and nothing that was installed or made', async () => {
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
