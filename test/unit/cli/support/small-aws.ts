import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { Deployment } from '../../../../lambdas/model/deployment.ts';
import { MODULE_VERSION } from '../../../../lambdas/model/module-version.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import {
  type Answer,
  jsonAnswer,
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../../lab/scripted-aws/scripted-aws.ts';

export const NAME = 'cspm-auto-remediation';
export const ACCOUNT = '111111111111';
export const HOME = 'eu-central-1';
export const REGIONS = [HOME, 'us-east-1'] as const;

/** A deployment, as Terraform describes it. */
export const deployment: Deployment = {
  version: 1,
  module: MODULE_VERSION,
  name: NAME,
  account: ACCOUNT,
  partition: 'aws',
  home_region: HOME,
  regions: [...REGIONS],
  rules: ['security-group-ssh-open'],
  functions: { collector: `${NAME}-collector`, remediator: `${NAME}-remediator` },
  code: { collector: 'code-of-collector', remediator: 'code-of-remediator' },
  queues: {
    jobs: `${NAME}-jobs.fifo`,
    jobs_dead_letters: `${NAME}-jobs-dead-letters.fifo`,
    jobs_delayed: `${NAME}-jobs-delayed`,
    jobs_delayed_dead_letters: `${NAME}-jobs-delayed-dead-letters`,
    polls_dead_letters: `${NAME}-polls-dead-letters`,
  },
  findings_table: `${NAME}-findings`,
  evidence_bucket: 'evidence',
  settings_bucket: 'settings',
  schedule_group: NAME,
  target_role: `${NAME}-remediation`,
};

const keySchema = z.looseObject({
  pk: z.strictObject({ S: z.string() }),
  sk: z.strictObject({ S: z.string() }),
});
type StoredItem = z.infer<typeof keySchema>;

/** An item as DynamoDB writes it. */
function stored(value: unknown): unknown {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(stored) };
  if (typeof value === 'object' && value !== null) {
    const defined = Object.entries(value).filter(([, each]) => each !== undefined);
    return { M: Object.fromEntries(defined.map(([name, each]) => [name, stored(each)])) };
  }
  return { NULL: true };
}

const itemSchema = z.object({ M: keySchema });

/** An operation as `Service.Operation`, and the region in the signature of the call. */
export interface SmallCall {
  readonly operation: string;
  readonly region: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The parts of AWS that the command line calls, in memory, behind HTTP. Tests change its contents. */
export class SmallAws implements AsyncDisposable {
  readonly items = new Map<string, StoredItem>();
  /** Text by `bucket/key`. */
  readonly objects = new Map<string, string>();
  /** Values by region and name: `eu-central-1 /name/pause`. */
  readonly parameters = new Map<string, string>();
  /** Values that were written, by region and name. The first is version 2, and replaced the value that a test had set. */
  readonly #written = new Map<string, string[]>();
  /** Bodies of messages by region and name of the queue. */
  readonly queues = new Map<string, string[]>();
  readonly alarms = new Map<string, readonly Readonly<Record<string, string>>[]>();
  readonly schedules = new Map<string, object>();
  /** Endpoints with their subscriptions' ARNs. */
  subscriptions: readonly (readonly [string, string])[] = [];
  /** Answers that take precedence over all others. */
  fault: ((call: SmallCall) => Answer | undefined) | undefined;
  /** Lambda's quota of concurrent invocations. A new account has 10. */
  concurrency = 10;
  /** Answer of the function that is invoked. */
  invoke: (payload: unknown) => { readonly error?: string; readonly value: unknown } = () => ({ value: {} });
  readonly calls: SmallCall[] = [];
  #server: ScriptedAws | undefined;

  static async start(): Promise<SmallAws> {
    const aws = new SmallAws();
    aws.#server = await scriptedAws((call) => aws.#answer(call));
    aws.parameters.set(`${HOME} /${NAME}/deployment`, JSON.stringify(deployment));
    for (const region of REGIONS) {
      aws.parameters.set(`${region} /${NAME}/home-region`, HOME);
      aws.parameters.set(`${region} /${NAME}/pause`, 'none');
      for (const queue of Object.values(deployment.queues)) aws.queues.set(`${region} ${queue}`, []);
    }
    aws.putSettings('security-group-ssh-open', {});
    aws.objects.set('settings/accounts.json', JSON.stringify(accountSettings));
    return aws;
  }

  get endpoint(): string {
    return this.#server?.endpoint ?? '';
  }

  /** Writes a new version of a parameter. @param key its region and name */
  putParameter(key: string, value: string): void {
    this.parameters.set(key, value);
    this.#written.set(key, [...(this.#written.get(key) ?? []), value]);
  }

  put(item: { readonly pk: string; readonly sk: string } & Readonly<Record<string, unknown>>): void {
    const { M } = itemSchema.parse(stored(item));
    this.items.set(keyOf(M), M);
  }

  /** An item as plain values; undefined if there is none. */
  item(pk: string, sk: string): unknown {
    const found = this.items.get(JSON.stringify([pk, sk]));
    return found === undefined
      ? undefined
      : unmarshall(z.record(z.string(), z.custom<AttributeValue>()).parse(found));
  }

