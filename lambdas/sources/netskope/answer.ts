import { z } from 'zod';

/** An answer of the tenant that is none, and what is to be made of it. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  /** `token`: refused; `final`: asking again changes nothing; `passing`: may be gone at the next attempt. */
  readonly kind: 'token' | 'final' | 'passing';
  /** The tenant's `Retry-After` header, as it was sent. */
  readonly retryAfter: string | undefined;
  constructor(
    message: string,
    facts: { status: number; kind: 'token' | 'final' | 'passing'; retryAfter?: string | undefined },
  ) {
    super(message);
    this.status = facts.status;
    this.kind = facts.kind;
    this.retryAfter = facts.retryAfter;
  }
}

/** A good answer. */
export interface ItemPage {
  readonly items: readonly unknown[];
  /** Number of items in all, where the tenant says so: the reference knows no such field. */
  readonly total: number | undefined;
}

const successSchema = z.object({
  status: z.string().regex(/^success$/i),
  data: z.array(z.unknown()),
  total: z.int().nonnegative().optional().catch(undefined),
});

const errorSchema = z.object({
  errorCode: z.string().optional().catch(undefined),
  errors: z.array(z.string()).optional().catch(undefined),
  msg: z.string().optional().catch(undefined),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The beginning of a text, on one line. */
function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** Finds the tenant's words on its error, as its reference documents them; else the beginning of what it sent. */
function complaint(body: unknown, text: string): string {
  const { errorCode, errors = [], msg } = errorSchema.safeParse(body).data ?? {};
  const words = [errorCode, ...errors, msg].filter((word) => word !== undefined && word !== '');
  return excerpt(words.length > 0 ? words.join(': ') : text);
}

/** A tenant's name for an error of the token: `Authorization Error`. */
const tokenErrorCode = /^(?:un)?auth(?:ori[sz]|entic)/i;

/**
 * Reports whether the tenant refused the token, by the HTTP status and by `errorCode`. The words of an error don't
 * count: a gateway's "Unexpected token <" and a rate limit's "token bucket is empty" are not a reason to look for
 * another token.
 */
function isTokenRefusal(status: number, body: unknown): boolean {
  if (status === 401 || status === 403) return true;
  if (status === 429 || status === 503) return false;
  return tokenErrorCode.test(errorSchema.safeParse(body).data?.errorCode ?? '');
}

/**
 * The items of an answer. An error can come with any HTTP status, 200 included (Netskope REST API v1 overview): an
 * answer is good only if it says so and holds a list.
 * @param text the body, without the token
 * @throws AnswerError for anything else
 */
export function readAnswer(status: number, retryAfter: string | undefined, text: string): ItemPage {
  const body = parseJson(text);
  if (status === 200) {
    const success = successSchema.safeParse(body);
    if (success.success) return { items: success.data.data, total: success.data.total };
  }

  const said = complaint(body, text);
  const words = said === '' ? 'nothing' : said;
  if (isTokenRefusal(status, body)) {
    throw new AnswerError(`refused the API token (HTTP ${status}): ${words}`, { status, kind: 'token' });
  }
  if (status >= 300 && status < 500 && status !== 408 && status !== 429) {
    throw new AnswerError(`answered HTTP ${status}: ${words}`, { status, kind: 'final' });
  }
  const what = body === undefined ? 'something that is not JSON' : 'an error or an unknown form';
  throw new AnswerError(`answered HTTP ${status} with ${what}: ${words}`, {
    status,
    kind: 'passing',
    retryAfter,
  });
}
