import { expect, test } from 'vitest';
import { send, startServer } from '../../unit/collector/support/http-server.ts';
import { invokeInProcess, jobsOf, startAws } from '../../unit/collector/support/invocation.ts';
import { groupId, item } from '../../unit/collector/support/items.ts';

const FINDINGS = 50_000;
const ACCOUNTS = 200;
const REGIONS = ['EU(Frankfurt)', 'EU(Ireland)', 'US East(N. Virginia)', 'US West(Oregon)'];

/** An item as long as real ones, most of which is prose that the collector does not use. */
function itemAt(index: number): Record<string, unknown> {
  return item({
    account_id: String(100_000_000_000 + (index % ACCOUNTS)),
    region_name: REGIONS[Math.floor(index / ACCOUNTS) % REGIONS.length],
    resource_id: groupId(index),
    remediation_steps: 'Remove the rule that lets in everyone. '.repeat(20),
    tags: Array.from({ length: 10 }, (_, tag) => ({ name: `tag-${tag}`, value: `value-${index}` })),
  });
}

test('processes 50,000 findings of 800 accounts and regions in less than 256 MB', {
  timeout: 120_000,
}, async () => {
  await using tenant = await startServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://tenant');
    const skip = Number(searchParams.get('skip'));
    const length = Math.max(0, Math.min(Number(searchParams.get('limit')), FINDINGS - skip));
    const data = Array.from({ length }, (_, index) => itemAt(skip + index));
    send(response, { body: { status: 'success', msg: '', data } });
  });
  await using aws = await startAws();

  const invocation = await invokeInProcess({
    tenant: tenant.url,
    aws,
    event: { rule: 'security-group-ssh-open', scheduled_time: '2026-01-31T12:00:00Z' },
    environment: { REMAINING_MILLISECONDS: '110000' },
    // Lambda limits the heap by the function's memory; without a limit, Node collects garbage only when it needs the space.
    nodeOptions: ['--max-old-space-size=112'],
  });

  expect(invocation.thrown).toBeUndefined();
  // An empty page is the last one; up to five more had been requested by then.
  expect(tenant.requests.length).toBeGreaterThanOrEqual(51);
  expect(tenant.requests.length).toBeLessThanOrEqual(56);
  expect(invocation.result).toMatchObject({ items: FINDINGS, findings: FINDINGS, pages: 50 });
  const resources = jobsOf(aws).flatMap(({ findings }) => findings.map(({ resource }) => resource));
  expect(new Set(resources).size).toBe(FINDINGS);
  expect(resources).toHaveLength(FINDINGS);
  expect(invocation.maxRss).toBeLessThan(256 * 1024 * 1024);
});
