import type { IncomingMessage, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FindingSourceError } from '../../../../lambdas/model/errors.ts';
import { NetskopeClient, type TokenStore } from '../../../../lambdas/sources/netskope/client.ts';
import { Pacer } from '../../../../lambdas/sources/netskope/pacer.ts';
import { FakeClock } from '../../collector/support/fake-clock.ts';
import { type Sent, send, startServer } from '../../collector/support/http-server.ts';
import { cases } from '../../support/cases.ts';

const TOKEN = 'simulated+tenant/token==';
const SECRET = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:netskope';
const SUCCESS = { status: 'success', msg: '', data: [{ a: 1 }] };
const REFUSED = {
  status: 'error',
  errorCode: 'Authorization Error',
  errors: ['Invalid REST API Token. Please contact administrator'],
};

function storeOf(...tokens: readonly string[]): TokenStore & { readonly reads: boolean[] } {
  const reads: boolean[] = [];
  return {
    name: SECRET,
    reads,
    read: async (fresh) => {
      reads.push(fresh);
      return tokens[Math.min(reads.length, tokens.length) - 1] ?? '';
    },
  };
}

function clientOf(url: URL, token: TokenStore = storeOf(TOKEN), clock = new FakeClock(), timeout = 5_000) {
  const pacer = new Pacer(clock, 24, 5_000);
  return new NetskopeClient({ url, token, clock, pacer, timeoutMilliseconds: timeout });
}

/** Creates a server's script: these answers in order, and then the last one repeatedly. */
function script(...answers: readonly (Sent | 'cut' | 'hang' | 'stall')[]) {
  let next = 0;
  return (request: IncomingMessage, response: ServerResponse) => {
    const answer = answers[Math.min(next, answers.length - 1)];
    next += 1;
    if (answer === undefined || answer === 'cut') request.socket.destroy();
    else if (answer === 'stall') {
      response.writeHead(200);
      response.write('{"status":');
    } else if (answer !== 'hang') send(response, answer);
  };
}

async function failure(promise: Promise<unknown>): Promise<FindingSourceError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof FindingSourceError) return error;
  throw new Error(`expected a FindingSourceError, got ${inspect(error)}`);
}

describe('a request', () => {
  test('uses the documented path, with all parameters and the token encoded', async () => {
    await using server = await startServer(script({ body: SUCCESS }));

    const { items } = await clientOf(server.url).violations({ rule_name: 'a b+c & d', skip: 0 });

    expect(items).toEqual([{ a: 1 }]);
    expect(server.requests).toEqual([
      '/api/v1/security_assessment?rule_name=a%20b%2Bc%20%26%20d&skip=0&token=simulated%2Btenant%2Ftoken%3D%3D',
    ]);
  });

  test('is sent at most 24 times in any 5 seconds, and no slower than that', async () => {
    const clock = new FakeClock();
    const times: number[] = [];
    await using server = await startServer((_, response) => {
      times.push(clock.now());
      void clock.sleep(100);
      send(response, { body: SUCCESS });
    });
    const client = clientOf(server.url, storeOf(TOKEN), clock);

    for (let skip = 0; skip < 100; skip++) await client.violations({ skip });

    for (const [index, time] of times.slice(24).entries()) {
      expect(time - (times[index] ?? Number.NaN)).toBeGreaterThanOrEqual(5_000);
    }
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(4 * 5_000 + 3 * 100);
  });
});

