import ky from 'ky';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { FindingSourceError } from '../../model/errors.ts';
import { AnswerError, type ItemPage, readAnswer } from './answer.ts';
import type { Pacer } from './pacer.ts';
import { redactor } from './redact.ts';

/** A store for the tenant's API token. */
export interface TokenStore {
  /** The name of the token in messages: the secret's ARN. */
  readonly name: string;
  /**
   * Returns the token.
   * @param fresh true to read it from the store, regardless of the cache
   */
  read(fresh: boolean): Promise<string>;
}

export interface NetskopeClientOptions {
  /** The tenant: `https://acme.goskope.com`. */
  readonly url: URL;
  readonly token: TokenStore;
  readonly clock: Clock;
  /** Keeps the rate of requests below the tenant's limit. */
  readonly pacer: Pacer;
  /** Maximum time from sending a request to the headers of its answer, and from there to the end of the body. */
  readonly timeoutMilliseconds?: number;
}

/** The parameters of one request, except the token. */
export type Parameters = Readonly<Record<string, string | number>>;

const ATTEMPTS = 6;
/** The HTTP status of a rate-limited request. */
const LIMITED = 429;
const TIMEOUT_MILLISECONDS = 60_000;
const LONGEST_BACKOFF_MILLISECONDS = 30_000;
/**
 * Maximum accepted `Retry-After`. If a tenant asks for more, the poll fails, because the function's time is limited.
 */
const LONGEST_RETRY_AFTER_MILLISECONDS = 120_000;

