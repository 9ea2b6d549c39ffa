import { HttpResponse } from '@smithy/core/protocols';
import type { AwsCall, AwsSession, ClientSettings } from '../../../../lambdas/aws/session.ts';
import type { SessionRequest } from '../../../../lambdas/remediator/session.ts';
import type { Lifeline } from './lifeline.ts';

export const NOW = Date.parse('2026-06-30T12:00:00Z');

export type Status = 'Active' | 'Inactive';

/**
 * The fate of a call. `cut`: it never arrives; `lost`: it takes effect, and its answer is lost on the way; `no
 * effect`: AWS says yes, and does nothing.
 */
export type Fault = { readonly code: string; readonly status?: number } | 'cut' | 'lost' | 'no effect';

export interface Call {
  readonly operation: string;
  readonly user: string;
  readonly key: string;
}

/** Access keys are too old to be active, but for those that are called `new…`. */
const created = (key: string): string => (key.startsWith('new') ? '2026-06-01' : '2025-01-01');

function networkError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/**
 * The IAM users of an account, with their access keys, behind real SDK clients: what they answer, in memory. A finding
 * of `iam-access-key-unrotated` names a user, and its plan has a change for each old key that is active.
 */
export class IamAccount {
  /** User → key → status. */
  readonly users = new Map<string, Map<string, Status>>();
  readonly tags = new Map<string, Record<string, string>>();
  /** Keys that were changed, in order: `user/key`. */
  readonly changed: string[] = [];
  readonly calls: Call[] = [];
  readonly sessions: SessionRequest[] = [];
  fault: (call: Call) => Fault | undefined = () => undefined;
  #requests = 0;

  constructor(users: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [user, keys] of Object.entries(users)) {
      this.users.set(user, new Map(keys.map((key) => [key, 'Active'])));
    }
  }

  /** The keys that the rule is against. */
  oldKeys(user: string): string[] {
    return [...(this.users.get(user) ?? [])].flatMap(([key, status]) =>
      status === 'Active' && !key.startsWith('new') ? [key] : [],
    );
  }

  /** The operations that were called, without those before `since`. */
  operations(since = 0): string[] {
    return this.calls.slice(since).map(({ operation }) => operation);
  }

  open(request: SessionRequest, now: () => number, life: Lifeline): AwsSession {
    this.sessions.push(request);
    const calls: AwsCall[] = [];
    const clients = new Map<string, unknown>();
    const handle = async ({ body }: { body: string }) => {
      const form = new URLSearchParams(body);
      const operation = form.get('Action') ?? '';
      const requestId = `request-${++this.#requests}`;
      calls.push({ service: 'IAM', operation, requestId });
      const answer = await life.step(() => this.#answer(operation, form));
      return {
        response: new HttpResponse({
          statusCode: answer.status,
          headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
          body: new TextEncoder().encode(
            `<${operation}Response>${answer.body}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`,
          ),
        }),
      };
    };
    return {
      account: request.account,
      region: request.region,
      partition: 'aws',
      calls,
      now: () => new Date(now()),
      turn: async () => {},
      sleep: async () => {},
      client<C>(Client: new (settings: ClientSettings) => C): C {
        const known = clients.get(Client.name);
        if (known instanceof Client) return known;
        const settings: ClientSettings & Record<string, unknown> = {
          region: request.region,
          maxAttempts: 1,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          requestHandler: { handle },
        };
        const client = new Client(settings);
        clients.set(Client.name, client);
        return client;
      },
    };
  }

  #answer(operation: string, form: URLSearchParams): { status: number; body: string } {
    const key = form.get('AccessKeyId') ?? '';
    const user = form.get('UserName') ?? this.#userOf(key);
    const call = { operation, user, key };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'cut') throw networkError();
    if (typeof fault === 'object') {
      return {
        status: fault.status ?? 400,
        body: `<Error><Type>Sender</Type><Code>${fault.code}</Code><Message>by fault</Message></Error>`,
      };
    }
    const keys = this.users.get(user);
    if (keys === undefined) {
      return { status: 404, body: '<Error><Code>NoSuchEntity</Code><Message>no such user</Message></Error>' };
    }
    if (operation === 'UpdateAccessKey' && fault !== 'no effect') {
      keys.set(key, form.get('Status') === 'Active' ? 'Active' : 'Inactive');
      this.changed.push(`${user}/${key}`);
    }
    if (fault === 'lost') throw networkError();
    return { status: 200, body: `<${operation}Result>${this.#result(operation, user)}</${operation}Result>` };
  }

  #result(operation: string, user: string): string {
    if (operation === 'ListAccessKeys') {
      const members = [...(this.users.get(user) ?? [])].map(
        ([key, status]) =>
          `<member><UserName>${user}</UserName><AccessKeyId>${key}</AccessKeyId><Status>${status}</Status><CreateDate>${created(key)}T00:00:00Z</CreateDate></member>`,
      );
      return `<AccessKeyMetadata>${members.join('')}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`;
    }
    if (operation === 'ListUserTags') {
      const members = Object.entries(this.tags.get(user) ?? {}).map(
        ([name, value]) => `<member><Key>${name}</Key><Value>${value}</Value></member>`,
      );
      return `<Tags>${members.join('')}</Tags><IsTruncated>false</IsTruncated>`;
    }
    if (operation === 'GetAccessKeyLastUsed') {
      return `<UserName>${user}</UserName><AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed>`;
    }
    return '';
  }

  #userOf(key: string): string {
    for (const [user, keys] of this.users) if (keys.has(key)) return user;
    return '';
  }
}

export const unavailable: Fault = { code: 'ServiceUnavailable', status: 503 };
export const denied: Fault = { code: 'AccessDenied', status: 403 };