describe('a temporary failure is retried', () => {
  test.each<[string, (Sent | 'cut')[]]>([
    ['HTTP 429 without Retry-After', [{ status: 429, body: '' }]],
    ['HTTP 429 with a message about tokens', [{ status: 429, body: { msg: 'token bucket is empty' } }]],
    [
      'a rate limit as HTTP 200 with a message about tokens',
      [
        {
          body: {
            status: 'error',
            errorCode: 'Too Many Requests',
            errors: ['Token bucket is empty: authorization of this request is delayed'],
          },
        },
      ],
    ],
    [
      'HTTP 500 with a message about tokens',
      [{ status: 500, body: { status: 'error', errors: ['Unexpected token < in JSON at position 0'] } }],
    ],
    [
      'HTTP 500, then 503',
      [
        { status: 500, body: 'oops' },
        { status: 503, body: '<html>busy</html>' },
      ],
    ],
    ['a broken connection', ['cut', 'cut']],
    ['truncated JSON', [{ body: '{"status":"success","data":[{"a"' }]],
    ['HTML with HTTP 200', [{ body: '<html>maintenance</html>' }]],
    ['another error with HTTP 200', [{ body: { status: 'error', errors: ['Internal error'] } }]],
    ['success without a list', [{ body: { status: 'success', msg: '' } }]],
    [
      'success with an error and no items',
      [{ body: { status: 'success', errors: ['Request timed out'], data: [] } }],
    ],
    [
      'success with an error code and some items',
      [{ body: { status: 'success', errorCode: 'Partial Result', data: [{ a: 2 }] } }],
    ],
  ])('%s', async (_, faults) => {
    await using server = await startServer(script(...faults, { body: SUCCESS }));
    const clock = new FakeClock();

    const { items } = await clientOf(server.url, storeOf(TOKEN), clock).violations({ skip: 0 });

    expect(items).toEqual([{ a: 1 }]);
    expect(server.requests).toHaveLength(faults.length + 1);
    expect(clock.sleeps).toHaveLength(faults.length);
    for (const [index, sleep] of clock.sleeps.entries()) {
      expect(sleep).toBeGreaterThanOrEqual(500 * 2 ** index);
      expect(sleep).toBeLessThanOrEqual(1_000 * 2 ** index);
    }
  });

  test.each([
    ['seconds', '7', 7_000],
    ['a date', 'Sat, 31 Jan 2026 12:00:42 GMT', 42_000],
  ])('after the time in Retry-After, in %s', async (_, header, expected) => {
    await using server = await startServer(
      script({ status: 429, headers: { 'retry-after': header }, body: '' }, { body: SUCCESS }),
    );
    const clock = new FakeClock();

    await clientOf(server.url, storeOf(TOKEN), clock).violations({ skip: 0 });

    expect(clock.sleeps).toEqual([expected]);
  });

  test.each([['0'], ['Fri, 30 Jan 2026 12:00:00 GMT'], ['soon']])(
    'after the usual wait if Retry-After is %s',
    async (header) => {
      await using server = await startServer(
        script({ status: 429, headers: { 'retry-after': header }, body: '' }, { body: SUCCESS }),
      );
      const clock = new FakeClock();

      await clientOf(server.url, storeOf(TOKEN), clock).violations({ skip: 0 });

      expect(clock.sleeps).toHaveLength(1);
      expect(clock.sleeps[0]).toBeGreaterThanOrEqual(500);
      expect(clock.sleeps[0]).toBeLessThanOrEqual(1_000);
    },
  );

  test('up to six times', async () => {
    await using server = await startServer(script({ status: 503, body: 'busy' }));

    const error = await failure(clientOf(server.url).violations({ rule_name: 'r', skip: 3000 }));

    expect(server.requests).toHaveLength(6);
    expect(error.status).toBe(503);
    expect(error.message).toContain(`Netskope at ${server.url.origin}`);
    expect(error.message).toContain('rule_name=r, skip=3000');
    expect(error.message).toContain('HTTP 503');
    expect(error.message).toContain('busy');
    expect(error.message).toContain('attempted 6 times');
  });

  test('more often if the tenant limits this request and serves others of the client', async () => {
    let limited = 0;
    await using server = await startServer((request, response) => {
      const isFirst = request.url?.includes('skip=0&') === true;
      if (isFirst && limited++ < 20) send(response, { status: 429, body: '' });
      else send(response, { body: SUCCESS });
    });
    // During the wait, the client requests other pages.
    const clock = new FakeClock();
    const sleep = clock.sleep.bind(clock);
    const client = clientOf(server.url, storeOf(TOKEN), clock);
    clock.sleep = async (milliseconds) => {
      await sleep(milliseconds);
      if (limited < 20) await client.violations({ skip: 1 });
    };

    const { items } = await client.violations({ skip: 0 });

    expect(items).toEqual([{ a: 1 }]);
    expect(limited).toBe(21);
  });

  test('but not if the answer is no longer needed', async () => {
    await using server = await startServer(script({ status: 503, body: 'busy' }));
    const controller = new AbortController();
    const clock = new FakeClock();
    clock.sleep = async () => controller.abort(new Error('not needed'));

    const asking = clientOf(server.url, storeOf(TOKEN), clock).violations({ skip: 0 }, controller.signal);

    await expect(asking).rejects.toThrow('not needed');
    expect(server.requests).toHaveLength(1);
  });

  test('but not if Retry-After is too long', async () => {
    await using server = await startServer(
      script({ status: 429, headers: { 'retry-after': '3600' }, body: '' }),
    );
    const clock = new FakeClock();

    const error = await failure(clientOf(server.url, storeOf(TOKEN), clock).violations({ skip: 0 }));

    expect(server.requests).toHaveLength(1);
    expect(clock.sleeps).toEqual([]);
    expect(error.message).toContain('3600 s');
  });

  test.each<['hang' | 'stall', string]>([
    ['hang', 'no answer'],
    ['stall', 'an answer that stops halfway'],
  ])('%s: %s', async (fault) => {
    await using server = await startServer(script(fault));

    const error = await failure(
      clientOf(server.url, storeOf(TOKEN), new FakeClock(), 60).violations({ skip: 0 }),
    );

    expect(server.requests).toHaveLength(6);
    expect(error.status).toBeUndefined();
    expect(error.message).toContain('did not answer in time');
  });

  test('a server that does not exist', async () => {
    const server = await startServer(script({ body: SUCCESS }));
    const { url } = server;
    await server[Symbol.asyncDispose]();

    const error = await failure(clientOf(url).violations({ skip: 0 }));

    expect(error.message).toContain('could not be reached');
    expect(error.message).toContain('ECONNREFUSED');
  });
});

