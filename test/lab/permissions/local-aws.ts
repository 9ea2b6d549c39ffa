import { DescribeFlowLogsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  GetAccessKeyLastUsedCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  IAMClient,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
} from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetBucketPolicyCommand, HeadObjectCommand, paginateListBuckets, S3Client } from '@aws-sdk/client-s3';
import { GetResourcePolicyCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { isAwsError } from '../../../lambdas/aws/errors.ts';
import { type NamedPolicy, type PolicyDocument, parsePolicy } from './policy.ts';
import type { StateLookups } from './requirement.ts';

/** The permissions and the trust policy of a role. */
export interface RolePolicies {
  /** The role's unique id, which `aws:userid` begins with. */
  readonly id: string;
  readonly identity: readonly NamedPolicy[];
  readonly boundary?: NamedPolicy;
  readonly trust: PolicyDocument;
}

const REGION = 'us-east-1';

/** Reads the local AWS itself, as the root of the respective account, without a proxy. */
export class LocalAwsState implements StateLookups {
  readonly #endpoint: () => string;
  readonly #clients = new Map<string, unknown>();

  constructor(endpoint: () => string) {
    this.#endpoint = endpoint;
  }

  /** @returns undefined if there is no such role */
  async role(arn: string): Promise<RolePolicies | undefined> {
    const account = accountOf(arn);
    const RoleName = arn.slice(arn.lastIndexOf('/') + 1);
    const iam = this.#client(IAMClient, account);
    const found = await orUndefined(['NoSuchEntity'], () => iam.send(new GetRoleCommand({ RoleName })));
    const role = found?.Role;
    if (role === undefined || role.Arn !== arn) return undefined;

    const identity: NamedPolicy[] = [];
    for await (const { PolicyNames = [] } of paginateListRolePolicies({ client: iam }, { RoleName })) {
      for (const PolicyName of PolicyNames) {
        const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
        identity.push({ name: PolicyName, policy: parsePolicy(decodeURIComponent(PolicyDocument)) });
      }
    }
    for await (const page of paginateListAttachedRolePolicies({ client: iam }, { RoleName })) {
      for (const { PolicyArn = '' } of page.AttachedPolicies ?? []) {
        identity.push(await this.#managedPolicy(account, PolicyArn));
      }
    }
    const boundary = role.PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      id: role.RoleId ?? '',
      identity,
      ...(boundary !== undefined && { boundary: await this.#managedPolicy(account, boundary) }),
      trust: parsePolicy(decodeURIComponent(role.AssumeRolePolicyDocument ?? '')),
    };
  }

  /** The policy of a bucket, a queue, an event bus or a secret; undefined if it has none, or is none of these. */
  async resourcePolicy(arn: string, account: string): Promise<PolicyDocument | undefined> {
    const text = await this.#resourcePolicyText(arn, account);
    return text === undefined ? undefined : parsePolicy(text);
  }

  async userArn(account: string, name: string): Promise<string> {
    const iam = this.#client(IAMClient, account);
    const found = await orUndefined(['NoSuchEntity'], () => iam.send(new GetUserCommand({ UserName: name })));
    return found?.User?.Arn ?? `arn:aws:iam::${account}:user/${name}`;
  }

  async userOfAccessKey(account: string, AccessKeyId: string): Promise<string | undefined> {
    const iam = this.#client(IAMClient, account);
    const found = await orUndefined(['NoSuchEntity'], () =>
      iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId })),
    );
    return found?.UserName;
  }

  async bucketOwner(bucket: string, candidates: readonly string[]): Promise<string | undefined> {
    for (const account of new Set(candidates)) {
      const client = this.#client(S3Client, account);
      for await (const { Buckets = [] } of paginateListBuckets({ client }, { Prefix: bucket })) {
        if (Buckets.some(({ Name }) => Name === bucket)) return account;
      }
    }
    return undefined;
  }

  async objectExists(owner: string, Bucket: string, Key: string): Promise<boolean> {
    const s3 = this.#client(S3Client, owner);
    const found = await orUndefined(['NotFound', 'NoSuchKey', 'NoSuchBucket'], () =>
      s3.send(new HeadObjectCommand({ Bucket, Key })),
    );
    return found !== undefined;
  }

  async flowLog(account: string, region: string, id: string) {
    const ec2 = this.#client(EC2Client, account, region);
    const { FlowLogs = [] } = await ec2.send(
      new DescribeFlowLogsCommand({ Filter: [{ Name: 'flow-log-id', Values: [id] }] }),
    );
    const flowLog = FlowLogs.find(({ FlowLogId }) => FlowLogId === id);
    if (flowLog === undefined) return undefined;
    return {
      tags: Object.fromEntries((flowLog.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      destination: flowLog.LogDestinationType ?? '',
    };
  }

  async #resourcePolicyText(arn: string, account: string): Promise<string | undefined> {
    const [, , service = '', region = '', , ...rest] = arn.split(':');
    const name = rest.join(':');
    switch (service) {
      case 's3': {
        const [Bucket] = name.split('/');
        const s3 = this.#client(S3Client, account);
        const found = await orUndefined(['NoSuchBucketPolicy', 'NoSuchBucket'], () =>
          s3.send(new GetBucketPolicyCommand({ Bucket })),
        );
        return found?.Policy;
      }
      case 'sqs': {
        const sqs = this.#client(SQSClient, account, region);
        const found = await orUndefined(
          ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
          () =>
            sqs.send(
              new GetQueueAttributesCommand({
                QueueUrl: `${this.#endpoint()}/${account}/${name}`,
                AttributeNames: ['Policy'],
              }),
            ),
        );
        return found?.Attributes?.Policy || undefined;
      }
      case 'events': {
        const events = this.#client(EventBridgeClient, account, region);
        const found = await orUndefined(['ResourceNotFound'], () =>
          events.send(new DescribeEventBusCommand({ Name: name.replace(/^event-bus\//, '') })),
        );
        return found?.Policy || undefined;
      }
      case 'kms': {
        const kms = this.#client(KMSClient, account, region);
        const found = await orUndefined(['NotFound'], () =>
          kms.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' })),
        );
        return found?.Policy;
      }
      case 'secretsmanager': {
        const secrets = this.#client(SecretsManagerClient, account, region);
        const found = await orUndefined(['ResourceNotFound'], () =>
          secrets.send(new GetResourcePolicyCommand({ SecretId: arn })),
        );
        return found?.ResourcePolicy || undefined;
      }
      default:
        return undefined;
    }
  }

  async #managedPolicy(account: string, PolicyArn: string): Promise<NamedPolicy> {
    const iam = this.#client(IAMClient, account);
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const { PolicyVersion } = await iam.send(
      new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
    );
    return { name: PolicyArn, policy: parsePolicy(decodeURIComponent(PolicyVersion?.Document ?? '')) };
  }

  #client<C>(Client: new (settings: ClientSettings) => C, account: string, region = REGION): C {
    const key = `${Client.name} ${account} ${region}`;
    const known = this.#clients.get(key);
    if (known instanceof Client) return known;
    const client = new Client({
      endpoint: this.#endpoint(),
      region,
      credentials: { accessKeyId: account, secretAccessKey: 'test' },
      useQueueUrlAsEndpoint: false,
    });
    this.#clients.set(key, client);
    return client;
  }
}

interface ClientSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly useQueueUrlAsEndpoint: boolean;
}

/** The account that an ARN names; empty if it names none. */
export function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

async function orUndefined<T>(codes: readonly string[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isAwsError(error, ...codes)) return undefined;
    throw error;
  }
}
