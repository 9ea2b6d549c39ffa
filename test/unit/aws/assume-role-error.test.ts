import { expect, test } from 'vitest';
import { describeAssumeRoleError } from '../../../lambdas/aws/assume-role-error.ts';

function named(name: string): Error {
  return Object.assign(new Error(`${name} by AWS`), { name });
}

test.each([
  { name: 'AccessDenied', words: 'deploy modules/target in that account' },
  {
    name: 'RegionDisabledException',
    words: 'enable the region in account 111122223333, or remove it from the module',
  },
  { name: 'PackedPolicyTooLargeException', words: 'too large for STS, so nothing was started or changed' },
])('$name is explained with what to do', ({ name, words }) => {
  const reason = describeAssumeRoleError(named(name), '111122223333', 'eu-south-2');

  expect(reason).toContain('the target role in account 111122223333 cannot be assumed: ');
  expect(reason).toContain(words);
  expect(reason).toContain(`${name} by AWS`);
});

test('an error without advice has the message from AWS', () => {
  const reason = describeAssumeRoleError(named('ExpiredToken'), '111122223333', 'eu-south-2');

  expect(reason).toBe(
    'the target role in account 111122223333 cannot be assumed. ExpiredToken: ExpiredToken by AWS',
  );
});
