import { expect, test } from 'vitest';
import { type AwsCall, bodyText, documentedThrottles } from './index.ts';

const role = { account: '111122223333', roleArn: 'arn:aws:iam::111122223333:role/cspm-remediation' };

function callOf(change: Partial<AwsCall>): AwsCall {
  return {
    number: 1,
    service: 'cloudtrail',
    operation: 'UpdateTrail',
    region: 'eu-central-1',
    accessKeyId: 'ASIA',
    protocol: 'json',
    parameters: {},
    isWrite: true,
    principal: role,
    method: 'POST',
    path: '/',
    headers: {},
    body: Buffer.alloc(0),
    startedAt: new Date(0),
    ...change,
  };
}

/** Whether each of some calls, `milliseconds` apart, is served. */
async function served(count: number, milliseconds: number, change: Partial<AwsCall> = {}) {
  let now = 0;
  const throttle = documentedThrottles(() => now);
  const results: boolean[] = [];
  for (let number = 0; number < count; number += 1) {
    results.push((await throttle(callOf(change))) === undefined);
    now += milliseconds;
  }
  return results;
}

test('a second change of a trail within a second is throttled, in the words of its service', async () => {
  const throttle = documentedThrottles(() => 0);

  const first = await throttle(callOf({}));
  const second = await throttle(callOf({}));

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

test('accounts, regions and operations have buckets of their own', async () => {
  const throttle = documentedThrottles(() => 0);
  const others: Partial<AwsCall>[] = [
    {},
    { region: 'eu-west-1' },
    { operation: 'AddTags' },
    { principal: { ...role, account: '444455556666' } },
  ];

  for (const other of others) expect(await throttle(callOf(other))).toBeUndefined();
});

test.each([
  { who: 'Terraform and tests', change: { principal: { account: '111122223333' } } },
  { who: 'services without documented rates', change: { service: 's3', operation: 'GetObject' } },
])('$who are left alone', async ({ change }) => {
  expect(await served(20, 0, change)).not.toContain(false);
});
