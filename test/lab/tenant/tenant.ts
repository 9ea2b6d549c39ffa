import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ScanTarget } from './check.ts';
import {
  type ActiveFault,
  type AnswerFault,
  type DeliveryFault,
  type FaultScope,
  Faults,
  type MetFaults,
  pageOf,
  type TenantFault,
  withoutIgnored,
} from './faults.ts';
import { FindingStore, type MuteTarget } from './finding-store.ts';
import type { ItemList, TenantItem } from './item.ts';
import { type AssessmentQuery, type RawParameters, readQuery } from './query.ts';
import { documentedRateLimit, RateLimit, type RateLimitOptions } from './rate-limit.ts';
import type { ScanReport } from './scan-report.ts';

export interface TenantOptions {
  /** The default contains characters that must be encoded in a query, as in real tokens. */
  readonly token?: string;
  /** 0, the default, selects a free one. */
  readonly port?: number;
  /** The rate limit; by default as documented: 24 requests in 5 seconds. `false`: no limit. */
  readonly rateLimit?: RateLimitOptions | false;
  /** The HTTP status of a wrong token's error body; by default 200. */
  readonly refusedTokenStatus?: 200 | 403;
  /** Scope of scans without one. Default: that of the latest one. */
  readonly scanTarget?: ScanTarget;
  /** The tenant's clock; the rate limit and slow answers use real time. */
  readonly now?: () => Date;
}

/** A request as tests read it, without the token. */
export interface TenantRequest {
  readonly at: Date;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Parameters of the query and of a JSON body, the body's first. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Place of the token. */
  readonly tokenIn: 'query' | 'body' | 'nowhere';
  /** Status of the answer; undefined before that. */
  readonly status: number | undefined;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface StartedScan {
  readonly startedBy: string;
  state: 'In Progress' | 'Completed' | 'Failed';
  /** Reason of a failure. */
  error?: string;
}

const DEFAULT_TOKEN = 'simulated+tenant/token==';
const ASSESSMENT_PATH = '/api/v1/security_assessment';
const SCAN_PATH = '/api/v1/csa_scan';
const LOGIN_PATH = '/locallogin';

const bodySchema = z.record(z.string(), z.unknown());
const scanRequestSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('start'), name: z.string().min(1), scan_start_by: z.string().min(1) }),
  z.object({ op: z.literal('status'), scan_id: z.string().min(1) }),
]);

/**
 * A Netskope tenant over HTTP on 127.0.0.1, as its REST API v1 reference describes it ("REST API v1 Overview", "View
 * Security Assessment Violations"): `GET` or `POST /api/v1/security_assessment`, `/api/v1/csa_scan`. Where the
 * reference is silent (the HTTP status of an error, the effect of a wrong parameter), it returns an error body in an
 * HTTP 200, the less convenient variant of real tenants' known behaviour.
 */
export class Tenant implements AsyncDisposable {
  readonly #options: TenantOptions;
  readonly #server: Server;
  readonly #store = new FindingStore();
  readonly #faults = new Faults();
  readonly #requests: TenantRequest[] = [];
  readonly #scans = new Map<string, StartedScan>();
  readonly #rateLimit: RateLimit | undefined;
  readonly #closing = new AbortController();
  readonly #now: () => Date;
  #scanTarget: ScanTarget | undefined;
  readonly token: string;

