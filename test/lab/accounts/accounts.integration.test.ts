import { randomInt } from 'node:crypto';
import {
  DescribeNetworkAclsCommand,
  DescribeSecurityGroupRulesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { GetBucketLocationCommand, S3Client } from '@aws-sdk/client-s3';
import { ListAccessPointsCommand, S3ControlClient } from '@aws-sdk/client-s3-control';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, inject, test } from 'vitest';
import { AccountBuilder } from './account-builder.ts';
import { testSession } from './session.ts';

const endpoint = inject('localAwsEndpoint');
const REGION = 'eu-central-1';
const OTHER_REGION = 'us-east-1';
const RUN = String(randomInt(10_000_000)).padStart(7, '0');
const ACCOUNT = `73501${RUN}`;
const OTHER_ACCOUNT = `73502${RUN}`;

const builder = new AccountBuilder(endpoint, ACCOUNT);
const session = (account = ACCOUNT) => testSession({ endpoint, account, region: REGION });

test('shared resources are created once per account and region', async () => {
  const [one, again, elsewhere, ofOther] = await Promise.all([
    builder.anyVpc(REGION),
    new AccountBuilder(endpoint, ACCOUNT).anyVpc(REGION),
    builder.anyVpc(OTHER_REGION),
    new AccountBuilder(endpoint, OTHER_ACCOUNT).anyVpc(REGION),
  ]);

  expect(again).toBe(one);
  expect(new Set([one, elsewhere, ofOther]).size).toBe(3);
});

test('a security group has the given permissions, only in its account', async () => {
  const office = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '198.51.100.0/24' }] };
  const id = await builder.securityGroup(REGION, await builder.anyVpc(REGION), 'office', [office]);
  const rulesIn = async (account: string) => {
    const Filters = [{ Name: 'group-id', Values: [id] }];
    const read = new DescribeSecurityGroupRulesCommand({ Filters });
    const { SecurityGroupRules = [] } = await session(account).client(EC2Client).send(read);
    return SecurityGroupRules.filter(({ IsEgress }) => IsEgress === false);
  };

  expect(await rulesIn(ACCOUNT)).toMatchObject([{ FromPort: 22, ToPort: 22, CidrIpv4: '198.51.100.0/24' }]);
  expect(await rulesIn(OTHER_ACCOUNT)).toEqual([]);
});

test('a network ACL that allows all traffic in guards a subnet', async () => {
  const id = await builder.openSubnetNetworkAcl(REGION);

  const { NetworkAcls = [] } = await session()
    .client(EC2Client)
    .send(new DescribeNetworkAclsCommand({ NetworkAclIds: [id] }));

  expect(NetworkAcls).toMatchObject([{ IsDefault: false, Associations: [{ NetworkAclId: id }] }]);
  expect(NetworkAcls[0]?.Entries).toContainEqual(
    expect.objectContaining({ CidrBlock: '0.0.0.0/0', RuleAction: 'allow', Egress: false }),
  );
});

test.each([REGION, OTHER_REGION])('a bucket is made in %s', async (region) => {
  const Bucket = await builder.privateBucket(region, `accounts-${RUN}-${region}`);

  const { LocationConstraint } = await session()
    .client(S3Client)
    .send(new GetBucketLocationCommand({ Bucket }));

  expect(LocationConstraint ?? OTHER_REGION).toBe(region);
});

test("an access point is in its bucket's account, by that account's host", async () => {
  const Bucket = await builder.bucketPublicByPolicy(REGION, `accounts-${RUN}-open`);
  await builder.publicAccessPoint(REGION, Bucket, 'open');

  const { AccessPointList } = await session()
    .client(S3ControlClient)
    .send(new ListAccessPointsCommand({ AccountId: ACCOUNT, Bucket }));

  expect(AccessPointList).toMatchObject([{ Name: 'open', Bucket }]);
});

test('a user has the requested number of access keys', async () => {
  const keys = await builder.userWithKeys('ada', 2);

  const { AccessKeyMetadata = [] } = await session()
    .client(IAMClient)
    .send(new ListAccessKeysCommand({ UserName: 'ada' }));

  expect(AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId).sort()).toEqual([...keys].sort());
});

test('a session belongs to its account, and has one client per service and region', async () => {
  const own = session(OTHER_ACCOUNT);

  const { Account } = await own.client(STSClient).send(new GetCallerIdentityCommand({}));

  expect(Account).toBe(OTHER_ACCOUNT);
  expect(own.client(EC2Client)).toBe(own.client(EC2Client));
  expect(own.client(EC2Client, OTHER_REGION)).not.toBe(own.client(EC2Client));
});
