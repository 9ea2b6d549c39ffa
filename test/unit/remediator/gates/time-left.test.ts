import { expect, test } from 'vitest';
import { timeLeft } from '../../../../lambdas/remediator/gates/time-left.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test('nothing more is changed if too little time is left for recording', async () => {
  const context = gateContext();
  const withTime = (milliseconds: number) => ({
    ...context,
    attempt: { ...context.attempt, remainingMilliseconds: () => milliseconds },
  });

  const late = await timeLeft(findingOf('deploy'), withTime(44_999));
  const early = await timeLeft(findingOf('deploy'), withTime(45_000));

  expect(late).toMatchObject({ state: 'retry', error: { name: 'OutOfTimeError' } });
  expect(early).toBeUndefined();
});
