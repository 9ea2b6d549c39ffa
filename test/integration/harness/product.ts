import { randomInt } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  BucketLocationConstraint,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { listingKey } from '../../../lambdas/collector/listing.ts';
import { type BreakerSettings, defaultBreaker } from '../../../lambdas/model/breaker-settings.ts';
import {
  EVENT_SOURCE,
  FINDING_NOTICE,
  FINDING_OUTCOME,
  JOB_OUTCOME,
  RULE_HELD_BACK,
  TARGET_ROLE_MISSING,
} from '../../../lambdas/model/event-names.ts';
import { findingNoticeSchema } from '../../../lambdas/model/finding-notice.ts';
import { type JobEvent, jobEventSchema } from '../../../lambdas/model/job-event.ts';
import { defaultLimits, type Limits } from '../../../lambdas/model/limits.ts';
import { type Notice, noticeSchema } from '../../../lambdas/model/notice.ts';
import {
  type Outcome,
  outcomeSchema,
  type Unprocessable,
  unprocessableSchema,
} from '../../../lambdas/model/outcome.ts';
import { outcomeEventSchema } from '../../../lambdas/model/outcome-event.ts';
import { type PollSummary, pollSummarySchema } from '../../../lambdas/model/poll-summary.ts';
import { roleMissingEventSchema } from '../../../lambdas/model/role-missing.ts';
import { ACCOUNTS_KEY, type Mode, ruleSettingsKey } from '../../../lambdas/model/settings.ts';
import { RecordedOutcomes } from '../../lab/deployed/recorded-outcomes.ts';
import { s3ControlEndpoint } from '../../lab/local-aws/account-hosts.ts';
import {
  automationRoleName,
  collectorEnvironment,
  eventBusArn,
  evidenceBucketName,
  findingsTableName,
  type JobQueue,
  jobQueueAttributes,
  queueName,
  remediatorEnvironment,
  settingsBucketName,
  targetRoleName,
  tokenSecretName,
} from './deployed-form.ts';

/** A rule's settings as a user of the module writes them. */
export interface RuleSettings {
  readonly mode?: Mode;
  readonly mode_by_account?: Readonly<Record<string, Mode>>;
  readonly mode_by_group?: Readonly<Record<string, Mode>>;
  readonly excluded_groups?: readonly string[];
  readonly method?: 'api' | 'runbook';
  readonly runbook_then?: 'api' | 'report';
  readonly exemptions?: readonly object[];
  readonly limits?: Limits;
  readonly breaker?: BreakerSettings;
  readonly options?: object;
}

/** Settings of accounts for all rules, as a user of the module writes them. */
export interface AccountSettings {
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly excluded_groups?: readonly string[];
  readonly mode_by_account?: Readonly<Record<string, Mode>>;
  readonly mode_by_group?: Readonly<Record<string, Mode>>;
  readonly events?: 'changed' | 'all';
}

export interface ProductOptions {
  /** Address to which functions send their calls: the proxy. */
  readonly functionEndpoint: string;
  /** Address at which the product's resources are created and read: the local AWS itself, where calls meet no faults. */
  readonly endpoint: string;
  readonly netskopeUrl: string;
  readonly token: string;
  /** The security account. */
  readonly account: string;
  readonly rules: Readonly<Record<string, RuleSettings>>;
  readonly accounts?: AccountSettings;
  /** The first one is the home region. Default: eu-central-1 alone. */
  readonly regions?: readonly string[];
  /** Regions that the collector treats as deployed, if they differ from `regions`. */
  readonly collectorRegions?: readonly string[];
  readonly regionLabels?: Readonly<Record<string, string>>;
  /** Default: 3. */
  readonly maxReceiveCount?: number;
}

/** Fields of an event that tests read, once the whole event has passed the product's own schema. */
const eventSchema = z.looseObject({
  poll: z.object({ rule: z.string(), asOf: z.string() }),
  outcome: z.string(),
  finding: z.looseObject({ account: z.string(), region: z.string(), resource: z.string() }).optional(),
  item: z.unknown().optional(),
  reason: z.string().optional(),
  deadLetter: z.boolean().optional(),
  plan: z.array(z.string()).optional(),
  applied: z.array(z.string()).optional(),
});
export type OutcomeEvent = z.infer<typeof eventSchema>;

