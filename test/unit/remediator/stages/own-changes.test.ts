import { expect, test } from 'vitest';
import { jobOf, World } from '../support/world.ts';

const next = { ...jobOf('deploy').poll, asOf: '2026-06-30T11:05:00Z' };
const MINUTE = 60_000;

/** A world whose key was just made inactive, and whose reads are as old as before that. */
async function lagging(): Promise<World> {
  const world = new World({ deploy: ['old'] });
  await world.attempt(jobOf('deploy'));
  world.account.users.get('deploy')?.set('old', 'Active');
  return world;
}

test('nothing is changed on a read from before our own change of a minute ago', async () => {
  const world = await lagging();
  world.now += MINUTE;

  const { inProgress } = await world.attempt({ ...jobOf('deploy'), poll: next });

  expect(inProgress).toMatchObject([{ reason: expect.stringContaining('do not show yet what') }]);
  expect(world.account.changed).toHaveLength(1);
});

test('after a quarter of an hour the read is true: someone turned it back', async () => {
  const world = await lagging();
  world.now += 16 * MINUTE;

  await world.attempt({ ...jobOf('deploy'), poll: next });

  expect(world.account.changed).toHaveLength(2);
});
