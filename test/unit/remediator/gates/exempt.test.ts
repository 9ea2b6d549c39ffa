import { expect, test } from 'vitest';
import { exempt } from '../../../../lambdas/remediator/gates/exempt.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test('an exemption in the settings stops the finding that it names', async () => {
  const exemption = { account: '*', region: '*', resource: 'deploy', reason: 'r', owner: 'o' } as const;
  const context = gateContext({ exemptions: [{ ...exemption, expires: '2026-12-31' }] });

  const named = await exempt(findingOf('deploy'), context);
  const other = await exempt(findingOf('other'), context);

  expect(named).toMatchObject({
    outcome: 'exempt',
    details: { reason: "r (o, until 2026-12-31); to end it earlier, remove it from the rule's exemptions" },
  });
  expect(other).toBeUndefined();
});
