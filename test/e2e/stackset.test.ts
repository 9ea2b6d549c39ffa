import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from 'node:util';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  paginateListRoles,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import { parsePolicy } from '../lab/permissions/policy.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  type SharedProvider,
  startSharedProvider,
  type TerraformInstallation,
  TerraformRoot,
} from '../lab/terraform/index.ts';
import { takeOutRegion } from './regions-of-example.ts';

/** The management account is in the unit, too, but a StackSet does not deploy to it. */
const management = '999999999999';
const security = '111111111111';
const production = '222222222222';
const staging = '333333333333';
const excluded = '444444444444';
/** An account in the organization from the start, and in the unit later. */
const newcomer = '555555555555';
const everyone = [management, security, production, staging, excluded, newcomer];
/** An account of the unit for a StackSet with other settings. */
const first = '666666666666';
const second = '777777777777';

const root = 'r-a1b2';
const unit = 'ou-a1b2-workloads';
const otherUnit = 'ou-a1b2-sandboxes';
const organization = 'o-a1b2c3d4e5';
const region = 'eu-central-1';
const rule = 'security-group-ssh-open';
const tags = { team: 'security', 'cost-center': '42' };

const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-stackset-${process.pid}`);
const stopped = new AbortController();
const variables = {
  netskope_tenant: 'acme',
  security_account_id: security,
  organization_id: organization,
  organizational_units: { [unit]: { excluded_accounts: [excluded] } },
  // By a runbook or by direct calls; for the other rule, AWS delivers flow logs with a role of the target module.
  rules: { [rule]: { mode: 'enforce' }, 'vpc-flow-logs-disabled': { mode: 'off' } },
  force_destroy: true,
  tags,
};
let lab: Lab;
let provider: SharedProvider;
let example: TerraformRoot;
let otherSettings: Promise<OtherSettings>;
/** The security group of each account that is open to the world. */
let groups: ReadonlyMap<string, string>;

beforeAll(async () => {
  const installation = await prepareLocalAws(say);
  const terraform = await prepareTerraform(say);
  lab = await startLab({
    installation,
    signal: stopped.signal,
    organization: {
      id: organization,
      root,
      managementAccount: management,
      delegatedAdministrators: [security],
      units: { [unit]: root, [otherUnit]: root },
      accounts: {
        [management]: unit,
        [security]: root,
        [production]: unit,
        [staging]: unit,
        [excluded]: unit,
        [newcomer]: root,
        [first]: otherUnit,
        [second]: otherUnit,
      },
    },
  });
  await copyProject(folder);
  otherSettings = applyOtherSettings(terraform);
  // The tests that wait for it report its errors.
  otherSettings.catch(() => {});
  // With a StackSet, all provider blocks are equal in one region: they can share one process.
  provider = await startSharedProvider(terraform, path.join(folder, 'provider-of-example'), {
    environment: environment(),
    directory: path.join(folder, 'examples/organization'),
    signal: stopped.signal,
  });
  example = rootIn(terraform, 'examples/organization', provider);
  // The StackSet covers all regions; regions other than the tests' would only take time.
  for (const other of ['us-east-1', 'us-west-2']) {
    await takeOutRegion(path.join(folder, 'examples/organization'), other, { provider: 'goes' });
  }
  await example.init();
  const applying = example.apply(variables);
  groups = new Map(
    await Promise.all(everyone.map(async (account) => [account, await openGroup(account)] as const)),
  );
  await applying;
});

afterAll(async () => {
  stopped.abort();
  await provider?.[Symbol.asyncDispose]();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Environment by which calls to CloudFormation go through the proxy, which simulates StackSets. */
const environment = () => ({
  ...localAwsEnvironment(lab.aws.endpoint, security),
  AWS_ENDPOINT_URL_CLOUDFORMATION: lab.proxy.endpoint,
  TF_VAR_api_token: lab.tenant.token,
});

/** A root of the copied project. */
function rootIn(terraform: TerraformInstallation, directory: string, shared: SharedProvider): TerraformRoot {
  return new TerraformRoot(terraform, path.join(folder, directory), {
    // The resources to destroy are unchanged: they need not be read first.
    environment: { ...environment(), TF_CLI_ARGS_destroy: '-refresh=false' },
    provider: shared,
    logFile: `${folder}-${path.basename(directory)}-terraform.log`,
    say,
    signal: stopped.signal,
  });
}

async function openGroup(account: string, name = 'open'): Promise<string> {
  const builder = lab.accountBuilder(account);
  return builder.securityGroup(region, await builder.vpc(region), name, [
    { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
  ]);
}

/** Scans the accounts and polls. @returns the outcome of each account's finding */
async function scanAndPoll(): Promise<ReadonlyMap<string, Outcome>> {
  const { proxy, tenant } = lab;
  await tenant.scan(
    {
      endpoint: proxy.endpoint,
      accounts: everyone.map((id) => ({ id, name: id })),
      regions: [region],
      rules: ['CIS-1-2-0-4-1'],
    },
    // A poll requests findings up to the beginning of its second.
    new Date(Date.now() - 1000),
  );
  const deployment = lab.deployment({ account: security, homeRegion: region });
  const { summary, outcomes } = await deployment.poll(rule, new Date());
  expect(outcomes.length).toBe(summary.findings);
  return new Map(outcomes.map((outcome) => [outcome.finding.account, outcome]));
}

const words = (outcomes: ReadonlyMap<string, Outcome>) =>
  Object.fromEntries([...outcomes].map(([account, { outcome }]) => [account, outcome]));

function clientSettings(account: string) {
  return lab.settings(account, region);
}

async function roleNames(account: string, name = 'cspm-auto-remediation'): Promise<string[]> {
  const names: string[] = [];
  for await (const { Roles = [] } of paginateListRoles(
    { client: new IAMClient(clientSettings(account)) },
    {},
  )) {
    names.push(...Roles.flatMap(({ RoleName = '' }) => (RoleName.startsWith(`${name}-`) ? RoleName : [])));
  }
  return names.sort();
}

/** The states of an account's stacks that have not been deleted. */
async function stackStates(account: string): Promise<readonly (string | undefined)[]> {
  const client = new CloudFormationClient(clientSettings(account));
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({}));
  return Stacks.map(({ StackStatus }) => StackStatus).filter((status) => status !== 'DELETE_COMPLETE');
}

/** All properties of a role in IAM, as if the account were the security account. */
async function roleAsOfSecurity(account: string, RoleName: string) {
  const iam = new IAMClient(clientSettings(account));
  const ofSecurity = (text = ''): string => text.replaceAll(account, security);
  /** Statements in a fixed order, because AWS gives the order no meaning. */
  const statements = (document = ''): string[] => {
    const { Statement } = parsePolicy(ofSecurity(decodeURIComponent(document)));
    return Statement.map((statement) =>
      inspect(statement, { sorted: true, depth: null, breakLength: Infinity }),
    ).sort();
  };
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const policies = await Promise.all(
    PolicyNames.map(async (PolicyName) => {
      const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return [PolicyName, statements(PolicyDocument)] as const;
    }),
  );
  return {
    arn: ofSecurity(Role?.Arn),
    path: Role?.Path,
    description: Role?.Description,
    longestSession: Role?.MaxSessionDuration,
    boundary: ofSecurity(Role?.PermissionsBoundary?.PermissionsBoundaryArn),
    tags: Object.fromEntries((Role?.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
    trust: statements(Role?.AssumeRolePolicyDocument),
    policies: Object.fromEntries(policies),
  };
}

/** The result for a StackSet whose settings were changed. */
interface OtherSettings {
  /** The names of the roles in either account, after each apply, and after the destroy. */
  readonly roles: readonly (readonly string[])[];
  readonly plans: readonly string[];
  readonly inAccount: readonly unknown[];
  readonly inSecurityAccount: readonly unknown[];
}

/**
 * The StackSet's module and `target` alone, with a path and a boundary: for one account of the unit first, then
 * with other operation preferences, then with automatic deployment for the whole unit.
 */
async function applyOtherSettings(terraform: TerraformInstallation): Promise<OtherSettings> {
  const both = `
  name                = "other"
  security_account_id = "${security}"
  external_id         = "shared"
  organization_id     = "${organization}"
  rules               = ["${rule}", "s3-bucket-public", "vpc-flow-logs-disabled"]
  tags                = { team = "other" }