  putSettings(rule: string, settings: Readonly<Record<string, unknown>>): void {
    const own = { version: 2, rule, mode: 'dry_run', ...ofAccounts, exemptions: [], options: {} };
    this.objects.set(`settings/rules/${rule}.json`, JSON.stringify({ ...own, ...settings }));
  }

  putLines(key: string, lines: readonly Outcome[]): void {
    this.objects.set(`evidence/${key}`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #answer(received: ReceivedCall): Answer {
    const call = read(received);
    this.calls.push(call);
    const fault = this.fault?.(call);
    if (fault !== undefined) return fault;
    const handler = this.#handlers[call.operation];
    if (handler === undefined)
      return jsonAnswer({ __type: 'UnknownOperation', message: call.operation }, 400);
    return handler(call);
  }

  readonly #handlers: Readonly<Record<string, (call: SmallCall) => Answer>> = {
    'sts.GetCallerIdentity': () => ({
      status: 200,
      body: `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${ACCOUNT}</Account><UserId>AROAEXAMPLE:ada</UserId><Arn>arn:aws:sts::${ACCOUNT}:assumed-role/operator/ada</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    }),
    // https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
    'AmazonSSM.GetParameter': ({ region, input }) => {
      const [name = '', version] = String(input['Name']).split(':');
      const key = `${region} ${name}`;
      const written = this.#written.get(key) ?? [];
      const Version = version === undefined ? written.length + 1 : Number(version);
      const Value = version === undefined ? this.parameters.get(key) : written[Version - 2];
      if (Value === undefined)
        return jsonError(version === undefined ? 'ParameterNotFound' : 'ParameterVersionNotFound');
      return jsonAnswer({ Parameter: { Name: name, Value, Version } });
    },
    'AmazonSSM.PutParameter': ({ region, input }) => {
      const key = `${region} ${input['Name']}`;
      this.putParameter(key, String(input['Value']));
      return jsonAnswer({ Version: (this.#written.get(key)?.length ?? 0) + 1 });
    },
    'DynamoDB.BatchGetItem': ({ input }) => {
      const asked = z.record(z.string(), z.object({ Keys: z.array(keySchema) })).parse(input['RequestItems']);
      const Responses = Object.entries(asked).map(([table, { Keys }]) => [
        table,
        Keys.flatMap((key) => this.items.get(keyOf(key)) ?? []),
      ]);
      return jsonAnswer({ Responses: Object.fromEntries(Responses) });
    },
    'DynamoDB.Query': ({ input }) => {
      const values = z
        .record(z.string(), z.object({ S: z.string() }))
        .parse(input['ExpressionAttributeValues']);
      const { ':pk': pk, ':from': from, ':to': to } = values;
      const found = [...this.items.values()].filter(
        (item) =>
          item.pk.S === pk?.S &&
          (from === undefined || item.sk.S >= from.S) &&
          (to === undefined || item.sk.S <= to.S),
      );
      return jsonAnswer({ Items: found.sort((one, other) => (one.sk.S < other.sk.S ? -1 : 1)) });
    },
    'DynamoDB.PutItem': ({ input }) => {
      const item = keySchema.parse(input['Item']);
      // The only supported condition is the one on the last writer of an item.
      const writer = this.items.get(keyOf(item))?.['writer'];
      const values = Object.values(
        z.record(z.string(), z.unknown()).parse(input['ExpressionAttributeValues'] ?? {}),
      );
      const isOther = !values.some((value) => isDeepStrictEqual(value, writer));
      if (writer !== undefined && input['ConditionExpression'] !== undefined && isOther) {
        return jsonError('ConditionalCheckFailedException');
      }
      this.items.set(keyOf(item), item);
      return jsonAnswer({});
    },
    'DynamoDB.DeleteItem': ({ input }) => {
      const key = keyOf(keySchema.parse(input['Key']));
      const Attributes = this.items.get(key);
      this.items.delete(key);
      return jsonAnswer({ ...(Attributes !== undefined && { Attributes }) });
    },
    's3.GetObject': ({ input }) => {
      const body = this.objects.get(`${input['Bucket']}/${input['Key']}`);
      if (body === undefined) return s3Error('NoSuchKey', 404);
      return { status: 200, body, headers: { 'x-amz-version-id': 'v1' } };
    },
    's3.ListObjects': ({ input }) => {
      const begin = `${input['Bucket']}/`;
      const keys = [...this.objects.keys()]
        .filter((key) => key.startsWith(begin))
        .map((key) => key.slice(begin.length));
      const found = keys
        .filter((key) => key.startsWith(String(input['prefix'])) && key > String(input['start-after'] ?? ''))
        .sort();
      const contents = found.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
      return {
        status: 200,
        body: `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`,
      };
    },
    'AmazonSQS.GetQueueUrl': ({ region, input }) => {
      if (!this.queues.has(`${region} ${input['QueueName']}`))
        return jsonError('AWS.SimpleQueueService.NonExistentQueue');
      return jsonAnswer({ QueueUrl: `${this.endpoint}/${ACCOUNT}/${input['QueueName']}` });
    },
    'AmazonSQS.GetQueueAttributes': ({ region, input }) =>
      jsonAnswer({
        Attributes: {
          ApproximateNumberOfMessages: String(this.#queueOf(region, input).length),
          ApproximateNumberOfMessagesNotVisible: '0',
        },
      }),
    'AmazonSQS.SendMessage': ({ region, input }) => {
      this.#queueOf(region, input).push(String(input['MessageBody']));
      return jsonAnswer({ MessageId: 'm', MD5OfMessageBody: md5(String(input['MessageBody'])) });
    },
    'AmazonSQS.ReceiveMessage': ({ region, input }) =>
      jsonAnswer({
        Messages: this.#queueOf(region, input).map((Body) => ({
          Body,
          MessageId: Body,
          ReceiptHandle: Body,
          MD5OfBody: md5(Body),
        })),
      }),
    'AmazonSQS.ChangeMessageVisibility': () => jsonAnswer({}),
    'AmazonSQS.DeleteMessage': ({ region, input }) => {
      const queue = this.#queueOf(region, input);
      queue.splice(queue.indexOf(String(input['ReceiptHandle'])), 1);
      return jsonAnswer({});
    },
    'GraniteServiceVersion20100801.DescribeAlarms': ({ region }) =>
      jsonAnswer({
        MetricAlarms: (this.alarms.get(region) ?? []).filter(({ AlarmRule }) => AlarmRule === undefined),
        CompositeAlarms: (this.alarms.get(region) ?? []).filter(({ AlarmRule }) => AlarmRule !== undefined),
      }),
    'scheduler.GetSchedule': ({ input }) => {
      const schedule = this.schedules.get(String(input['Name']));
      return schedule === undefined ? jsonError('ResourceNotFoundException', 404) : jsonAnswer(schedule);
    },
    'lambda.GetFunctionConfiguration': ({ input }) => {
      const code = String(input['path']).includes('collector')
        ? deployment.code.collector
        : deployment.code.remediator;
      return jsonAnswer({ State: 'Active', LastUpdateStatus: 'Successful', CodeSha256: code });
    },
    'lambda.GetAccountSettings': () =>
      jsonAnswer({ AccountLimit: { UnreservedConcurrentExecutions: this.concurrency } }),
    'sns.ListSubscriptionsByTopic': () => ({
      status: 200,
      body: `<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>${this.subscriptions.map(([endpoint, arn]) => `<member><Endpoint>${endpoint}</Endpoint><SubscriptionArn>${arn}</SubscriptionArn></member>`).join('')}</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`,
    }),
    'lambda.Invoke': ({ input }) => {
      const { error, value } = this.invoke(input);
      return {
        status: 200,
        body: JSON.stringify(value),
        headers: error === undefined ? {} : { 'x-amz-function-error': error },
      };
    },
  };

  #queueOf(region: string, input: SmallCall['input']): string[] {
    const name = String(input['QueueUrl']).split('/').at(-1) ?? '';
    return this.queues.get(`${region} ${name}`) ?? [];
  }
}

/** An error in the format of services with JSON protocols. */
export function jsonError(code: string, status = 400, message = code): Answer {
  return jsonAnswer({ __type: code, message }, status);
}

/** The default settings of accounts. */
export const ofAccounts = {
  mode_by_account: {},
  mode_by_group: {},
  accounts: [],
  excluded_accounts: [],
  excluded_groups: [],
};
export const accountSettings = { version: 2, groups: {}, ...ofAccounts };

/** The digest with which the SDK verifies messages from SQS. */
function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function keyOf({ pk, sk }: StoredItem): string {
  return JSON.stringify([pk.S, sk.S]);
}

/** Determines the operation of a call from its target, its form, or its path. */
function read({ method, path, headers, form, body }: ReceivedCall): SmallCall {
  const [, region = '', service = ''] =
    /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  const target = headers['x-amz-target'];
  const url = new URL(path, 'http://aws');
  if (typeof target === 'string') {
    return { operation: target.replace(/_\d+\./, '.'), region, input: JSON.parse(body) };
  }
  if (form.size > 0) {
    return { operation: `${service}.${form.get('Action')}`, region, input: Object.fromEntries(form) };
  }
  const [, first = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
  const query = Object.fromEntries(url.searchParams);
  if (service === 'scheduler')
    return { operation: 'scheduler.GetSchedule', region, input: { Name: rest[0], ...query } };
  if (service === 'lambda') {
    const isInvoke = url.pathname.endsWith('/invocations');
    if (isInvoke) return { operation: 'lambda.Invoke', region, input: JSON.parse(body) };
    return {
      operation: url.pathname.endsWith('/configuration')
        ? 'lambda.GetFunctionConfiguration'
        : 'lambda.GetAccountSettings',
      region,
      input: { path },
    };
  }
  const Key = rest.join('/');
  return {
    operation: `s3.${method === 'GET' && Key === '' ? 'ListObjects' : 'GetObject'}`,
    region,
    input: { Bucket: first, Key, ...query },
  };
}
