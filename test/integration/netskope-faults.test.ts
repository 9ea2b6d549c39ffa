import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import {
  type AnswerFault,
  type DeliveryFault,
  fleetFindings,
  itemDefects,
  malformedItems,
  startTenant,
  unusualItems,
  unwantedItems,
} from '../lab/tenant/index.ts';
import {
  type Deployed,
  expectWritesWithin,
  type Harness,
  nextMoment,
  startHarness,
} from './harness/harness.ts';
import { makeViolation } from './harness/violations.ts';

const RULE = 'security-group-ssh-open';

let harness: Harness;
let deployed: Deployed;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());
beforeEach(async () => {
  deployed = await harness.deploy({ rules: { [RULE]: { mode: 'enforce' } } });
});
afterEach(() => harness.tenant.clearFaults());

/** Longest duration of one request, in `lambdas/sources/netskope/client.ts`. */
const REQUEST_TIMEOUT_MILLISECONDS = 60_000;

/** Makes the client's own timer fire soon, so that no test waits a minute for a tenant that does not answer. */
function shortenRequestTimeout(): void {
  const original = globalThis.setTimeout;
  vi.stubGlobal('setTimeout', (callback: (value: unknown) => void, milliseconds: number, value: unknown) =>
    original(callback, milliseconds === REQUEST_TIMEOUT_MILLISECONDS ? 300 : milliseconds, value),
  );
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
}

/** A time until which the tenant asks not to be called. */
const soon = (): Date => new Date(Date.now() + 3_000);

/** Faults that leave a request unanswered, with the log line when they last, and the number of requests by then. */
const unanswered: readonly (readonly [
  string,
  () => AnswerFault | DeliveryFault,
  { readonly says: RegExp; readonly requests: number },
])[] = [
  [
    'a wrong token, reported in an HTTP 200',
    () => ({ kind: 'token_refused', status: 200 }),
    {
      says: /refused the API token \(HTTP 200\).*put a valid token into arn:aws:secretsmanager/,
      requests: 2,
    },
  ],
  [
    'a wrong token, reported in an HTTP 403',
    () => ({ kind: 'token_refused', status: 403 }),
    {
      says: /refused the API token \(HTTP 403\).*put a valid token into arn:aws:secretsmanager/,
      requests: 2,
    },
  ],
  [
    "a gateway's page in an HTTP 403",
    () => ({ kind: 'status', status: 403 }),
    { says: /HTTP 403.*put a valid token into arn:aws:secretsmanager/, requests: 2 },
  ],
  [
    'an error in an HTTP 200',
    () => ({ kind: 'error' }),
    { says: /HTTP 200.*Internal Error: Something went wrong; attempted 6 times/, requests: 6 },
  ],
  ['HTTP 500', () => ({ kind: 'status', status: 500 }), { says: /HTTP 500.*attempted 6 times/, requests: 6 }],
  ['HTTP 503', () => ({ kind: 'status', status: 503 }), { says: /HTTP 503.*attempted 6 times/, requests: 6 }],
  [
    'HTTP 429',
    () => ({ kind: 'rate_limited' }),
    { says: /HTTP 429.*Rate limit exceeded; attempted 6 times/, requests: 6 },
  ],
  [
    'HTTP 429 with seconds to wait',
    () => ({ kind: 'rate_limited', retryAfter: 2 }),
    { says: /HTTP 429.*attempted 6 times/, requests: 6 },
  ],
  [
    'HTTP 429 with a date to wait for',
    () => ({ kind: 'rate_limited', retryAfter: soon() }),
    { says: /HTTP 429.*attempted 6 times/, requests: 6 },
  ],
  [
    'JSON that breaks off',
    () => ({ kind: 'broken_json' }),
    { says: /something that is not JSON.*attempted 6 times/, requests: 6 },
  ],
  [
    'an HTML page',
    () => ({ kind: 'html' }),
    { says: /not JSON: .*Scheduled maintenance.*attempted 6 times/, requests: 6 },
  ],
  [
    'an empty body',
    () => ({ kind: 'empty_body' }),
    { says: /not JSON: nothing; attempted 6 times/, requests: 6 },
  ],
  [
    'JSON of another form',
    () => ({ kind: 'body', body: '{"status":"success","data":{"items":[]}}' }),
    { says: /an unknown format.*attempted 6 times/, requests: 6 },
  ],
  [
    'a connection that breaks before the response',
    () => ({ kind: 'cut', part: 'head' }),
    { says: /could not be reached.*attempted 6 times/, requests: 6 },
  ],
  [
    'a connection that breaks during the response',
    () => ({ kind: 'cut', part: 'body' }),
    { says: /could not be reached.*attempted 6 times/, requests: 6 },
  ],
  [
    'no response',
    () => ({ kind: 'hang', part: 'head' }),
    { says: /did not answer in time; attempted 6 times/, requests: 6 },
  ],
  [
    'a response that stops',
    () => ({ kind: 'hang', part: 'body' }),
    { says: /did not answer in time; attempted 6 times/, requests: 6 },
  ],
];