describe('a permanent failure is not retried', () => {
  test.each([301, 302, 404, 400])('HTTP %i', async (status) => {
    await using elsewhere = await startServer(script({ body: SUCCESS }));
    await using server = await startServer(
      script({ status, headers: { location: new URL('/login', elsewhere.url).href }, body: '' }),
    );

    const error = await failure(clientOf(server.url).violations({ skip: 0 }));

    expect(server.requests).toHaveLength(1);
    expect(elsewhere.requests).toEqual([]);
    expect(error.status).toBe(status);
    expect(error.message).toContain("check the tenant's URL");
  });
});

describe('a refused token', () => {
  test.each<[string, Sent]>([
    ['HTTP 200', { body: REFUSED }],
    ['HTTP 403', { status: 403, body: REFUSED }],
    ['HTTP 403 without a message', { status: 403, body: '' }],
    ['HTTP 500', { status: 500, body: REFUSED }],
    ['only the error code', { body: { status: 'error', errorCode: 'Unauthorized' } }],
  ])('with %s is read again once, because it may have been rotated', async (_, refusal) => {
    await using server = await startServer(script(refusal, { body: SUCCESS }));
    const token = storeOf(TOKEN, 'the-new-token');
    const clock = new FakeClock();

    const { items } = await clientOf(server.url, token, clock).violations({ skip: 0 });

    expect(items).toEqual([{ a: 1 }]);
    expect(token.reads).toEqual([false, true]);
    expect(server.requests[1]).toContain('token=the-new-token');
    expect(clock.sleeps).toEqual([]);
  });

  test('that is refused again is an error that says where to put a valid one', async () => {
    await using server = await startServer(script({ body: REFUSED }));
    const token = storeOf(TOKEN);

    const error = await failure(clientOf(server.url, token).violations({ skip: 0 }));

    expect(token.reads).toEqual([false, true]);
    expect(server.requests).toHaveLength(2);
    expect(error.message).toContain('Invalid REST API Token');
    expect(error.message).toContain(`put a valid token into ${SECRET}`);
  });

  test.each([
    [''],
    ['  \n'],
    ['short'],
    ['{"token":"short"}'],
    ['{"key":"0123456789abcdef"}'],
    ['{"token":0123456789abcdef'],
    ['two words-of-it'],
    ['tökentökentöken'],
  ])('is an error without any request if the secret is %j', async (value) => {
    await using server = await startServer(script({ body: SUCCESS }));

    const error = await failure(clientOf(server.url, storeOf(value)).violations({ skip: 0 }));

    expect(server.requests).toEqual([]);
    expect(error.message).toContain(SECRET);
    if (value.trim() !== '') expect(error.message).not.toContain(value);
  });
});

