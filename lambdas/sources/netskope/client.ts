import ky from 'ky';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { FindingSourceError } from '../../model/errors.ts';
import { AnswerError, type ItemPage, readAnswer } from './answer.ts';
import type { Pacer } from './pacer.ts';
import { redactor } from './redact.ts';

/** A place that holds the tenant's API token. */
export interface TokenStore {
  /** Name by which a person knows the token: the secret's ARN. */
  readonly name: string;
  /**
   * The token.
   * @param fresh whether to read it from where it is stored, whatever has been remembered
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
  /** Longest time from sending one request to its answer's head, and again to the end of its body. */
  readonly timeoutMilliseconds?: number;
}

/** The parameters of one request, but for the token. */
export type Parameters = Readonly<Record<string, string | number>>;

const ATTEMPTS = 6;
/** The HTTP status of a request that is one too many. */
const LIMITED = 429;
const TIMEOUT_MILLISECONDS = 60_000;
const LONGEST_BACKOFF_MILLISECONDS = 30_000;
/** A tenant that wants more patience than this is left alone until the next poll: the function has its own end. */
const LONGEST_RETRY_AFTER_MILLISECONDS = 120_000;

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). Undefined when it is neither. */
function retryAfterMilliseconds(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

const wrappedTokenSchema = z.object({ token: z.string() });

/**
 * The form of a token: what distinguishes it from a secret that was never set, holds JSON, or has a line break in it. What
 * is shorter could not be taken out of a text without spoiling the text.
 */
const tokenPattern = /^[\x21-\x7e]{8,}$/;

/**
 * The token in a secret's text: the text itself, or the value of `token` where the text is a JSON object, the form that
 * the older framework stored.
 */
function tokenIn(text: string): string {
  if (!text.trim().startsWith('{')) return text;
  try {
    return wrappedTokenSchema.safeParse(JSON.parse(text)).data?.token ?? text;
  } catch {
    return text;
  }
}

/** Exponential, with jitter: 0.5–1 s, 1–2 s, 2–4 s, … */
function backoffMilliseconds(attempt: number): number {
  const longest = Math.min(1000 * 2 ** (attempt - 1), LONGEST_BACKOFF_MILLISECONDS);
  return longest / 2 + (Math.random() * longest) / 2;
}

/**
 * Asks a Netskope tenant's REST API v1.
 *
 * The documented way to pass the token is the query of a GET. Nothing that can be logged ever holds that URL: the
 * token is added in the last step, behind ky, whose requests and errors know the URL without it; it is taken out of
 * the body before anyone reads it; and errors are recreated from words that it was taken out of.
 */
export class NetskopeClient {
  readonly #options: NetskopeClientOptions;
  /** Number of good answers. */
  #served = 0;

  constructor(options: NetskopeClientOptions) {
    this.#options = options;
  }

  /**
   * One page of `GET /api/v1/security_assessment`. Retried when the tenant limits, fails, or can't
   * be reached; a token that is refused is read again once, for it may have been rotated.
   * @param signal aborted when the page is no longer needed
   * @throws FindingSourceError when there is no good answer after that, or the signal's reason
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
          // The tenant serves this client, and others beside it: it is only not this request's turn.
          if (this.#served > served) attempt = 1;
          served = this.#served;
        }
        if (attempt === ATTEMPTS) throw fail(`; attempted ${ATTEMPTS} times`);
        const asked = retryAfterMilliseconds(problem?.retryAfter, clock.now()) ?? 0;
        if (asked > LONGEST_RETRY_AFTER_MILLISECONDS) {
          throw fail(`; it requests a wait of ${Math.round(asked / 1000)} s, which is too long for one poll`);
        }
        // A date that has gone by asks for no patience at all.
        await clock.sleep(asked > 0 ? asked : backoffMilliseconds(attempt));
      }
    }
  }

  async #readToken(fresh: boolean): Promise<string> {
    const { token } = this.#options;
    const text = tokenIn(await token.read(fresh)).trim();
    if (!tokenPattern.test(text) || text.startsWith('{')) {
      // What is remembered may have been corrected since.
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
    // Spaces as %20, which every server reads as such; URLSearchParams alone makes them plus signs.
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) query.set(key, String(value));
    url.search = query.toString().replaceAll('+', '%20');
    const answer = ky.get(url, {
      // A tenant that does not exist redirects to a page for people, and would be given the token there.
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

/**
 * Describes an error down to its innermost cause: `connect ECONNREFUSED 127.0.0.1:443` says more than `fetch failed`.
 */
function describeError(error: unknown): string {
  if (error instanceof AnswerError) return error.message;
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return String(inner);
  // Of a host with several addresses, none of which could be reached: the error of all has no message.
  if (inner instanceof AggregateError && inner.message === '') inner = inner.errors[0];
  if (!(inner instanceof Error)) return 'could not be reached';
  return inner.name === 'TimeoutError' ? 'did not answer in time' : `could not be reached: ${inner.message}`;
}
