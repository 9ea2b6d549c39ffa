import { describe, expect, test } from 'vitest';
import { NetskopeClient } from '../../../../lambdas/sources/netskope/client.ts';
import { Pacer } from '../../../../lambdas/sources/netskope/pacer.ts';
import { NetskopeFindingSource } from '../../../../lambdas/sources/netskope/source.ts';
import type { FindingPage } from '../../../../lambdas/sources/source.ts';
import { FakeClock } from '../../collector/support/fake-clock.ts';
import { type HttpServer, send, startServer } from '../../collector/support/http-server.ts';
import { groupId, item, SSH_RULE_NAME } from '../../collector/support/items.ts';

const AS_OF = new Date('2026-01-31T12:00:00Z');

/** Starts a tenant with these items by rule name, which pages as the reference documents. */
function startTenant(
  itemsByRule: Readonly<Record<string, readonly unknown[]>>,
  { cap = Number.POSITIVE_INFINITY, total }: { readonly cap?: number; readonly total?: unknown } = {},
): Promise<HttpServer> {
  return startServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://tenant');
    const skip = Number(searchParams.get('skip'));
    const items = itemsByRule[searchParams.get('rule_name') ?? ''] ?? [];
    const data = items.slice(skip, skip + Math.min(cap, Number(searchParams.get('limit'))));
    send(response, { body: { status: 'success', msg: '', data, total } });
  });
}

function sourceOf(server: HttpServer, pageSize: number): NetskopeFindingSource {
  const clock = new FakeClock();
  const client = new NetskopeClient({
    url: server.url,
    token: { name: 'secret', read: async () => '0123456789abcdef' },
    clock,
    pacer: new Pacer(clock, 24, 5_000),
  });
  return new NetskopeFindingSource({ client, pageSize });
}

async function pagesOf(source: NetskopeFindingSource, ruleNames: readonly string[]): Promise<FindingPage[]> {
  const pages: FindingPage[] = [];
  for await (const page of source.pages({ ruleNames, asOf: AS_OF })) pages.push(page);
  return pages;
}

function items(count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => item({ resource_id: groupId(index) }));
}

function queries(server: HttpServer): Record<string, string>[] {
  return server.requests.map((request) => {
    const { token: _, ...query } = Object.fromEntries(new URL(request, 'http://tenant').searchParams);
    return query;
  });
}

