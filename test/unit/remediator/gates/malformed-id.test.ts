import { expect, test } from 'vitest';
import { malformedId } from '../../../../lambdas/remediator/gates/malformed-id.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test('a finding whose id the rule does not accept fails permanently', async () => {
  const malformed = await malformedId(findingOf('not/a/user'), gateContext());
  const right = await malformedId(findingOf('deploy'), gateContext());

  expect(malformed).toMatchObject({
    outcome: 'failed',
    details: { willRetry: false, reason: expect.stringContaining('not/a/user') },
  });
  expect(right).toBeUndefined();
});
