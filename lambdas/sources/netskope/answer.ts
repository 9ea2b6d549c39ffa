import { z } from 'zod';

/** The error for an unsuccessful answer of the tenant. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  /** `token`: the token was refused; `final`: a retry can't succeed; `passing`: a retry may succeed. */
  readonly kind: 'token' | 'final' | 'passing';
  /** The tenant's `Retry-After` header, unparsed. */
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

/** A successful answer. */
export interface ItemPage {
  readonly items: readonly unknown[];
  /** The total number of items, if the tenant returns it; the reference documents no such field. */
  readonly total: number | undefined;
}

const successSchema = z.object({
  status: z.string().regex(/^success$/i),
  data: z.array(z.unknown()),
  total: z.int().nonnegative().optional().catch(undefined),
});

/** The parts of a response that name an error, even if it reports success. */
const namedErrorSchema = z.union([
  z.object({ errorCode: z.string().min(1) }),
  z.object({ errors: z.union([z.string().min(1), z.array(z.unknown()).min(1)]) }),
]);

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

/** Returns the beginning of a text, on one line. */
function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** Returns the tenant's error message if it has the documented form; otherwise the beginning of the body. */
function complaint(body: unknown, text: string): string {
  const { errorCode, errors = [], msg } = errorSchema.safeParse(body).data ?? {};
  const words = [errorCode, ...errors, msg].filter((word) => word !== undefined && word !== '');
  return excerpt(words.length > 0 ? words.join(': ') : text);
}

/** Pattern of the error codes with which a tenant refuses a token: `Authorization Error`. */
const tokenErrorCode = /^(?:un)?auth(?:ori[sz]|entic)/i;

/**
 * Reports whether the tenant refused the token, based on the HTTP status and `errorCode`. The message is ignored: a
 * gateway's "Unexpected token <" and a rate limit's "token bucket is empty" do not mean that the token was refused.
 */
function isTokenRefusal(status: number, body: unknown): boolean {
  if (status === 401 || status === 403) return true;
  if (status === 429 || status === 503) return false;
  return tokenErrorCode.test(errorSchema.safeParse(body).data?.errorCode ?? '');
}

/**
 * Returns the items of an answer. An error can have any HTTP status, including 200 (Netskope REST API v1 overview), so an
 * answer is only valid if it reports success, contains a list, and names no error.
 * @param text the body, without the token
 * @throws AnswerError for anything else
 */
export function readAnswer(status: number, retryAfter: string | undefined, text: string): ItemPage {
  const body = parseJson(text);
  if (status === 200) {
    const success = successSchema.safeParse(body);
    // Otherwise, an incomplete answer would look like the last page.
    const namesError = namedErrorSchema.safeParse(body).success;
    if (success.success && !namesError) return { items: success.data.data, total: success.data.total };
  }

  const said = complaint(body, text);
  const words = said === '' ? 'nothing' : said;
  if (isTokenRefusal(status, body)) {
    throw new AnswerError(`refused the API token (HTTP ${status}): ${words}`, { status, kind: 'token' });
  }
  if (status >= 300 && status < 500 && status !== 408 && status !== 429) {
    throw new AnswerError(`answered HTTP ${status}: ${words}`, { status, kind: 'final' });
  }
  const what = body === undefined ? 'something that is not JSON' : 'an error or an unknown format';
  throw new AnswerError(`answered HTTP ${status} with ${what}: ${words}`, {
    status,
    kind: 'passing',
    retryAfter,
  });
}
