import { randomInt } from 'node:crypto';
import { CloudTrailClient, CreateTrailCommand, UpdateTrailCommand } from '@aws-sdk/client-cloudtrail';
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateFlowLogsCommand,
  CreateNetworkAclCommand,
  CreateNetworkAclEntryCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteNetworkAclEntryCommand,
  DescribeNetworkAclsCommand,
  DescribeVpcsCommand,
  EC2Client,
  type IpPermission,
  ReplaceNetworkAclAssociationCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateDBClusterCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  ModifyDBClusterSnapshotAttributeCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { CreateClusterCommand, ModifyClusterCommand, RedshiftClient } from '@aws-sdk/client-redshift';
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, inject, test } from 'vitest';
import { labRuleIds, type RuleCode, wordsOf } from '../rules/index.ts';
import { labelOfRegion, startTenant, type TenantItem } from './index.ts';

/** Accounts of this file and run: the server is shared with other tests, and may have resources of earlier runs. */
const RUN = randomInt(1_000_000_000);
const ACCOUNT = `111${String(RUN).padStart(9, '0')}`;
const OTHER_ACCOUNT = `222${String(RUN).padStart(9, '0')}`;
const REGION = 'eu-central-1';
const OTHER_REGION = 'us-east-1';
const ACCOUNTS = [
  { id: ACCOUNT, name: 'production' },
  { id: OTHER_ACCOUNT, name: 'sandbox' },
];
const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

const endpoint = inject('localAwsEndpoint');

function settings(region = REGION, account = ACCOUNT) {
  return { endpoint, region, credentials: { accessKeyId: account, secretAccessKey: 'test' } };
}

/** Scans for this rule only. @returns `Failed` or `Passed` for each resource id */
async function scan(rule: RuleCode, at = new Date()): Promise<Map<string, TenantItem>> {
  await using tenant = await startTenant();
  const report = await tenant.scan(
    { endpoint, accounts: ACCOUNTS, regions: [REGION, OTHER_REGION], rules: [rule] },
    at,
  );
  const items = [...report.failed, ...report.passed];
  for (const item of items) expect(item.rule_name).toBe(wordsOf(rule).rule_name);
  return new Map(items.map((item) => [item.resource_id, item]));
}

function statuses(items: ReadonlyMap<string, TenantItem>, resources: readonly string[]): unknown[] {
  return resources.map((resource) => items.get(resource)?.status);
}

async function makeVpc(ec2: EC2Client, block = '10.0.0.0/16'): Promise<string> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: block }));
  return Vpc?.VpcId ?? '';
}

async function makeGroup(ec2: EC2Client, vpc: string, name: string, open: IpPermission[]): Promise<string> {
  const { GroupId = '' } = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpc }),
  );
  if (open.length > 0) {
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: open }));
  }
  return GroupId;
}

test('security groups that open port 22 or 3389 to the world', async () => {
  const ec2 = new EC2Client(settings());
  const vpc = await makeVpc(ec2);
  const world = { IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
  const made = new Map<string, string>();
  const groups: Record<string, IpPermission[]> = {
    closed: [],
    ssh: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, ...world }],
    range: [{ IpProtocol: 'tcp', FromPort: 20, ToPort: 443, ...world }],
    everything: [{ IpProtocol: '-1', ...world }],
    ipv6: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, Ipv6Ranges: [{ CidrIpv6: '::/0' }] }],
    office: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '203.0.113.0/24' }] }],
    https: [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, ...world }],
    udp: [{ IpProtocol: 'udp', FromPort: 0, ToPort: 65_535, ...world }],
    rdp: [{ IpProtocol: 'tcp', FromPort: 3389, ToPort: 3389, ...world }],
  };
  for (const [name, open] of Object.entries(groups)) made.set(name, await makeGroup(ec2, vpc, name, open));

  const failing = async (rule: RuleCode): Promise<string[]> => {
    const items = await scan(rule);
    return [...made].filter(([, id]) => items.get(id)?.status === 'Failed').map(([name]) => name);
  };

  expect(await failing('CIS-1-2-0-4-1')).toEqual(['ssh', 'range', 'everything', 'ipv6']);
  expect(await failing('CIS-1-2-0-4-2')).toEqual(['everything', 'udp', 'rdp']);
  const item = (await scan('CIS-1-2-0-4-1')).get(made.get('ssh') ?? '');
  expect(item).toMatchObject({
    account_id: ACCOUNT,
    account_name: 'production',
    region_name: labelOfRegion(REGION),
    resource_name: 'ssh',
  });
});

