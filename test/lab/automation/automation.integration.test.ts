import { CloudTrailClient, CreateTrailCommand, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail';
import {
  DescribeSecurityGroupRulesCommand,
  DescribeVpcsCommand,
  EC2Client,
  type IpPermission,
} from '@aws-sdk/client-ec2';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateClusterCommand, DescribeClustersCommand, RedshiftClient } from '@aws-sdk/client-redshift';
import {
  GetAutomationExecutionCommand,
  SSMClient,
  StartAutomationExecutionCommand,
} from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { z } from 'zod';
import { AccountBuilder } from '../accounts/account-builder.ts';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import { slowRedshift } from '../slow-redshift/slow-redshift.ts';
import { type AutomationSimulation, startAutomation } from './index.ts';

const REGION = 'eu-central-1';
const endpoint = inject('localAwsEndpoint');
const WORLD = '0.0.0.0/0';
const WORLD_6 = '::/0';

let proxy: AwsProxy;
let automation: AutomationSimulation;
let account: string;
let role: string;
let accounts = 0;

beforeEach(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  automation = startAutomation({ proxy, upstream: () => endpoint, stepMilliseconds: 1 });
  accounts += 1;
  account = `7310${String(accounts).padStart(8, '0')}`;
  role = await automationRole(account);
});
afterEach(async () => {
  await automation.stop();
  await proxy.stop();
});

const asRoot = () => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: account, secretAccessKey: 'test' },
});

/** A role that Systems Manager may assume for this account. */
async function automationRole(trusted: string): Promise<string> {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'ssm.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:SourceAccount': trusted } },
  };
  const { Role } = await new IAMClient(asRoot()).send(
    new CreateRoleCommand({
      RoleName: 'automation',
      Path: '/cspm/',
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }),
  );
  return z.string().parse(Role?.Arn);
}

async function start(DocumentName: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const given = Object.entries({ ...parameters, AutomationAssumeRole: role });
  const { AutomationExecutionId } = await new SSMClient({ ...asRoot(), endpoint: proxy.endpoint }).send(
    new StartAutomationExecutionCommand({
      DocumentName,
      Parameters: Object.fromEntries(given.map(([name, value]) => [name, [value]])),
    }),
  );
  return z.string().parse(AutomationExecutionId);
}

/** Starts an execution and waits for its end. */
async function run(name: string, parameters: Readonly<Record<string, string>>) {
  const id = await start(name, parameters);
  await automation.finish(id);
  const { AutomationExecution } = await new SSMClient({ ...asRoot(), endpoint: proxy.endpoint }).send(
    new GetAutomationExecutionCommand({ AutomationExecutionId: id }),
  );
  return AutomationExecution ?? {};
}

/** The calls under the automation role. */
const roleCalls = () =>
  proxy.calls.flatMap(({ operation, principal }) => (principal.roleArn === role ? operation : []));

function tcp(from: number, to: number, source: string): IpPermission {
  const range = source.includes(':')
    ? { Ipv6Ranges: [{ CidrIpv6: source }] }
    : { IpRanges: [{ CidrIp: source }] };
  return { IpProtocol: 'tcp', FromPort: from, ToPort: to, ...range };
}

const ALL_FOUR = [22, 3389].flatMap((port) => [WORLD, WORLD_6].map((source) => tcp(port, port, source)));

async function group(vpc: string, permissions: readonly IpPermission[]): Promise<string> {
  return new AccountBuilder(endpoint, account).securityGroup(REGION, vpc, 'application', permissions);
}

const newVpc = () => new AccountBuilder(endpoint, account).vpc(REGION);

async function defaultVpc(): Promise<string> {
  const { Vpcs = [] } = await new EC2Client(asRoot()).send(
    new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] }),
  );
  return z.string().parse(Vpcs[0]?.VpcId);
}

