import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AwsAnswer, bodyText, withBody } from './answer.ts';
import { asAwsAnswers } from './as-aws-answers.ts';
import { type AwsCall, type Principal, type ProxiedCall, parseCall } from './call.ts';
import { awsError, commonErrorAnswer, errorCode, requestId } from './error-answers.ts';
import { type Fault, meets } from './faults.ts';
import { Principals } from './principals.ts';

/** An active fault. */
export interface Injection {
  /** Number of calls that it has affected. */
  readonly hits: number;
  remove(): void;
}

/** Decides an answer instead of the service; undefined leaves the call to the service. */
export type Intercept = (call: AwsCall) => Promise<AwsAnswer | undefined>;

export interface AwsProxyOptions {
  /** Returns the address that calls go to: called for each, so that the proxy can start first. */
  readonly upstream: () => string;
  /** True to correct answers of the local AWS that differ from AWS. Default: true. */
  readonly asAwsAnswers?: boolean;
  /** Returns by how much AWS's clock is ahead of the machine's, in milliseconds. Default: 0. */
  readonly ahead?: () => number;
  /** Called with each answered call. */
  readonly onCall?: (call: ProxiedCall) => void;
}

/** An HTTP proxy between AWS clients and the local AWS. */
export interface AwsProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** All calls that were answered since the start or the last `clear`, in the order of the answers. */
  readonly calls: readonly ProxiedCall[];
  /** Delay of every call. */
  latencyMilliseconds: number;
  /** Forgets the calls. Faults stay. */
  clear(): void;
  /** Adds a fault. Of several that match a call, all delays, acts and rewrites apply, and the first of the others. */
  inject(fault: Fault): Injection;
  /** Adds an interceptor, which is called for each call without a fault, in the order of addition. */
  intercept(intercept: Intercept): { remove(): void };
  /** Adds an interceptor before all current ones. */
  interceptFirst(intercept: Intercept): { remove(): void };
  stop(): Promise<void>;
}

/** The local AWS closes connections that are idle for five seconds: the proxy closes its own before that. */
const IDLE_MILLISECONDS = 2500;
/** A time longer than any client leaves a connection idle, so that none is closed just as a call is sent on it. */
const CLIENT_IDLE_MILLISECONDS = 120_000;

