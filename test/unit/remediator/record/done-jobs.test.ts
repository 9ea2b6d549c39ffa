import fc from 'fast-check';
import { expect, test } from 'vitest';
import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import { type Job, jobId } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { standingLines } from '../../../../lambdas/model/standing.ts';
import { DoneJobs } from '../../../../lambdas/remediator/record/done-jobs.ts';
import { sdkError } from '../../../lab/aws-model/session.ts';
import { EMPTY_STATE } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';
import { awsError, jobOf, REGION, RemediatorInMemory } from '../support/remediator-in-memory.ts';

const RESOURCES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** Users without violations, known since an earlier poll: nothing about them is new. */
async function steadyRemediator(): Promise<RemediatorInMemory> {
  const remediator = new RemediatorInMemory(Object.fromEntries(RESOURCES.map((name) => [name, []])));
  const first = jobOf(...RESOURCES);
  await remediator.attempt({ ...first, poll: { ...first.poll, asOf: '2026-06-30T10:00:00Z' } });
  return remediator;
}

let runs = 0;

/** The jobs that one collector run creates from what the source reports. */
function run(resources: readonly string[], size: number): Job[] {
  runs += 1;
  const name = `run-${runs}`;
  return Array.from({ length: Math.ceil(resources.length / size) }, (_, chunk) => ({
    ...jobOf(...resources.slice(chunk * size, (chunk + 1) * size)),
    chunk,
    run: name,
  }));
}

/** Counts the lines of each finding at the second poll. */
function linesOf(remediator: RemediatorInMemory): Record<string, number> {
  const lines: Record<string, number> = {};
  for (const { poll, finding } of [...remediator.objects.values()].flat()) {
    if (poll.asOf === jobOf().poll.asOf) lines[finding.resource] = (lines[finding.resource] ?? 0) + 1;
  }
  return lines;
}

test('a poll that is repeated in another order writes no second line for an unchanged finding', async () => {
  const order = fc.shuffledSubarray(RESOURCES, { minLength: 1 });
  const size = fc.integer({ min: 1, max: 4 });
  const runs = fc.array(fc.record({ order, size, sent: fc.integer({ min: 1, max: 7 }) }), {
    minLength: 2,
    maxLength: 3,
  });

  await fc.assert(
    fc.asyncProperty(runs, async (all) => {
      const remediator = await steadyRemediator();
      // Each run may have failed after some of its jobs.
      const jobs = all.flatMap((each) => run(each.order, each.size).slice(0, each.sent));
      for (const job of jobs) await remediator.attempt(job);
      const given = new Set(jobs.flatMap(({ findings }) => findings.map(({ resource }) => resource)));

      const lines = linesOf(remediator);

      expect(lines).toEqual(Object.fromEntries([...given].map((resource) => [resource, 1])));
    }),
    { numRuns: 100 },
  );
});

test('nor does one whose jobs arrive between those of the previous run', async () => {
  const remediator = await steadyRemediator();
  const [first = [], second = []] = [run(['a', 'b', 'c', 'd'], 2), run(['c', 'a', 'd', 'b'], 2)];

  for (const chunk of [0, 1]) {
    for (const job of [first[chunk], second[chunk]]) if (job !== undefined) await remediator.attempt(job);
  }

  expect(linesOf(remediator)).toEqual({ a: 1, b: 1, c: 1, d: 1 });
});

test('wherever an attempt ends, the jobs of the next run know what it wrote', async () => {
  for (let steps = 1; ; steps += 1) {
    const remediator = await steadyRemediator();
    const [first] = run(['a', 'b'], 2);
    const [again] = run(['b', 'a'], 2);
    if (first === undefined || again === undefined) throw new Error('there is no job');
    let taken = 0;
    const onStep = (): void => {
      taken += 1;
    };
    await remediator.attempt(first, { steps, onStep }).catch(() => undefined);
    // A message returns when leases have expired.
    remediator.now += 400_000;
    await remediator.attempt(first, { number: 2 });

    await remediator.attempt(again);

    expect(linesOf(remediator), `ended after ${steps} steps`).toEqual({ a: 1, b: 1 });
    if (taken < steps) return;
  }
});

