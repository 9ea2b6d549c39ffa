import { describe, expect, test } from 'vitest';
import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import { jobId } from '../../../../lambdas/model/job.ts';
import { awsError, jobOf, World } from '../support/world.ts';

const unavailable = { code: 'ServiceUnavailable', status: 503 };
const keyOf = (job: ReturnType<typeof jobOf>, number: number): string =>
  outcomesKey(job.poll, jobId(job), number);

/** Resources and outcomes of each object, in the order in which they were written. */
const objectsOf = ({ objects }: World) =>
  Object.fromEntries(
    [...objects].map(([key, lines]) => [
      key,
      lines.map(({ finding, outcome, replaces }) => ({ resource: finding.resource, outcome, replaces })),
    ]),
  );

describe('evidence of a job', () => {
  test('is one object per attempt, with a line per finding that the attempt concluded', async () => {
    const job = jobOf('a', 'b', 'gone');
    const world = new World({ a: ['old'], b: ['old'] });
    world.account.fault = ({ operation, user }) =>
      operation === 'UpdateAccessKey' && user === 'b' ? unavailable : undefined;

    await world.attempt(job);
    world.account.fault = () => undefined;
    await world.attempt(job, { number: 2 });

    expect(objectsOf(world)).toEqual({
      [keyOf(job, 1)]: [
        { resource: 'a', outcome: 'remediated', replaces: undefined },
        { resource: 'gone', outcome: 'gone', replaces: undefined },
      ],
      [keyOf(job, 2)]: [{ resource: 'b', outcome: 'remediated', replaces: undefined }],
    });
  });

  test('of a redrive names the object whose line it replaces', async () => {
    const job = jobOf('deploy');
    const world = new World({ deploy: ['old'] });
    world.account.fault = () => unavailable;
    await world.attempt(job, { last: true });
    world.account.fault = () => undefined;

    await world.attempt(job, { number: 1 });

    expect(objectsOf(world)).toEqual({
      [keyOf(job, 1)]: [{ resource: 'deploy', outcome: 'failed', replaces: undefined }],
      [keyOf(job, 2)]: [{ resource: 'deploy', outcome: 'remediated', replaces: keyOf(job, 1) }],
    });
  });

  test('is not written twice by an attempt that knows nothing of the one before', async () => {
    const job = jobOf('fine', 'gone');
    const world = new World({ fine: [] });
    await world.attempt(job);
    // Neither a journal nor the table tells of it: the message came back from the dead-letter queue.
    world.table.leases.clear();
    world.table.findings.clear();
    const before = structuredClone([...world.objects]);
    world.now += 1000;

    await world.attempt(job, { number: 1 });

    expect([...world.objects]).toEqual(before);
    expect(world.table.findings.size).toBe(2);
  });

  test('of an attempt that ended before it published is published by the next', async () => {
    const job = jobOf('fine');
    const world = new World({ fine: [] });
    for (let steps = 1; world.objects.size === 0; steps += 1) await world.attempt(job, { steps });

    await world.attempt(job, { number: 2 });

    expect(world.objects.size).toBe(1);
    expect(world.published.map(({ outcome }) => outcome)).toEqual(['compliant']);
    expect(world.table.findings.size).toBe(1);
  });

  test('that can’t be read lets nothing be done', async () => {
    const job = jobOf('deploy');
    const world = new World({ deploy: ['old'] });
    world.account.fault = () => unavailable;
    await world.attempt(job);
    world.account.fault = () => undefined;
    const error = awsError('SlowDown', 503);
    world.fault = (port) => (port === 'readOutcomes' ? error : undefined);

    const { unfinished } = await world.attempt(job, { number: 2 });

    expect(unfinished).toMatchObject([{ error }]);
    expect(world.account.changed).toEqual([]);
  });
});
