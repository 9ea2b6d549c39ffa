import { expect, test } from 'vitest';
import {
  releaseCommand,
  resumeBreakerCommand,
  resumeCommand,
  retryCommand,
} from '../../../lambdas/model/operator-commands.ts';

const account = '222222222222';
const region = 'eu-central-1';

test.each([
  [
    releaseCommand({ account, region, resource: 'sg-1', rule: '*' }),
    'release sg-1 --account 222222222222 --region eu-central-1',
  ],
  [
    releaseCommand({ account, region: '*', resource: '*', rule: 's3-bucket-public' }),
    'release --account 222222222222 --rule s3-bucket-public',
  ],
  [
    retryCommand({ account, region: 'global', resource: 'deploy' }),
    'retry deploy --account 222222222222 --region global',
  ],
  [resumeCommand(region), 'resume --region eu-central-1'],
  [resumeCommand(region, { rule: 's3-bucket-public' }), 'resume s3-bucket-public --region eu-central-1'],
  [resumeCommand(region, { account }), 'resume --account 222222222222 --region eu-central-1'],
  [
    resumeBreakerCommand('s3-bucket-public', account),
    'resume --breaker s3-bucket-public --account 222222222222',
  ],
])('%s', (command, expected) => {
  expect(command).toBe(`cspm-remediation ${expected}`);
});

test('a resource that a shell would split or expand is quoted', () => {
  const command = retryCommand({ account, region, resource: "it's; rm -rf $HOME" });

  expect(command).toBe(
    "cspm-remediation retry 'it'\\''s; rm -rf $HOME' --account 222222222222 --region eu-central-1",
  );
});
