import { expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { accountSettingsOf, jobOf, settingsOf, World } from '../support/world.ts';

/** The same job, of the poll so many hours later. */
function later(job: Job, hours: number): Job {
  const asOf = new Date(Date.parse(job.poll.asOf) + hours * 3_600_000).toISOString();
  return { ...job, poll: { ...job.poll, asOf } };
}

const resourcesOf = (outcomes: World['published']) => outcomes.map(({ finding }) => finding.resource);

test('a finding that stays as it is has one event, and is written to the table once a week', async () => {
  const world = new World({ fine: [], deploy: ['old'] });
  world.settings = settingsOf({ mode: 'dry_run' });
  const written: string[] = [];
  const endLease = world.table.endLease.bind(world.table);
  world.table.endLease = (job, lease, learned) => {
    written.push(...learned.findings.map(({ resource }) => resource));
    return endLease(job, lease, learned);
  };

  for (const hours of [0, 1, 2, 24 * 7, 24 * 7 + 1])
    await world.attempt(later(jobOf('fine', 'deploy'), hours));

  expect(resourcesOf(world.published)).toEqual(['fine', 'deploy']);
  expect(written).toEqual(['fine', 'deploy', 'fine', 'deploy']);
  expect([...world.outcomes.values()]).toHaveLength(10);
});

test('what becomes other than it was has an event', async () => {
  const world = new World({ deploy: ['old'] });
  world.settings = settingsOf({ mode: 'dry_run' });
  await world.attempt(jobOf('deploy'));
  world.settings = settingsOf();

  await world.attempt(later(jobOf('deploy'), 1));

  expect(world.published.map(({ outcome }) => outcome)).toEqual(['planned', 'remediated']);
  const [known] = world.table.findings.values();
  expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['planned', 'remediated']);
  expect(known?.changes.every(({ evidence }) => world.objects.has(evidence))).toBe(true);
});

test('where all are asked for, every outcome has an event', async () => {
  const world = new World({ fine: [] });
  world.settings = settingsOf({ allRules: accountSettingsOf({ events: 'all' }) });

  for (const hours of [0, 1, 2]) await world.attempt(later(jobOf('fine'), hours));

  expect(resourcesOf(world.published)).toEqual(['fine', 'fine', 'fine']);
});

test('an attempt that ends between event and table is published again by the next one, and nothing is lost', async () => {
  const job = jobOf('fine');
  // However far it came.
  for (let steps = 1; ; steps += 1) {
    const world = new World({ fine: [] });
    await world.attempt(job, { steps });
    const isDone = world.table.findings.size > 0;

    await world.attempt(job, { number: 2 });

    expect(new Set(resourcesOf(world.published))).toEqual(new Set(['fine']));
    expect(world.objects.size).toBe(1);
    expect(world.table.findings.size).toBe(1);
    if (isDone) return;
  }
});
