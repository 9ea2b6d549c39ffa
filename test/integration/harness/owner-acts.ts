import {
  AddTagsCommand,
  CloudTrailClient,
  DeleteTrailCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  CreateFlowLogsCommand,
  CreateTagsCommand,
  DeleteNetworkAclCommand,
  DeleteNetworkAclEntryCommand,
  DeleteSecurityGroupCommand,
  DeleteVpcCommand,
  DescribeNetworkAclsCommand,
  type DescribeNetworkAclsCommandInput,
  DescribeSecurityGroupRulesCommand,
  EC2Client,
  ReplaceNetworkAclAssociationCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import {
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  TagUserCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import {
  AddTagsToResourceCommand,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import {
  DeleteClusterCommand,
  ModifyClusterCommand,
  RedshiftClient,
  CreateTagsCommand as RedshiftCreateTagsCommand,
} from '@aws-sdk/client-redshift';
import {
  DeleteBucketCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AccountBuilder } from '../../lab/accounts/account-builder.ts';
import type { TestedRule } from './violations.ts';

/** The owner of a resource, who calls the local AWS directly, not by the proxy. */
export interface Owner {
  readonly endpoint: string;
  readonly account: string;
  readonly region: string;
}

type Act = (owner: Owner, resource: string) => Promise<unknown>;

/** Acts of a resource's owner while a job is running. */
export interface OwnerActs {
  remove: Act;
  tag: (owner: Owner, resource: string, key: string, value: string) => Promise<unknown>;
  /** Fixes the violation in another way than the product. */
  fix: Act;
}

function settings({ endpoint, account, region }: Owner) {
  return { endpoint, region, credentials: { accessKeyId: account, secretAccessKey: 'test' } };
}

export const ec2Of = (owner: Owner): EC2Client => new EC2Client(settings(owner));
export const s3Of = (owner: Owner): S3Client => new S3Client(settings(owner));
const iamOf = (owner: Owner): IAMClient => new IAMClient(settings({ ...owner, region: 'us-east-1' }));
const rdsOf = (owner: Owner): RDSClient => new RDSClient(settings(owner));
const redshiftOf = (owner: Owner): RedshiftClient => new RedshiftClient(settings(owner));
const trailsOf = (owner: Owner): CloudTrailClient => new CloudTrailClient(settings(owner));

const tagInEc2: OwnerActs['tag'] = (owner, resource, Key, Value) =>
  ec2Of(owner).send(new CreateTagsCommand({ Resources: [resource], Tags: [{ Key, Value }] }));

export async function revokeAll(owner: Owner, group: string): Promise<void> {
  const { SecurityGroupRules = [] } = await ec2Of(owner).send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [group] }] }),
  );
  const ids = SecurityGroupRules.flatMap(({ IsEgress, SecurityGroupRuleId: id }) =>
    IsEgress === true || id === undefined ? [] : id,
  );
  await ec2Of(owner).send(
    new RevokeSecurityGroupIngressCommand({ GroupId: group, SecurityGroupRuleIds: ids }),
  );
}

export async function blockAllPublicAccess(owner: Owner, Bucket: string): Promise<void> {
  const PublicAccessBlockConfiguration = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  await s3Of(owner).send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
}

export async function deleteOpenEntry(owner: Owner, NetworkAclId: string): Promise<void> {
  await ec2Of(owner).send(new DeleteNetworkAclEntryCommand({ NetworkAclId, RuleNumber: 100, Egress: false }));
}

/** A network ACL with subnets cannot be deleted: they get the default network ACL of the VPC. */
async function removeNetworkAcl(owner: Owner, NetworkAclId: string): Promise<void> {
  const client = ec2Of(owner);
  const read = async (asked: DescribeNetworkAclsCommandInput) =>
    (await client.send(new DescribeNetworkAclsCommand(asked))).NetworkAcls?.[0];
  const acl = await read({ NetworkAclIds: [NetworkAclId] });
  const inVpc = { Name: 'vpc-id', Values: [acl?.VpcId ?? ''] };
  const standard = await read({ Filters: [inVpc, { Name: 'default', Values: ['true'] }] });
  for (const { NetworkAclAssociationId: AssociationId } of acl?.Associations ?? []) {
    await client.send(
      new ReplaceNetworkAclAssociationCommand({ AssociationId, NetworkAclId: standard?.NetworkAclId }),
    );
  }
  await client.send(new DeleteNetworkAclCommand({ NetworkAclId }));
}

async function eachKey(
  owner: Owner,
  UserName: string,
  act: (key: string) => Promise<unknown>,
): Promise<void> {
  const { AccessKeyMetadata = [] } = await iamOf(owner).send(new ListAccessKeysCommand({ UserName }));
  for (const { AccessKeyId = '' } of AccessKeyMetadata) await act(AccessKeyId);
}

export async function renameInstance(owner: Owner, from: string, to: string): Promise<void> {
  await rdsOf(owner).send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: from,
      NewDBInstanceIdentifier: to,
      ApplyImmediately: true,
    }),
  );
}

async function eachSnapshot(
  owner: Owner,
  instance: string,
  act: (snapshot: string) => Promise<unknown>,
): Promise<void> {
  const { DBSnapshots = [] } = await rdsOf(owner).send(
    new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: instance, SnapshotType: 'manual' }),
  );
  for (const { DBSnapshotIdentifier = '' } of DBSnapshots) await act(DBSnapshotIdentifier);
}