`;
  await mkdir(path.join(folder, 'other-settings'));
  await writeFile(
    path.join(folder, 'other-settings/main.tf'),
    `provider "aws" {
  region = "${region}"
}

variable "settings" {
  type = any
}

locals {
  paths = { path = "/security/", remediator_role_path = "/functions/" }
}

module "accounts" {
  source = "../modules/target-stackset"
${both}
  iam                  = merge(local.paths, { permissions_boundary_name = "team/boundary" })
  call_as              = "DELEGATED_ADMIN"
  organizational_units = { "${otherUnit}" = { accounts = var.settings.accounts } }
  auto_deployment      = var.settings.auto_deployment
  operation            = var.settings.operation
}

module "security" {
  source = "../modules/target"
${both}
  iam = merge(local.paths, { permissions_boundary_arn = "arn:aws:iam::${security}:policy/team/boundary" })
}
`,
  );
  await using shared = await startSharedProvider(terraform, path.join(folder, 'provider'), {
    environment: environment(),
    directory: path.join(folder, 'other-settings'),
    signal: stopped.signal,
  });
  const alone = rootIn(terraform, 'other-settings', shared);
  await alone.init();
  const roles: string[][] = [];
  const plans: string[] = [];
  let settings: object = {};
  const apply = async (changed: object): Promise<void> => {
    settings = { ...settings, ...changed };
    await alone.apply({ settings });
    roles.push(...(await Promise.all([first, second].map((account) => roleNames(account, 'other')))));
    const { changes, text } = await alone.plan({ settings });
    plans.push(changes ? text : 'no changes');
  };
  const rolesOf = async (account: string) =>
    Promise.all((await roleNames(account, 'other')).map((name) => roleAsOfSecurity(account, name)));

  await apply({ accounts: [first], auto_deployment: false, operation: {} });
  const inAccount = await rolesOf(first);
  const inSecurityAccount = await rolesOf(security);
  await apply({ operation: { max_concurrent_percentage: 100, failure_tolerance_percentage: 0 } });
  await apply({ accounts: [], auto_deployment: true });
  await alone.destroy({ settings });
  roles.push(...(await Promise.all([first, second, security].map((account) => roleNames(account, 'other')))));
  return { roles, plans, inAccount, inSecurityAccount };
}

describe('examples/organization with a StackSet', () => {
  const threeRoles = ['automation', 'flow-logs', 'remediation'].map(
    (name) => `cspm-auto-remediation-${name}`,
  );

  test('the accounts of the unit have the roles, but neither the excluded account nor the management account', async () => {
    const names = await Promise.all(
      everyone.map(async (account) => [account, await roleNames(account)] as const),
    );

    expect(Object.fromEntries(names)).toMatchObject({
      [management]: [],
      [security]: expect.arrayContaining(threeRoles),
      [production]: threeRoles,
      [staging]: threeRoles,
      [excluded]: [],
      [newcomer]: [],
    });
  });

  test.each(threeRoles)(
    '%s is identical, statement by statement, whether the StackSet or modules/target creates it',
    async (name) => {
      const byModule = await roleAsOfSecurity(security, name);

      expect(byModule).toMatchObject({ arn: `arn:aws:iam::${security}:role/${name}`, tags, boundary: '' });
      expect(Object.values(byModule.policies).flat().length).toBeGreaterThan(1);
      for (const account of [production, staging]) {
        expect(await roleAsOfSecurity(account, name)).toEqual(byModule);
      }
    },
  );

  test('a finding is remediated where the StackSet has created the role, and reports the missing role elsewhere', async () => {
    const outcomes = await scanAndPoll();

    expect(words(outcomes)).toEqual({
      [management]: 'failed',
      [security]: 'remediated',
      [production]: 'remediated',
      [staging]: 'remediated',
      [excluded]: 'failed',
      [newcomer]: 'failed',
    });
    expect(outcomes.get(production)?.finding.resource).toBe(groups.get(production));
    for (const account of [management, excluded, newcomer]) {
      expect(outcomes.get(account)?.reason).toContain('deploy modules/target in that account');
    }
  });

  test('without an apply, an account that joins the unit is remediated by the next poll, one that leaves is left alone, and the next plan has no changes', async () => {
    const { stackSets, judge } = lab;
    stackSets.organization.move(newcomer, unit);
    stackSets.organization.move(staging, root);
    await stackSets.idle();
    // The judge has cached the role that is deleted now.
    judge.forget();
    await openGroup(staging, 'open again');

    expect(await roleNames(newcomer)).toEqual(threeRoles);
    expect(await roleNames(staging)).toEqual([]);
    expect(await stackStates(staging)).toEqual([]);
    const outcomes = await scanAndPoll();
    expect(words(outcomes)).toEqual({
      [management]: 'failed',
      [staging]: 'failed',
      [excluded]: 'failed',
      [newcomer]: 'remediated',
    });
    expect(outcomes.get(newcomer)?.finding.resource).toBe(groups.get(newcomer));
    expect(outcomes.get(staging)?.reason).toContain('deploy modules/target in that account');
    expect(await example.plan(variables)).toMatchObject({ changes: false });
  });

  test('the roles allow every call, and only missing roles are refused', () => {
    const { judge } = lab;
    const remediation = (account: string) => `arn:aws:iam::${account}:role/cspm-auto-remediation-remediation`;

    expect(judge.unknownCalls).toEqual([]);
    expect(judge.verdicts.some(({ role }) => role === remediation(production))).toBe(true);
    expect([...new Set(judge.denials.map(({ action, resource }) => `${action} ${resource}`))].sort()).toEqual(
      [management, excluded, newcomer, staging]
        .map((account) => `sts:AssumeRole ${remediation(account)}`)
        .sort(),
    );
  });

  test('a destroy removes the roles from all accounts, and leaves nothing', async () => {
    await example.destroy(variables);

    expect(await example.output()).toEqual({});
    for (const account of everyone) {
      expect(await roleNames(account)).toEqual([]);
      expect(await stackStates(account)).toEqual([]);
    }
  });
});

describe('modules/target-stackset alone', () => {
  const roles = ['other-automation', 'other-flow-logs', 'other-remediation'];

  test('has settings that can be changed, and each plan afterwards has no changes', async () => {
    const seen = await otherSettings;

    expect(seen.plans).toEqual(['no changes', 'no changes', 'no changes']);
    expect(seen.roles).toEqual([roles, [], roles, [], roles, roles, [], [], []]);
  });

  test('creates the same roles as modules/target with a path and a boundary', async () => {
    const { inAccount, inSecurityAccount } = await otherSettings;

    expect(inSecurityAccount).toMatchObject(
      roles.map((name) => ({
        arn: `arn:aws:iam::${security}:role/security/${name}`,
        path: '/security/',
        boundary: `arn:aws:iam::${security}:policy/team/boundary`,
        tags: { team: 'other' },
      })),
    );
    expect(inAccount).toEqual(inSecurityAccount);
  });
});
