import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, assert, beforeAll, expect, test } from 'vitest';
import { type LocalAws, type LocalAwsInstallation, prepareLocalAws, startLocalAws } from './index.ts';
import { pythonFolder } from './paths.ts';

const REGION = 'eu-central-1';
const TRUST = JSON.stringify({ Version: '2012-10-17', Statement: [] });
const TERRAFORM = 'APN/1.0 HashiCorp/1.0 Terraform/1.11.4 terraform-provider-aws/5.100.0';

let installation: LocalAwsInstallation;
let aws: LocalAws;

beforeAll(async () => {
  installation = await prepareLocalAws(console.log);
  aws = await startLocalAws({ installation });
});

afterAll(async () => {
  await aws.stop();
});

test('threads that are the first to use a store get the same one, and a service with all its routes', async () => {
  assert(installation.kind === 'installed', 'a server that runs elsewhere does not load the plugin');
  const script = path.join(pythonFolder, 'race_first_use.py');

  const { stdout } = await promisify(execFile)(installation.python, [script], {
    env: { FILESYSTEM_ROOT: path.dirname(aws.logFile), OVERRIDE_IN_DOCKER: '0' },
  });

  expect(JSON.parse(stdout)).toEqual({
    values: { local: 1, region: 1, account: 1 },
    routesFound: Array.from({ length: 8 }, () => 1),
  });
});

test('accounts that are first used at the same time each have their own roles', async () => {
  const accounts = Array.from({ length: 6 }, (_, index) => `${444444444440 + index}`);

  const arns = await Promise.all(
    accounts.map(async (account) => {
      const sts = new STSClient(settings('111111111111'));
      const RoleArn = `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`;
      const { Credentials: key } = await sts.send(
        new AssumeRoleCommand({ RoleArn, RoleSessionName: 'first' }),
      );
      const iam = new IAMClient(settings(key?.AccessKeyId ?? ''));
      const { Role } = await iam.send(
        new CreateRoleCommand({ RoleName: 'same', AssumeRolePolicyDocument: TRUST }),
      );
      return Role?.Arn;
    }),
  );

  expect(arns).toEqual(accounts.map((account) => `arn:aws:iam::${account}:role/same`));
});

test('a repeated request of Terraform gets the same answer, and takes effect once', async () => {
  const first = await createRole({ name: 'again', call: 'call-1', attempt: 1, agent: TERRAFORM });
  const second = await createRole({ name: 'again', call: 'call-1', attempt: 2, agent: TERRAFORM });

  expect(first.status).toBe(200);
  expect(second).toEqual(first);
});

test('another call for an existing resource is refused as in AWS, and so is a repeated request of an SDK', async () => {
  await createRole({ name: 'exists', call: 'call-2', attempt: 1, agent: 'aws-sdk-js/3.1169.0' });

  const anotherCall = await createRole({ name: 'exists', call: 'call-3', attempt: 1, agent: TERRAFORM });
  const sdk = await createRole({ name: 'exists', call: 'call-2', attempt: 2, agent: 'aws-sdk-js/3.1169.0' });

  expect(anotherCall).toMatchObject({ status: 409, text: expect.stringContaining('EntityAlreadyExists') });
  expect(sdk).toMatchObject({ status: 409, text: expect.stringContaining('EntityAlreadyExists') });
});

function settings(accessKeyId: string) {
  return { endpoint: aws.endpoint, region: REGION, credentials: { accessKeyId, secretAccessKey: 'test' } };
}

/** Sends one attempt of a call, as an SDK does. */
async function createRole(request: { name: string; call: string; attempt: number; agent: string }) {
  const answer = await fetch(aws.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      authorization: `AWS4-HMAC-SHA256 Credential=111111111111/20260101/${REGION}/iam/aws4_request, SignedHeaders=host, Signature=none`,
      'user-agent': request.agent,
      'amz-sdk-invocation-id': request.call,
      'amz-sdk-request': `attempt=${request.attempt}; max=25`,
    },
    body: new URLSearchParams({
      Action: 'CreateRole',
      Version: '2010-05-08',
      RoleName: request.name,
      AssumeRolePolicyDocument: TRUST,
    }),
  });
  return { status: answer.status, text: await answer.text() };
}
