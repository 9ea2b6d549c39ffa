import { expect, test } from 'vitest';
import { Pacer } from '../../../../lambdas/sources/netskope/pacer.ts';
import { FakeClock } from '../../collector/support/fake-clock.ts';

/** Takes turns one after another. @returns the number of turns in each window of five seconds */
async function turnsByWindow(pacer: Pacer, clock: FakeClock, turns: number): Promise<number[]> {
  const start = clock.now();
  const counts: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    await pacer.turn();
    const window = Math.floor((clock.now() - start) / 5_000);
    counts[window] = (counts[window] ?? 0) + 1;
  }
  return counts;
}

test('a refusal halves the turns per window, and each window without a refusal adds one', async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, 8, 5_000);
  await turnsByWindow(pacer, clock, 8);

  pacer.slowDown();
  pacer.slowDown();

  expect(await turnsByWindow(pacer, clock, 4 + 30)).toEqual([undefined, 5, 6, 7, 8, 8]);
});

test('at least one turn per window is left after any number of refusals', async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, 8, 5_000);

  for (let refusals = 0; refusals < 10; refusals += 1) {
    pacer.slowDown();
    await clock.sleep(5_000);
  }
  pacer.slowDown();

  expect(await turnsByWindow(pacer, clock, 3)).toEqual([1, 2]);
});
