import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import {
  type AnswerFault,
  type DeliveryFault,
  fleetFindings,
  malformedItems,
  startTenant,
  type Tenant,
  type TenantOptions,
  tenantItem,
  unusualItems,
  unwantedItems,
} from './index.ts';

type Parameters = Readonly<Record<string, string | number>>;

const dataSchema = z.object({ data: z.array(z.unknown()) });

const ERROR_BODY = {
  status: 'error',
  errorCode: 'Authorization Error',
  errors: ['Invalid REST API Token. Please contact administrator'],
};

function quickTenant(options: TenantOptions = {}): Promise<Tenant> {
  return startTenant({ rateLimit: false, ...options });
}

function get(tenant: Tenant, parameters: Parameters = {}, init: RequestInit = {}): Promise<Response> {
  const query = new URLSearchParams({ token: tenant.token, limit: '100' });
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  return fetch(`${tenant.url}/api/v1/security_assessment?${query}`, { redirect: 'manual', ...init });
}

/** The ids of the answer's items; the whole answer if it has none. */
async function ids(tenant: Tenant, parameters: Parameters = {}): Promise<unknown[]> {
  const { data } = dataSchema.parse(await (await get(tenant, parameters)).json());
  return data.map((item) =>
    typeof item === 'object' && item !== null && 'resource_id' in item ? item.resource_id : item,
  );
}

/** Waits until the assertion succeeds, also on a busy machine. */
function eventually(assertion: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { timeout: 15_000 });
}

function groups(count: number) {
  return Array.from({ length: count }, (_, index) => tenantItem({ resource_id: `sg-${index}` }));
}

