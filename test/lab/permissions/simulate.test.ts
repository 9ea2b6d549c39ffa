import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const ACCOUNT = '111122223333';

/** Judges whether a role may describe all alarms with a permission for some resources. */
const describeAll = (Resource: string) =>
  simulate({
    principal: `arn:aws:iam::${ACCOUNT}:role/viewer`,
    action: 'cloudwatch:DescribeAlarms',
    resource: '*',
    account: ACCOUNT,
    conditions: {},
    identityPolicies: [
      {
        name: 'viewer',
        policy: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: ['cloudwatch:DescribeAlarms'], Resource: [Resource] }],
        },
      },
    ],
  });

test('a permission for everything allows an action on everything', async () => {
  expect((await describeAll('*')).analysis.result).toBe('Allowed');
});

test('a permission for some resources does not allow an action on everything', async () => {
  await expect(describeAll(`arn:aws:cloudwatch:*:${ACCOUNT}:alarm:web-*`)).rejects.toThrow(/can't judge/);
});