test('VPCs without an active flow log', async () => {
  const ec2 = new EC2Client(settings());
  const [logged, unlogged] = [await makeVpc(ec2), await makeVpc(ec2)];
  // Without it the flow log delivers nothing, and reports that.
  await new CloudWatchLogsClient(settings()).send(new CreateLogGroupCommand({ logGroupName: 'flows' }));
  const { Unsuccessful } = await ec2.send(
    new CreateFlowLogsCommand({
      ResourceIds: [logged],
      ResourceType: 'VPC',
      TrafficType: 'ALL',
      LogGroupName: 'flows',
      DeliverLogsPermissionArn: `arn:aws:iam::${ACCOUNT}:role/flows`,
    }),
  );
  expect(Unsuccessful ?? []).toEqual([]);
  expect(statuses(await scan('CIS-1-2-0-2-9'), [logged, unlogged])).toEqual(['Passed', 'Failed']);
});

test('network ACLs that allow all traffic in', async () => {
  const ec2 = new EC2Client(settings());
  const vpc = await makeVpc(ec2);
  const { NetworkAcls } = await ec2.send(
    new DescribeNetworkAclsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] }),
  );
  const defaultAcl = NetworkAcls?.[0]?.NetworkAclId ?? '';
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpc, CidrBlock: '10.0.1.0/24' }));
  const { NetworkAcl } = await ec2.send(new CreateNetworkAclCommand({ VpcId: vpc }));
  const acl = NetworkAcl?.NetworkAclId ?? '';
  const { NetworkAcl: unused } = await ec2.send(new CreateNetworkAclCommand({ VpcId: vpc }));
  const everything = { Protocol: '-1', RuleAction: 'allow', Egress: false } as const;
  for (const NetworkAclId of [acl, unused?.NetworkAclId]) {
    await ec2.send(
      new CreateNetworkAclEntryCommand({
        NetworkAclId,
        RuleNumber: 50,
        CidrBlock: '0.0.0.0/0',
        ...everything,
      }),
    );
  }
  const associations = await ec2.send(
    new DescribeNetworkAclsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] }),
  );
  const association = associations.NetworkAcls?.flatMap(({ Associations }) => Associations ?? []).find(
    ({ SubnetId }) => SubnetId === Subnet?.SubnetId,
  );
  await ec2.send(
    new ReplaceNetworkAclAssociationCommand({
      AssociationId: association?.NetworkAclAssociationId,
      NetworkAclId: acl,
    }),
  );

  const ids = [defaultAcl, acl, unused?.NetworkAclId ?? ''];
  expect(statuses(await scan('BPR-0-6'), ids)).toEqual(['Failed', undefined, undefined]);
  expect(statuses(await scan('BPR-0-1-0'), ids)).toEqual([undefined, 'Failed', undefined]);

  await ec2.send(
    new DeleteNetworkAclEntryCommand({ NetworkAclId: defaultAcl, RuleNumber: 100, Egress: false }),
  );
  await ec2.send(new DeleteNetworkAclEntryCommand({ NetworkAclId: acl, RuleNumber: 50, Egress: false }));
  await ec2.send(
    new CreateNetworkAclEntryCommand({
      NetworkAclId: acl,
      RuleNumber: 60,
      CidrBlock: '10.0.0.0/8',
      ...everything,
    }),
  );
  expect(statuses(await scan('BPR-0-6'), ids)).toEqual(['Passed', undefined, undefined]);
  expect(statuses(await scan('BPR-0-1-0'), ids)).toEqual([undefined, 'Passed', undefined]);

  await ec2.send(
    new CreateNetworkAclEntryCommand({
      NetworkAclId: acl,
      RuleNumber: 70,
      Ipv6CidrBlock: '::/0',
      ...everything,
    }),
  );
  expect(statuses(await scan('BPR-0-1-0'), ids)).toEqual([undefined, 'Failed', undefined]);
});

