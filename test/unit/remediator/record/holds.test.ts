import { expect, test } from 'vitest';
import type { HoldName } from '../../../../lambdas/model/operator-items.ts';
import { Holds } from '../../../../lambdas/remediator/record/holds.ts';
import { jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

/** Holds of a job for some users, with a list of the reads. */
function setUp(...users: readonly string[]) {
  const remediator = new RemediatorInMemory();
  const { clock, table } = remediator.ports();
  const questions: (readonly HoldName[])[] = [];
  const holds = new Holds({
    clock,
    table: {
      ...table,
      readOperatorItems: (asked) => {
        questions.push(asked.holds ?? []);
        return table.readOperatorItems(asked);
      },
    },
  });
  const asked = jobOf(...users).findings.map((finding) => ({ finding, resources: [finding.resource] }));
  const resources = () =>
    questions.map((names) => [...new Set(names.map(({ resource }) => resource))].sort());
  return { remediator, holds, asked, resources };
}

test('one read covers everything that is watched, and its answer is cached for two seconds', async () => {
  const { holds, asked, resources } = setUp('a', 'b', 'c');
  holds.watch(asked);

  for (const { finding } of asked) await holds.on(finding, [finding.resource]);

  expect(resources()).toEqual([['*', 'a', 'b', 'c']]);
});

test('later reads cover only what is changed next', async () => {
  const { remediator, holds, asked, resources } = setUp('a', 'b', 'c');
  holds.watch(asked);
  const [first] = asked;
  if (first === undefined) throw new Error('expected a finding');
  await holds.on(first.finding, ['a']);

  remediator.now += 2_000;
  holds.watchOnly([first]);
  await holds.on(first.finding, ['a']);

  expect(resources()).toEqual([
    ['*', 'a', 'b', 'c'],
    ['*', 'a'],
  ]);
});
