import { describe, expect, test } from 'vitest';
import { lintPolicy, parsePolicy } from './index.ts';
import { withAccount, withoutAction } from './policy.ts';

const policyOf = (...statements: readonly object[]) =>
  parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));

describe('a policy without an action', () => {
  test('keeps other actions, and loses statements with no others', () => {
    const policy = policyOf(
      { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: '*' },
      { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' },
      { Effect: 'Deny', NotAction: 's3:GetObject', Resource: '*' },
    );

    expect(withoutAction(policy, 's3:GetObject').Statement).toEqual([
      { Effect: 'Allow', Action: ['s3:PutObject'], Resource: ['*'] },
      { Effect: 'Deny', NotAction: ['s3:GetObject'], Resource: ['*'] },
    ]);
  });
});

test("AWS's own documents get an account for the simulator, and nothing else changes", () => {
  expect(withAccount('arn:aws:ssm:eu-central-1::document/AWS-X')).toBe(
    'arn:aws:ssm:eu-central-1:no-account:document/AWS-X',
  );
  for (const arn of ['*', 'arn:aws:ssm:eu-central-1:111122223333:document/X', 'arn:aws:s3:::document/X']) {
    expect(withAccount(arn)).toBe(arn);
  }
});

describe('the lint', () => {
  test.each<[string, object, readonly string[]]>([
    ['nothing', { Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }, []],
    ['an unknown action', { Action: 's3:ReadObject', Resource: '*' }, ['s3:ReadObject is not an action']],
    ['many actions', { Action: 's3:*', Resource: '*' }, ['s3:* stands for many actions']],
    [
      '* where the action takes a resource',
      { Action: 'sqs:SendMessage', Resource: '*' },
      ['sqs:SendMessage does not take the resource *'],
    ],
    [
      'a resource for an action without resources',
      { Action: 'ec2:DescribeVpcs', Resource: 'arn:aws:ec2:*:111122223333:vpc/*' },
      ['ec2:DescribeVpcs does not take the resource arn:aws:ec2:*:111122223333:vpc/*'],
    ],
    [
      'a resource of another type',
      { Action: 's3:ListBucket', Resource: 'arn:aws:sqs:eu-central-1:111122223333:q' },
      ['s3:ListBucket does not take the resource arn:aws:sqs:eu-central-1:111122223333:q'],
    ],
    [
      'a pattern that matches more than one type',
      {
        Action: ['logs:CreateLogStream', 'logs:PutRetentionPolicy'],
        Resource: 'arn:aws:logs:*:111122223333:log-group:/aws/lambda/x:*',
      },
      [],
    ],
    [
      'a bucket where the action takes objects',
      { Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket' },
      ['s3:GetObject does not take the resource arn:aws:s3:::bucket'],
    ],
    [
      'tags of a resource that AWS does not fill',
      {
        Action: 'cloudtrail:DescribeTrails',
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceTag/team': 'web' } },
      },
      ['cloudtrail:DescribeTrails has no condition key aws:ResourceTag/team'],
    ],
    [
      "another service's condition key",
      { Action: 'ec2:DescribeVpcs', Resource: '*', Condition: { StringEquals: { 's3:prefix': 'a' } } },
      ['ec2:DescribeVpcs has no condition key s3:prefix'],
    ],
    [
      'keys that AWS fills for every call',
      {
        Action: 'ec2:DescribeVpcs',
        Resource: '*',
        Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-central-1' } },
      },
      [],
    ],
  ])('finds %s', async (_, statement, expected) => {
    expect(await lintPolicy(policyOf({ Effect: 'Allow', ...statement }))).toEqual(expected);
  });
});
