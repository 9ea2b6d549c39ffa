import { NodeHttpHandler } from '@smithy/node-http-handler';
import { requestTimeouts } from './client-defaults.ts';

/**
 * Maximum number of connections to one host: enough for three parallel reads for each of 25 resources. The SDK's
 * default is 50.
 */
const CONNECTIONS = { maxSockets: 100 };

type Handle = NodeHttpHandler['handle'];

/**
 * Sends the requests of a session's clients over shared connections. All requests end when `signal` is aborted.
 * `destroy` closes the connections.
 */
export class SessionRequestHandler extends NodeHttpHandler {
  readonly #signal: AbortSignal | undefined;

  /** @param signal aborting it ends all requests, including later ones */
  constructor(signal?: AbortSignal) {
    super({ ...requestTimeouts, httpAgent: CONNECTIONS, httpsAgent: CONNECTIONS });
    this.#signal = signal;
  }

  override handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const signals = [this.#signal, options?.abortSignal].filter((signal) => signal instanceof AbortSignal);
    return super.handle(request, {
      ...options,
      ...(signals.length > 0 && { abortSignal: AbortSignal.any(signals) }),
    });
  }
}