const busMessageSchema = z.discriminatedUnion('detail-type', [
  z.object({
    source: z.literal(EVENT_SOURCE),
    'detail-type': z.literal(FINDING_OUTCOME),
    detail: z
      .unknown()
      .refine((detail) => outcomeEventSchema.safeParse(detail).success, 'expected the event of an outcome')
      .pipe(eventSchema),
  }),
  z.object({
    source: z.literal(EVENT_SOURCE),
    'detail-type': z.literal(JOB_OUTCOME),
    detail: jobEventSchema,
  }),
  z.object({
    source: z.literal(EVENT_SOURCE),
    'detail-type': z.literal(RULE_HELD_BACK),
    detail: noticeSchema,
  }),
  z.object({
    source: z.literal(EVENT_SOURCE),
    'detail-type': z.literal(FINDING_NOTICE),
    detail: findingNoticeSchema,
  }),
  z.object({
    source: z.literal(EVENT_SOURCE),
    'detail-type': z.literal(TARGET_ROLE_MISSING),
    detail: roleMissingEventSchema,
  }),
]);

const journalSchema = z.looseObject({
  resources: z.array(
    z.object({
      resource: z.string(),
      plan: outcomeSchema.shape.plan,
      applied: outcomeSchema.shape.applied,
    }),
  ),
});
export type StoredJournal = z.infer<typeof journalSchema>;

/** An account id that no other test uses. */
export function freshAccount(): string {
  return String(randomInt(100_000_000_000, 281_474_976_710_655)).slice(0, 12);
}

/** Settings of accounts that exist per rule and for all rules, with the modules' defaults. */
const ofAccounts = {
  mode_by_account: {},
  mode_by_group: {},
  accounts: [],
  excluded_accounts: [],
  excluded_groups: [],
};

/** A rule's settings as JSON, with the modules' defaults. */
export function settingsJson(rule: string, settings: RuleSettings): string {
  const defaults = {
    mode: 'dry_run',
    method: 'api',
    runbook_then: 'api',
    limits: defaultLimits,
    breaker: defaultBreaker,
    // As in the default schedule.
    poll_minutes: 60,
    exemptions: [],
    options: {},
  };
  return JSON.stringify({ version: 2, rule, ...ofAccounts, ...defaults, ...settings });
}

/** Settings of accounts for all rules as JSON, with the modules' defaults. */
export function accountsJson(settings: AccountSettings): string {
  return JSON.stringify({ version: 2, groups: {}, ...ofAccounts, ...settings });
}

/** Seconds from a message's receipt to its return. Long: callers that want it sooner say so. */
const VISIBILITY_TIMEOUT_SECONDS = 1800;
const EVENTS_TIMEOUT_MILLISECONDS = 10_000;

let deployments = 0;

/**
 * The product as the modules deploy it in a security account, except for the functions: queues, evidence bucket, event bus
 * (with a queue that receives its events), the token's secret, settings. Terraform would take two minutes for it.
 */
export class Product {
  readonly name: string;
  readonly account: string;
  readonly homeRegion: string;
  readonly regions: readonly string[];
  readonly maxReceiveCount: number;
  readonly bucket: string;
  readonly #options: ProductOptions;
  readonly #s3: S3Client;
  readonly #sqs = new Map<string, SQSClient>();
  readonly #jobEvents: JobEvent[] = [];
  readonly #notices: Notice[] = [];
  readonly #events: OutcomeEvent[] = [];
  #secretArn = '';
  #caughtEvents = '';

  private constructor(options: ProductOptions) {
    this.#options = options;
    deployments += 1;
    this.name = `cspm-${deployments}`;
    this.account = options.account;
    this.regions = options.regions ?? ['eu-central-1'];
    this.homeRegion = this.regions[0] ?? 'eu-central-1';
    this.maxReceiveCount = options.maxReceiveCount ?? 3;
    this.bucket = evidenceBucketName(this);
    this.#s3 = new S3Client(this.client(this.homeRegion));
  }

