import { CloudTrailClient, CreateTrailCommand } from '@aws-sdk/client-cloudtrail';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkAclCommand,
  CreateNetworkAclEntryCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeNetworkAclsCommand,
  EC2Client,
  type IpPermission,
  ReplaceNetworkAclAssociationCommand,
} from '@aws-sdk/client-ec2';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateDBClusterCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  ModifyDBClusterSnapshotAttributeCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { CreateClusterCommand, RedshiftClient } from '@aws-sdk/client-redshift';
import {
  BucketLocationConstraint,
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateAccessPointCommand,
  PutAccessPointPolicyCommand,
  S3ControlClient,
} from '@aws-sdk/client-s3-control';
import { z } from 'zod';
import { s3ControlEndpoint } from '../local-aws/account-hosts.ts';

const locationSchema = z.enum(BucketLocationConstraint);

const sharedVpcs = new Map<string, Promise<string>>();

/** Creates resources in one account of the local AWS, as its root. */
export class AccountBuilder {
  readonly account: string;
  readonly endpoint: string;

  constructor(endpoint: string, account: string) {
    this.endpoint = endpoint;
    this.account = account;
  }

  /** @returns the id of a new VPC */
  async vpc(region: string): Promise<string> {
    const { Vpc } = await this.#ec2(region).send(new CreateVpcCommand({ CidrBlock: '10.1.0.0/16' }));
    return required(Vpc?.VpcId, 'CreateVpc');
  }

  /** @returns the id of the VPC for resources that can use any: one per account and region */
  async anyVpc(region: string): Promise<string> {
    const place = `${this.endpoint} ${this.account} ${region}`;
    const vpc = sharedVpcs.get(place) ?? this.vpc(region);
    sharedVpcs.set(place, vpc);
    return await vpc;
  }

