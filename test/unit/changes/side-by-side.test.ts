import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Meet } from '../../../lambdas/changes/change.ts';
import { burstOf, sideBySide } from '../../../lambdas/changes/side-by-side.ts';

const SHRINK = 'security-group-rule-shrink';

/** Steps of changes that each take a number of turns before they meet. A change without turns ends before that. */
async function meeting(turns: readonly (number | undefined)[]): Promise<string[]> {
  const steps: string[] = [];
  await sideBySide(SHRINK, turns, async (own, meet: Meet) => {
    if (own === undefined) return;
    for (let turn = 0; turn < own; turn += 1) await nextTurn();
    steps.push(`arrived ${own}`);
    await meet();
    steps.push('goes on');
  });
  return steps;
}

test('changes that begin together continue together, once the last one has reached the same point', async () => {
  expect(await meeting([3, 1, 2])).toEqual([
    'arrived 1',
    'arrived 2',
    'arrived 3',
    'goes on',
    'goes on',
    'goes on',
  ]);
});

test('no change waits for one that has ended', async () => {
  expect(await meeting([2, undefined, 1])).toEqual(['arrived 1', 'arrived 2', 'goes on', 'goes on']);
});

test('no change waits for one that fails', async () => {
  const went: string[] = [];
  const made = sideBySide(SHRINK, ['bad', 'good'], async (name, meet) => {
    if (name === 'bad') throw new Error('went wrong');
    await meet();
    went.push(name);
  });

  await expect(made).rejects.toThrow('went wrong');
  expect(went).toEqual(['good']);
});

test('changes that do not begin together do not wait for each other', async () => {
  const ended: string[] = [];

  await sideBySide('iam-access-key-status-set', ['slow', 'fast'], async (name, meet) => {
    if (name === 'slow') for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    await meet();
    ended.push(name);
  });

  expect(ended).toEqual(['fast', 'slow']);
});

test('no more changes are checked at once than can be sent while the checks are valid', async () => {
  const changes = Array.from({ length: 100 }, (_, index) => ({
    kind: 's3-public-access-block-set',
    resource: `bucket-${index}`,
  }));

  expect(await burstOf(changes)).toBe(25);
  expect(await burstOf(changes.slice(0, 7))).toBe(7);
});