/** The inbound rules of a group: `tcp 22-22 0.0.0.0/0`. */
async function inboundRules(id: string): Promise<string[]> {
  const { SecurityGroupRules = [] } = await new EC2Client(asRoot()).send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [id] }] }),
  );
  return SecurityGroupRules.filter(({ IsEgress }) => IsEgress !== true)
    .map(
      ({ IpProtocol, FromPort, ToPort, CidrIpv4, CidrIpv6 }) =>
        `${IpProtocol} ${FromPort}-${ToPort} ${CidrIpv4 ?? CidrIpv6}`,
    )
    .sort();
}

const GROUP_DOCUMENT = 'AWS-DisablePublicAccessForSecurityGroup';

test('a group with all four rules is closed, for SSH as well as RDP, and keeps its other rules', async () => {
  const GroupId = await group(await newVpc(), [
    ...ALL_FOUR,
    tcp(20, 443, WORLD),
    tcp(22, 22, '198.51.100.0/24'),
  ]);

  const execution = await run(GROUP_DOCUMENT, { GroupId });

  expect(execution).toMatchObject({
    AutomationExecutionStatus: 'Success',
    StepExecutions: [{ StepName: 'CustomIpCheck' }, { StepName: 'DisableFromAllIp' }],
  });
  expect(await inboundRules(GroupId)).toEqual(['tcp 20-443 0.0.0.0/0', 'tcp 22-22 198.51.100.0/24']);
  expect(roleCalls()).toEqual(['RevokeSecurityGroupIngress']);
});

test.each([
  ['SSH alone', [tcp(22, 22, WORLD)]],
  ['three of the four', ALL_FOUR.slice(1)],
  ['a range that contains the SSH port', [tcp(20, 443, WORLD)]],
])(
  'in a VPC that is not the default one, %s is unchanged, and the execution fails',
  async (_, permissions) => {
    const GroupId = await group(await newVpc(), permissions);
    const before = await inboundRules(GroupId);

    const execution = await run(GROUP_DOCUMENT, { GroupId });

    expect(execution.AutomationExecutionStatus).toBe('Failed');
    expect(execution.FailureMessage).toContain(
      'An error occurred (InvalidPermission.NotFound) when calling the RevokeSecurityGroupIngress operation',
    );
    expect(await inboundRules(GroupId)).toEqual(before);
  },
);

test('in a default VPC, missing rules are skipped', async () => {
  const GroupId = await group(await defaultVpc(), [tcp(22, 22, WORLD), tcp(20, 443, WORLD)]);

  const execution = await run(GROUP_DOCUMENT, { GroupId });

  expect(execution.AutomationExecutionStatus).toBe('Success');
  expect(await inboundRules(GroupId)).toEqual(['tcp 20-443 0.0.0.0/0']);
});

test.each([
  ['198.51.100.7/32', 'DisableFromCustomIpV4'],
  ['2001:db8::/32', 'DisableFromCustomIpV6'],
])('with an address to block, %s, the group stays open to the world', async (source, step) => {
  const GroupId = await group(await newVpc(), [...ALL_FOUR, tcp(22, 22, source), tcp(3389, 3389, source)]);
  const all = await inboundRules(GroupId);

  const execution = await run(GROUP_DOCUMENT, { GroupId, IpAddressToBlock: source });

  expect(execution.StepExecutions?.at(-1)).toMatchObject({ StepName: step, StepStatus: 'Success' });
  expect(await inboundRules(GroupId)).toEqual(all.filter((rule) => !rule.endsWith(` ${source}`)));
});

test('a missing group fails the execution', async () => {
  const execution = await run(GROUP_DOCUMENT, { GroupId: 'sg-0123456789abcdef0' });

  expect(execution.AutomationExecutionStatus).toBe('Failed');
  expect(execution.FailureMessage).toContain('(InvalidGroup.NotFound)');
});

