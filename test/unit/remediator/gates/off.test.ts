import { expect, test } from 'vitest';
import { skipDisabled } from '../../../../lambdas/remediator/gates/off.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/world.ts';

test('a rule that is off leaves a finding alone, unless an earlier attempt changed it', async () => {
  const off = gateContext({ mode: 'off' });
  const on = gateContext({ mode: 'dry_run' });

  const untouched = await skipDisabled(findingOf('deploy'), off);
  off.journal.apply('deploy', [
    {
      change: { kind: 'k', resource: 'deploy' },
      line: '~',
      appliedAt: '2026-06-30T11:00:00Z',
      requestIds: [],
    },
  ]);
  const begun = await skipDisabled(findingOf('deploy'), off);
  const enabled = await skipDisabled(findingOf('deploy'), on);

  expect(untouched).toMatchObject({ state: 'concluded', outcome: 'not_applicable' });
  expect([begun, enabled]).toEqual([undefined, undefined]);
});
