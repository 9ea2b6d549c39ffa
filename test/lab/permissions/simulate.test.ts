import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const ACCOUNT = '111122223333';

/** Judges whether a role may describe all alarms, by a permission for some resources. */
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

test('an action on everything is allowed by a permission for everything', async () => {
  expect((await describeAll('*')).analysis.result).toBe('Allowed');
});

test('an action on everything is not taken for allowed by a permission for some resources', async () => {
  await expect(describeAll(`arn:aws:cloudwatch:*:${ACCOUNT}:alarm:web-*`)).rejects.toThrow(/can't judge/);
});
