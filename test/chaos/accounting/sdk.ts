import { EC2Client } from '@aws-sdk/client-ec2';
import { SessionRequestHandler } from '../../../lambdas/aws/request-handler.ts';
import { checkCall, isRead } from '../../../lambdas/aws/session-client.ts';
import { AwsModelError } from '../../lab/aws-model/operation.ts';
import { sdkError } from '../../lab/aws-model/session.ts';

/** A call by any of the product's SDK clients. */
export interface SdkCall {
  /** `S3`, `DynamoDB`, … */
  readonly service: string;
  /** The name without `Command`. */
  readonly operation: string;
  readonly input: unknown;
  readonly region: string;
  /** The access key of a role's session; undefined for the function's own credentials. */
  readonly sessionKey: string | undefined;
  /** The most times that the client sends a call. */
  readonly maxAttempts: number;
  /** Identical whenever the same call is sent again. */
  readonly command: object;
}

/** A function that answers calls: it returns an output, or throws. */
export type Answer = (call: SdkCall) => Promise<object>;

/** The parts of a client that are used here. */
interface SdkClient {
  readonly config: {
    readonly serviceId: string;
    region(): Promise<string>;
    maxAttempts(): Promise<number>;
    credentials(): Promise<{ readonly accessKeyId: string }>;
    readonly requestHandler: unknown;
    readonly logger?: { info?(entry: object): void; error?(entry: object): void };
  };
}

type Send = (this: SdkClient, command: object) => Promise<object>;

/** Finds the prototype that all SDK clients inherit `send` from. */
function clientPrototype(): { send: Send } {
  let prototype: unknown = EC2Client.prototype;
  while (typeof prototype === 'object' && prototype !== null && !Object.hasOwn(prototype, 'send')) {
    prototype = Object.getPrototypeOf(prototype);
  }
  if (isClientPrototype(prototype)) return prototype;
  throw new Error("found no `send` in the SDK's clients");
}

function isClientPrototype(value: unknown): value is { send: Send } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'send');
}

let requests = 0;

/**
 * Replaces the answers to all calls by the product's SDK clients. Signing and XML are left out: the integration tests use
 * them.
 * @returns a function that ends this
 */
export function interceptSdk(answer: Answer): () => void {
  const prototype = clientPrototype();
  const { send: original } = prototype;
  prototype.send = async function send(this: SdkClient, command: object): Promise<object> {
    const { config } = this;
    requests += 1;
    const requestId = `request-${requests}`;
    const isSession = config.requestHandler instanceof SessionRequestHandler;
    const entry = {
      clientName: this.constructor.name,
      commandName: command.constructor.name,
      metadata: { requestId },
    };
    try {
      const operation = command.constructor.name.replace(/Command$/, '');
      const isChange = isSession && !isRead(operation);
      if (isSession) await checkCall(operation);
      const output = await answer({
        service: config.serviceId,
        operation,
        input: 'input' in command ? command.input : undefined,
        region: await config.region(),
        sessionKey: isSession ? (await config.credentials()).accessKeyId : undefined,
        maxAttempts: isChange ? 1 : await config.maxAttempts(),
        command,
      });
      config.logger?.info?.(entry);
      return { $metadata: { requestId }, ...output };
    } catch (error) {
      config.logger?.error?.(entry);
      throw error instanceof AwsModelError
        ? sdkError(error.code, error.message, error.status, requestId)
        : error;
    }
  };
  return () => {
    prototype.send = original;
  };
}