/** Calls by service and operation: `{ 'ec2:DescribeSecurityGroups': 2 }`. */
export function countCalls(calls: readonly AwsCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { service, operation } of calls) {
    const name = `${service}:${operation}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Starts a proxy on 127.0.0.1, on a free port. */
export async function startAwsProxy(options: AwsProxyOptions): Promise<AwsProxy> {
  const proxy = new RunningProxy(options);
  await proxy.start();
  return proxy;
}

interface ActiveFault {
  readonly fault: Fault;
  /** Number of calls that have met its conditions, including those that passed first. */
  met: number;
  hits: number;
}

/** Error for a connection that is cut instead of an answer. */
const CUT = Symbol('cut');

class RunningProxy implements AwsProxy {
  readonly #options: AwsProxyOptions;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MILLISECONDS });
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch(() => response.destroy());
  });
  readonly #principals = new Principals((accessKeyId, service, form) =>
    this.#ask(accessKeyId, service, form),
  );
  readonly #asAwsAnswers = asAwsAnswers();
  readonly #faults = new Set<ActiveFault>();
  readonly #intercepts = new Set<Intercept>();
  #calls: ProxiedCall[] = [];
  #arrived = 0;
  endpoint = '';
  latencyMilliseconds = 0;

  constructor(options: AwsProxyOptions) {
    this.#options = options;
    this.#server.keepAliveTimeout = CLIENT_IDLE_MILLISECONDS;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
    this.endpoint = `http://127.0.0.1:${address.port}`;
  }

  get calls(): readonly ProxiedCall[] {
    return this.#calls;
  }

  clear(): void {
    this.#calls = [];
  }

  inject(fault: Fault): Injection {
    const active: ActiveFault = { fault, met: 0, hits: 0 };
    this.#faults.add(active);
    return {
      get hits() {
        return active.hits;
      },
      remove: () => {
        this.#faults.delete(active);
      },
    };
  }

  interceptFirst(intercept: Intercept): { remove(): void } {
    const others = [...this.#intercepts];
    this.#intercepts.clear();
    const first = this.intercept(intercept);
    for (const other of others) this.#intercepts.add(other);
    return first;
  }

  intercept(intercept: Intercept): { remove(): void } {
    this.#intercepts.add(intercept);
    return {
      remove: () => {
        this.#intercepts.delete(intercept);
      },
    };
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = new Date();
    const number = ++this.#arrived;
    const { method = 'GET', url: path = '/', headers } = request;
    const body = await readAll(request);
    const parsed = parseCall(method, path, headers, body);
    const unknown: Principal = { account: '' };
    let call: AwsCall = { number, ...parsed, principal: unknown, method, path, headers, body, startedAt };
    let faults: readonly Fault[] = [];
    let outcome: AwsAnswer | typeof CUT;
    try {
      call = { ...call, principal: await this.#principals.of(parsed.accessKeyId) };
      faults = this.#meeting(call);
      outcome = await this.#answer(call, faults);
    } catch (error) {
      // No answer from the service, or an error in a test's own function: the caller's error says so, and is not retried.
      outcome = awsError(call, 'AwsProxyError', { message: describe(error) });
    }
    const answeredCall = answered(call, outcome, faults);
    this.#calls.push(answeredCall);
    this.#options.onCall?.(answeredCall);
    if (outcome === CUT) {
      request.socket.destroy();
      return;
    }
    const ahead = this.#options.ahead?.() ?? 0;
    response.writeHead(outcome.status, {
      ...outcome.headers,
      // Clients correct their clocks by it when a call fails.
      date: new Date(Date.now() + ahead).toUTCString(),
      // An answer to HEAD has no body, but a length.
      ...(method !== 'HEAD' && outcome.status !== 204 && { 'content-length': outcome.body.length }),
    });
    response.end(outcome.body);
  }

  /** The faults that affect this call, now that each has counted it. */
  #meeting(call: AwsCall): Fault[] {
    const met: Fault[] = [];
    for (const active of this.#faults) {
      const { fault } = active;
      const { skip = 0, times = Number.POSITIVE_INFINITY } = fault;
      if (!meets(fault, call)) continue;
      active.met += 1;
      if (active.met <= skip || active.met > skip + times) continue;
      active.hits += 1;
      met.push(fault);
    }
    return met;
  }

  async #answer(call: AwsCall, faults: readonly Fault[]): Promise<AwsAnswer | typeof CUT> {
    let delay = this.latencyMilliseconds;
    for (const { effect } of faults) {
      if (typeof effect === 'object' && 'delayMilliseconds' in effect) delay += effect.delayMilliseconds;
    }
    if (delay > 0) await sleep(delay);
    for (const { effect } of faults) {
      if (typeof effect === 'object' && 'before' in effect) await effect.before(call);
    }

    for (const { effect } of faults) {
      if (effect === 'cut-before') return CUT;
      if (effect === 'cut-after') {
        await this.#serve(call);
        return CUT;
      }
      if (typeof effect === 'string') return commonErrorAnswer(call, effect);
      if ('error' in effect) {
        if (effect.afterEffect === true) await this.#serve(call);
        return awsError(call, effect.error, effect);
      }
    }
    let answer = await this.#serve(call);
    for (const { effect } of faults) {
      if (typeof effect === 'object' && 'rewrite' in effect) answer = effect.rewrite(answer, call);
    }
    return answer;
  }

  async #serve(call: AwsCall): Promise<AwsAnswer> {
    for (const intercept of this.#intercepts) {
      const answer = await intercept(call);
      if (answer !== undefined) return answer;
    }
    const answer = await this.#forward(call.method, call.path, call.headers, call.body);
    this.#principals.learn(call, answer);
    const inTime =
      this.#options.ahead === undefined ? answer : expiringIn(call, answer, this.#options.ahead());
    return this.#options.asAwsAnswers === false ? inTime : this.#asAwsAnswers(call, inTime);
  }

  async #ask(accessKeyId: string, service: string, form: URLSearchParams): Promise<string> {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    };
    const answer = await this.#forward('POST', '/', headers, Buffer.from(form.toString()));
    return answer.body.toString();
  }

  async #forward(
    method: string,
    path: string,
    headers: IncomingMessage['headers'],
    body: Buffer,
  ): Promise<AwsAnswer> {
    const url = new URL(path, this.#options.upstream());
    // Bodies are kept whole and must be readable here: no chunks, no compression.
    const {
      'transfer-encoding': _,
      'accept-encoding': __,
      expect: ___,
      connection: ____,
      ...passed
    } = headers;
    const outgoing = httpRequest(url, {
      method,
      agent: this.#agent,
      headers: { ...passed, 'content-length': body.length },
    });
    outgoing.end(body);
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject);
    });
    return {
      status: incoming.statusCode ?? 502,
      headers: answerHeaders(incoming, method),
      body: await readAll(incoming),
    };
  }
}

function answered(call: AwsCall, outcome: AwsAnswer | typeof CUT, faults: readonly Fault[]): ProxiedCall {
  const durationMilliseconds = Date.now() - call.startedAt.getTime();
  const more = { durationMilliseconds, faulted: faults.length > 0 };
  if (outcome === CUT) return { ...call, ...more, status: 0 };
  const id = requestId(outcome);
  const code = errorCode(call, outcome);
  return {
    ...call,
    ...more,
    status: outcome.status,
    ...(id !== undefined && { requestId: id }),
    ...(code !== undefined && { errorCode: code }),
  };
}

/** Credentials, which the local AWS issues by the machine's clock. */
function expiringIn({ service, operation }: AwsCall, answer: AwsAnswer, ahead: number): AwsAnswer {
  if (service !== 'sts' || operation !== 'AssumeRole') return answer;
  const text = bodyText(answer).replace(/<Expiration>([^<]*)</, (_, at: string) => {
    return `<Expiration>${new Date(Date.parse(at) + ahead).toISOString()}<`;
  });
  return withBody(answer, text);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function answerHeaders(incoming: IncomingMessage, method: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (name === 'connection' || name === 'keep-alive' || name === 'transfer-encoding') continue;
    // Computed again, because the body may have changed.
    if (name === 'content-length' && method !== 'HEAD') continue;
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