  /** @returns the id of a new security group with these inbound permissions */
  async securityGroup(
    region: string,
    vpc: string,
    name: string,
    permissions: readonly IpPermission[],
    tags: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const client = this.#ec2(region);
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const { GroupId } = await client.send(
      new CreateSecurityGroupCommand({
        GroupName: name,
        Description: name,
        VpcId: vpc,
        ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: 'security-group', Tags }] }),
      }),
    );
    const id = required(GroupId, 'CreateSecurityGroup');
    await client.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [...permissions] }),
    );
    return id;
  }

  /**
   * Creates a VPC, with one subnet or none.
   * @returns the id of its default network ACL, which allows all traffic in
   */
  async openDefaultNetworkAcl(region: string, { withSubnet = false } = {}): Promise<string> {
    const client = this.#ec2(region);
    const VpcId = await this.vpc(region);
    if (withSubnet) await client.send(new CreateSubnetCommand({ VpcId, CidrBlock: '10.1.1.0/24' }));
    const { NetworkAcls = [] } = await client.send(
      new DescribeNetworkAclsCommand({
        Filters: [
          { Name: 'vpc-id', Values: [VpcId] },
          { Name: 'default', Values: ['true'] },
        ],
      }),
    );
    return required(NetworkAcls[0]?.NetworkAclId, 'DescribeNetworkAcls');
  }

  /** @returns the id of a new network ACL that allows all traffic in, associated with a subnet of a new VPC */
  async openSubnetNetworkAcl(region: string): Promise<string> {
    const client = this.#ec2(region);
    const VpcId = await this.vpc(region);
    const { NetworkAcl } = await client.send(new CreateNetworkAclCommand({ VpcId }));
    const id = required(NetworkAcl?.NetworkAclId, 'CreateNetworkAcl');
    const { Subnet } = await client.send(new CreateSubnetCommand({ VpcId, CidrBlock: '10.1.1.0/24' }));
    const { NetworkAcls = [] } = await client.send(
      new DescribeNetworkAclsCommand({
        Filters: [{ Name: 'association.subnet-id', Values: [required(Subnet?.SubnetId, 'CreateSubnet')] }],
      }),
    );
    const association = NetworkAcls.flatMap(({ Associations = [] }) => Associations).find(
      ({ SubnetId }) => SubnetId === Subnet?.SubnetId,
    );
    await client.send(
      new ReplaceNetworkAclAssociationCommand({
        NetworkAclId: id,
        AssociationId: association?.NetworkAclAssociationId,
      }),
    );
    await client.send(
      new CreateNetworkAclEntryCommand({
        NetworkAclId: id,
        RuleNumber: 100,
        RuleAction: 'allow',
        Protocol: '-1',
        CidrBlock: '0.0.0.0/0',
        Egress: false,
      }),
    );
    return id;
  }

  /** @returns the ARN of a new trail without log file validation, which delivers to a new bucket of the same name */
  async unvalidatedTrail(region: string, name: string): Promise<string> {
    await this.privateBucket(region, name);
    const { TrailARN } = await new CloudTrailClient(this.settings(region)).send(
      new CreateTrailCommand({ Name: name, S3BucketName: name, EnableLogFileValidation: false }),
    );
    return required(TrailARN, 'CreateTrail');
  }

  /** A DB instance with a snapshot, `<id>-snapshot`, that everyone may restore. */
  async instanceWithPublicSnapshot(region: string, id: string): Promise<string> {
    const client = new RDSClient(this.settings(region));
    const snapshot = `${id}-snapshot`;
    await client.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: id,
        DBInstanceClass: 'db.t3.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'admin1',
        MasterUserPassword: 'a-long-password',
      }),
    );
    await client.send(
      new CreateDBSnapshotCommand({ DBInstanceIdentifier: id, DBSnapshotIdentifier: snapshot }),
    );
    await client.send(
      new ModifyDBSnapshotAttributeCommand({
        DBSnapshotIdentifier: snapshot,
        AttributeName: 'restore',
        ValuesToAdd: ['all'],
      }),
    );
    return id;
  }

  /** An Aurora cluster with a snapshot, `<id>-snapshot`, that everyone may restore. */
  async clusterWithPublicSnapshot(region: string, id: string): Promise<string> {
    const client = new RDSClient(this.settings(region));
    const snapshot = `${id}-snapshot`;
    await client.send(
      new CreateDBClusterCommand({
        DBClusterIdentifier: id,
        Engine: 'aurora-postgresql',
        MasterUsername: 'admin1',
        MasterUserPassword: 'a-long-password',
      }),
    );
    await client.send(
      new CreateDBClusterSnapshotCommand({ DBClusterIdentifier: id, DBClusterSnapshotIdentifier: snapshot }),
    );
    await client.send(
      new ModifyDBClusterSnapshotAttributeCommand({
        DBClusterSnapshotIdentifier: snapshot,
        AttributeName: 'restore',
        ValuesToAdd: ['all'],
      }),
    );
    return id;
  }

  /** A publicly accessible Redshift cluster. */
  async publicRedshiftCluster(region: string, id: string): Promise<string> {
    await new RedshiftClient(this.settings(region)).send(
      new CreateClusterCommand({
        ClusterIdentifier: id,
        NodeType: 'ra3.large',
        ClusterType: 'single-node',
        MasterUsername: 'admin1',
        MasterUserPassword: 'A-long-passw0rd',
        PubliclyAccessible: true,
      }),
    );
    return id;
  }

  /** A private bucket. */
  async privateBucket(region: string, name: string): Promise<string> {
    const client = this.#s3(region);
    await client.send(
      new CreateBucketCommand({
        Bucket: name,
        ...(region !== 'us-east-1' && {
          CreateBucketConfiguration: { LocationConstraint: locationSchema.parse(region) },
        }),
      }),
    );
    return name;
  }

  /** A bucket whose ACL lets everyone list it. */
  async bucketPublicByAcl(region: string, name: string): Promise<string> {
    await this.privateBucket(region, name);
    const client = this.#s3(region);
    await client.send(new DeletePublicAccessBlockCommand({ Bucket: name }));
    await client.send(
      new PutBucketOwnershipControlsCommand({
        Bucket: name,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
      }),
    );
    await client.send(new PutBucketAclCommand({ Bucket: name, ACL: 'public-read' }));
    return name;
  }

  /** A bucket whose policy lets everyone read its objects. */
  async bucketPublicByPolicy(region: string, name: string): Promise<string> {
    await this.privateBucket(region, name);
    const client = this.#s3(region);
    await client.send(new DeletePublicAccessBlockCommand({ Bucket: name }));
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${name}/*`,
    };
    await client.send(
      new PutBucketPolicyCommand({
        Bucket: name,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      }),
    );
    return name;
  }

  /** Adds an access point whose policy lets everyone read the bucket's objects. */
  async publicAccessPoint(region: string, bucket: string, name: string): Promise<void> {
    const client = new S3ControlClient({
      ...this.settings(region),
      endpoint: s3ControlEndpoint(this.endpoint),
    });
    const point = { AccountId: this.account, Name: name };
    const open = { BlockPublicPolicy: false, RestrictPublicBuckets: false };
    await client.send(
      new CreateAccessPointCommand({ ...point, Bucket: bucket, PublicAccessBlockConfiguration: open }),
    );
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:${region}:${this.account}:accesspoint/${name}/object/*`,
    };
    await client.send(
      new PutAccessPointPolicyCommand({
        ...point,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      }),
    );
  }

  /** @returns the ids of the user's new access keys */
  async userWithKeys(name: string, keys: number): Promise<readonly string[]> {
    const client = new IAMClient(this.settings('us-east-1'));
    await client.send(new CreateUserCommand({ UserName: name }));
    const ids: string[] = [];
    for (let key = 0; key < keys; key++) {
      const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName: name }));
      ids.push(required(AccessKey?.AccessKeyId, 'CreateAccessKey'));
    }
    return ids;
  }

  #ec2(region: string): EC2Client {
    return new EC2Client(this.settings(region));
  }

  #s3(region: string): S3Client {
    return new S3Client(this.settings(region));
  }

  /** Settings of a client of the account's root. */
  settings(region: string) {
    return {
      region,
      endpoint: this.endpoint,
      credentials: { accessKeyId: this.account, secretAccessKey: 'test' },
    };
  }
}

function required<T>(value: T | undefined, operation: string): T {
  if (value === undefined) throw new Error(`${operation} returned no id`);
  return value;
}