test('users with an active access key of 90 days or more', async () => {
  const iam = new IAMClient(settings('us-east-1', OTHER_ACCOUNT));
  for (const UserName of ['with-key', 'with-inactive-key', 'without-key']) {
    await iam.send(new CreateUserCommand({ UserName }));
  }
  await iam.send(new CreateAccessKeyCommand({ UserName: 'with-key' }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'with-inactive-key' }));
  await iam.send(
    new UpdateAccessKeyCommand({
      UserName: 'with-inactive-key',
      AccessKeyId: AccessKey?.AccessKeyId,
      Status: 'Inactive',
    }),
  );
  const users = ['with-key', 'with-inactive-key', 'without-key'];
  const in90Days = new Date(Date.now() + 90 * DAY_MILLISECONDS + 1000);
  expect(statuses(await scan('CIS-1-2-0-1-4'), users)).toEqual(['Passed', 'Passed', 'Passed']);
  const later = await scan('CIS-1-2-0-1-4', in90Days);
  expect(statuses(later, users)).toEqual(['Failed', 'Passed', 'Passed']);
  expect(later.get('with-key')).toMatchObject({ region_name: 'global', account_id: OTHER_ACCOUNT });
});

test('trails without log file validation, in their home regions', async () => {
  const s3 = new S3Client({ ...settings(), forcePathStyle: true });
  await s3.send(
    new CreateBucketCommand({
      Bucket: `checker-trails-${RUN}`,
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  const cloudtrail = new CloudTrailClient(settings());
  const make = async (Name: string, EnableLogFileValidation: boolean): Promise<string> => {
    const { TrailARN = '' } = await cloudtrail.send(
      new CreateTrailCommand({
        Name,
        S3BucketName: `checker-trails-${RUN}`,
        IsMultiRegionTrail: true,
        EnableLogFileValidation,
      }),
    );
    return TrailARN;
  };
  const trails = [await make('validated', true), await make('unvalidated', false)];
  const items = await scan('CIS-1-2-0-2-2');
  expect(statuses(items, trails)).toEqual(['Passed', 'Failed']);
  expect(items.size).toBe(2);
  expect(items.get(trails[1] ?? '')?.region_name).toBe(labelOfRegion(REGION));

  await cloudtrail.send(new UpdateTrailCommand({ Name: 'unvalidated', EnableLogFileValidation: true }));
  expect(statuses(await scan('CIS-1-2-0-2-2'), trails)).toEqual(['Passed', 'Passed']);
});

test('databases with a snapshot that everyone may restore', async () => {
  const rds = new RDSClient(settings());
  for (const name of ['db-public', 'db-shared']) {
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: name,
        DBInstanceClass: 'db.t3.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'admin1',
        MasterUserPassword: 'a-long-password',
      }),
    );
    for (const number of [1, 2]) {
      await rds.send(
        new CreateDBSnapshotCommand({
          DBInstanceIdentifier: name,
          DBSnapshotIdentifier: `${name}-${number}`,
        }),
      );
    }
  }
  await rds.send(
    new CreateDBClusterCommand({
      DBClusterIdentifier: 'cluster-public',
      Engine: 'aurora-postgresql',
      MasterUsername: 'admin1',
      MasterUserPassword: 'a-long-password',
    }),
  );
  await rds.send(
    new CreateDBClusterSnapshotCommand({
      DBClusterIdentifier: 'cluster-public',
      DBClusterSnapshotIdentifier: 'cluster-public-1',
    }),
  );
  const databases = ['db-public', 'db-shared', 'cluster-public'];
  expect(statuses(await scan('BPR-3-8'), databases)).toEqual(['Passed', 'Passed', 'Passed']);

  const share = (DBSnapshotIdentifier: string, value: string) =>
    rds.send(
      new ModifyDBSnapshotAttributeCommand({
        DBSnapshotIdentifier,
        AttributeName: 'restore',
        ValuesToAdd: [value],
      }),
    );
  await share('db-public-1', 'all');
  await share('db-shared-1', OTHER_ACCOUNT);
  await rds.send(
    new ModifyDBClusterSnapshotAttributeCommand({
      DBClusterSnapshotIdentifier: 'cluster-public-1',
      AttributeName: 'restore',
      ValuesToAdd: ['all'],
    }),
  );
  expect(statuses(await scan('BPR-3-8'), databases)).toEqual(['Failed', 'Passed', 'Failed']);
});

test('publicly accessible Redshift clusters', async () => {
  const redshift = new RedshiftClient(settings(OTHER_REGION));
  for (const ClusterIdentifier of ['dw-public', 'dw-private']) {
    await redshift.send(
      new CreateClusterCommand({
        ClusterIdentifier,
        NodeType: 'ra3.large',
        ClusterType: 'single-node',
        MasterUsername: 'admin1',
        MasterUserPassword: 'A-long-passw0rd',
        PubliclyAccessible: ClusterIdentifier === 'dw-public',
      }),
    );
  }
  const clusters = ['dw-public', 'dw-private'];
  expect(statuses(await scan('BPR-1-9'), clusters)).toEqual(['Failed', 'Passed']);
  await redshift.send(
    new ModifyClusterCommand({ ClusterIdentifier: 'dw-public', PubliclyAccessible: false }),
  );
  expect(statuses(await scan('BPR-1-9'), clusters)).toEqual(['Passed', 'Passed']);
});

