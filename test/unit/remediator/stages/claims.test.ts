import { expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';

import { Killed } from '../support/lifeline.ts';
import { awsError, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

/**
 * Two jobs of two polls that were interrupted at the same change, one before its call and one after it. Both are dead
 * letters, and neither has recorded anything. AWS does not report who made a change.
 */

const HOUR = 3_600_000;

/** A last attempt at a job whose function ends as soon as a condition is met. */
async function deadAt(remediator: RemediatorInMemory, job: Job, isReached: () => boolean): Promise<void> {
  let isOver = false;
  const onStep = (): void => {
    isOver ||= isReached();
    if (isOver) throw new Killed('the function was ended');
  };
  await remediator.attempt(job, { number: 5, last: true, onStep }).catch(() => undefined);
  remediator.now += HOUR;
}

async function twoDeadLetters() {
  const remediator = new RemediatorInMemory({ deploy: ['old1'] });
  const first = jobOf('deploy');
  const second: Job = { ...first, poll: { ...first.poll, asOf: '2026-06-30T12:00:00Z' } };
  const isBegun = () =>
    [...remediator.journals.values()].some(({ resources: [of] }) => of?.begun?.length === 1);
  await deadAt(remediator, first, isBegun);
  await deadAt(remediator, second, () => remediator.account.changed.length > 0);
  return { remediator, first, second };
}

const recorded = ({ objects }: RemediatorInMemory): unknown[] =>
  [...objects.values()].flat().flatMap(({ applied }) => applied.map(({ change }) => change['key']));

test.each([
  { what: 'the first one first', isReversed: false },
  { what: 'the second one first', isReversed: true },
])(
  'two dead letters that were interrupted at the same change record it once, sent again $what',
  async ({ isReversed }) => {
    const { remediator, first, second } = await twoDeadLetters();
    const jobs = isReversed ? [second, first] : [first, second];

    for (const job of jobs) await remediator.attempt(job);
    await remediator.workOffLater();

    expect(remediator.account.changed).toEqual(['deploy/old1']);
    expect(recorded(remediator)).toEqual(['old1']);
  },
);

test('what one of them finds is not recorded before the other one can know about it', async () => {
  const { remediator, first, second } = await twoDeadLetters();
  remediator.fault = (port) => (port === 'writeChanged' ? awsError('ServiceUnavailable', 503) : undefined);
  const { unfinished } = await remediator.attempt(first);
  remediator.fault = () => undefined;

  await remediator.attempt(second);
  await remediator.attempt(first, { number: 2 });
  await remediator.workOffLater();

  expect(unfinished.map(({ finding }) => finding.resource)).toEqual(['deploy']);
  expect(recorded(remediator)).toEqual(['old1']);
});