describe('security_assessment', () => {
  test('returns the items in the documented form', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings([tenantItem()]);

    const answer = await get(tenant, { cloud_provider: 'aws', status: 'Failed', muted: 'No' });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual({ status: 'success', msg: '', data: [tenantItem()] });
  });

  test('pages by limit and skip, to a page that is not full', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(5));
    expect(await ids(tenant, { limit: 2 })).toEqual(['sg-0', 'sg-1']);
    expect(await ids(tenant, { limit: 2, skip: 2 })).toEqual(['sg-2', 'sg-3']);
    expect(await ids(tenant, { limit: 2, skip: 4 })).toEqual(['sg-4']);
    expect(await ids(tenant, { limit: 2, skip: 6 })).toEqual([]);
  });

  test('platform=aws does not filter: items of other clouds are returned too', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings([tenantItem(), tenantItem({ cloud_provider: 'Azure', resource_id: 'nsg' })]);
    expect(await ids(tenant, { platform: 'aws' })).toHaveLength(2);
    expect(await ids(tenant, { cloud_provider: 'aws' })).toHaveLength(1);
  });

  test.each(['%20', '+'])('reads a space in the query written %s', async (space) => {
    await using tenant = await quickTenant();
    tenant.setFindings([tenantItem()]);
    const name = encodeURIComponent(tenantItem().rule_name).replaceAll('%20', space);
    const token = encodeURIComponent(tenant.token);
    const path = `/api/v1/security_assessment?limit=5&rule_name=${name}&token=${token}`;
    const answer = await fetch(tenant.url + path);
    expect(await answer.json()).toMatchObject({ data: [tenantItem()] });
  });

  test('accepts token and parameters in a JSON body, too', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(3));

    const answer = await fetch(`${tenant.url}/api/v1/security_assessment`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: tenant.token, limit: 2, skip: 1, status: 'Failed' }),
    });

    expect(await answer.json()).toMatchObject({ data: [{ resource_id: 'sg-1' }, { resource_id: 'sg-2' }] });
    expect(tenant.requests).toMatchObject([
      { method: 'POST', tokenIn: 'body', parameters: { limit: '2', skip: '1', status: 'Failed' } },
    ]);
  });

  test('returns the items as of as_of, or else the current ones', async () => {
    await using tenant = await quickTenant({ now: () => new Date('2026-03-05T00:00:00Z') });
    tenant.addScan(new Date('2026-03-02T00:00:00Z'), groups(2));
    tenant.addScan(new Date('2026-03-03T00:00:00Z'), groups(1));
    const asOf = (iso: string): Parameters => ({ as_of: Date.parse(iso) / 1000 });
    expect(await ids(tenant, asOf('2026-03-01T00:00:00Z'))).toEqual([]);
    expect(await ids(tenant, asOf('2026-03-02T10:00:00Z'))).toEqual(['sg-0', 'sg-1']);
    expect(await ids(tenant)).toEqual(['sg-0']);
  });

  test('excludes muted items with muted=No', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(2));
    const target = { rule_name: tenantItem().rule_name, resource_id: 'sg-0' };
    tenant.mute(target, { by: 'me' });
    expect(await ids(tenant, { muted: 'No' })).toEqual(['sg-1']);
    tenant.unmute(target);
    expect(await ids(tenant, { muted: 'No' })).toEqual(['sg-0', 'sg-1']);
  });

  test('returns 50,000 findings page by page', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(fleetFindings(50_000));
    const seen = new Set<unknown>();
    for (let skip = 0; ; skip += 9999) {
      const page = await ids(tenant, { limit: 9999, skip, status: 'Failed' });
      for (const id of page) seen.add(id);
      if (page.length < 9999) break;
    }
    expect(seen.size).toBe(50_000);
  });

  test('wrong parameters cause an error in an HTTP 200 that names each of them', async () => {
    await using tenant = await quickTenant();
    const answer = await get(tenant, { limit: 10_000, status: 'failed' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      status: 'error',
      errorCode: 'Invalid Parameter',
      errors: [expect.stringContaining('"failed"'), expect.stringContaining('"10000"')],
    });
  });

  test.each([
    ['POST', '/api/v1/security_assessment', '[1]'],
    ['POST', '/api/v1/security_assessment', '{"limit":'],
  ])('%s %s with the body %s is an error', async (method, path, body) => {
    await using tenant = await quickTenant();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(tenant.url + path, { method, headers, body });
    expect(await answer.json()).toMatchObject({ status: 'error', errorCode: 'Invalid Request' });
  });

  test('other paths and methods are not found', async () => {
    await using tenant = await quickTenant();
    const other = await fetch(`${tenant.url}/api/v1/alerts`);
    const put = await fetch(`${tenant.url}/api/v1/security_assessment`, { method: 'PUT' });
    expect([other.status, put.status]).toEqual([404, 404]);
  });
});

describe('token', () => {
  test.each([
    [undefined, 200],
    [403, 403],
  ] as const)('with refusedTokenStatus %s a wrong one is refused by HTTP %i', async (option, status) => {
    await using tenant = await quickTenant(option === undefined ? {} : { refusedTokenStatus: option });
    tenant.setFindings(groups(1));
    const wrong = await get(tenant, { token: 'wrong' });
    const none = await fetch(`${tenant.url}/api/v1/security_assessment?limit=1`);
    for (const answer of [wrong, none]) {
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual(ERROR_BODY);
    }
    expect(tenant.requests.map(({ tokenIn }) => tokenIn)).toEqual(['query', 'nowhere']);
  });

  test('is not part of the recorded requests', async () => {
    await using tenant = await quickTenant({ token: 's3cret+/=' });
    await get(tenant, { rule_name: 'a b' });
    await eventually(() => expect(tenant.requests).toMatchObject([{ status: 200 }]));
    expect(tenant.requests).toEqual([
      {
        at: expect.any(Date),
        method: 'GET',
        url: '/api/v1/security_assessment?limit=100&rule_name=a+b',
        parameters: { limit: '100', rule_name: 'a b' },
        tokenIn: 'query',
        status: 200,
      },
    ]);
    expect(JSON.stringify(tenant.requests)).not.toContain('s3cret');
    tenant.clearRequests();
    expect(tenant.requests).toEqual([]);
  });
});

