import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountBuilder } from '../lab/accounts/account-builder.ts';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  type SharedProvider,
  startSharedProvider,
  TerraformRoot,
} from '../lab/terraform/index.ts';
import { type JobResult, readWorkflow, type Workflow, WorkflowRunner } from './gitops-workflow.ts';

const account = '111111111111';
const region = 'eu-central-1';
const bucket = 'states-of-security';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-gitops-${process.pid}`);
const repository = path.join(folder, 'repository');
const directory = path.join(repository, 'examples/gitops');
const stopped = new AbortController();
let lab: Lab;
let provider: SharedProvider;
let workflow: Workflow;
let runner: WorkflowRunner;
/** The same root, as a person uses it. */
let root: TerraformRoot;
let secretArn: string;

beforeAll(async () => {
  const installation = await prepareLocalAws(say);
  const terraform = await prepareTerraform(say);
  lab = await startLab({ installation, signal: stopped.signal });
  const s3 = new S3Client(clientSettings());
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  const { ARN = '' } = await new SecretsManagerClient(clientSettings()).send(
    new CreateSecretCommand({ Name: 'made-by-somebody-else', SecretString: lab.tenant.token }),
  );
  secretArn = ARN;

  await copyProject(repository);
  await writeFile(
    path.join(directory, 'terraform.tfvars'),
    `account_id           = "${account}"
