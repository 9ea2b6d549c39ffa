import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateVpcCommand,
  EC2Client,
  type IpPermission,
} from '@aws-sdk/client-ec2';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  BucketLocationConstraint,
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';

const locationSchema = z.enum(BucketLocationConstraint);

/** Makes resources in one account of the local AWS, as its root. */
export class AccountBuilder {
  readonly account: string;
  readonly #endpoint: string;

  constructor(endpoint: string, account: string) {
    this.#endpoint = endpoint;
    this.account = account;
  }

  /** @returns the id of a new VPC */
  async vpc(region: string): Promise<string> {
    const { Vpc } = await this.#ec2(region).send(new CreateVpcCommand({ CidrBlock: '10.1.0.0/16' }));
    return required(Vpc?.VpcId, 'CreateVpc');
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

  /** A bucket that nobody else can read. */
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

  /** @returns the ids of the user's new access keys */
  async userWithKeys(name: string, keys: number): Promise<readonly string[]> {
    const client = new IAMClient(this.#settings('us-east-1'));
    await client.send(new CreateUserCommand({ UserName: name }));
    const ids: string[] = [];
    for (let key = 0; key < keys; key++) {
      const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName: name }));
      ids.push(required(AccessKey?.AccessKeyId, 'CreateAccessKey'));
    }
    return ids;
  }

  #ec2(region: string): EC2Client {
    return new EC2Client(this.#settings(region));
  }

  #s3(region: string): S3Client {
    return new S3Client(this.#settings(region));
  }

  #settings(region: string) {
    return {
      region,
      endpoint: this.#endpoint,
      credentials: { accessKeyId: this.account, secretAccessKey: 'test' },
    };
  }
}

function required<T>(value: T | undefined, operation: string): T {
  if (value === undefined) throw new Error(`${operation} answered without what it made`);
  return value;
}