/** A default network ACL is deleted with its VPC. The local AWS keeps it, so it is deleted explicitly. */
async function removeWithVpc(owner: Owner, NetworkAclId: string): Promise<void> {
  const client = ec2Of(owner);
  const { NetworkAcls = [] } = await client.send(
    new DescribeNetworkAclsCommand({ NetworkAclIds: [NetworkAclId] }),
  );
  await client.send(new DeleteVpcCommand({ VpcId: NetworkAcls[0]?.VpcId }));
  await client.send(new DeleteNetworkAclCommand({ NetworkAclId }));
}

const groupActs: OwnerActs = {
  remove: (owner, GroupId) => ec2Of(owner).send(new DeleteSecurityGroupCommand({ GroupId })),
  tag: tagInEc2,
  fix: revokeAll,
};

const aclActs: OwnerActs = { remove: removeNetworkAcl, tag: tagInEc2, fix: deleteOpenEntry };

/** Acts by rule, for the kinds of resources that differ in how they are read, changed and tagged. */
export const ownerActs = {
  'security-group-ssh-open': groupActs,
  'security-group-rdp-open': groupActs,
  'security-group-admin-ports-open': groupActs,
  'network-acl-admin-ports-open': aclActs,
  'network-acl-subnet-allows-all': aclActs,
  'network-acl-default-allows-all': { remove: removeWithVpc, tag: tagInEc2, fix: deleteOpenEntry },
  'vpc-flow-logs-disabled': {
    remove: (owner, VpcId) => ec2Of(owner).send(new DeleteVpcCommand({ VpcId })),
    tag: tagInEc2,
    async fix(owner, vpc) {
      const bucket = `${vpc}-flow-logs`;
      await new AccountBuilder(owner.endpoint, owner.account).privateBucket(owner.region, bucket);
      await ec2Of(owner).send(
        new CreateFlowLogsCommand({
          ResourceIds: [vpc],
          ResourceType: 'VPC',
          TrafficType: 'ALL',
          LogDestinationType: 's3',
          LogDestination: `arn:aws:s3:::${bucket}`,
        }),
      );
    },
  },
  's3-bucket-public': {
    remove: (owner, Bucket) => s3Of(owner).send(new DeleteBucketCommand({ Bucket })),
    tag: (owner, Bucket, Key, Value) =>
      s3Of(owner).send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key, Value }] } })),
    fix: blockAllPublicAccess,
  },
  'iam-access-key-unrotated': {
    async remove(owner, UserName) {
      const client = iamOf(owner);
      await eachKey(owner, UserName, (AccessKeyId) =>
        client.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId })),
      );
      await client.send(new DeleteUserCommand({ UserName }));
    },
    tag: (owner, UserName, Key, Value) =>
      iamOf(owner).send(new TagUserCommand({ UserName, Tags: [{ Key, Value }] })),
    fix: (owner, UserName) =>
      eachKey(owner, UserName, (AccessKeyId) =>
        iamOf(owner).send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' })),
      ),
  },
  'rds-snapshot-public': {
    async remove(owner, instance) {
      const client = rdsOf(owner);
      await eachSnapshot(owner, instance, (DBSnapshotIdentifier) =>
        client.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier })),
      );
      await client.send(
        new DeleteDBInstanceCommand({ DBInstanceIdentifier: instance, SkipFinalSnapshot: true }),
      );
    },
    async tag(owner, DBInstanceIdentifier, Key, Value) {
      const client = rdsOf(owner);
      const { DBInstances = [] } = await client.send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier }),
      );
      const ResourceName = DBInstances[0]?.DBInstanceArn;
      await client.send(new AddTagsToResourceCommand({ ResourceName, Tags: [{ Key, Value }] }));
    },
    fix: (owner, instance) =>
      eachSnapshot(owner, instance, (DBSnapshotIdentifier) =>
        rdsOf(owner).send(
          new ModifyDBSnapshotAttributeCommand({
            DBSnapshotIdentifier,
            AttributeName: 'restore',
            ValuesToRemove: ['all'],
          }),
        ),
      ),
  },
  'redshift-cluster-public': {
    remove: (owner, ClusterIdentifier) =>
      redshiftOf(owner).send(new DeleteClusterCommand({ ClusterIdentifier, SkipFinalClusterSnapshot: true })),
    tag: (owner, cluster, Key, Value) =>
      redshiftOf(owner).send(
        new RedshiftCreateTagsCommand({
          ResourceName: `arn:aws:redshift:${owner.region}:${owner.account}:cluster:${cluster}`,
          Tags: [{ Key, Value }],
        }),
      ),
    fix: (owner, ClusterIdentifier) =>
      redshiftOf(owner).send(new ModifyClusterCommand({ ClusterIdentifier, PubliclyAccessible: false })),
  },
  'cloudtrail-log-file-validation': {
    remove: (owner, Name) => trailsOf(owner).send(new DeleteTrailCommand({ Name })),
    tag: (owner, ResourceId, Key, Value) =>
      trailsOf(owner).send(new AddTagsCommand({ ResourceId, TagsList: [{ Key, Value }] })),
    fix: (owner, Name) =>
      trailsOf(owner).send(new UpdateTrailCommand({ Name, EnableLogFileValidation: true })),
  },
} as const satisfies Partial<Record<TestedRule, OwnerActs>>;

export type ActedRule = keyof typeof ownerActs;
