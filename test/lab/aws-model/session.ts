import { logCall } from '../../../lambdas/aws/call-log.ts';
import type { AwsCall, AwsSession, ClientSettings } from '../../../lambdas/aws/session.ts';
import { checkCall } from '../../../lambdas/aws/session-client.ts';
import { AwsModelError } from './operation.ts';

/** A call of an SDK client, before its answer. */
export interface ModelCall {
  readonly service: string;
  /** The name without `Command`. */
  readonly operation: string;
  readonly input: unknown;
  readonly region: string;
}

/** A function that answers calls: it returns an output as the SDK does, or throws. */
export type Answer = (call: ModelCall) => Promise<object>;

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: unknown;
}

/** SDK clients take a millisecond to create: each is created once, and sessions add their own `send`. */
const clients = new Map<string, object>();

let requests = 0;

/**
 * A session with the SDK's own clients (commands, paginators), except for `send`, which calls `answer` instead of the
 * network. Signing and XML are left out: the integration tests use them.
 */
export function modelSession(
  place: { readonly account: string; readonly region: string; readonly maker?: string | undefined },
  now: () => number,
  answer: Answer,
): AwsSession {
  const calls: AwsCall[] = [];
  const own = new Map<string, object>();
  const noting: Answer = async (call) => {
    await checkCall(call.operation);
    requests += 1;
    const requestId = `request-${requests}`;
    logCall(calls, { service: call.service, operation: call.operation, requestId });
    try {
      return { $metadata: { requestId }, ...(await answer(call)) };
    } catch (error) {
      throw error instanceof AwsModelError
        ? sdkError(error.code, error.message, error.status, requestId)
        : error;
    }
  };
  return {
    account: place.account,
    region: place.region,
    maker: place.maker ?? 'test',
    partition: 'aws',
    calls,
    now: () => new Date(now()),
    turn: async () => {},
    sleep: async () => {},
    client<C>(Client: new (settings: ClientSettings) => C, region = place.region): C {
      const key = `${Client.name} ${region}`;
      const known =
        own.get(key) ??
        withSend(
          madeOnce(key, () => new Client({ region })),
          (command) =>
            noting({
              service: Client.name.replace(/Client$/, ''),
              operation: command.constructor.name.replace(/Command$/, ''),
              input: command.input,
              region,
            }),
        );
      own.set(key, known);
      if (known instanceof Client) return known;
      throw new Error(`expected a ${Client.name}`);
    },
  };
}

function madeOnce(key: string, make: () => unknown): object {
  const client = clients.get(key) ?? make();
  if (typeof client !== 'object' || client === null) throw new Error(`expected a client for ${key}`);
  clients.set(key, client);
  return client;
}

/** A copy of a client with another `send`. */
function withSend(client: object, send: (command: Command) => Promise<object>): object {
  return Object.create(client, { send: { value: send } });
}

/** An error that AWS returned, as the SDK throws it. */
export function sdkError(code: string, message: string, status: number, requestId: string): Error {
  return Object.assign(new Error(message), {
    name: code,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status, requestId },
  });
}

/** The error that the SDK throws if there is no answer. */
export function networkError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $metadata: {} });
}