/** Responses that end a poll at once, because retries would not help. */
const final: readonly (readonly [string, AnswerFault, RegExp])[] = [
  ['a login page', { kind: 'login_redirect' }, /HTTP 302.*check the tenant's URL/],
  ['HTTP 404', { kind: 'status', status: 404 }, /HTTP 404.*check the tenant's URL/],
  [
    'HTTP 429 that asks for ten minutes',
    { kind: 'rate_limited', retryAfter: 600 },
    /requests a wait of 600 s, which is too long for one poll/,
  ],
];

/** Checks that the poll failed as loudly as it should, and had no effect. */
async function expectFailedPoll(thrown: unknown, asOf: string, says: RegExp): Promise<void> {
  expect(thrown).toMatchObject({ name: 'FindingSourceError' });
  expect(deployed.messages('ERROR')).toEqual([
    expect.stringMatching(
      new RegExp(
        `^poll netskope\\.${RULE}@\\d+ failed: .*${says.source}.*invoke the function with the event`,
      ),
    ),
  ]);
  expect(deployed.metric('PollFailed')).toEqual({ '': 1 });
  expect(deployed.metric('Findings')).toEqual({});
  expect(JSON.stringify(deployed.lines)).not.toContain(harness.tenant.token);
  expect(JSON.stringify(deployed.lines)).not.toContain(encodeURIComponent(harness.tenant.token));
  expect(await deployed.product.summary(RULE, asOf)).toBeUndefined();
  expect(await deployed.product.depth('eu-central-1', 'jobs.fifo')).toBe(0);
}

describe('requests that get no answer', () => {
  test.each(unanswered)(
    '%s: if it lasts, the poll fails and says why; if it happens once, the poll succeeds',
    async (_, make, expected) => {
      const account = harness.account();
      const item = await makeViolation(harness.endpoint, RULE, account);
      const before = await deployed.snapshot(account);
      const asOf = nextMoment();
      harness.tenant.setFindings([item]);
      const answer = make();
      // Only for missing responses: on a busy machine, a response that does arrive may take longer.
      if (answer.kind === 'hang') {
        shortenRequestTimeout();
      }
      const fault = harness.tenant.setFault(answer);

      const { thrown } = await deployed.collect({ rule: RULE, asOf });

      await expectFailedPoll(thrown, asOf, expected.says);
      expect(fault.hits).toBe(expected.requests);
      expect(await deployed.snapshot(account)).toEqual(before);

      fault.remove();
      const once = harness.tenant.setFault(make(), { requests: 1 });
      // The same poll again, as the scheduler delivers it.
      const { outcomes } = await deployed.run(RULE, [item], asOf);

      expect(once.hits).toBe(1);
      expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
      expectWritesWithin(deployed.writes(), outcomes);
    },
  );

  test.each(final)('%s: the poll fails at once', async (_, make, says) => {
    const asOf = nextMoment();
    const fault = harness.tenant.setFault(make);

    const { thrown } = await deployed.collect({ rule: RULE, asOf });

    await expectFailedPoll(thrown, asOf, says);
    expect(fault.hits).toBe(1);
  });

  test('an unreachable tenant fails the poll, which names its address', async () => {
    const gone = await startTenant();
    const { url } = gone;
    await gone.stop();
    deployed = await harness.deploy({ rules: {}, netskopeUrl: url });
    const asOf = nextMoment();

    const { thrown } = await deployed.collect({ rule: RULE, asOf });

    await expectFailedPoll(thrown, asOf, new RegExp(`Netskope at ${url} .*ECONNREFUSED.*attempted 6 times`));
  });

  test('a token that was replaced is read again', async () => {
    const account = harness.account();
    const item = await makeViolation(harness.endpoint, RULE, account);
    await deployed.product.putToken('a-token-that-is-old');
    const failed = await deployed.collect({ rule: RULE, asOf: nextMoment() });

    await deployed.product.putToken(harness.tenant.token);
    const { outcomes } = await deployed.run(RULE, [item]);

    expect(failed.thrown).toMatchObject({ name: 'FindingSourceError' });
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
  });

  test.each([
    ['empty', '', /is empty: put the API token there/],
    ['other JSON', '{"key":"0123456789abcdef"}', /is not a token \(26 characters\): put the API token there/],
  ])('a secret that is %s fails the poll before any request', async (_, token, says) => {
    // Secrets Manager stores no empty text: a secret that was never set has none.
    await deployed.product.putToken(token === '' ? ' ' : token);
    harness.tenant.clearRequests();
    const asOf = nextMoment();

    const { thrown } = await deployed.collect({ rule: RULE, asOf });

    await expectFailedPoll(thrown, asOf, says);
    expect(JSON.stringify(deployed.lines)).not.toContain('0123456789abcdef');
    expect(harness.tenant.requests).toEqual([]);
  });
});

describe('unexpected answers from the tenant', () => {
  test('the poll waits for a slow response', async () => {
    const item = await makeViolation(harness.endpoint, RULE, harness.account());
    harness.tenant.setFault({ kind: 'slow', milliseconds: 300, part: 'body' });

    const { outcomes } = await deployed.run(RULE, [item]);

    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
  });

  test('each malformed item is unprocessable with its reason, and does not affect the others', async () => {
    const item = await makeViolation(harness.endpoint, RULE, harness.account());
    harness.tenant.setFindings([item]);
    harness.tenant.setFault({ kind: 'extra_items', items: malformedItems(item), place: 'spread' });
    const asOf = nextMoment();

    await deployed.collect({ rule: RULE, asOf });
    await deployed.work();
    const defects = Object.keys(itemDefects).length;
    const { summary, outcomes, unprocessable } = await deployed.resultOf({ rule: RULE, asOf }, 1 + defects);

    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
    expect(unprocessable).toHaveLength(defects);
    for (const { reason } of unprocessable) expect(reason).toMatch(/^malformed item: /);
    expect(summary.unprocessable.malformed_item).toBe(defects);
    expect(deployed.metric('Unprocessable')).toEqual({ [RULE]: defects });
    expect(deployed.messages('WARN')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${defects} findings could not become jobs; each has its reason in s3://.*/unprocessable/`,
        ),
      ),
    ]);
  });

  test('items that were not requested are left alone, regardless of which filter is ignored', async () => {
    const item = await makeViolation(harness.endpoint, RULE, harness.account());
    const other = await makeViolation(harness.endpoint, RULE, harness.account(1));
    const unwanted = unwantedItems(other);
    harness.tenant.setFindings([item, ...unwanted]);
    harness.tenant.setFault({
      kind: 'filters_ignored',
      parameters: ['cloud_provider', 'status', 'muted', 'rule_name'],
    });
    const asOf = nextMoment();
    const before = await deployed.snapshot(other.account_id);

    await deployed.collect({ rule: RULE, asOf });
    await deployed.work();
    const { summary, outcomes } = await deployed.resultOf({ rule: RULE, asOf }, 1 + unwanted.length);

    expect(summary.leftAlone).toEqual({ other_cloud: 2, passed: 1, muted: 1, other_rule: 1 });
    expect(deployed.metric('UnmatchedItems')).toEqual({ [RULE]: 4 });
    expect(deployed.messages('WARN')).toEqual([
      expect.stringMatching(/^4 of 6 items .* were not requested, and are ignored/),
    ]);
    expect(outcomes).toMatchObject([{ outcome: 'remediated', finding: { resource: item.resource_id } }]);
    expect(await deployed.snapshot(other.account_id)).toEqual(before);
  });

  test('missing, unexpected and new informational fields do not matter, and a repeated finding counts once', async () => {
    const item = await makeViolation(harness.endpoint, RULE, harness.account());
    const unusual = unusualItems(item);
    harness.tenant.setFindings([]);
    harness.tenant.setFault({ kind: 'extra_items', items: unusual });
    const asOf = nextMoment();

    await deployed.collect({ rule: RULE, asOf });
    await deployed.work();
    const { summary, outcomes } = await deployed.resultOf({ rule: RULE, asOf }, unusual.length);

    expect(summary).toMatchObject({ findings: 1, duplicates: unusual.length - 1 });
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
  });

  test('no finding is missed when items come in another order at each delivery of a poll', async () => {
    const account = harness.account();
    const items = [
      await makeViolation(harness.endpoint, RULE, account),
      await makeViolation(harness.endpoint, RULE, account),
    ];
    harness.tenant.setFindings(items);
    const asOf = nextMoment();

    await deployed.collect({ rule: RULE, asOf });
    harness.tenant.setFault({ kind: 'items_reversed' });
    const { outcomes } = await deployed.run(RULE, items, asOf);

    expect(outcomes).toMatchObject([{ outcome: 'remediated' }, { outcome: 'remediated' }]);
  });

  test('a scan between two pages does not shift them, because all pages name one point in time', async () => {
    const findings = fleetFindings(1_100, { accounts: 11, regions: ['eu-central-1'] });
    harness.tenant.setFindings(findings);
    const drift = harness.tenant.setFault({ kind: 'drift', by: 7 });
    const asOf = nextMoment();

    await deployed.collect({ rule: RULE, asOf });

    expect(drift.hits).toBe(0);
    expect(await deployed.product.summary(RULE, asOf)).toMatchObject({
      pages: 2,
      items: 1_100,
      findings: 1_100,
      duplicates: 0,
      jobs: 11,
    });
  });

  test('no finding is missed when the tenant answers limit=1000 with HTTP 500', async () => {
    harness.tenant.setFindings(fleetFindings(1_200, { accounts: 12, regions: ['eu-central-1'] }));
    harness.tenant.setFault({ kind: 'page_capped', to: 500 });
    const asOf = nextMoment();

    await deployed.collect({ rule: RULE, asOf });

    expect(await deployed.product.summary(RULE, asOf)).toMatchObject({
      pages: 3,
      items: 1_200,
      findings: 1_200,
      jobs: 12,
    });
  });

  test('an item that moves between two pages counts once, and the next poll has the rest', async () => {
    harness.tenant.setFindings(fleetFindings(1_100, { accounts: 11, regions: ['eu-central-1'] }));
    const moved = harness.tenant.setFault({ kind: 'item_moved' });
    const [first, second] = [nextMoment(), nextMoment()];

    await deployed.collect({ rule: RULE, asOf: first });
    moved.remove();
    await deployed.collect({ rule: RULE, asOf: second });

    expect(await deployed.product.summary(RULE, first)).toMatchObject({
      items: 1_100,
      findings: 1_099,
      duplicates: 1,
    });
    expect(await deployed.product.summary(RULE, second)).toMatchObject({
      items: 1_100,
      duplicates: 0,
      // The jobs of the first poll are still open.
      findings: 0,
      skipped: 1_100,
    });
  });

  test('findings on overlapping pages count once', async () => {
    harness.tenant.setFindings(fleetFindings(1_100, { accounts: 11, regions: ['eu-central-1'] }));
    harness.tenant.setFault({ kind: 'pages_overlap', by: 100 });
    const asOf = nextMoment();

    await deployed.collect({ rule: RULE, asOf });

    expect(await deployed.product.summary(RULE, asOf)).toMatchObject({
      // Pages are read until one is empty, and the third one overlaps, too.
      items: 1_300,
      findings: 1_100,
      duplicates: 200,
      jobs: 11,
    });
    expect(await deployed.product.depth('eu-central-1', 'jobs.fifo')).toBe(11);
  });

  test('a tenant that ignores paging fails the poll, and the jobs that it sent do no harm when they are sent again', async () => {
    harness.tenant.setFindings(fleetFindings(1_100, { accounts: 1, regions: ['eu-central-1'] }));
    const fault = harness.tenant.setFault({ kind: 'page_repeated' });
    const asOf = nextMoment();

    const { thrown } = await deployed.collect({ rule: RULE, asOf });

    expect(thrown).toMatchObject({
      name: 'FindingSourceError',
      message: expect.stringMatching(/it ignores paging, so the findings may be incomplete/),
    });
    expect(deployed.metric('PollFailed')).toEqual({ '': 1 });
    expect(await deployed.product.summary(RULE, asOf)).toBeUndefined();
    expect(await deployed.product.depth('eu-central-1', 'jobs.fifo')).toBeGreaterThan(0);

    fault.remove();
    await deployed.collect({ rule: RULE, asOf });

    expect(await deployed.product.summary(RULE, asOf)).toMatchObject({ items: 1_100, findings: 1_100 });
    expect(await deployed.product.depth('eu-central-1', 'jobs.fifo')).toBe(11);
  });
});