test('buckets that anyone can access, each in its own region', async () => {
  const s3 = new S3Client({ ...settings(), forcePathStyle: true });
  const home = new S3Client({ ...settings('us-east-1'), forcePathStyle: true });
  const make = async (client: S3Client, Bucket: string): Promise<void> => {
    const region = await client.config.region();
    await client.send(
      new CreateBucketCommand({
        Bucket,
        ...(region !== 'us-east-1' && {
          CreateBucketConfiguration: { LocationConstraint: REGION },
        }),
      }),
    );
    await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await client.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
      }),
    );
  };
  for (const name of [
    `b-private-${RUN}`,
    `b-acl-${RUN}`,
    `b-authenticated-${RUN}`,
    `b-policy-${RUN}`,
    `b-blocked-${RUN}`,
  ])
    await make(s3, name);
  await make(home, `b-home-${RUN}`);
  const policy = (Bucket: string) =>
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
        ],
      }),
    });
  await s3.send(new PutBucketAclCommand({ Bucket: `b-acl-${RUN}`, ACL: 'public-read' }));
  await s3.send(new PutBucketAclCommand({ Bucket: `b-authenticated-${RUN}`, ACL: 'authenticated-read' }));
  await s3.send(policy(`b-policy-${RUN}`));
  await home.send(policy(`b-home-${RUN}`));
  await s3.send(policy(`b-blocked-${RUN}`));
  await s3.send(new PutBucketAclCommand({ Bucket: `b-blocked-${RUN}`, ACL: 'public-read' }));
  const block = (one: 'IgnorePublicAcls' | 'RestrictPublicBuckets', other = false) =>
    s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: `b-blocked-${RUN}`,
        PublicAccessBlockConfiguration: {
          IgnorePublicAcls: other,
          RestrictPublicBuckets: other,
          [one]: true,
        },
      }),
    );
  const names = [
    `b-private-${RUN}`,
    `b-acl-${RUN}`,
    `b-authenticated-${RUN}`,
    `b-policy-${RUN}`,
    `b-home-${RUN}`,
    `b-blocked-${RUN}`,
  ];

  const items = await scan('BPR-1-0-0');
  expect(statuses(items, names)).toEqual(['Passed', 'Failed', 'Failed', 'Failed', 'Failed', 'Failed']);
  expect(items.get(`b-acl-${RUN}`)?.region_name).toBe(labelOfRegion(REGION));
  expect(items.get(`b-home-${RUN}`)?.region_name).toBe(labelOfRegion('us-east-1'));

  await block('IgnorePublicAcls');
  expect(statuses(await scan('BPR-1-0-0'), [`b-blocked-${RUN}`])).toEqual(['Failed']);
  await block('RestrictPublicBuckets');
  expect(statuses(await scan('BPR-1-0-0'), [`b-blocked-${RUN}`])).toEqual(['Failed']);
  await block('RestrictPublicBuckets', true);
  expect(statuses(await scan('BPR-1-0-0'), [`b-blocked-${RUN}`])).toEqual(['Passed']);
});

test('a scan of all rules keeps the time since which a resource has been failing', async () => {
  const ec2 = new EC2Client(settings(OTHER_REGION, OTHER_ACCOUNT));
  const { Vpcs } = await ec2.send(new DescribeVpcsCommand({}));
  const vpc = Vpcs?.[0]?.VpcId ?? (await makeVpc(ec2));
  const target = { endpoint, accounts: ACCOUNTS, regions: [REGION, OTHER_REGION] };
  await using tenant = await startTenant({ scanTarget: target });
  const vpcItem = { rule_name: wordsOf('CIS-1-2-0-2-9').rule_name, resource_id: vpc };

  await tenant.scan(target, new Date('2026-03-01T06:00:00Z'));
  const second = await tenant.scan(target, new Date('2026-03-02T06:00:00Z'));

  expect(second.failed).toContainEqual(
    expect.objectContaining({
      ...vpcItem,
      failing_since: '2026-03-01 06:00:00AM',
      last_scan_time: '2026-03-02 06:00:00AM',
    }),
  );
  const rules = new Set([...second.failed, ...second.passed].map(({ rule_name }) => rule_name));
  expect(rules.size).toBe(labRuleIds.length);
});