describe('rate limit', () => {
  test('of a burst, the excess is refused with 429', async () => {
    await using tenant = await startTenant({
      rateLimit: { requests: 3, windowMilliseconds: 60_000, atOnce: 3 },
    });
    const answers = await Promise.all(Array.from({ length: 5 }, () => get(tenant)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
  });

  test('is the documented one by default', async () => {
    const tenant = await startTenant();
    const burst = Array.from({ length: 26 }, () =>
      get(tenant).then(
        ({ status }) => status,
        () => 'still queued',
      ),
    );
    await eventually(() => expect(tenant.requests.filter(({ status }) => status === 429)).toHaveLength(2));
    await tenant.stop();
    const statuses = await Promise.all(burst);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect(statuses).toContain('still queued');
  });
});

describe('faults', () => {
  test.each<[AnswerFault, number, string]>([
    [{ kind: 'token_refused' }, 200, JSON.stringify(ERROR_BODY)],
    [{ kind: 'token_refused', status: 403 }, 403, JSON.stringify(ERROR_BODY)],
    [
      { kind: 'error', errorCode: 'Oops', errors: ['no database'] },
      200,
      '{"status":"error","errorCode":"Oops","errors":["no database"]}',
    ],
    [{ kind: 'login_redirect' }, 302, ''],
    [{ kind: 'status', status: 403 }, 403, '<!DOCTYPE html>'],
    [{ kind: 'status', status: 404 }, 404, '<!DOCTYPE html>'],
    [{ kind: 'status', status: 500 }, 500, '<!DOCTYPE html>'],
    [{ kind: 'status', status: 503 }, 503, '<!DOCTYPE html>'],
    [{ kind: 'rate_limited' }, 429, '{"status":"error"'],
    [{ kind: 'broken_json' }, 200, '{"status":"success","msg":"","data":[{"status":"Failed",'],
    [{ kind: 'html' }, 200, '<!DOCTYPE html>'],
    [{ kind: 'empty_body' }, 200, ''],
    [{ kind: 'body', body: '{"data":7}' }, 200, '{"data":7}'],
  ])('%j is answered with HTTP %i', async (fault, status, beginning) => {
    await using tenant = await quickTenant();
    const active = tenant.setFault(fault);
    const answer = await get(tenant);
    const text = await answer.text();
    expect(answer.status).toBe(status);
    expect(text.slice(0, beginning.length || undefined)).toBe(beginning);
    expect(active.hits).toBe(1);
  });

  test('the redirect leads to an HTML page', async () => {
    await using tenant = await quickTenant();
    tenant.setFault({ kind: 'login_redirect' }, { requests: 1 });
    const page = await get(tenant, {}, { redirect: 'follow' });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).toContain('Log in');
  });

  test.each([
    [undefined, null],
    [7, '7'],
    [new Date('2026-03-01T00:00:07Z'), 'Sun, 01 Mar 2026 00:00:07 GMT'],
  ])('a 429 that asks to wait for %s says so in Retry-After', async (retryAfter, header) => {
    await using tenant = await quickTenant();
    tenant.setFault({ kind: 'rate_limited', ...(retryAfter !== undefined && { retryAfter }) });
    expect((await get(tenant)).headers.get('retry-after')).toBe(header);
  });

  test.each<DeliveryFault>([{ kind: 'hang' }, { kind: 'slow', milliseconds: 60_000 }])(
    '%j gives no answer in time',
    async (fault) => {
      await using tenant = await quickTenant();
      tenant.setFault(fault);
      const answer = get(tenant, {}, { signal: AbortSignal.timeout(200) });
      await expect(answer).rejects.toThrow('timeout');
    },
  );

  test.each<DeliveryFault>([
    { kind: 'hang', part: 'body' },
    { kind: 'slow', milliseconds: 60_000, part: 'body' },
  ])('%j returns no complete answer in time', async (fault) => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(3));
    tenant.setFault(fault);
    const giveUp = new AbortController();
    const answer = await get(tenant, {}, { signal: giveUp.signal });
    const text = answer.text();
    AbortSignal.timeout(200).addEventListener('abort', () => giveUp.abort(new Error('timeout')));
    await expect(text).rejects.toThrow('timeout');
  });

  test.each(['head', 'body'] as const)('a slow %s comes in the end', async (part) => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(3));
    tenant.setFault({ kind: 'slow', milliseconds: 20, part });
    expect(await ids(tenant)).toHaveLength(3);
  });

  test.each([
    ['head', 'no head'],
    ['body', 'no end of the body'],
  ] as const)('a connection cut before the end of the %s is an error', async (part, expected) => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(3));
    tenant.setFault({ kind: 'cut', part });
    const outcome = await get(tenant).then(
      (answer) => answer.text().catch(() => 'no end of the body'),
      () => 'no head',
    );
    expect(outcome).toBe(expected);
  });

  test('a fault and a way of sending can be combined', async () => {
    await using tenant = await quickTenant();
    tenant.setFault({ kind: 'slow', milliseconds: 5 });
    tenant.setFault({ kind: 'status', status: 503 });
    expect((await get(tenant)).status).toBe(503);
  });

  test('affects only the first requests, or those from a skip on, until it is removed', async () => {
    await using tenant = await quickTenant();
    const status = async (skip: number): Promise<number> => (await get(tenant, { skip })).status;

    const first = tenant.setFault({ kind: 'status', status: 500 }, { requests: 2 });
    expect([await status(0), await status(0), await status(0)]).toEqual([500, 500, 200]);
    expect(first.hits).toBe(2);

    const late = tenant.setFault({ kind: 'status', status: 503 }, { skipFrom: 200 });
    expect([await status(0), await status(199), await status(200)]).toEqual([200, 200, 503]);
    late.remove();
    expect(await status(200)).toBe(200);

    tenant.setFault({ kind: 'status', status: 500 });
    tenant.clearFaults();
    expect(await status(0)).toBe(200);
  });

  test('extra items are returned regardless of the filter, and are paged', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(2));
    const items = [...malformedItems(), ...unwantedItems(), ...unusualItems(), { region_name: 'Moon(Base)' }];
    tenant.setFault({ kind: 'extra_items', items });
    const filter = { status: 'Failed', muted: 'No', cloud_provider: 'aws' };
    const first = await ids(tenant, { ...filter, limit: 10 });
    const second = await ids(tenant, { ...filter, limit: 100, skip: 10 });
    expect(first).toHaveLength(10);
    expect(second).toHaveLength(items.length + 2 - 10);
  });

  test('ignored filters return what they should exclude', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings([...groups(1), ...unwantedItems()]);
    const filter = {
      status: 'Failed',
      muted: 'No',
      cloud_provider: 'aws',
      rule_name: tenantItem().rule_name,
    };
    expect(await ids(tenant, filter)).toHaveLength(1);
    tenant.setFault({
      kind: 'filters_ignored',
      parameters: ['cloud_provider', 'status', 'muted', 'rule_name'],
    });
    expect(await ids(tenant, filter)).toHaveLength(6);
  });

  test('a page is repeated, pages overlap, items are reversed', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(5));
    const second = { limit: 2, skip: 2 };

    const repeated = tenant.setFault({ kind: 'page_repeated' });
    expect(await ids(tenant, second)).toEqual(['sg-0', 'sg-1']);
    repeated.remove();

    const overlapping = tenant.setFault({ kind: 'pages_overlap', by: 1 });
    expect(await ids(tenant, second)).toEqual(['sg-1', 'sg-2']);
    overlapping.remove();

    tenant.setFault({ kind: 'items_reversed' });
    expect(await ids(tenant, second)).toEqual(['sg-3', 'sg-2']);
  });

  test.each([
    [1, [['sg-0', 'sg-1'], ['sg-3', 'sg-4'], []]],
    [
      -1,
      [
        ['sg-0', 'sg-1'],
        ['sg-1', 'sg-2'],
        ['sg-2', 'sg-3'],
      ],
    ],
  ])('items drift by %i per request, unless as_of is given', async (by, drifting) => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(5));
    tenant.setFault({ kind: 'drift', by });
    const pages = async (parameters: Parameters): Promise<unknown[][]> => [
      await ids(tenant, { limit: 2, skip: 0, ...parameters }),
      await ids(tenant, { limit: 2, skip: 2, ...parameters }),
      await ids(tenant, { limit: 2, skip: 4, ...parameters }),
    ];
    expect(await pages({ as_of: 1_700_000_000 })).toEqual([['sg-0', 'sg-1'], ['sg-2', 'sg-3'], ['sg-4']]);
    expect(await pages({})).toEqual(drifting);
  });
});