test('log file validation of a trail is switched on, by its name and by its ARN', async () => {
  const bucket = await new AccountBuilder(endpoint, account).privateBucket(REGION, `audit-${account}`);
  const client = new CloudTrailClient(asRoot());
  const names = ['by-name', 'by-arn'];
  const arns: string[] = [];
  for (const Name of names) {
    const { TrailARN } = await client.send(new CreateTrailCommand({ Name, S3BucketName: bucket }));
    arns.push(z.string().parse(TrailARN));
  }

  const executions = [
    await run('AWSConfigRemediation-EnableCloudTrailLogFileValidation', { TrailName: 'by-name' }),
    await run('AWSConfigRemediation-EnableCloudTrailLogFileValidation', { TrailName: arns[1] ?? '' }),
  ];

  expect(executions.map((execution) => execution.AutomationExecutionStatus)).toEqual(['Success', 'Success']);
  const { trailList = [] } = await client.send(new DescribeTrailsCommand({ trailNameList: names }));
  expect(trailList.map((trail) => trail.LogFileValidationEnabled)).toEqual([true, true]);
  const calls = ['UpdateTrail', 'DescribeTrails', 'GetTrail'];
  expect(roleCalls()).toEqual([...calls, ...calls]);
});

const CLUSTER_DOCUMENT = 'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster';

async function publicCluster(): Promise<void> {
  await new RedshiftClient(asRoot()).send(
    new CreateClusterCommand({
      ClusterIdentifier: 'warehouse',
      NodeType: 'ra3.large',
      MasterUsername: 'admin',
      MasterUserPassword: 'Passw0rd',
      ClusterType: 'single-node',
      PubliclyAccessible: true,
    }),
  );
  // In the local AWS, it is available from the second read on.
  await cluster();
}

async function cluster() {
  const { Clusters = [] } = await new RedshiftClient(asRoot()).send(
    new DescribeClustersCommand({ ClusterIdentifier: 'warehouse' }),
  );
  return Clusters[0];
}

test('a cluster is made private, and the execution waits for AWS to finish', async () => {
  await publicCluster();
  await using slow = slowRedshift({ proxy, upstream: () => endpoint, lasts: { reads: 1_000_000 } });

  const id = await start(CLUSTER_DOCUMENT, { ClusterIdentifier: 'warehouse' });
  await vi.waitFor(
    () => expect(roleCalls().filter((name) => name === 'DescribeClusters').length).toBeGreaterThan(3),
    { timeout: 15_000 },
  );

  expect(automation.executions[0]).toMatchObject({
    status: 'InProgress',
    currentStep: { name: 'WaitForClusterAvailability' },
  });
  expect((await cluster())?.PubliclyAccessible).toBe(true);
  await slow.finish();
  expect(await automation.finish(id)).toMatchObject({ status: 'Success', steps: { length: 3 } });
  expect((await cluster())?.PubliclyAccessible).toBe(false);
});

test('a busy cluster fails the execution', async () => {
  await publicCluster();
  await using _slow = slowRedshift({ proxy, upstream: () => endpoint, lasts: { reads: 1_000_000 } });
  await start(CLUSTER_DOCUMENT, { ClusterIdentifier: 'warehouse' });
  await vi.waitFor(() => expect(roleCalls()).toContain('DescribeClusters'), { timeout: 15_000 });

  const execution = await run(CLUSTER_DOCUMENT, { ClusterIdentifier: 'warehouse' });

  expect(execution.AutomationExecutionStatus).toBe('Failed');
  expect(execution.FailureMessage).toContain(
    '(InvalidClusterState) when calling the ModifyCluster operation',
  );
});

test("a role for another account's executions cannot be assumed", async () => {
  accounts += 1;
  account = `7310${String(accounts).padStart(8, '0')}`;
  role = await automationRole('999988887777');

  await expect(start(CLUSTER_DOCUMENT, { ClusterIdentifier: 'warehouse' })).rejects.toThrow(
    'The defined assume role is unable to be assumed.',
  );
  expect(roleCalls()).toEqual([]);
});
