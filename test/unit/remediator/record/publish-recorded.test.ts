import { describe, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { accountSettingsOf, jobOf, RemediatorInMemory, settingsOf } from '../support/remediator-in-memory.ts';

/** The same job, for the poll a number of hours later. */
function later(job: Job, hours: number): Job {
  const asOf = new Date(Date.parse(job.poll.asOf) + hours * 3_600_000).toISOString();
  return { ...job, poll: { ...job.poll, asOf } };
}

const resourcesOf = (outcomes: RemediatorInMemory['published']) =>
  outcomes.map(({ finding }) => finding.resource);

test('an unchanged finding has one event, and is written to the table once per week', async () => {
  const remediator = new RemediatorInMemory({ fine: [], deploy: ['old'] });
  remediator.settings = settingsOf({ mode: 'dry_run' });
  const written: string[] = [];
  const endLease = remediator.table.endLease.bind(remediator.table);
  remediator.table.endLease = (job, lease, findings) => {
    written.push(...findings.map(({ resource }) => resource));
    return endLease(job, lease, findings);
  };

  for (const hours of [0, 1, 2, 24 * 7, 24 * 7 + 1])
    await remediator.attempt(later(jobOf('fine', 'deploy'), hours));

  expect(resourcesOf(remediator.published)).toEqual(['fine', 'deploy']);
  expect(written).toEqual(['fine', 'deploy', 'fine', 'deploy']);
  expect([...remediator.outcomes.values()]).toHaveLength(10);
});

test('a changed outcome has an event', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  remediator.settings = settingsOf({ mode: 'dry_run' });
  await remediator.attempt(jobOf('deploy'));
  remediator.settings = settingsOf();

  await remediator.attempt(later(jobOf('deploy'), 1));

  expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['planned', 'remediated']);
  const [known] = remediator.table.findings.values();
  expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['planned', 'remediated']);
  expect(known?.changes.every(({ evidence }) => remediator.objects.has(evidence))).toBe(true);
});

test('if all events are requested, every outcome has an event', async () => {
  const remediator = new RemediatorInMemory({ fine: [] });
  remediator.settings = settingsOf({ allRules: accountSettingsOf({ events: 'all' }) });

  for (const hours of [0, 1, 2]) await remediator.attempt(later(jobOf('fine'), hours));

  expect(resourcesOf(remediator.published)).toEqual(['fine', 'fine', 'fine']);
});

describe('if all events are requested, an unchanged outcome has an event', () => {
  const all = settingsOf({ mode: 'dry_run', allRules: accountSettingsOf({ events: 'all' }) });
  const next = later(jobOf('deploy'), 1);

  /** A remediator after a first poll of the finding, the events of which are forgotten. */
  async function polledOnce(settings = all): Promise<RemediatorInMemory> {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.settings = settings;
    await remediator.attempt(jobOf('deploy'));
    remediator.published.length = 0;
    return remediator;
  }

  test('that the attempt after an interrupted one sends', async () => {
    const remediator = await polledOnce();
    remediator.fault = (port) => (port === 'publish' ? new Error('the function was ended') : undefined);
    await remediator.attempt(next);
    remediator.fault = () => undefined;

    await remediator.attempt(next, { number: 2 });

    expect(resourcesOf(remediator.published)).toEqual(['deploy']);
  });

  test('that is sent if that attempt cannot read the settings', async () => {
    const remediator = await polledOnce();
    remediator.fault = (port) => (port === 'publish' ? new Error('the function was ended') : undefined);
    await remediator.attempt(next);
    remediator.fault = (port) => (port === 'settings' ? new Error('the settings are away') : undefined);

    const { failures } = await remediator.attempt(next, { number: 2 });

    expect(failures).toEqual([]);
    expect(resourcesOf(remediator.published)).toEqual(['deploy']);
  });

  test('also if the finding is left to the source, which is known without the settings', async () => {
    const remediator = await polledOnce();
    const leaves = { deploy: 'the source is at work' };
    await remediator.attempt({ ...next, leaves });

    await remediator.attempt({ ...later(next, 1), leaves });

    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['deferred', 'deferred']);
  });

  test('and none if only changes are requested', async () => {
    const remediator = await polledOnce(settingsOf({ mode: 'dry_run' }));
    const leaves = { deploy: 'the source is at work' };
    await remediator.attempt({ ...next, leaves });

    await remediator.attempt({ ...later(next, 1), leaves });

    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['deferred']);
  });
});

test('an attempt that ends between event and table is published again by the next one, and nothing is lost', async () => {
  const job = jobOf('fine');
  // Wherever it ended.
  for (let steps = 1; ; steps += 1) {
    const remediator = new RemediatorInMemory({ fine: [] });
    await remediator.attempt(job, { steps });
    const isDone = remediator.table.findings.size > 0;

    await remediator.attempt(job, { number: 2 });

    expect(new Set(resourcesOf(remediator.published))).toEqual(new Set(['fine']));
    expect(remediator.objects.size).toBe(1);
    expect(remediator.table.findings.size).toBe(1);
    if (isDone) return;
  }
});

test.each([
  ['fails', ['publish']],
  ['fails, and the function is killed then,', ['publish', 'writeJournal', 'writeBreaker']],
] as const)('an event that %s while the table is written is sent by the next attempt', async (_, broken) => {
  const remediator = new RemediatorInMemory({ deploy: ['old'], fine: [] });
  const job = jobOf('deploy', 'fine');
  remediator.settings = settingsOf({ mode: 'dry_run' });
  remediator.fault = (port) =>
    broken.some((each) => each === port) ? new Error('the function was ended') : undefined;

  await remediator.attempt(job);
  const written = [...remediator.table.findings.values()];
  const published = [...remediator.published];
  remediator.fault = () => undefined;
  await remediator.attempt(job, { number: 2 });
  await remediator.attempt(later(job, 1));

  expect(published).toEqual([]);
  expect(written).toHaveLength(2);
  expect(resourcesOf(remediator.published)).toEqual(['deploy', 'fine']);
  expect(remediator.objects.size).toBe(2);
});
