import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetBucketEncryptionCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { LocalAwsState } from './local-aws.ts';
import { allowedActions, type PolicyDocument, parsePolicy, withoutAction } from './policy.ts';
import type { ConditionValues } from './requirement.ts';
import { simulate } from './simulate.ts';

/** A KMS call that AWS makes for an encrypted resource: on a role's behalf, or by one of its services. */
export interface KeyUse {
  /** A role's ARN, or a service: `logs.eu-central-1.amazonaws.com`. */
  readonly who: string;
  /** `kms:Decrypt` */
  readonly action: string;
  /** The ARN of the encrypted resource. */
  readonly of: string;
}

/** Uses of the key that a call requires, by its action. */
const ofTheKey: Readonly<Record<string, readonly string[]>> = {
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
  's3:GetObject': ['kms:Decrypt'],
  's3:PutObject': ['kms:GenerateDataKey'],
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
  'sqs:SendMessage': ['kms:Decrypt', 'kms:GenerateDataKey'],
  'sqs:ReceiveMessage': ['kms:Decrypt'],
  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
  'secretsmanager:GetSecretValue': ['kms:Decrypt'],
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
  'dynamodb:BatchGetItem': ['kms:Decrypt', 'kms:DescribeKey'],
  'dynamodb:PutItem': ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
};

/** CloudWatch Logs puts the log group into the encryption context, which the simulator does not support. */
const LOG_GROUP = 'kms:EncryptionContext:aws:logs:arn';
/** A key that the simulator supports and compares in the same way, used instead. */
const STAND_IN = 'aws:SourceArn';

function withStandIn(policy: PolicyDocument): PolicyDocument {
  return parsePolicy(JSON.stringify(policy).replaceAll(`"${LOG_GROUP}"`, `"${STAND_IN}"`));
}

/**
 * Judges who may use the keys of encrypted resources in the local AWS, which itself checks no key: by the deployed policies
 * of the keys and roles. `DeliveryJudge` judges the use by EventBridge.
 */
export class KeyJudge {
  readonly #endpoint: string;
  readonly #account: string;
  readonly #region: string;
  readonly #state: LocalAwsState;

  /** @param endpoint the local AWS itself, whose policies are evaluated */
  constructor(endpoint: string, account: string, region: string) {
    this.#endpoint = endpoint;
    this.#account = account;
    this.#region = region;
    this.#state = new LocalAwsState(() => endpoint);
  }

  /** Lists the uses of keys that the calls of roles required, each once; the resource of an S3 call is the bucket. */
  async usesOf(
    calls: readonly { readonly role: string; readonly action: string; readonly resource: string }[],
  ): Promise<readonly KeyUse[]> {
    const uses = calls.flatMap(({ role, action, resource }) =>
      (ofTheKey[action] ?? []).map((use) => ({
        who: role,
        action: use,
        of: resource.replace(/^(arn:aws:s3:::[^/]+)\/.*$/, '$1'),
      })),
    );
    return [...new Map(uses.map((use) => [JSON.stringify(use), use])).values()];
  }

  /**
   * Reports whether AWS would let the key be used.
   * @param left what to leave out of the evaluation: a statement of the key's policy, by its Sid, or all of a role's
   * permissions for keys
   * @throws Error if the resource has no customer managed key
   */
  async allows(
    { who, action, of }: KeyUse,
    left: { readonly statement?: string; readonly roles?: boolean } = {},
  ): Promise<boolean> {
    const key = await this.keyOf(of);
    if (key === undefined) throw new Error(`${of} is not encrypted by a customer managed key`);
    const keyPolicy = await this.#keyPolicy(key);
    const isRole = who.startsWith('arn:');
    const role = isRole ? await this.#state.role(who) : undefined;
    const service = of.split(':')[2] ?? '';
    const conditions: ConditionValues = isRole
      ? { 'aws:PrincipalArn': who, 'kms:ViaService': `${service}.${this.#region}.amazonaws.com` }
      : { [STAND_IN]: of };
    const { analysis } = await simulate({
      principal: isRole ? `arn:aws:sts::${this.#account}:assumed-role/${who.split('/').at(-1)}/session` : who,
      action,
      resource: key,
      account: this.#account,
      conditions,
      identityPolicies: (role?.identity ?? []).map(({ name, policy }) => ({
        name,
        policy: left.roles === true ? withoutKeys(policy) : policy,
      })),
      resourcePolicy: withStandIn({
        ...keyPolicy,
        Statement: keyPolicy.Statement.filter(({ Sid }) => Sid === undefined || Sid !== left.statement),
      }),
    });
    return analysis.result === 'Allowed';
  }

  /** The key that encrypts a bucket, queue, secret, table, topic or log group; undefined: AWS's own. */
  async keyOf(arn: string): Promise<string | undefined> {
    const [, , service = '', , , ...rest] = arn.split(':');
    const name = rest.join(':');
    const settings = {
      endpoint: this.#endpoint,
      region: this.#region,
      credentials: { accessKeyId: this.#account, secretAccessKey: 'test' },
    };
    switch (service) {
      case 's3': {
        const { ServerSideEncryptionConfiguration: { Rules: [rule] = [] } = {} } = await new S3Client({
          ...settings,
          forcePathStyle: true,
        }).send(new GetBucketEncryptionCommand({ Bucket: name }));
        return rule?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
      }
      case 'sqs': {
        const sqs = new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
        const QueueUrl = `${this.#endpoint}/${this.#account}/${name}`;
        const { Attributes } = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['KmsMasterKeyId'] }),
        );
        return Attributes?.['KmsMasterKeyId'];
      }
      case 'secretsmanager': {
        const secrets = new SecretsManagerClient(settings);
        return (await secrets.send(new DescribeSecretCommand({ SecretId: arn }))).KmsKeyId;
      }
      case 'dynamodb': {
        const { Table } = await new DynamoDBClient(settings).send(
          new DescribeTableCommand({ TableName: name.replace(/^table\//, '') }),
        );
        return Table?.SSEDescription?.KMSMasterKeyArn;
      }
      case 'sns': {
        const { Attributes } = await new SNSClient(settings).send(
          new GetTopicAttributesCommand({ TopicArn: arn }),
        );
        return Attributes?.['KmsMasterKeyId'];
      }
      case 'logs': {
        const logGroupNamePrefix = name.replace(/^log-group:/, '');
        const { logGroups: [group] = [] } = await new CloudWatchLogsClient(settings).send(
          new DescribeLogGroupsCommand({ logGroupNamePrefix }),
        );
        return group?.kmsKeyId;
      }
      default:
        throw new Error(
          `can't tell the key of ${arn}: expected a bucket, queue, secret, table, topic or log group`,
        );
    }
  }

  async #keyPolicy(KeyId: string): Promise<PolicyDocument> {
    const kms = new KMSClient({
      endpoint: this.#endpoint,
      region: this.#region,
      credentials: { accessKeyId: this.#account, secretAccessKey: 'test' },
    });
    const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
    return parsePolicy(Policy);
  }
}

function withoutKeys(policy: PolicyDocument): PolicyDocument {
  return allowedActions([policy])
    .filter((action) => action.startsWith('kms:'))
    .reduce(withoutAction, policy);
}
