import { rm } from 'node:fs/promises';
import path from 'node:path';
import { IAMClient, paginateListRoles } from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type LocalAws, prepareLocalAws, startLocalAws } from '../lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  type SharedProvider,
  startSharedProvider,
  TerraformRoot,
} from '../lab/terraform/index.ts';

/** Account of the pipeline and of the Terraform states. */
const pipelineAccount = '111111111111';
const first = '222222222222';
const second = '333333333333';
const securityAccount = '555555555555';
const region = 'eu-central-1';
const bucket = 'states-of-accounts';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-accounts-${process.pid}`);
const stopped = new AbortController();
let aws: LocalAws;
let provider: SharedProvider;
let root: TerraformRoot;
let s3: S3Client;

beforeAll(async () => {
  aws = await startLocalAws({ installation: await prepareLocalAws(say), signal: stopped.signal });
  s3 = new S3Client(clientSettings(pipelineAccount));
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await copyProject(folder);
  const terraform = await prepareTerraform(say);
  const directory = path.join(folder, 'examples/accounts-from-a-pipeline');
  const environment = localAwsEnvironment(aws.endpoint, pipelineAccount);
  const { signal } = stopped;
  provider = await startSharedProvider(terraform, path.join(folder, 'provider'), {
    environment,
    directory,
    signal,
  });
  root = new TerraformRoot(terraform, directory, {
    environment,
    provider,
    logFile: `${folder}-terraform.log`,
    say,
    signal,
  });
});

afterAll(async () => {
  stopped.abort();
  await provider?.[Symbol.asyncDispose]();
  await aws?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function clientSettings(account: string) {
  return { endpoint: aws.endpoint, region, credentials: { accessKeyId: account, secretAccessKey: 'test' } };
}

const variablesOf = (account: string) => ({ account_id: account, security_account_id: securityAccount });
const keyOf = (account: string) => `cspm-auto-remediation/${account}.tfstate`;

let initializedFor = '';

/** Initializes Terraform for an account, as the pipeline does first, unless the last run was for the same account. */
async function initFor(account: string): Promise<void> {
  if (account === initializedFor) return;
  await root.init({ bucket, region, key: keyOf(account) });
  initializedFor = account;
}

async function remediationRolesIn(account: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { Roles = [] } of paginateListRoles(
    { client: new IAMClient(clientSettings(account)) },
    {},
  )) {
    names.push(...Roles.flatMap(({ RoleName = '' }) => (RoleName.endsWith('-remediation') ? RoleName : [])));
  }
  return names;
}

async function stateKeys(): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.flatMap(({ Key }) => Key ?? []).sort();
}

const stateSchema = z.object({ resources: z.array(z.unknown()) });

async function readState(account: string) {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(account) }));
  const text = (await Body?.transformToString()) ?? '';
  return { text, resources: stateSchema.parse(JSON.parse(text)).resources };
}

describe('examples/accounts-from-a-pipeline in a local AWS', () => {
  test('the same root creates the role in each account, and a second plan of each has no changes', async () => {
    const outputs: unknown[] = [];
    for (const account of [first, second]) {
      await initFor(account);
      await root.apply(variablesOf(account));
      outputs.push(await root.output());
    }
    const secondPlans: unknown[] = [];
    for (const account of [first, second]) {
      await initFor(account);
      secondPlans.push(await root.plan(variablesOf(account)));
    }

    expect(outputs).toEqual(
      [first, second].map((account) => ({
        role_arn: `arn:aws:iam::${account}:role/cspm-auto-remediation-remediation`,
      })),
    );
    expect(secondPlans).toMatchObject([{ changes: false }, { changes: false }]);
  });

  test('the role exists in these accounts, and nowhere else', async () => {
    const roles = await Promise.all(
      [first, second, pipelineAccount, securityAccount].map(remediationRolesIn),
    );

    const role = 'cspm-auto-remediation-remediation';
    expect(roles).toEqual([[role], [role], [], []]);
  });

  test('each account has its own state, without content of the other one, and no lock is left', async () => {
    const keys = await stateKeys();
    const [firstState, secondState] = await Promise.all([readState(first), readState(second)]);

    expect(keys).toEqual([keyOf(first), keyOf(second)]);
    expect(firstState.text).toContain(`arn:aws:iam::${first}:role/`);
    expect(firstState.text).not.toContain(second);
    expect(secondState.text).toContain(`arn:aws:iam::${second}:role/`);
    expect(secondState.text).not.toContain(first);
  });

  test("a plan with another account's credentials fails", async () => {
    await initFor(second);

    const planning = root.plan({ ...variablesOf(second), role_name: null });

    await expect(planning).rejects.toThrow(`AWS account ID not allowed: ${pipelineAccount}`);
  });

  test('of two simultaneous runs for one account, the lock beside the state refuses the second', async () => {
    await initFor(first);
    const lock = { Bucket: bucket, Key: `${keyOf(first)}.tflock` };
    const holder = {
      ID: 'c1d2e3f4-0000-4000-8000-000000000000',
      Operation: 'OperationTypeApply',
      Who: 'pipeline@another-run',
      Created: '2026-01-01T00:00:00Z',
      Path: `${bucket}/${keyOf(first)}`,
    };
    await s3.send(new PutObjectCommand({ ...lock, Body: JSON.stringify(holder) }));

    const applying = root.apply(variablesOf(first));

    await expect(applying).rejects.toThrow(/state lock[\s\S]*pipeline@another-run/);
    await s3.send(new DeleteObjectCommand(lock));
  });

  test("nothing is changed with another account's state", async () => {
    await initFor(first);
    const before = await readState(first);

    const applying = root.apply(variablesOf(second));

    await expect(applying).rejects.toThrow(
      `This is the state of account ${first}, not of ${second}: run \`terraform init -reconfigure\``,
    );
    expect(await readState(first)).toEqual(before);
    expect(await remediationRolesIn(first)).toHaveLength(1);
  });

  test("a destroy removes one account's role and keeps the other one's, until that is destroyed", async () => {
    await initFor(first);
    await root.destroy(variablesOf(first));
    const afterFirst = await Promise.all([first, second].map(remediationRolesIn));
    await initFor(second);
    const stillClean = await root.plan(variablesOf(second));
    await root.destroy(variablesOf(second));
    const afterSecond = await Promise.all([first, second].map(remediationRolesIn));

    expect(afterFirst).toEqual([[], ['cspm-auto-remediation-remediation']]);
    expect(stillClean).toMatchObject({ changes: false });
    expect(afterSecond).toEqual([[], []]);
    expect(await Promise.all([first, second].map(readState))).toMatchObject([
      { resources: [] },
      { resources: [] },
    ]);
  });
});
