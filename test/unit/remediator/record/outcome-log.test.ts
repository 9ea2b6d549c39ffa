import { describe, expect, test } from 'vitest';
import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import { jobId } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { OutcomeLog } from '../../../../lambdas/remediator/record/outcome-log.ts';
import { awsError, findingOf, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

const unavailable = { code: 'ServiceUnavailable', status: 503 };
const keyOf = (job: ReturnType<typeof jobOf>, number: number): string =>
  outcomesKey(job.poll, jobId(job), number);

/** Resources and outcomes of each object, in the order in which the objects were written. */
const objectsOf = ({ objects }: RemediatorInMemory) =>
  Object.fromEntries(
    [...objects].map(([key, lines]) => [
      key,
      lines.map(({ finding, outcome, replaces }) => ({ resource: finding.resource, outcome, replaces })),
    ]),
  );

describe('evidence of a job', () => {
  test('is one object per attempt, with a line per finding that the attempt concluded', async () => {
    const job = jobOf('a', 'b', 'gone');
    const remediator = new RemediatorInMemory({ a: ['old'], b: ['old'] });
    remediator.account.fault = ({ operation, user }) =>
      operation === 'UpdateAccessKey' && user === 'b' ? unavailable : undefined;

    await remediator.attempt(job);
    remediator.account.fault = () => undefined;
    await remediator.attempt(job, { number: 2 });

    expect(objectsOf(remediator)).toEqual({
      [keyOf(job, 1)]: [
        { resource: 'a', outcome: 'remediated', replaces: undefined },
        { resource: 'gone', outcome: 'gone', replaces: undefined },
      ],
      [keyOf(job, 2)]: [{ resource: 'b', outcome: 'remediated', replaces: undefined }],
    });
  });

  test('of a redrive names the object with the line that it replaces', async () => {
    const job = jobOf('deploy');
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = () => unavailable;
    await remediator.attempt(job, { last: true });
    remediator.account.fault = () => undefined;

    await remediator.attempt(job, { number: 1 });

    expect(objectsOf(remediator)).toEqual({
      [keyOf(job, 1)]: [{ resource: 'deploy', outcome: 'failed', replaces: undefined }],
      [keyOf(job, 2)]: [{ resource: 'deploy', outcome: 'remediated', replaces: keyOf(job, 1) }],
    });
  });

  test('is not written twice by an attempt that does not know about the previous one', async () => {
    const job = jobOf('fine', 'gone');
    const remediator = new RemediatorInMemory({ fine: [] });
    await remediator.attempt(job);
    // Neither the journal nor the table shows it: the message came back from the dead-letter queue.
    remediator.table.leases.clear();
    remediator.table.findings.clear();
    const before = structuredClone([...remediator.objects]);
    remediator.now += 1000;

    await remediator.attempt(job, { number: 1 });

    expect([...remediator.objects]).toEqual(before);
    expect(remediator.table.findings.size).toBe(2);
  });

  test('of an attempt that ended before it published is published by the next', async () => {
    const job = jobOf('fine');
    const remediator = new RemediatorInMemory({ fine: [] });
    for (let steps = 1; remediator.objects.size === 0; steps += 1) await remediator.attempt(job, { steps });

    await remediator.attempt(job, { number: 2 });

    expect(remediator.objects.size).toBe(1);
    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['compliant']);
    expect(remediator.table.findings.size).toBe(1);
  });

  test('that cannot be read prevents everything else', async () => {
    const job = jobOf('deploy');
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    remediator.account.fault = () => unavailable;
    await remediator.attempt(job);
    remediator.account.fault = () => undefined;
    const error = awsError('SlowDown', 503);
    remediator.fault = (port) => (port === 'readOutcomes' ? error : undefined);

    const { unfinished } = await remediator.attempt(job, { number: 2 });

    expect(unfinished).toMatchObject([{ error }]);
    expect(remediator.account.changed).toEqual([]);
  });
});

describe('another job’s outcome of a finding at the same poll', () => {
  const job = jobOf('deploy');
  const change = { kind: 'k', resource: 'deploy' };
  const applied = [{ change, line: '~ deploy', appliedAt: job.poll.asOf, requestIds: [] }];
  const lineOf = (outcome: Outcome['outcome']): Outcome => ({
    version: 1,
    poll: job.poll,
    finding: findingOf('deploy'),
    outcome,
    reason: 'because',
    plan: [],
    applied,
    startedAt: job.poll.asOf,
    finishedAt: job.poll.asOf,
  });

  /** The log of this job, after it has read a line of another job. */
  async function logWith(
    line: Outcome,
  ): Promise<{ log: OutcomeLog; objects: Map<string, readonly Outcome[]> }> {
    const objects = new Map<string, readonly Outcome[]>([['others', [line]]]);
    const log = new OutcomeLog(
      job,
      {
        readOutcomes: async (key) => [...(objects.get(key) ?? [])],
        writeOutcomes: async (key, lines) => Boolean(objects.set(key, lines)),
      },
      {
        evidenceOfOthers: () => [{ key: 'others', isOfSameWork: false }],
        announce: async () => {},
        retract: async () => {},
      },
    );
    await log.readOthers();
    return { log, objects };
  }

  test('is final if it contains everything that this job changed', async () => {
    const { log } = await logWith(lineOf('remediated'));

    expect(log.lastWord('deploy', applied)).toMatchObject({ outcome: 'remediated' });
    expect(await log.write([lineOf('compliant')])).toEqual([]);
  });

  test('is not final if it only left the finding to this job, which changed something', async () => {
    const { log } = await logWith(lineOf('deferred'));

    expect(log.lastWord('deploy', applied)).toBeUndefined();
    expect(await log.write([lineOf('remediated')])).toMatchObject([
      { outcome: { outcome: 'remediated', replaces: 'others' } },
    ]);
  });

  test('is not final if that job only completed what this job is found to have made', async () => {
    const logGroup = (made: readonly string[], minute: number) => ({
      change: { kind: 'log-group-create', resource: 'logs', made },
      line: '+ log group logs',
      appliedAt: new Date(Date.parse(job.poll.asOf) + minute * 60_000).toISOString(),
      requestIds: [],
    });
    const own = { ...logGroup(['log group'], 1), found: true as const };
    const other = logGroup(['retention'], 2);
    const { log } = await logWith({ ...lineOf('remediated'), applied: [other] });

    expect(log.lastWord('deploy', [own])).toBeUndefined();
    expect(await log.write([{ ...lineOf('remediated'), applied: [own] }])).toMatchObject([
      { outcome: { applied: [own, other] } },
    ]);
  });

  test('is final if this job changed nothing', async () => {
    const { log } = await logWith(lineOf('deferred'));

    expect(log.lastWord('deploy', [])).toMatchObject({ outcome: 'deferred' });
  });
});