describe('the source', () => {
  test('requests the failed, unmuted findings in AWS, with all pages as of one point in time', async () => {
    await using server = await startTenant({ [SSH_RULE_NAME]: items(5) });

    await pagesOf(sourceOf(server, 2), [SSH_RULE_NAME]);

    const query = {
      cloud_provider: 'aws',
      status: 'Failed',
      muted: 'No',
      rule_name: SSH_RULE_NAME,
      as_of: String(AS_OF.getTime() / 1000),
      limit: '2',
    };
    expect(queries(server)).toEqual([
      { ...query, skip: '0' },
      { ...query, skip: '2' },
      { ...query, skip: '4' },
      { ...query, skip: '6' },
      { ...query, skip: '5' },
    ]);
  });

  test.each([
    [0, 1],
    [1, 2],
    [3, 2],
    [6, 4],
    [7, 5],
    [60, 26],
  ])(
    'returns %i findings, in order, with at most %i requests of three: only an empty page is the last',
    async (count, requests) => {
      await using server = await startTenant({ [SSH_RULE_NAME]: items(count) });

      const pages = await pagesOf(sourceOf(server, 3), [SSH_RULE_NAME]);

      expect(pages.flatMap(({ findings }) => findings).map(({ resource }) => resource)).toEqual(
        Array.from({ length: count }, (_, index) => groupId(index)),
      );
      expect(server.requests.length).toBeLessThanOrEqual(requests);
    },
  );

  test('continues from the number of items seen if the tenant returns fewer than requested', async () => {
    await using server = await startTenant({ [SSH_RULE_NAME]: items(1_200) }, { cap: 500 });

    const pages = await pagesOf(sourceOf(server, 1_000), [SSH_RULE_NAME]);

    expect(pages.flatMap(({ findings }) => findings)).toHaveLength(1_200);
    expect(queries(server).map(({ skip }) => skip)).toEqual(['0', '500', '1000', '1200']);
  });

  test.each([
    ['that fits', 5, undefined],
    ['that is larger', 7, /returned 5 items but reports 7/],
    ['that is smaller', 3, /returned 4 items but reports 3/],
    ['of another type', 'five', undefined],
  ])('compares the number of items with a total %s', async (_, total, error) => {
    await using server = await startTenant({ [SSH_RULE_NAME]: items(5) }, { total });

    const reading = pagesOf(sourceOf(server, 2), [SSH_RULE_NAME]);

    if (error === undefined) expect(await reading).toHaveLength(3);
    else await expect(reading).rejects.toThrow(error);
  });

  test('requests each of the names once, and returns the findings of all of them', async () => {
    const other = 'Our own benchmark: SSH';
    await using server = await startTenant({
      [SSH_RULE_NAME]: [item()],
      [other]: [item({ rule_name: other, resource_id: groupId(7) })],
    });

    const pages = await pagesOf(sourceOf(server, 10), [SSH_RULE_NAME, other, SSH_RULE_NAME]);

    expect(queries(server).map((query) => query['rule_name'])).toEqual([
      SSH_RULE_NAME,
      SSH_RULE_NAME,
      other,
      other,
    ]);
    expect(pages.flatMap(({ findings }) => findings).map(({ sourceRuleName }) => sourceRuleName)).toEqual([
      SSH_RULE_NAME,
      other,
    ]);
  });

  test.each([
    ['the same page', (page: unknown[], _: number) => page],
    [
      'the same page in another order',
      (page: unknown[], request: number) => (request % 2 ? page.toReversed() : page),
    ],
    [
      'the same two pages',
      (_: unknown[], request: number) => items(4).slice((request % 2) * 2, (request % 2) * 2 + 2),
    ],
  ])(
    'fails for a tenant that returns %s repeatedly, instead of treating it as the end',
    async (_, pageOf) => {
      let requests = 0;
      await using server = await startServer((_request, response) => {
        send(response, { body: { status: 'success', data: pageOf(items(3), requests++) } });
      });

      await expect(pagesOf(sourceOf(server, 3), [SSH_RULE_NAME])).rejects.toThrow(
        /same \d items for skip=\d .* ignores paging/,
      );
      expect(server.requests.length).toBeLessThanOrEqual(5);
    },
  );

  test('counts every item once: as a finding, rejected, or left alone', async () => {
    await using server = await startTenant({
      [SSH_RULE_NAME]: [
        item(),
        item({ mute: 'true' }),
        item({ status: 'Passed' }),
        item({ cloud_provider: 'Azure' }),
        item({ rule_name: 'Another rule' }),
        item({ account_id: 7 }),
        null,
      ],
    });

    const [page] = await pagesOf(sourceOf(server, 10), [SSH_RULE_NAME]);

    expect(page?.findings).toHaveLength(1);
    expect(page?.rejected).toHaveLength(2);
    expect(page?.leftAlone).toEqual({ muted: 1, passed: 1, other_cloud: 1, other_rule: 1 });
  });
});

describe('the failing rules', () => {
  const rdp = { rule_name: 'RDP', severity: 'High' };

  test('are counted over all pages, whether or not a rule here covers them, without muted and passed items and other clouds', async () => {
    const all = [
      item({ resource_id: groupId(1), severity: 'Medium' }),
      item({ resource_id: groupId(2), account_id: '222222222222' }),
      item({ ...rdp, resource_id: groupId(3) }),
      item({ ...rdp, resource_id: groupId(4), mute: 'true' }),
      item({ ...rdp, resource_id: groupId(5), status: 'Passed' }),
      item({ ...rdp, resource_id: groupId(6), cloud_provider: 'Azure' }),
      { nothing: 'of the form' },
    ];
    await using server = await startTenant({ '': all });

    const rules = await sourceOf(server, 3).failingRules(AS_OF, new AbortController().signal);

    expect(rules).toEqual([
      { name: SSH_RULE_NAME, findings: 2, accounts: 2, severity: 'Medium' },
      { name: 'RDP', findings: 1, accounts: 1, severity: 'High' },
    ]);
    expect(queries(server)[0]).toEqual({
      cloud_provider: 'aws',
      status: 'Failed',
      muted: 'No',
      as_of: String(AS_OF.getTime() / 1000),
      limit: '3',
      skip: '0',
    });
  });

  test('are no longer counted when the time is up', async () => {
    await using server = await startTenant({ '': items(3) });

    const counted = sourceOf(server, 2).failingRules(AS_OF, AbortSignal.abort(new Error('time is up')));

    await expect(counted).rejects.toThrow('time is up');
  });
});
