import { expect, test } from 'vitest';
import { type AwsCall, bodyText, documentedThrottles } from './index.ts';
import { proxiedCall } from './proxied-call.ts';

/** Reports whether each of some calls, `milliseconds` apart, is served. */
async function served(count: number, milliseconds: number, change: Partial<AwsCall> = {}) {
  let now = 0;
  const throttle = documentedThrottles(() => now);
  const results: boolean[] = [];
  for (let number = 0; number < count; number += 1) {
    results.push((await throttle(proxiedCall(change))) === undefined);
    now += milliseconds;
  }
  return results;
}

test("a second change of a trail within a second is throttled, with the service's error", async () => {
  const throttle = documentedThrottles(() => 0);

  const first = await throttle(proxiedCall({}));
  const second = await throttle(proxiedCall({}));

  expect(first).toBeUndefined();
  expect(second?.status).toBe(400);
  expect(second && bodyText(second)).toContain('ThrottlingException');
});

test('one change of a trail per second is served', async () => {
  expect(await served(5, 1_000)).toEqual([true, true, true, true, true]);
});

test('fifty changes of EC2 at once are served, then five per second', async () => {
  const change = { service: 'ec2', operation: 'RevokeSecurityGroupIngress', protocol: 'ec2-query' } as const;

  expect((await served(60, 0, change)).filter(Boolean)).toHaveLength(50);
  expect((await served(60, 200, change)).filter(Boolean)).toHaveLength(60);
});

test.each(['CreateLogGroup', 'PutRetentionPolicy'])(
  'ten calls of %s at once are served, then ten per second',
  async (operation) => {
    const change = { service: 'logs', operation } as const;

    expect((await served(15, 0, change)).filter(Boolean)).toHaveLength(10);
    expect((await served(15, 100, change)).filter(Boolean)).toHaveLength(15);
  },
);

test('fifty reads of EC2 at once are served without filter and page size, and a hundred with them', async () => {
  const read: Partial<AwsCall> = {
    service: 'ec2',
    operation: 'DescribeSecurityGroups',
    protocol: 'ec2-query',
    isWrite: false,
  };

  const unfiltered = await served(120, 0, { ...read, parameters: { 'GroupId.1': 'sg-1' } });
  const paged = await served(120, 0, { ...read, parameters: { 'GroupId.1': 'sg-1', MaxResults: '5' } });
  const filtered = await served(120, 0, { ...read, parameters: { 'Filter.1.Name': 'group-id' } });

  expect(unfiltered.filter(Boolean)).toHaveLength(50);
  expect(paged.filter(Boolean)).toHaveLength(100);
  expect(filtered.filter(Boolean)).toHaveLength(100);
});

const { principal: role } = proxiedCall();

test('accounts, regions and operations have separate buckets', async () => {
  const throttle = documentedThrottles(() => 0);
  const others: Partial<AwsCall>[] = [
    {},
    { region: 'eu-west-1' },
    { operation: 'AddTags' },
    { principal: { ...role, account: '444455556666' } },
  ];

  for (const other of others) expect(await throttle(proxiedCall(other))).toBeUndefined();
});

test.each([
  { who: 'Terraform and tests', change: { principal: { account: '111122223333' } } },
  { who: 'services without documented rates', change: { service: 's3', operation: 'GetObject' } },
])('$who are not throttled', async ({ change }) => {
  expect(await served(20, 0, change)).not.toContain(false);
});
