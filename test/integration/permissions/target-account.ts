import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  TerraformRoot,
} from '../../lab/terraform/index.ts';

export interface TargetOptions {
  readonly endpoint: string;
  readonly account: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Applies `modules/target` alone, in one account of the local AWS. */
export async function deployTarget({ endpoint, account, variables }: TargetOptions): Promise<void> {
  const folder = path.resolve(import.meta.dirname, `../../../.work/permissions-${process.pid}-${account}`);
  try {
    await copyProject(folder);
    const root = path.join(folder, 'target-alone');
    await mkdir(root);
    await writeFile(
      path.join(root, 'main.tf'),
      `provider "aws" {}

${Object.keys(variables)
  .map((name) => `variable "${name}" {\n  type = any\n}\n`)
  .join('\n')}
module "target" {
  source = "../modules/target"

${Object.keys(variables)
  .map((name) => `  ${name} = var.${name}\n`)
  .join('')}}
`,
    );
    const terraform = new TerraformRoot(await prepareTerraform(console.log), root, {
      environment: { ...localAwsEnvironment(endpoint, account), AWS_REGION: 'eu-central-1' },
      logFile: path.join(folder, 'terraform.log'),
    });
    await terraform.init();
    await terraform.apply(variables);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Creates a role that may assume another one, as a function's role may. */
export async function makeFunctionRole(options: {
  readonly endpoint: string;
  readonly account: string;
  readonly name: string;
  /** The role that it may assume: an ARN. */
  readonly assumes: string;
}): Promise<void> {
  const { endpoint, account, name, assumes } = options;
  const iam = new IAMClient(asRoot(endpoint, account));
  const policy = (statement: object): string =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] });
  await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: policy({
        Action: 'sts:AssumeRole',
        // The test assumes the role as the account's root, because nothing can act as the Lambda service in the local AWS.
        Principal: { AWS: `arn:aws:iam::${account}:root` },
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: name,
      PolicyName: 'work',
      PolicyDocument: policy({ Action: ['sts:AssumeRole'], Resource: [assumes] }),
    }),
  );
}

/**
 * Assumes a role on behalf of the service that it is for.
 * @param options `endpoint`: the proxy, which records the owner of the keys; `role`: an ARN
 */
export async function takeOn(options: {
  readonly endpoint: string;
  readonly account: string;
  readonly role: string;
}) {
  const { endpoint, account, role } = options;
  const sts = new STSClient(asRoot(endpoint, account));
  return credentialsOf(await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'function' })));
}

const answerSchema = z.object({
  Credentials: z.object({
    AccessKeyId: z.string(),
    SecretAccessKey: z.string(),
    SessionToken: z.string(),
  }),
});

/** Reads the credentials in a response of `AssumeRole`, in the form that clients take. */
export function credentialsOf(answer: unknown) {
  const { AccessKeyId, SecretAccessKey, SessionToken } = answerSchema.parse(answer).Credentials;
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

function asRoot(endpoint: string, account: string) {
  return { endpoint, region: 'eu-central-1', credentials: { accessKeyId: account, secretAccessKey: 'test' } };
}
