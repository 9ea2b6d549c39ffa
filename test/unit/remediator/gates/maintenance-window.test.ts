import { expect, test } from 'vitest';
import { maintenanceWindow } from '../../../../lambdas/remediator/gates/maintenance-window.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test('a rule changes nothing outside its maintenance window', async () => {
  const shut = { days: ['TUE' as const], start: '13:00', end: '14:00', time_zone: 'UTC' };
  const finding = findingOf('deploy');

  const outside = await maintenanceWindow(finding, gateContext({ maintenance_window: shut }));
  const within = await maintenanceWindow(
    finding,
    gateContext({ maintenance_window: { ...shut, start: '11:00' } }),
  );
  const without = await maintenanceWindow(finding, gateContext());

  expect(outside).toMatchObject({
    outcome: 'deferred',
    details: {
      willRetry: true,
      reason: expect.stringMatching(
        /13:00 to 14:00 UTC on TUE: the finding waits for the first poll after 2026-06-30T13:00:00\.000Z; .*change maintenance_window/,
      ),
    },
  });
  expect([within, without]).toEqual([undefined, undefined]);
});
