import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AccountSettings, RuleSettings } from '../../../../lambdas/model/settings.ts';
import {
  type Answer,
  jsonAnswer,
  queryError,
  type ReceivedCall,
  type Silence,
  s3Error,
} from '../../../lab/scripted-aws/scripted-aws.ts';
import { accountSettingsOf, ruleSettingsOf } from './remediator-in-memory.ts';

/** Secrets that no log may contain. */
export const SECRETS = ['remediator-secret', 'target-secret', 'target-token'];

const entriesSchema = z.object({
  Entries: z.array(z.object({ DetailType: z.string(), Detail: z.string() })),
});
const eventSchema = z.looseObject({ outcome: z.string().optional(), id: z.string().optional() });
const queueNameSchema = z.object({ QueueName: z.string() });
const messageSchema = z.looseObject({ QueueUrl: z.string(), MessageBody: z.string() });

const putSchema = z.looseObject({ Item: z.looseObject({ pk: z.object({ S: z.string() }) }) });
const batchSchema = z.looseObject({
  RequestItems: z.record(
    z.string(),
    z.looseObject({ Keys: z.array(z.looseObject({ pk: z.object({ S: z.string() }) })) }),
  ),
});
const transactionSchema = z.looseObject({ TransactItems: z.array(z.object({ Put: putSchema })) });

/** AWS services that a remediator's function calls, behind real HTTP servers, with their answers if nothing fails. */
export class Cloud {
  settings: RuleSettings = ruleSettingsOf();
  accountSettings: AccountSettings = accountSettingsOf();
  /** Status of the only access key, by user. */
  readonly users = new Map<string, 'Active' | 'Inactive'>();
  readonly objects = new Map<string, string>();
  /** Items of the findings table, by key. Conditions are ignored. */
  readonly items = new Map<string, object>();
  readonly deadLetters: string[] = [];
  /** Messages that were sent to other queues. */
  readonly sent: z.infer<typeof messageSchema>[] = [];
  /** Answers that are returned instead, by service and operation: `iam:UpdateAccessKey`, `s3:PUT`. */
  readonly faults = new Map<string, Answer | Silence>();
  /** The same, determined at each call. */
  fault: (operation: string) => Answer | undefined = () => undefined;
  readonly operations: string[] = [];
  readonly visibilities: unknown[] = [];
  readonly events: z.infer<typeof eventSchema>[] = [];
  /** Events about whole jobs, with their counts. */
  readonly jobEvents: z.infer<typeof eventSchema>[] = [];

  answer(call: ReceivedCall): Answer | Silence {
    const [, service = ''] =
      /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\//.exec(call.headers.authorization ?? '') ?? [];
    const target = String(call.headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1);
    const action = call.form.get('Action') ?? (target || call.method);
    const operation = call.path.includes('/cspm-settings/') ? 'settings:GET' : `${service}:${action}`;
    this.operations.push(operation);
    return this.fault(operation) ?? this.faults.get(operation) ?? this.#answer(operation, call);
  }

