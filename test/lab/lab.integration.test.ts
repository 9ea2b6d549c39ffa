import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, labRuleIds, startLab } from './index.ts';
import { labRules } from './rules/index.ts';

const account = '666666666666';
const region = 'eu-central-1';
let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab?.stop());

test("a violation of each rule fails the tenant's scan under that rule", async () => {
  const made = new Map<string, string>();
  for (const rule of labRuleIds) made.set(labRules[rule].code, await lab.violate(rule, { account, region }));

  const { failed } = await lab.tenant.scan({
    endpoint: lab.proxy.endpoint,
    accounts: [{ id: account, name: 'only' }],
    regions: [region],
  });

  const missing = labRuleIds.filter((rule) => {
    const { code, words } = labRules[rule];
    return !failed.some((item) => item.rule_name === words.rule_name && item.resource_id === made.get(code));
  });
  expect(missing).toEqual([]);
});

test('a role that does not exist cannot be assumed; Organizations has created one in each account', async () => {
  const sts = new STSClient(lab.settings(account, region));
  const assume = (role: string) =>
    sts.send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::777777777777:role/${role}`, RoleSessionName: 'me' }),
    );

  await expect(assume('none')).rejects.toMatchObject({
    name: 'AccessDenied',
    message: expect.stringContaining('arn:aws:iam::777777777777:role/none'),
  });
  expect(await assume('OrganizationAccountAccessRole')).toMatchObject({ Credentials: {} });
});

test('a fault affects calls through the proxy until it is removed, and no direct calls', async () => {
  const describeVpcs = (endpoint: string): Promise<unknown> =>
    new EC2Client({ ...lab.settings(account, region), endpoint, maxAttempts: 1 }).send(
      new DescribeVpcsCommand(),
    );
  const fault = lab.inject({ service: 'ec2', operation: 'DescribeVpcs', effect: 'throttle' });

  await expect(describeVpcs(lab.proxy.endpoint)).rejects.toMatchObject({ name: 'RequestLimitExceeded' });
  await describeVpcs(lab.settings(account, region).endpoint);
  fault.remove();
  await describeVpcs(lab.proxy.endpoint);
});
