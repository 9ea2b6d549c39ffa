import { expect, test } from 'vitest';
import { leftToSource } from '../../../../lambdas/remediator/gates/left-to-source.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test('a finding that the source is fixing is left to it, and the other findings of the job pass', async () => {
  const context = gateContext();
  const job = { ...context.job, leaves: { deploy: 'Netskope is fixing it' } };

  const left = await leftToSource(findingOf('deploy'), { ...context, job });
  const other = await leftToSource(findingOf('build'), { ...context, job });
  const asked = await leftToSource(findingOf('deploy'), context);

  expect(left).toMatchObject({
    state: 'concluded',
    outcome: 'deferred',
    details: { reason: 'Netskope is fixing it', willRetry: true },
  });
  expect([other, asked]).toEqual([undefined, undefined]);
});
