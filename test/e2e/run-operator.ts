import { execFile } from 'node:child_process';
import path from 'node:path';
import { AttachRolePolicyCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { takeOn } from '../integration/permissions/target-account.ts';
import type { Lab } from '../lab/index.ts';

const program = path.resolve(import.meta.dirname, '../../dist/cspm-remediation.cjs');

/** Runs a command of the bundled command line. @returns what it prints @throws Error with all it says, where it fails */
export type RunOperator = (...argv: readonly string[]) => Promise<string>;

/** Makes a role with the operator's policy of a deployment, and a command line that has it. */
export async function startOperator(
  { aws, proxy, settings }: Pick<Lab, 'aws' | 'proxy' | 'settings'>,
  { account, region }: { readonly account: string; readonly region: string },
): Promise<RunOperator> {
  const iam = new IAMClient(settings(account, region));
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: account } },
  });
  const RoleName = 'rules-operator';
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  const PolicyArn = `arn:aws:iam::${account}:policy/cspm-auto-remediation-operator`;
  await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
  const role = `arn:aws:iam::${account}:role/${RoleName}`;
  const keys = await takeOn({ endpoint: proxy.endpoint, account, role });
  const env = {
    PATH: process.env['PATH'] ?? '',
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: keys.sessionToken,
  };
  return (...argv) =>
    new Promise((resolve, reject) => {
      const child = execFile(process.execPath, [program, ...argv], { env }, (error, out, said) => {
        if (error === null) resolve(out);
        else reject(new Error(`${argv.join(' ')} ended with ${child.exitCode}: ${out}${said}`));
      });
      child.stdin?.end();
    });
}