test('a line that contains more replaces the line of the other job', async () => {
  const remediator = await steadyRemediator();
  const unavailable = { code: 'ServiceUnavailable', status: 503 };
  remediator.account.fault = () => unavailable;
  await remediator.attempt({ ...jobOf('a', 'b') }, { last: true });
  remediator.account.fault = () => undefined;

  await remediator.attempt(jobOf('b', 'a'));

  const lines = [...remediator.objects].flatMap(([key, of]) =>
    of.map(({ poll, outcome, replaces }) => ({ key, asOf: poll.asOf, outcome, replaces })),
  );
  const [failed, ...others] = lines.filter(({ asOf }) => asOf === jobOf().poll.asOf);
  expect(failed).toMatchObject({ outcome: 'failed' });
  expect(others.slice(1)).toMatchObject([
    { outcome: 'compliant', replaces: failed?.key },
    { outcome: 'compliant', replaces: failed?.key },
  ]);
});

test('jobs of one run read no evidence of each other', async () => {
  const remediator = await steadyRemediator();
  let reads = 0;
  remediator.fault = (port) => {
    if (port === 'readOutcomes') reads += 1;
    return undefined;
  };

  for (const job of run(RESOURCES, 2)) await remediator.attempt(job);

  expect(reads).toBe(0);
});

test.each([
  { what: 'names its run', own: 'first', others: ['of-unknown-run', 'of-other-run'] },
  {
    what: 'is of a version without run names',
    own: undefined,
    others: ['of-unknown-run', 'of-same-run', 'of-other-run'],
  },
])('a job that $what may share findings with $others', ({ own, others }) => {
  const job = { ...jobOf('a'), ...(own !== undefined && { run: own }) };
  const jobs = new DoneJobs(job, { writeDone: async () => ({}) });
  const entries = [
    { job: 'of-unknown-run', number: 1 },
    { job: 'of-same-run', number: 1, run: 'first' },
    { job: 'of-other-run', number: 1, run: 'second' },
  ];

  jobs.keep({ ...jobs.place, jobs: entries, writer: 'w' });

  const keys = others.map((other) => outcomesKey(job.poll, other, 1));
  expect(jobs.evidenceOfOthers().map(({ key }) => key)).toEqual(keys);
});

test('while the table cannot be read, the known evidence of others is kept', async () => {
  const remediator = await steadyRemediator();
  await remediator.attempt(jobOf('a'));
  remediator.fault = (port) => (port === 'recall' ? awsError('InternalServerError', 500) : undefined);
  const other = { ...jobOf('b'), chunk: 1 };

  await remediator.attempt(other, { last: true });

  expect([...remediator.table.done.values()].at(-1)).toMatchObject({
    region: REGION,
    jobs: [
      { job: jobId(jobOf('a')), number: 1 },
      { job: jobId(other), number: 1 },
    ],
  });
});

test('wherever an attempt ends, the table lists everything that it wrote', async () => {
  for (let steps = 1; ; steps += 1) {
    const remediator = new RemediatorInMemory({ a: ['old'], b: [] });
    const job = jobOf('a', 'b');
    let taken = 0;
    const onStep = (): void => {
      taken += 1;
    };

    await remediator.attempt(job, { steps, onStep }).catch(() => undefined);

    const known = [...remediator.table.done.values()].flatMap(({ jobs }) => jobs);
    const keys = known.map((each) => outcomesKey(job.poll, each.job, each.number));
    expect(keys, `ended after ${steps} steps`).toEqual(
      expect.arrayContaining([...remediator.objects.keys()]),
    );
    if (taken < steps) return;
  }
});

test('if the table cannot be written, nothing is concluded; the last attempt reports that it was not finished', async () => {
  const remediator = new RemediatorInMemory({ a: ['old'] });
  remediator.fault = (port) => (port === 'writeDone' ? awsError('InternalServerError', 500) : undefined);

  await remediator.attempt(jobOf('a'));
  const before = remediator.objects.size;
  const result = await remediator.attempt(jobOf('a'), { number: 2, last: true });

  expect(before).toBe(0);
  expect(result.unfinished).toHaveLength(1);
  expect(remediator.objects.size).toBe(0);

  remediator.fault = (port) =>
    port === 'recall' || port === 'writeDone' ? awsError('InternalServerError', 500) : undefined;
  await remediator.attempt(jobOf('a'), { number: 2, last: true });

  expect(remediator.outcome('a')).toMatchObject({ outcome: 'failed', deadLetter: true });
});