test.each([[{ errors: [], errorCode: '' }], [{ errors: null, errorCode: null }]])(
  'an answer that names no error (%j) is a success',
  async (fields) => {
    await using server = await startServer(script({ body: { status: 'success', data: [1], ...fields } }));

    const { items } = await clientOf(server.url).violations({ skip: 0 });

    expect(items).toEqual([1]);
  },
);

test('an invalid secret is read again before it is an error, because it may have been corrected', async () => {
  await using server = await startServer(script({ body: SUCCESS }));
  const token = storeOf('not a token', TOKEN);

  await clientOf(server.url, token).violations({ skip: 0 });

  expect(token.reads).toEqual([false, true]);
  expect(server.requests).toHaveLength(1);
});

test('a secret can be a JSON object with the token, as the older framework stored it', async () => {
  await using server = await startServer(script({ body: SUCCESS }));
  const token = storeOf(`\n{ "token": ${JSON.stringify(TOKEN)} }\n`);

  await clientOf(server.url, token).violations({ skip: 0 });

  expect(server.requests).toEqual([expect.stringMatching(/&token=simulated%2Btenant%2Ftoken%3D%3D$/)]);
});

describe('the token is only in the request', () => {
  const characters = [...'abcXYZ019!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'];
  const anyToken = fc
    .string({ unit: fc.constantFrom(...characters), minLength: 8, maxLength: 40 })
    .filter((token) => !token.startsWith('{'));
  const html = (text: string) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#039;');
  /** The encodings in which a server, or a proxy in front of it, may return the token. */
  const echoes: ((token: string, query: string) => Sent)[] = [
    (token) => ({ status: 403, body: { status: 'error', errors: [`bad token ${token}`] } }),
    (token) => ({ body: { status: 'error', errorCode: token } }),
    (token) => ({
      body: `{"msg":${JSON.stringify(token).replaceAll('/', '\\/').replaceAll('&', '\\u0026')}}`,
    }),
    (token) => ({ status: 500, body: `<html>${'x'.repeat(170)}${html(token)}</html>` }),
    (token) => ({ status: 502, body: { msg: `${'x '.repeat(80)}${token}` } }),
    (_, query) => ({ status: 404, body: `not found: ${query}` }),
    (_, query) => ({ status: 404, body: `not found: ${query.toLowerCase()}` }),
    (_, query) => ({ status: 302, headers: { location: query }, body: query }),
  ];

  function spellings(token: string): string[] {
    return [
      token,
      encodeURIComponent(token),
      encodeURIComponent(token).toLowerCase(),
      JSON.stringify(token).slice(1, -1),
      html(token),
    ];
  }

  test('and not in an error, its causes or its stack, whatever the tenant answers', async () => {
    let answer: Sent = { body: '' };
    await using server = await startServer((_, response) => send(response, answer));

    await fc.assert(
      fc.asyncProperty(anyToken, fc.constantFrom(...echoes), async (token, echo) => {
        answer = echo(token, `/api/v1/security_assessment?skip=0&token=${encodeURIComponent(token)}`);

        const error = await failure(clientOf(server.url, storeOf(token)).violations({ skip: 0 }));

        const shown = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
        for (const spelling of spellings(token)) {
          expect(shown).not.toContain(spelling);
          expect(error.message).not.toContain(spelling);
          expect(error.stack).not.toContain(spelling);
          // A truncated token is still half a secret.
          expect(error.message).not.toContain(spelling.slice(0, 8));
        }
      }),
      { numRuns: cases(50) },
    );
  });

  test('and not in a network error', async () => {
    await using server = await startServer(script('cut'));

    const error = await failure(clientOf(server.url).violations({ skip: 0 }));

    const shown = inspect(error, { depth: Infinity, showHidden: true });
    for (const spelling of spellings(TOKEN)) expect(shown).not.toContain(spelling);
  });

  test('and not in the items, even if the tenant includes it in one', async () => {
    await using server = await startServer(
      script({ body: { status: 'success', data: [{ link: `https://x/?token=${TOKEN}` }] } }),
    );

    const { items } = await clientOf(server.url).violations({ skip: 0 });

    expect(items).toEqual([{ link: 'https://x/?token=[token]' }]);
  });
});
