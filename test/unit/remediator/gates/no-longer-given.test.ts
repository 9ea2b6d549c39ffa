import { expect, test } from 'vitest';
import { noLongerGiven } from '../../../../lambdas/remediator/gates/no-longer-given.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test('a finding that the source no longer reports is closed, and others pass', async () => {
  const context = gateContext();
  const closing = { ...context, job: { ...context.job, closes: true as const } };

  const closed = await noLongerGiven(findingOf('deploy'), closing);
  const given = await noLongerGiven(findingOf('deploy'), context);

  const reason = `netskope no longer reported it at the poll of ${context.job.poll.asOf}: nothing to do`;
  expect(closed).toMatchObject({ state: 'concluded', outcome: 'closed', details: { reason } });
  expect(given).toBeUndefined();
});
