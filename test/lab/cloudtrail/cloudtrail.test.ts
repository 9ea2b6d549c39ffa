import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type AwsCall, bodyText, documentedThrottles, type ProxiedCall } from '../aws-proxy/index.ts';
import { proxiedCall } from '../aws-proxy/proxied-call.ts';
import { type CloudTrailSimulation, EVENT_DELAY_MILLISECONDS, startCloudTrail } from './simulation.ts';

const ACCOUNT = '111122223333';
const ADA = {
  account: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/admin/ada`,
  roleArn: `arn:aws:iam::${ACCOUNT}:role/admin`,
  sessionName: 'ada',
};

let now: number;
let trail: CloudTrailSimulation;

beforeEach(() => {
  now = Date.parse('2026-11-29T10:00:00.700Z');
  trail = startCloudTrail(() => new Date(now));
});

function called(operation: string, change: Partial<ProxiedCall> = {}): void {
  const call = proxiedCall({ service: 'ec2', operation, principal: ADA, parameters: { GroupId: 'sg-1' } });
  trail.record({ ...call, status: 200, durationMilliseconds: 1, faulted: false, ...change });
}

const eventsSchema = z.object({
  Events: z.array(z.looseObject({ EventName: z.string(), CloudTrailEvent: z.string() })),
  NextToken: z.string().optional(),
});

function lookup(parameters: object, change: Partial<AwsCall> = {}) {
  const call = { operation: 'LookupEvents', isWrite: false, parameters: { ...parameters }, ...change };
  return trail.intercept(proxiedCall({ ...call, principal: ADA }));
}

async function found(parameters: object, change: Partial<AwsCall> = {}) {
  const answer = await lookup(parameters, change);
  if (answer?.status !== 200) throw new Error(answer === undefined ? 'no answer' : bodyText(answer));
  return eventsSchema.parse(JSON.parse(bodyText(answer)));
}

const byName = (AttributeValue: string) => ({
  LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue }],
});

test('has an event after 15 minutes, newest first, under the names in the call', async () => {
  called('AuthorizeSecurityGroupIngress', {
    headers: { 'user-agent': 'APN/1.0 HashiCorp/1.0 Terraform/1.11' },
  });
  now += 60_000;
  called('RevokeSecurityGroupIngress', { errorCode: 'UnauthorizedOperation', status: 403 });
  called('DescribeSecurityGroups', { isWrite: false });
  called('PutObject', { service: 's3', parameters: { Bucket: 'sg-1', Key: 'a' } });
  now += EVENT_DELAY_MILLISECONDS - 60_001;

  const soon = await found(byName('sg-1'));
  now += 60_001;
  const later = await found(byName('sg-1'));

  expect(soon.Events.map(({ EventName }) => EventName)).toEqual(['AuthorizeSecurityGroupIngress']);
  expect(later.Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent))).toMatchObject([
    { eventName: 'RevokeSecurityGroupIngress', errorCode: 'UnauthorizedOperation' },
    {
      eventName: 'AuthorizeSecurityGroupIngress',
      eventTime: '2026-11-29T10:00:00Z',
      userAgent: 'APN/1.0 HashiCorp/1.0 Terraform/1.11',
      userIdentity: { type: 'AssumedRole', arn: ADA.arn },
    },
  ]);
  expect(later.Events[1]).toMatchObject({ Username: 'ada', ReadOnly: 'false', EventTime: 1_795_946_400 });
  expect((await found(byName('sg-2'))).Events).toEqual([]);
  expect((await found(byName('sg-1'), { region: 'us-east-1' })).Events).toEqual([]);
});

test('names the service that calls on behalf of someone', async () => {
  called('AuthorizeSecurityGroupIngress', { headers: { 'user-agent': 'cloudformation.amazonaws.com' } });
  now += EVENT_DELAY_MILLISECONDS;

  const { Events } = await found(byName('sg-1'));

  expect(Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent))).toMatchObject([
    { userIdentity: { arn: ADA.arn, invokedBy: 'cloudformation.amazonaws.com' } },
  ]);
});

test('returns pages, within the requested times', async () => {
  for (let count = 0; count < 3; count += 1) {
    called(`Modify${count}`);
    now += 1_000;
  }
  now += EVENT_DELAY_MILLISECONDS;

  const first = await found({ ...byName('sg-1'), MaxResults: 2 });
  const second = await found({ ...byName('sg-1'), MaxResults: 2, NextToken: first.NextToken });
  const until = await found({ ...byName('sg-1'), StartTime: 1_795_946_401, EndTime: 1_795_946_401 });

  const namesOf = ({ Events }: typeof first) => Events.map(({ EventName }) => EventName);
  expect([first, second, until].map(namesOf)).toEqual([['Modify2', 'Modify1'], ['Modify0'], ['Modify1']]);
  expect(second.NextToken).toBeUndefined();
});

test.each([
  [
    { LookupAttributes: [...byName('a').LookupAttributes, ...byName('b').LookupAttributes] },
    'LookupAttributes',
  ],
  [{ MaxResults: 51 }, 'MaxResults'],
  [{ StartTime: 2, EndTime: 1 }, 'TimeRange'],
  [{ NextToken: 'other' }, 'NextToken'],
])('refuses %j', async (parameters, what) => {
  const answer = await lookup(parameters);

  expect(answer?.status).toBe(400);
  expect(answer && bodyText(answer)).toContain(`Invalid${what}Exception`);
});

test('accepts two requests per second', async () => {
  let at = 0;
  const throttle = documentedThrottles(() => at);
  const ask = () => throttle(proxiedCall({ operation: 'LookupEvents', isWrite: false, principal: ADA }));

  const [first, second, third] = [await ask(), await ask(), await ask()];
  at = 500;

  expect([first, second]).toEqual([undefined, undefined]);
  expect(third?.status).toBe(400);
  expect(await ask()).toBeUndefined();
});