/** The lines of a finding that no other line replaces. */
function standing(remediator: RemediatorInMemory, resource: string): Outcome[] {
  const lines = [...remediator.objects].flatMap(([key, of]) => of.map((outcome) => ({ key, outcome })));
  const own = lines.filter(({ outcome }) => outcome.finding.resource === resource);
  const replaced = own.flatMap(({ outcome: { replaces, alsoReplaces = [] } }) => [replaces, ...alsoReplaces]);
  return own.filter(({ key }) => !replaced.includes(key)).map(({ outcome }) => outcome);
}

test('a poll is repeated while its first jobs are dead letters: one line counts, with everything that was changed', async () => {
  const users = { a: ['old1', 'old2'], b: ['old3'], c: [] };
  const fault = fc.record({
    job: fc.constantFrom(0, 1),
    steps: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    port: fc.constantFrom(
      undefined,
      'recall',
      'writeDone',
      'writeOutcomes',
      'endLease',
      'publish',
      'writeJournal',
    ),
    iam: fc.constantFrom(undefined, 'cut', 'lost', 'refused'),
    last: fc.boolean(),
  });

  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 7 }), async (faults) => {
      const remediator = new RemediatorInMemory(users);
      const jobs = [run(['a', 'b', 'c'], 3), run(['c', 'b', 'a'], 3)].map(([job]) => job ?? jobOf('a'));
      for (const { job, steps, port, iam, last } of faults) {
        let calls = 0;
        remediator.fault = (called) => (called === port ? awsError('InternalServerError', 500) : undefined);
        remediator.account.fault = ({ operation }) => {
          if (operation !== 'UpdateAccessKey') return undefined;
          calls += 1;
          if (calls < 2) return undefined;
          return iam === 'refused' ? { code: 'ServiceUnavailable', status: 503 } : iam;
        };
        const options = { number: last ? 5 : 1, last, ...(steps !== undefined && { steps }) };
        await remediator.attempt(jobs[job] ?? jobOf('a'), options).catch(() => undefined);
      }
      remediator.fault = () => undefined;
      remediator.account.fault = () => undefined;
      for (const job of jobs) await remediator.attempt(job);
      await remediator.workOffLater();

      for (const resource of Object.keys(users)) {
        const lines = standing(remediator, resource);
        expect(lines).toHaveLength(1);
        expect(lines[0]?.deadLetter).toBeUndefined();
        const changed = remediator.account.changed.filter((each) => each.startsWith(`${resource}/`));
        const applied = lines[0]?.applied.map(({ change }) => `${resource}/${change['key']}`) ?? [];
        expect([...applied].sort()).toEqual([...new Set(changed)].sort());
      }
    }),
    { numRuns: 60 },
  );
});

test.each(['before', 'after'])(
  'an attempt that could neither read nor announce anything reports it; if it is sent again %s the follow-up job ends, one line counts',
  async (when) => {
    const [followed, failing] = ['vpc-00000001', 'vpc-00000002'];
    const vpc = { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] };
    const initial = { ...EMPTY_STATE, vpcs: { [followed]: vpc, [failing]: vpc } };
    const of = new ModelAccount('vpc-flow-logs-disabled', initial, { destination: 'arn:aws:s3:::logs' });
    const { remediator } = of;
    const job = of.job(followed, failing);
    let sent = 0;
    of.beforeWrite = () => {
      sent += 1;
      if (sent > 1) throw sdkError('ServiceUnavailable', 'unavailable', 503, 'r');
    };
    await remediator.attempt(job);
    remediator.fault = (port) =>
      port === 'readJournal' || port === 'writeDone' ? awsError('ThrottlingException', 400) : undefined;
    await remediator.attempt(job, { number: 5, last: true });
    remediator.fault = () => undefined;
    of.beforeWrite = () => {};
    const ofFollowed = (): Outcome[] =>
      standingLines(
        [...remediator.objects]
          .flatMap(([evidence, lines]) => lines.map((outcome) => ({ outcome, evidence })))
          .filter(({ outcome }) => outcome.finding.resource === followed),
      ).map(({ outcome }) => outcome);
    expect(ofFollowed()).toMatchObject([{ outcome: 'failed', deadLetter: true }]);
    const lookOn = async (): Promise<void> => {
      for (let later = remediator.later.shift(); later !== undefined; later = remediator.later.shift()) {
        remediator.now += later.delaySeconds * 1000;
        await remediator.attempt(later.job);
      }
    };

    if (when === 'after') await lookOn();
    await remediator.attempt(job, { number: 1 });
    await lookOn();

    expect(ofFollowed()).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { kind: 'flow-log-create' } }] },
    ]);
  },
);