describe('csa_scan', () => {
  async function scan(tenant: Tenant, parameters: Parameters): Promise<unknown> {
    const query = new URLSearchParams({ token: tenant.token });
    for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
    return (await fetch(`${tenant.url}/api/v1/csa_scan?${query}`)).json();
  }

  test('starts a scan and follows it', async () => {
    await using tenant = await quickTenant({
      // Without resources: the scan finds nothing.
      scanTarget: { endpoint: 'http://127.0.0.1:1', accounts: [], regions: [] },
    });
    tenant.addScan(new Date('2026-03-01T00:00:00Z'), groups(2));

    const started = await scan(tenant, { op: 'start', name: 'baseline', scan_start_by: 'me' });

    expect(started).toEqual({ status: 'success', msg: '', data: [{ scan_id: '1' }] });
    await eventually(async () =>
      expect(await scan(tenant, { op: 'status', scan_id: '1' })).toMatchObject({
        data: [{ scan_id: '1', scan_status: 'Completed', scan_start_by: 'me' }],
      }),
    );
    expect(await ids(tenant)).toEqual([]);
  });

  test('repeats the scope of the latest scan by default', async () => {
    await using tenant = await quickTenant();
    await tenant.scan({ endpoint: 'http://127.0.0.1:1', accounts: [], regions: [] });
    tenant.setFindings(groups(1));

    await scan(tenant, { op: 'start', name: 'again', scan_start_by: 'me' });

    await eventually(async () => expect(await ids(tenant)).toEqual([]));
  });

  test('a scan that cannot read a resource fails, and changes nothing', async () => {
    await using tenant = await quickTenant();
    tenant.setFindings(groups(1));
    await scan(tenant, { op: 'start', name: 'baseline', scan_start_by: 'me' });
    await eventually(async () =>
      expect(await scan(tenant, { op: 'status', scan_id: '1' })).toMatchObject({
        data: [{ scan_status: 'Failed', error_msg: expect.stringContaining('no scan target') }],
      }),
    );
    expect(await ids(tenant)).toEqual(['sg-0']);
  });

  test.each([{ op: 'stop' }, { op: 'start' }, { op: 'status' }, { op: 'status', scan_id: '7' }])(
    '%j is an error',
    async (parameters) => {
      await using tenant = await quickTenant();
      expect(await scan(tenant, { ...parameters })).toMatchObject({
        status: 'error',
        errorCode: 'Invalid Parameter',
      });
    },
  );
});

describe('server', () => {
  test('a stop closes hanging connections, and frees the port', async () => {
    const tenant = await quickTenant();
    tenant.setFault({ kind: 'hang' });
    const hanging = get(tenant).catch(() => 'closed');
    await eventually(() => expect(tenant.requests).toHaveLength(1));
    const port = Number(new URL(tenant.url).port);
    await tenant.stop();
    await tenant.stop();
    expect(await hanging).toBe('closed');
    await using next = await quickTenant({ port });
    expect((await get(next)).status).toBe(200);
  });

  test('runs alone until it must end', async () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const running = execFile(process.execPath, [main, '--token', 'mine', '--no-rate-limit']);
    const exit = once(running, 'exit');
    let printed = '';
    running.stdout?.on('data', (text: string) => {
      printed += text;
    });
    await eventually(() => expect(printed).toContain('token: mine'));
    const url = /tenant: (\S+)/.exec(printed)?.[1];
    const answer = await fetch(`${url}/api/v1/security_assessment?token=mine&limit=1`);
    expect(await answer.json()).toEqual({ status: 'success', msg: '', data: [] });
    running.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });
});