  #answer(operation: string, { form, body, path, method, headers }: ReceivedCall): Answer {
    switch (operation) {
      case 'ssm:GetParameter':
        return jsonAnswer({ Parameter: { Name: '/cspm/pause', Value: 'none' } });
      case 'sts:AssumeRole':
        return {
          status: 200,
          body: '<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIATARGET</AccessKeyId><SecretAccessKey>target-secret</SecretAccessKey><SessionToken>target-token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>',
        };
      case 'events:PutEvents': {
        const { Entries } = entriesSchema.parse(JSON.parse(body));
        for (const { DetailType, Detail } of Entries) {
          const events = DetailType === 'Job Outcome' ? this.jobEvents : this.events;
          events.push(eventSchema.parse(JSON.parse(Detail)));
        }
        return jsonAnswer({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: 'e' })) });
      }
      case 'sqs:GetQueueUrl':
        return jsonAnswer({
          QueueUrl: `http://127.0.0.1:1/1/${queueNameSchema.parse(JSON.parse(body)).QueueName}`,
        });
      case 'sqs:ChangeMessageVisibility':
        this.visibilities.push(JSON.parse(body));
        return jsonAnswer({});
      case 'sqs:SendMessage': {
        const message = messageSchema.parse(JSON.parse(body));
        const { QueueUrl, MessageBody } = message;
        if (QueueUrl.endsWith('/cspm-jobs-dead-letters.fifo')) this.deadLetters.push(MessageBody);
        else this.sent.push(message);
        return jsonAnswer({
          MessageId: 'm',
          MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
        });
      }
      case 'dynamodb:PutItem': {
        const { Item } = putSchema.parse(JSON.parse(body));
        this.items.set(Item.pk.S, Item);
        return jsonAnswer({});
      }
      case 'dynamodb:UpdateItem':
        return jsonAnswer({});
      case 'dynamodb:TransactWriteItems': {
        const { TransactItems } = transactionSchema.parse(JSON.parse(body));
        for (const { Put } of TransactItems) this.items.set(Put.Item.pk.S, Put.Item);
        return jsonAnswer({});
      }
      case 'dynamodb:BatchGetItem': {
        // These tests do not depend on what jobs leave for each other, except for the items of accounts.
        const { RequestItems } = batchSchema.parse(JSON.parse(body));
        const asked = Object.entries(RequestItems).map(([table, { Keys }]) => [
          table,
          Keys.flatMap(({ pk }) => (pk.S.startsWith('account#') ? (this.items.get(pk.S) ?? []) : [])),
        ]);
        return jsonAnswer({ Responses: Object.fromEntries(asked) });
      }
      case 'settings:GET':
      case 's3:GET':
      case 's3:PUT': {
        const place = decodeURIComponent(new URL(path, 'http://s3').pathname);
        if (place.startsWith('/cspm-settings/')) return this.#settingsObject(place);
        const key = place.replace('/cspm-evidence/', '');
        const known = this.objects.get(key);
        if (method === 'GET') {
          return known === undefined ? s3Error('NoSuchKey', 404) : { status: 200, body: known };
        }
        if (headers['if-none-match'] !== undefined && known !== undefined) {
          return s3Error('PreconditionFailed', 412);
        }
        this.objects.set(key, body);
        return { status: 200, body: '' };
      }
      default:
        return this.#iam(operation, form);
    }
  }

  #settingsObject(place: string): Answer {
    const body = JSON.stringify(place.endsWith('/accounts.json') ? this.accountSettings : this.settings);
    const etag = createHash('md5').update(body).digest('hex');
    return { status: 200, body, headers: { etag, 'x-amz-version-id': `version-${etag.slice(0, 6)}` } };
  }

  #iam(operation: string, form: URLSearchParams): Answer {
    const user = form.get('UserName') ?? '';
    const status = this.users.get(user);
    const answer = (result: string): Answer => {
      const name = operation.replace('iam:', '');
      return {
        status: 200,
        body: `<${name}Response><${name}Result>${result}</${name}Result></${name}Response>`,
      };
    };
    if (operation === 'iam:GetAccessKeyLastUsed') return answer('<AccessKeyLastUsed/>');
    if (status === undefined) return queryError('NoSuchEntity', 404);
    switch (operation) {
      case 'iam:ListAccessKeys':
        return answer(
          `<AccessKeyMetadata><member><UserName>${user}</UserName><AccessKeyId>AKIA-${user}</AccessKeyId><Status>${status}</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>`,
        );
      case 'iam:ListUserTags':
        return answer('<Tags/><IsTruncated>false</IsTruncated>');
      case 'iam:UpdateAccessKey':
        this.users.set(user, 'Inactive');
        return answer('');
      default:
        return queryError(`Unexpected-${operation}`);
    }
  }
}
