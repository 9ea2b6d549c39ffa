import { expect, test } from 'vitest';
import { parseEnvironment } from '../../../lambdas/model/environment.ts';
import { environmentSchema } from '../../../lambdas/remediator/environment.ts';
import { environment, variables } from './support/environment.ts';

test('parses what Terraform sets, and ignores other variables', () => {
  expect(parseEnvironment(environmentSchema, { ...variables, PATH: '/bin' })).toEqual(environment);
});

test.each(Object.keys(variables))('%s is required', (name) => {
  expect(() => parseEnvironment(environmentSchema, { ...variables, [name]: undefined })).toThrow(
    new RegExp(`^environment variables: ${name}: `),
  );
});

test.each([
  { AWS_REGION: 'Frankfurt' },
  { HOME_REGION: '' },
  { SECURITY_ACCOUNT_ID: '1111' },
  { PARTITION: 'aws;' },
  { EVENT_BUS_ARN: 'cspm' },
  { MAX_RECEIVE_COUNT: '0' },
  { MAX_RECEIVE_COUNT: 'five' },
  { RETRY_DELAY_SECONDS: '-1' },
])('%j is refused', (wrong) => {
  const [name] = Object.keys(wrong);

  expect(() => parseEnvironment(environmentSchema, { ...variables, ...wrong })).toThrow(`${name}: `);
});

test('all errors are reported together', () => {
  expect(() => parseEnvironment(environmentSchema, {})).toThrow(
    /NAME: .*; AWS_REGION: .*; MAX_RECEIVE_COUNT: /,
  );
});
