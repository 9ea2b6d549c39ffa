import { expect, test } from 'vitest';
import { Pacer } from '../../../lambdas/aws/pace.ts';
import { changeKinds, paceOf } from '../../../lambdas/changes/index.ts';

/** A clock that stands still but for sleeping. */
function fakeClock() {
  let now = 0;
  return {
    now: () => now,
    sleep: (milliseconds: number) => {
      now += milliseconds;
      return Promise.resolve();
    },
  };
}

test('25 trails are updated one per second, which is what CloudTrail takes', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(clock);
  const pace = await paceOf('cloudtrail-log-file-validation-set');
  const turns: number[] = [];

  for (let trail = 0; trail < 25; trail += 1) {
    if (pace !== undefined) await pacer.turn('trails', pace);
    turns.push(clock.now());
  }

  expect(turns).toEqual(Array.from({ length: 25 }, (_, n) => n * 1_000));
});

test('turns that are asked for at once are given one after the other', async () => {
  const waits: number[] = [];
  const pacer = new Pacer({
    now: () => 0,
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
  });

  await Promise.all([1, 2, 3].map(() => pacer.turn('keys', { perSecond: 2 })));

  expect(waits).toEqual([500, 1_000]);
});

test('another place has its own quota, and time that has passed counts', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(clock);
  await pacer.turn('here', { perSecond: 1 });
  const start = clock.now();

  await pacer.turn('there', { perSecond: 1 });
  const there = clock.now();
  await clock.sleep(1_000);
  await pacer.turn('here', { perSecond: 1 });

  expect([there - start, clock.now() - start]).toEqual([0, 1_000]);
});

test('the pace of each kind is above zero where it has one', async () => {
  const paces = await Promise.all(changeKinds.map(paceOf));

  expect(paces.filter((pace) => pace !== undefined && !(pace.perSecond > 0))).toEqual([]);
});
