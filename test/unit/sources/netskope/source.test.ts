import { describe, expect, test } from 'vitest';
import { NetskopeClient } from '../../../../lambdas/sources/netskope/client.ts';
import { Pacer } from '../../../../lambdas/sources/netskope/pacer.ts';
import { NetskopeFindingSource } from '../../../../lambdas/sources/netskope/source.ts';
import type { FindingPage } from '../../../../lambdas/sources/source.ts';
import { FakeClock } from '../../collector/support/fake-clock.ts';
import { type HttpServer, send, startServer } from '../../collector/support/http-server.ts';
import { groupId, item, SSH_RULE_NAME } from '../../collector/support/items.ts';

const AS_OF = new Date('2026-01-31T12:00:00Z');

/** A tenant that has these items for each rule's name, and pages as the reference says. */
function startTenant(itemsByRule: Readonly<Record<string, readonly unknown[]>>): Promise<HttpServer> {
  return startServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://tenant');
    const skip = Number(searchParams.get('skip'));
    const items = itemsByRule[searchParams.get('rule_name') ?? ''] ?? [];
    const data = items.slice(skip, skip + Number(searchParams.get('limit')));
    send(response, { body: { status: 'success', msg: '', data } });
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
  test('asks for the failed, unmuted findings of AWS, all pages as of one moment', async () => {
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
    ]);
  });

  test.each([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 2],
    [6, 3],
    [7, 3],
  ])(
    'gives %i findings, in order, from %i requests of three: the last page is short or empty',
    async (count, requests) => {
      await using server = await startTenant({ [SSH_RULE_NAME]: items(count) });

      const pages = await pagesOf(sourceOf(server, 3), [SSH_RULE_NAME]);

      expect(pages.flatMap(({ findings }) => findings).map(({ resource }) => resource)).toEqual(
        Array.from({ length: count }, (_, index) => groupId(index)),
      );
      expect(server.requests).toHaveLength(count % 3 === 0 ? count / 3 + 1 : requests);
    },
  );

  test('asks for each of the names once, and takes findings of any of them', async () => {
    const other = 'Our own benchmark: SSH';
    await using server = await startTenant({
      [SSH_RULE_NAME]: [item()],
      [other]: [item({ rule_name: other, resource_id: groupId(7) })],
    });

    const pages = await pagesOf(sourceOf(server, 10), [SSH_RULE_NAME, other, SSH_RULE_NAME]);

    expect(queries(server).map((query) => query['rule_name'])).toEqual([SSH_RULE_NAME, other]);
    expect(pages.flatMap(({ findings }) => findings).map(({ sourceRuleName }) => sourceRuleName)).toEqual([
      SSH_RULE_NAME,
      other,
    ]);
  });

  test('does not take a tenant that gives the same page twice for one that has no more', async () => {
    await using server = await startServer((_, response) => {
      send(response, { body: { status: 'success', data: items(3) } });
    });

    await expect(pagesOf(sourceOf(server, 3), [SSH_RULE_NAME])).rejects.toThrow(
      /same 3 items for skip=3 .* does not page/,
    );
    expect(server.requests).toHaveLength(2);
  });

  test('counts every item once: as a finding, rejected or left alone', async () => {
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