  static async deploy(options: ProductOptions): Promise<Product> {
    const product = new Product(options);
    await Promise.all([
      product.#makeSecret(),
      product.#makeBucket(product.bucket),
      product.#makeSettings(),
      product.#makeTable(),
      product.#makeBus(),
      ...product.regions.map((region) => product.#makeRegion(region)),
    ]);
    return product;
  }

  /** Settings with which SDK clients act as the security account's root, without the proxy. */
  client(region: string) {
    return {
      endpoint: this.#options.endpoint,
      region,
      credentials: { accessKeyId: this.account, secretAccessKey: 'test' },
    };
  }

  sqs(region: string): SQSClient {
    const known = this.#sqs.get(region);
    if (known !== undefined) return known;
    const client = new SQSClient({ ...this.client(region), useQueueUrlAsEndpoint: false });
    this.#sqs.set(region, client);
    return client;
  }

  get targetRoleName(): string {
    return targetRoleName(this);
  }

  get automationRoleName(): string {
    return automationRoleName(this);
  }

  /** Name of the queue of delayed jobs. */
  get delayedQueueName(): string {
    return queueName(this, 'jobs-delayed');
  }

  get eventBusArn(): string {
    return eventBusArn(this);
  }

  get secretArn(): string {
    return this.#secretArn;
  }

  /** The collector's environment, as `modules/central/collector.tf` and Lambda set it. */
  get collectorEnvironment(): Record<string, string> {
    const { netskopeUrl, collectorRegions = this.regions, regionLabels = {} } = this.#options;
    return {
      ...collectorEnvironment(this, {
        netskopeUrl,
        secretArn: this.#secretArn,
        regions: collectorRegions,
        regionLabels,
        schedules: Object.fromEntries(Object.keys(this.#options.rules).map((rule) => [rule, 'rate(1 hour)'])),
      }),
      ...this.#lambdaEnvironment(this.homeRegion),
    };
  }

  /** A remediator's environment, as `modules/per-region/remediator.tf` and Lambda set it, except that retries are immediate. */
  remediatorEnvironment(region: string): Record<string, string> {
    return {
      ...remediatorEnvironment(this, { maxReceiveCount: this.maxReceiveCount, retryDelaySeconds: 0 }),
      ...this.#lambdaEnvironment(region),
    };
  }

  /** The variables that Lambda sets, with the proxy's address and the account's root instead of the function's role. */
  #lambdaEnvironment(region: string): Record<string, string> {
    return {
      AWS_REGION: region,
      AWS_ENDPOINT_URL: this.#options.functionEndpoint,
      AWS_ENDPOINT_URL_S3_CONTROL: s3ControlEndpoint(this.#options.functionEndpoint),
      AWS_ACCESS_KEY_ID: this.account,
      AWS_SECRET_ACCESS_KEY: 'test',
    };
  }

  async putToken(token: string): Promise<void> {
    await new SecretsManagerClient(this.client(this.homeRegion)).send(
      new PutSecretValueCommand({ SecretId: this.#secretArn, SecretString: token }),
    );
  }

  /** Writes a rule's settings, as an apply would. @returns the object's version */
  putSettings(rule: string, settings: RuleSettings): Promise<string> {
    return this.putSettingsText(ruleSettingsKey(rule), settingsJson(rule, settings));
  }

  /** Writes the settings of accounts for all rules, as an apply would. @returns the object's version */
  putAccounts(settings: AccountSettings): Promise<string> {
    // Every outcome has its event, except in tests that are about this setting.
    return this.putSettingsText(ACCOUNTS_KEY, accountsJson({ events: 'all', ...settings }));
  }

  /** Writes any text into the settings bucket. @returns the object's version */
  async putSettingsText(key: string, text: string): Promise<string> {
    const { VersionId = '' } = await this.#s3.send(
      new PutObjectCommand({ Bucket: settingsBucketName(this), Key: key, Body: text }),
    );
    return VersionId;
  }

  async putPause(value: string, region = this.homeRegion): Promise<void> {
    await this.#putParameter(region, `/${this.name}/pause`, value);
  }

  async deletePause(region = this.homeRegion): Promise<void> {
    await new SSMClient(this.client(region)).send(
      new DeleteParameterCommand({ Name: `/${this.name}/pause` }),
    );
  }

  async deleteQueue(region: string): Promise<void> {
    await this.sqs(region).send(new DeleteQueueCommand({ QueueUrl: this.queueUrl('jobs.fifo') }));
  }

  /** Creates the queue of jobs, whose dead-letter queue exists already. */
  async makeQueue(region: string): Promise<void> {
    const Attributes = {
      ...jobQueueAttributes(this, region, this.maxReceiveCount),
      VisibilityTimeout: String(VISIBILITY_TIMEOUT_SECONDS),
    };
    await this.sqs(region).send(
      new CreateQueueCommand({ QueueName: queueName(this, 'jobs.fifo'), Attributes }),
    );
  }

  queueUrl(queue: JobQueue): string {
    return `${this.#options.endpoint}/${this.account}/${queueName(this, queue)}`;
  }

  /** Counts the messages in a queue, in flight or not. */
  async depth(region: string, queue: JobQueue): Promise<number> {
    const { Attributes = {} } = await this.sqs(region).send(
      new GetQueueAttributesCommand({
        QueueUrl: this.queueUrl(queue),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Object.values(Attributes).reduce((total, value) => total + Number(value), 0);
  }

  /** The summary of a poll, or undefined if the collector wrote none. */
  async summary(rule: string, asOf: string): Promise<PollSummary | undefined> {
    const [key] = await this.#list(`polls/${rule}/${epochSeconds(asOf)}.json`);
    return key === undefined ? undefined : pollSummarySchema.parse(await this.#readJson(key));
  }

  /** Makes the next poll of a rule behave as the first one. */
  async forgetListing(rule: string): Promise<void> {
    const Key = listingKey({ source: 'netskope', rule, asOf: '' });
    await this.#s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key }));
  }

  /** The outcomes of a poll, in the order of their keys. */
  async outcomes(rule: string, asOf: string): Promise<Outcome[]> {
    return new RecordedOutcomes(this.#s3, this.bucket).ofPoll(rule, new Date(asOf));
  }

  /** All lines of a poll, including those of findings that it closed. */
  outcomeLines(rule: string, asOf: string): Promise<Outcome[]> {
    return new RecordedOutcomes(this.#s3, this.bucket).linesOf(rule, new Date(asOf));
  }

  /** The keys of a poll's evidence objects with lines of an account's findings. */
  evidenceKeys(rule: string, asOf: string, account: string): Promise<string[]> {
    return new RecordedOutcomes(this.#s3, this.bucket).keysOf(rule, new Date(asOf), account);
  }

  async unprocessable(rule: string, asOf: string): Promise<Unprocessable[]> {
    const keys = await this.#list(`unprocessable/${rule}/${epochSeconds(asOf)}/`);
    return Promise.all(keys.map(async (key) => unprocessableSchema.parse(await this.#readJson(key))));
  }

  /** Reads what a job recorded before it changed anything. */
  async journal(key: string): Promise<StoredJournal> {
    return journalSchema.parse(await this.#readJson(key));
  }

  /** The events so far, at least as many as expected if they arrive in time, because the bus delivers with a delay. */
  async events(expected: (events: readonly OutcomeEvent[]) => boolean): Promise<readonly OutcomeEvent[]> {
    const deadline = Date.now() + EVENTS_TIMEOUT_MILLISECONDS;
    while (!expected(this.#events) && Date.now() < deadline) await this.#receiveEvents(1);
    // Further events that have already arrived.
    while (await this.#receiveEvents(0));
    return [...this.#events];
  }

  /** The events of jobs, which arrived with those of outcomes. */
  get jobEvents(): readonly JobEvent[] {
    return this.#jobEvents;
  }

  /** Notices that people received of rules that are held back. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** @returns whether there were any */
  async #receiveEvents(waitSeconds: number): Promise<boolean> {
    const sqs = this.sqs(this.homeRegion);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#caughtEvents,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: waitSeconds,
      }),
    );
    if (Messages.length === 0) return false;
    for (const { Body = '' } of Messages) {
      const message = busMessageSchema.parse(JSON.parse(Body));
      if (message['detail-type'] === JOB_OUTCOME) this.#jobEvents.push(message.detail);
      else if (message['detail-type'] === RULE_HELD_BACK) this.#notices.push(message.detail);
      else if (message['detail-type'] === FINDING_OUTCOME) this.#events.push(message.detail);
    }
    await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.#caughtEvents,
        Entries: Messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle })),
      }),
    );
    return true;
  }

  async #putParameter(region: string, Name: string, value: string): Promise<void> {
    await new SSMClient(this.client(region)).send(
      new PutParameterCommand({ Name, Value: value, Type: 'String', Overwrite: true }),
    );
  }

  async #makeSecret(): Promise<void> {
    const { ARN = '' } = await new SecretsManagerClient(this.client(this.homeRegion)).send(
      new CreateSecretCommand({
        Name: tokenSecretName(this),
        SecretString: this.#options.token,
      }),
    );
    this.#secretArn = ARN;
  }

  async #makeSettings(): Promise<void> {
    const Bucket = settingsBucketName(this);
    await this.#makeBucket(Bucket);
    await this.#s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    await Promise.all([
      this.putAccounts(this.#options.accounts ?? {}),
      ...Object.entries(this.#options.rules).map(([rule, settings]) => this.putSettings(rule, settings)),
    ]);
  }

  async #makeBucket(Bucket: string): Promise<void> {
    const constraint = z.enum(BucketLocationConstraint).safeParse(this.homeRegion);
    await this.#s3.send(
      new CreateBucketCommand({
        Bucket,
        ...(constraint.success && { CreateBucketConfiguration: { LocationConstraint: constraint.data } }),
      }),
    );
  }

  async #makeTable(): Promise<void> {
    await new DynamoDBClient(this.client(this.homeRegion)).send(
      new CreateTableCommand({
        TableName: findingsTableName(this),
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
  }

  async #makeBus(): Promise<void> {
    const QueueName = `${this.name}-caught-events`;
    const events = new EventBridgeClient(this.client(this.homeRegion));
    const EventBusName = this.name;
    const [{ QueueUrl = '' }] = await Promise.all([
      this.sqs(this.homeRegion).send(new CreateQueueCommand({ QueueName })),
      events.send(new CreateEventBusCommand({ Name: EventBusName })),
    ]);
    this.#caughtEvents = QueueUrl;
    await events.send(
      new PutRuleCommand({
        Name: 'all',
        EventBusName,
        EventPattern: JSON.stringify({ source: [EVENT_SOURCE] }),
      }),
    );
    const Arn = `arn:aws:sqs:${this.homeRegion}:${this.account}:${QueueName}`;
    await events.send(new PutTargetsCommand({ Rule: 'all', EventBusName, Targets: [{ Id: 'queue', Arn }] }));
  }

  async #makeRegion(region: string): Promise<void> {
    const sqs = this.sqs(region);
    const deadLetters = queueName(this, 'jobs-dead-letters.fifo');
    await sqs.send(new CreateQueueCommand({ QueueName: deadLetters, Attributes: { FifoQueue: 'true' } }));
    await Promise.all([
      this.makeQueue(region),
      sqs.send(new CreateQueueCommand({ QueueName: this.delayedQueueName })),
      this.putPause('none', region),
    ]);
  }

  async #list(prefix: string, suffix = ''): Promise<string[]> {
    const keys: string[] = [];
    const pages = paginateListObjectsV2({ client: this.#s3 }, { Bucket: this.bucket, Prefix: prefix });
    for await (const { Contents = [] } of pages) {
      keys.push(...Contents.flatMap(({ Key }) => (Key?.endsWith(suffix) === true ? Key : [])));
    }
    return keys;
  }

  async #readJson(key: string): Promise<unknown> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return JSON.parse((await Body?.transformToString()) ?? '');
  }
}

export function epochSeconds(asOf: string): number {
  return Math.floor(Date.parse(asOf) / 1000);
}
