import { expect, test } from 'vitest';
import { accountOfArn, fill, isArn, namesArn } from '../../../../lambdas/rules/custom/placeholders.ts';

const place = {
  resource: 'arn:aws-cn:rds:cn-north-1:111122223333:cluster:orders',
  account: '111122223333',
  region: 'cn-north-1',
  partition: 'aws-cn',
  automationRoleArn: 'arn:aws-cn:iam::111122223333:role/cspm-automation',
};

test.each([
  ['{{resource}}', place.resource],
  ['{{account}} {{region}} {{partition}}', '111122223333 cn-north-1 aws-cn'],
  ['https://sqs.{{region}}.{{dns_suffix}}/', 'https://sqs.cn-north-1.amazonaws.com.cn/'],
  ['{{automation_role_arn}}', place.automationRoleArn],
  ['{{arn.partition}} {{arn.service}} {{arn.region}} {{arn.account}}', 'aws-cn rds cn-north-1 111122223333'],
  ['{{arn.resource_type}}|{{arn.resource_id}}', 'cluster|orders'],
  ['no placeholder { } {{ }', 'no placeholder { } {{ }'],
])('%s', (text, filled) => {
  expect(fill(text, place)).toBe(filled);
});

test('the suffix of host names in the European Sovereign Cloud', () => {
  const there = { ...place, region: 'eusc-de-east-1', partition: 'aws-eusc' };

  expect(fill('https://sqs.{{region}}.{{dns_suffix}}/', there)).toBe(
    'https://sqs.eusc-de-east-1.amazonaws.eu/',
  );
});

test.each([
  ['arn:aws:s3:::bucket', '', 'bucket'],
  ['arn:aws:sns:eu-central-1:111122223333:topic', '', 'topic'],
  ['arn:aws:iam::111122223333:role/path/name', 'role', 'path/name'],
  ['arn:aws:lambda:eu-central-1:111122223333:function:f:1', 'function', 'f:1'],
])('the parts of %s', (resource, type, id) => {
  expect(fill('{{arn.resource_type}}|{{arn.resource_id}}', { ...place, resource })).toBe(`${type}|${id}`);
});

test('a placeholder without a value is an error that names it', () => {
  expect(() => fill('{{arn.account}}', { ...place, resource: 'orders' })).toThrow(
    '{{arn.account}} in "{{arn.account}}" has no value for orders',
  );
  expect(() => fill('{{constructor}}', place)).toThrow('{{constructor}}');
});

test('placeholders in values are not replaced', () => {
  expect(fill('{{resource}}', { ...place, resource: '{{account}}' })).toBe('{{account}}');
});

test('the account of an ARN is found', () => {
  expect([isArn(place.resource), isArn('orders'), isArn('arn:aws')]).toEqual([true, false, false]);
  expect([accountOfArn(place.resource), accountOfArn('arn:aws:s3:::b')]).toEqual(['111122223333', undefined]);
  expect([namesArn('{{arn.account}}'), namesArn('{{account}}')]).toEqual([true, false]);
});