  constructor(options: TenantOptions) {
    const { token = DEFAULT_TOKEN, rateLimit = documentedRateLimit, now = () => new Date() } = options;
    this.#options = options;
    this.#scanTarget = options.scanTarget;
    this.token = token;
    this.#now = now;
    this.#rateLimit = rateLimit === false ? undefined : new RateLimit(rateLimit);
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        if (this.#closing.signal.aborted || response.destroyed) return;
        response.writeHead(500).end(String(error));
      });
    });
  }

  async start(): Promise<void> {
    this.#server.listen(this.#options.port ?? 0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the tenant is not running');
    return `http://127.0.0.1:${address.port}`;
  }

  /** All requests so far, oldest first. */
  get requests(): readonly TenantRequest[] {
    return this.#requests;
  }

  clearRequests(): void {
    this.#requests.length = 0;
  }

  /** Sets the tenant's findings for all times: earlier scans are forgotten. */
  setFindings(items: ItemList<TenantItem>): void {
    this.#store.setFindings(items);
  }

  /** Adds findings to the latest scan. */
  addFindings(items: readonly TenantItem[]): void {
    this.#store.addFindings(items);
  }

  /** Sets the results of a scan at that time; answers for earlier times stay the same. */
  addScan(at: Date, items: ItemList<TenantItem>): void {
    this.#store.addScan(at, items);
  }

  /** Mutes a finding, as a person would; scans do not change that. */
  mute(
    target: MuteTarget,
    { by = 'someone@example.com', since = this.#now(), until }: MuteOptions = {},
  ): void {
    this.#store.mute(target, { by, since, until });
  }

  unmute(target: MuteTarget, at: Date = this.#now()): void {
    this.#store.unmute(target, at);
  }

  /**
   * Scans the accounts with the tenant's own checks. The result is a new scan.
   * @param at the scan's time, by which the age of access keys is computed; by default now. A request with an earlier `as_of`
   * gets the results of the former scan.
   * @throws an error that names the service, account and region that could not be read; then there is no new scan
   */
  async scan(target = this.#scanTarget, at: Date = this.#now()): Promise<ScanReport> {
    if (target === undefined)
      throw new Error('the tenant has no scan target, neither from its start nor from this call');
    if (this.#options.scanTarget === undefined) this.#scanTarget = target;
    // Only scans load the clients of six AWS services.
    const { newScan } = await import('./scan.ts');
    const items = await newScan(target, at, this.#store.scanned(at));
    this.#store.addScan(at, items);
    return {
      at,
      failed: items.filter(({ status }) => status === 'Failed'),
      passed: items.filter(({ status }) => status === 'Passed'),
    };
  }

  /** Switches on a fault, in addition to active ones. */
  setFault(fault: TenantFault, scope: FaultScope = {}): ActiveFault {
    return this.#faults.add(fault, scope);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#closing.abort();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = this.#now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const body = readBody(request, Buffer.concat(chunks).toString());
    const { token: queryToken, ...query } = Object.fromEntries(url.searchParams);
    const { token: bodyToken, ...bodyParameters } = body ?? {};
    const parameters: RawParameters = { ...query, ...bodyParameters };
    url.searchParams.delete('token');

    const record: { -readonly [Key in keyof TenantRequest]: TenantRequest[Key] } = {
      at,
      method: request.method ?? '',
      url: `${url.pathname}${url.search}`,
      parameters: Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
        ]),
      ),
      tokenIn: bodyToken !== undefined ? 'body' : queryToken !== undefined ? 'query' : 'nowhere',
      status: undefined,
    };
    this.#requests.push(record);
    response.once('finish', () => {
      record.status = response.statusCode;
    });

    const wait = this.#rateLimit?.admit(performance.now()) ?? 0;
    if (wait === 'refused') {
      await this.#send(response, answerTo({ kind: 'rate_limited' }), undefined);
      return;
    }
    if (wait > 0) await sleep(wait, undefined, { signal: this.#closing.signal });

    const isKnown = request.method === 'GET' || request.method === 'POST';
    const path = isKnown ? url.pathname : '';
    const asked = path === ASSESSMENT_PATH ? readQuery(parameters) : undefined;
    const faults = this.#faults.meet(asked !== undefined && 'filter' in asked ? asked : undefined);
    let reply: Reply;
    if (faults.answer !== undefined) reply = answerTo(faults.answer);
    else if (path === LOGIN_PATH) reply = html(200, 'Log in');
    else if (path !== ASSESSMENT_PATH && path !== SCAN_PATH) reply = html(404, 'Not found');
    else if (body === undefined)
      reply = errorReply(200, 'Invalid Request', ['The body is not a JSON object']);
    else if ((bodyToken ?? queryToken) !== this.token) {
      reply = answerTo({ kind: 'token_refused', status: this.#options.refusedTokenStatus ?? 200 });
    } else if (asked === undefined) reply = this.#scanReply(parameters);
    else if ('errors' in asked) reply = errorReply(200, 'Invalid Parameter', asked.errors);
    else reply = this.#assessmentReply(asked, faults.list);
    await this.#send(response, reply, faults.delivery);
  }

  #assessmentReply(query: AssessmentQuery, faults: MetFaults['list']): Reply {
    const filter = withoutIgnored(query.filter, faults);
    const matching = this.#store.matching(filter, query.asOf ?? this.#now());
    return json(200, { status: 'success', msg: '', data: pageOf(matching, query, faults) });
  }

  #scanReply(parameters: RawParameters): Reply {
    const parsed = scanRequestSchema.safeParse(parameters);
    if (!parsed.success) return errorReply(200, 'Invalid Parameter', [z.prettifyError(parsed.error)]);
    if (parsed.data.op === 'start') {
      const id = String(this.#scans.size + 1);
      const started: StartedScan = { startedBy: parsed.data.scan_start_by, state: 'In Progress' };
      this.#scans.set(id, started);
      this.scan().then(
        () => {
          started.state = 'Completed';
        },
        (error: unknown) => {
          started.state = 'Failed';
          started.error = error instanceof Error ? error.message : String(error);
        },
      );
      return json(200, { status: 'success', msg: '', data: [{ scan_id: id }] });
    }
    const { scan_id } = parsed.data;
    const scan = this.#scans.get(scan_id);
    if (scan === undefined) return errorReply(200, 'Invalid Parameter', [`There is no scan ${scan_id}`]);
    const { startedBy, state, error } = scan;
    const data = [{ scan_id, scan_status: state, scan_start_by: startedBy, error_msg: error }];
    return json(200, { status: 'success', msg: '', data });
  }

  async #send(response: ServerResponse, reply: Reply, fault: DeliveryFault | undefined): Promise<void> {
    const { status, headers } = reply;
    const body = Buffer.from(reply.body);
    const part = fault?.part ?? (fault?.kind === 'cut' ? 'body' : 'head');
    const head = { ...headers, 'content-length': body.length };
    if (fault === undefined) {
      response.writeHead(status, head).end(body);
      return;
    }

    let sent = 0;
    if (part === 'body') {
      sent = Math.floor(body.length / 2);
      response.writeHead(status, head);
      await new Promise<void>((resolve) => {
        response.write(body.subarray(0, sent), () => resolve());
      });
    }
    switch (fault.kind) {
      case 'hang':
        return;
      case 'cut':
        response.destroy();
        return;
      case 'slow':
        await sleep(fault.milliseconds, undefined, { signal: this.#closing.signal });
        if (part === 'head') response.writeHead(status, head);
        response.end(body.subarray(sent));
    }
  }
}

export interface MuteOptions {
  /** Name of the person. */
  readonly by?: string;
  /** Start time; by default now. */
  readonly since?: Date;
  /** End time; by default never. */
  readonly until?: Date;
}

/** Starts a tenant, by default on a free port. */
export async function startTenant(options: TenantOptions = {}): Promise<Tenant> {
  const tenant = new Tenant(options);
  await tenant.start();
  return tenant;
}

/** The parameters in the body; undefined if it should be a JSON object and is not. */
function readBody(request: IncomingMessage, text: string): RawParameters | undefined {
  if (request.headers['content-type']?.includes('json') !== true) return {};
  try {
    return bodySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function json(status: number, body: unknown): Reply {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

function html(status: number, title: string): Reply {
  return {
    status,
    body: `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
    headers: { 'content-type': 'text/html; charset=utf-8' },
  };
}

/** The documented form of an error. */
function errorReply(status: number, errorCode: string, errors: readonly string[]): Reply {
  return json(status, { status: 'error', errorCode, errors });
}

function answerTo(fault: AnswerFault): Reply {
  switch (fault.kind) {
    case 'token_refused':
      return errorReply(fault.status ?? 200, 'Authorization Error', [
        'Invalid REST API Token. Please contact administrator',
      ]);
    case 'error':
      return errorReply(
        fault.status ?? 200,
        fault.errorCode ?? 'Internal Error',
        fault.errors ?? ['Something went wrong'],
      );
    case 'login_redirect':
      return { status: 302, body: '', headers: { location: LOGIN_PATH } };
    case 'status':
      return html(fault.status, `Error ${fault.status}`);
    case 'rate_limited': {
      const { retryAfter } = fault;
      const reply = errorReply(429, 'Too Many Requests', ['Rate limit exceeded']);
      if (retryAfter === undefined) return reply;
      const value = typeof retryAfter === 'number' ? String(retryAfter) : retryAfter.toUTCString();
      return { ...reply, headers: { ...reply.headers, 'retry-after': value } };
    }
    case 'broken_json':
      return { ...json(200, {}), body: '{"status":"success","msg":"","data":[{"status":"Failed",' };
    case 'html':
      return html(200, 'Scheduled maintenance');
    case 'empty_body':
      return { ...json(200, {}), body: '' };
    case 'body':
      return { ...json(200, {}), body: fault.body };
  }
}