/** Parses `Retry-After`, a number of seconds or a date (RFC 9110, 10.2.3); undefined for other values. */
function retryAfterMilliseconds(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

const wrappedTokenSchema = z.object({ token: z.string() });

/**
 * Pattern of a token. It rejects secrets that were never set, contain other JSON, or contain a line break. A shorter
 * token could not be removed from a text without damaging the text.
 */
const tokenPattern = /^[\x21-\x7e]{8,}$/;

/**
 * Returns the token in a secret's text: the value of `token` if the text is a JSON object, which is the form that the
 * older framework stored; otherwise the text itself.
 */
function tokenIn(text: string): string {
  if (!text.trim().startsWith('{')) return text;
  try {
    return wrappedTokenSchema.safeParse(JSON.parse(text)).data?.token ?? text;
  } catch {
    return text;
  }
}

/** Computes the exponential backoff with jitter: 0.5–1 s, 1–2 s, 2–4 s, and so on. */
function backoffMilliseconds(attempt: number): number {
  const longest = Math.min(1000 * 2 ** (attempt - 1), LONGEST_BACKOFF_MILLISECONDS);
  return longest / 2 + (Math.random() * longest) / 2;
}

/**
 * Client of a Netskope tenant's REST API v1.
 *
 * The documented way to pass the token is the query of a GET request. Nothing that can be logged contains that URL: the
 * token is added in the last step, after ky, so ky's requests and errors contain the URL without it. The token is
 * removed from each body before the body is parsed, and errors are recreated from redacted text.
 */
export class NetskopeClient {
  readonly #options: NetskopeClientOptions;
  /** Number of successful answers. */
  #served = 0;

  constructor(options: NetskopeClientOptions) {
    this.#options = options;
  }

  /**
   * Reads one page of `GET /api/v1/security_assessment`. Retries if the tenant limits the rate, fails or can't be
   * reached. A refused token is read again once, because it may have been rotated.
   * @param signal aborted if the page is no longer needed
   * @throws FindingSourceError if no attempt succeeds; the signal's reason if it is aborted
   */
  async violations(parameters: Parameters, signal?: AbortSignal): Promise<ItemPage> {
    const { clock, pacer, token: tokenStore } = this.#options;
    let token = await this.#readToken(false);
    let tokenIsFresh = false;
    let served = this.#served;
    for (let attempt = 1; ; attempt++) {
      await pacer.turn();
      signal?.throwIfAborted();
      try {
        const page = await this.#request(parameters, token, signal);
        this.#served += 1;
        return page;
      } catch (error) {
        signal?.throwIfAborted();
        const redact = redactor(token);
        const problem = error instanceof AnswerError ? error : undefined;
        if (problem?.kind === 'token' && !tokenIsFresh) {
          token = await this.#readToken(true);
          tokenIsFresh = true;
          continue;
        }
        const fail = (advice: string): FindingSourceError =>
          new FindingSourceError(
            redact.text(`${this.#describe(parameters)}: ${describeError(error)}${advice}`),
            { cause: redact.error(error), ...(problem !== undefined && { status: problem.status }) },
          );
        if (problem?.kind === 'token') throw fail(`; put a valid token into ${tokenStore.name}`);
        if (problem?.kind === 'final') throw fail(`; check the tenant's URL`);
        if (problem?.status === LIMITED) {
          pacer.slowDown();
          // The tenant answers other requests of this client, so the wait of this one does not count as failed
          // attempts.
          if (this.#served > served) attempt = 1;
          served = this.#served;
        }
        if (attempt === ATTEMPTS) throw fail(`; attempted ${ATTEMPTS} times`);
        const asked = retryAfterMilliseconds(problem?.retryAfter, clock.now()) ?? 0;
        if (asked > LONGEST_RETRY_AFTER_MILLISECONDS) {
          throw fail(`; it requests a wait of ${Math.round(asked / 1000)} s, which is too long for one poll`);
        }
        // A date in the past asks for no delay.
        await clock.sleep(asked > 0 ? asked : backoffMilliseconds(attempt));
      }
    }
  }

  async #readToken(fresh: boolean): Promise<string> {
    const { token } = this.#options;
    const text = tokenIn(await token.read(fresh)).trim();
    if (!tokenPattern.test(text) || text.startsWith('{')) {
      // The cached secret may have been corrected since.
      if (!fresh) return this.#readToken(true);
      const what = text === '' ? 'empty' : `not a token (${text.length} characters)`;
      throw new FindingSourceError(
        `the value of ${token.name} is ${what}: put the API token there, at least 8 printable ASCII characters, as plain text or as {"token": "…"}`,
      );
    }
    return text;
  }

  async #request(parameters: Parameters, token: string, signal: AbortSignal | undefined): Promise<ItemPage> {
    const url = new URL('/api/v1/security_assessment', this.#options.url);
    // Spaces are encoded as %20, which every server supports; URLSearchParams alone would use plus signs.
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) query.set(key, String(value));
    url.search = query.toString().replaceAll('+', '%20');
    const answer = ky.get(url, {
      // A tenant that does not exist redirects to a web page, which would receive the token.
      redirect: 'manual',
      retry: 0,
      throwHttpErrors: false,
      ...(signal !== undefined && { signal }),
      timeout: this.#options.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS,
      headers: { accept: 'application/json' },
      fetch: async (input, init) => {
        const request = new Request(input);
        return fetch(new Request(`${request.url}&token=${encodeURIComponent(token)}`, request), init);
      },
    });
    const { status, headers } = await answer;
    const text = redactor(token).text(await answer.text());
    return readAnswer(status, headers.get('retry-after') ?? undefined, text);
  }

  #describe(parameters: Parameters): string {
    const query = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
    return `Netskope at ${this.#options.url.origin} (security_assessment, ${query.join(', ')})`;
  }
}

/** Describes an error by its innermost cause: `connect ECONNREFUSED 127.0.0.1:443` says more than `fetch failed`. */
function describeError(error: unknown): string {
  if (error instanceof AnswerError) return error.message;
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return String(inner);
  // For a host with several unreachable addresses, the aggregate error has no message.
  if (inner instanceof AggregateError && inner.message === '') inner = inner.errors[0];
  if (!(inner instanceof Error)) return 'could not be reached';
  return inner.name === 'TimeoutError' ? 'did not answer in time' : `could not be reached: ${inner.message}`;
}