region               = "${region}"
netskope_tenant      = "acme"
api_token_secret_arn = "${secretArn}"
force_destroy        = true
`,
  );
  const environment = localAwsEnvironment(lab.aws.endpoint, account);
  const logFile = `${folder}-terraform.log`;
  const { signal } = stopped;
  provider = await startSharedProvider(terraform, path.join(folder, 'provider'), {
    environment,
    directory,
    signal,
  });
  root = new TerraformRoot(terraform, directory, { environment, provider, logFile, say, signal });
  // From then on its lock file is in the repository, which the workflow requires.
  await root.init({ bucket, region });
  workflow = readWorkflow(terraform, path.join(directory, '.github/workflows/terraform.yaml'));
  runner = new WorkflowRunner({
    terraform,
    workflow,
    repository,
    directory: 'examples/gitops',
    variables: { AWS_REGION: region, STATE_BUCKET: bucket },
    environment: { ...environment, ...provider.environment },
    folder,
    signal,
  });
});

afterAll(async () => {
  stopped.abort();
  await provider?.[Symbol.asyncDispose]();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function clientSettings() {
  return lab.settings(account, region);
}

/** Changes rules.yaml in the repository, as a branch or a merge does. */
async function edit(change: (text: string) => string): Promise<void> {
  const file = path.join(directory, 'rules.yaml');
  const before = await readFile(file, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}

/** Runs the jobs of a pull request that changes rules.yaml; it is not merged. */
async function pullRequest(change: (text: string) => string): Promise<JobResult> {
  const file = path.join(directory, 'rules.yaml');
  const before = await readFile(file, 'utf8');
  try {
    await edit(change);
    return await runner.run(workflow.jobs.plan, 'pull_request');
  } finally {
    await writeFile(file, before);
  }
}

/** A push to main: its plan, and, if that has changes, its apply. */
async function push(): Promise<{ readonly plan: JobResult; readonly apply: JobResult | undefined }> {
  const plan = await runner.run(workflow.jobs.plan, 'push');
  const due = plan.succeeded && plan.outputs['changes'] === 'true';
  return { plan, apply: due ? await runner.run(workflow.jobs.apply, 'push') : undefined };
}

/** Joins the lines of Terraform's messages, which it wraps. */
const unwrapped = (text: string): string => text.replace(/\s+/g, ' ');

const addOwnAccount = (text: string) =>
  text.replace(/^ {4}"222222222222": enforce.*$/m, `$&\n    "${account}": enforce`);

describe('the workflow of examples/gitops', () => {
  test('each job has the rights that it needs, and pins actions to commits', () => {
    const { plan, apply } = workflow.jobs;
    const actions = [...plan.steps, ...apply.steps].flatMap(({ uses }) => uses ?? []);
    const scripts = [...plan.steps, ...apply.steps].flatMap(({ run }) => run ?? []);
    const checkouts = [...plan.steps, ...apply.steps].filter(({ uses }) =>
      uses?.startsWith('actions/checkout@'),
    );

    expect(workflow.permissions).toEqual({});
    expect([plan.permissions, apply.permissions]).toEqual(
      Array.from({ length: 2 }, () => ({ contents: 'read', 'id-token': 'write' })),
    );
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    expect(checkouts.map((step) => step.with)).toEqual(
      Array.from({ length: 2 }, () => ({ 'persist-credentials': false })),
    );
    // GitHub inserts expressions into scripts before bash runs them, regardless of who wrote their values.
    expect(scripts.join('\n')).not.toContain('${{');
    expect(JSON.stringify(workflow)).not.toContain('secrets.');
  });

  test('one role plans a pull request, unless it comes from a fork; another one applies main', () => {
    const { plan, apply } = workflow.jobs;
    const rolesOf = ({ steps }: Workflow['jobs']['plan']) =>
      steps.flatMap((step) => step.with?.['role-to-assume'] ?? []);

    expect(plan.if).toBe(
      "github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository",
    );
    expect(apply.if).toBe("github.event_name == 'push' && needs.plan.outputs.changes == 'true'");
    expect([rolesOf(plan), rolesOf(apply)]).toEqual([
      ['${{ vars.PLAN_ROLE_ARN }}'],
      ['${{ vars.APPLY_ROLE_ARN }}'],
    ]);
    expect([plan.environment, apply.environment]).toEqual([undefined, 'production']);
    expect(workflow.true.push.branches).toEqual(['main']);
  });
});

describe('examples/gitops in a local AWS, by its own workflow', () => {
  test('the first push deploys it, and a second one has no changes', async () => {
    const { plan, apply } = await push();
    const second = await push();

    expect(plan).toMatchObject({ succeeded: true, outputs: { changes: 'true' } });
    expect(apply?.log).toMatch(/Apply complete! Resources: \d+ added, 0 changed, 0 destroyed\./);
    expect(second.plan).toMatchObject({ succeeded: true, outputs: { changes: 'false' } });
    expect(second.plan.summary).toContain('No changes. Your infrastructure matches the configuration.');
    expect(second.apply).toBeUndefined();
    expect(plan.summary).not.toContain(lab.tenant.token);
  });

  test('the API token is not in the state', async () => {
    const s3 = new S3Client(clientSettings());
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: 'cspm-auto-remediation.tfstate' }),
    );
    const state = (await Body?.transformToString()) ?? '';

    expect(state).toContain(secretArn);
    expect(state).not.toContain(lab.tenant.token);
  });

  test.each([
    [
      'an option of another rule, an exemption without an owner, and misspelled names',
      (text: string) =>
        text
          .replace('block_all: true', 'max_age_days: 30')
          .replace('mode_by_account:', 'mode_by_acount:')
          .replace('unused_only_days:', 'unused_only_day:')
          .replace(/^ {6}owner: .*\n/m, '      region_: eu-central-1\n'),
      [
        'rules["s3-bucket-public"].options has "max_age_days", which is an option of other rules: expected block_all',
        'rules["security-group-ssh-open"].exemptions[0] (sg-0123456789abcdef0) has no owner',
        'rules["iam-access-key-unrotated"].options has "unused_only_day", which is unknown: expected',
        'rules["security-group-ssh-open"] has "mode_by_acount", which is unknown: expected',
        'rules["security-group-ssh-open"].exemptions[0] has "region_", which is unknown: expected',
      ],
    ],
    [
      'two entries for one rule',
      (text: string) => `${text}\ns3-bucket-public:\n`,
      ['rules.yaml: "s3-bucket-public" has two entries. Expected one entry for each rule.'],
    ],
  ])('a pull request with %s fails, and its summary says what is wrong', async (_, change, messages) => {
    const { succeeded, summary } = await pullRequest(change);

    expect(succeeded).toBe(false);
    for (const message of messages) expect(unwrapped(summary)).toContain(message);
  });

  test('an exemption that has ended causes a warning in the plan, not an error', async () => {
    const { succeeded, summary } = await pullRequest((text) => text.replace('2099-12-31', '2026-01-31'));

    expect(succeeded).toBe(true);
    expect(summary).toContain('Warning: Check block assertion failed');
    expect(unwrapped(summary)).toContain(
      'the exemption of sg-0123456789abcdef0 ended on 2026-01-31 (network team). The resources are remediated again',
    );
  });

  test('the plan of a pull request that adds an account shows that account, and nothing else', async () => {
    const { succeeded, summary } = await pullRequest(addOwnAccount);

    const resources = [...summary.matchAll(/^ {2}# (.*)$/gm)].map(([, line]) => line);
    const [, outputs = ''] = summary.split('Changes to Outputs:');
    const changedLines = [...outputs.matchAll(/^ *[+~-](?!--) .*$/gm)].map(([line]) =>
      unwrapped(line).trim(),
    );
    expect(succeeded).toBe(true);
    expect(resources).toEqual([
      'module.cspm_auto_remediation.module.central.aws_s3_object.rule["security-group-ssh-open"] will be updated in-place',
    ]);
    expect(summary).toContain('Plan: 0 to add, 1 to change, 0 to destroy.');
    expect(changedLines).toEqual([
      '~ settings = {',
      '~ modes = {',
      `+ "${account}" = "dry_run: iam-access-key-unrotated; enforce: s3-bucket-public, security-group-ssh-open"`,
      '~ rules = {',
      '~ security-group-ssh-open = jsonencode(',
      '~ {',
      '~ mode_by_account = {',
      `+ "${account}" = "enforce"`,
    ]);
  });

  test('after the merge and apply, the next poll remediates in that account', async () => {
    const { aws, proxy, tenant } = lab;
    const builder = new AccountBuilder(aws.endpoint, account);
    const group = await builder.securityGroup(region, await builder.vpc(region), 'web', [
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
    ]);
    await tenant.scan({
      endpoint: proxy.endpoint,
      accounts: [{ id: account, name: 'security' }],
      regions: [region],
      rules: ['CIS-1-2-0-4-1'],
    });
    const deployment = lab.deployment({ account, homeRegion: region });

    await edit(addOwnAccount);
    const { apply } = await push();
    const { outcomes } = await deployment.poll('security-group-ssh-open', new Date());

    expect(apply?.log).toContain('Apply complete! Resources: 0 added, 1 changed, 0 destroyed.');
    expect(outcomes).toMatchObject([
      { outcome: 'remediated', mode: 'enforce', finding: { account, resource: group } },
    ]);
  });

  test('a plan can be applied once, and is stale afterwards', async () => {
    const again = await runner.run(workflow.jobs.apply, 'push');

    expect(again.succeeded).toBe(false);
    expect(again.log).toContain('Saved plan is stale');
  });

  test('a destroy removes everything except for the secret, which belongs to someone else', async () => {
    await root.destroy({});

    const secret = await new SecretsManagerClient(clientSettings()).send(
      new DescribeSecretCommand({ SecretId: secretArn }),
    );
    expect(await root.output()).toEqual({});
    expect(secret.DeletedDate).toBeUndefined();
  });
});
