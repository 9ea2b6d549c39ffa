import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { awsError, jobOf, REGION, RemediatorInMemory } from '../support/remediator-in-memory.ts';

const RESOURCES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** Users of whose keys the rule has nothing to say, known since an earlier poll: nothing about them is new. */
async function steadyRemediator(): Promise<RemediatorInMemory> {
  const remediator = new RemediatorInMemory(Object.fromEntries(RESOURCES.map((name) => [name, []])));
  const first = jobOf(...RESOURCES);
  await remediator.attempt({ ...first, poll: { ...first.poll, asOf: '2026-06-30T10:00:00Z' } });
  return remediator;
}

/** The jobs that one run of the collector makes of what the source gives. */
function run(resources: readonly string[], size: number): Job[] {
  return Array.from({ length: Math.ceil(resources.length / size) }, (_, chunk) => ({
    ...jobOf(...resources.slice(chunk * size, (chunk + 1) * size)),
    chunk,
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

test('a poll that is done again in another order writes no second line of a finding that stays as it is', async () => {
  const order = fc.shuffledSubarray(RESOURCES, { minLength: 1 });
  const size = fc.integer({ min: 1, max: 4 });
  const runs = fc.array(fc.record({ order, size, sent: fc.integer({ min: 1, max: 7 }) }), {
    minLength: 2,
    maxLength: 3,
  });

  await fc.assert(
    fc.asyncProperty(runs, async (all) => {
      const remediator = await steadyRemediator();
      // Each may have failed amid its jobs.
      const jobs = all.flatMap((each) => run(each.order, each.size).slice(0, each.sent));
      for (const job of jobs) await remediator.attempt(job);
      const given = new Set(jobs.flatMap(({ findings }) => findings.map(({ resource }) => resource)));

      const lines = linesOf(remediator);

      expect(lines).toEqual(Object.fromEntries([...given].map((resource) => [resource, 1])));
    }),
    { numRuns: 100 },
  );
});

test('so does one whose jobs come between those of the run before', async () => {
  const remediator = await steadyRemediator();
  const [first = [], second = []] = [run(['a', 'b', 'c', 'd'], 2), run(['c', 'a', 'd', 'b'], 2)];

  for (const chunk of [0, 1]) {
    for (const job of [first[chunk], second[chunk]]) if (job !== undefined) await remediator.attempt(job);
  }

  expect(linesOf(remediator)).toEqual({ a: 1, b: 1, c: 1, d: 1 });
});

test('an attempt that ends anywhere lets the jobs of the next run know of what it wrote', async () => {
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
    await remediator.attempt(first, { number: 2 });

    await remediator.attempt(again);

    expect(linesOf(remediator), `ended after ${steps} steps`).toEqual({ a: 1, b: 1 });
    if (taken < steps) return;
  }
});

test('a line that says more replaces that of the other job', async () => {
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

test('jobs of one run read nothing of each other', async () => {
  const remediator = await steadyRemediator();
  let reads = 0;
  remediator.fault = (port) => {
    if (port === 'readOutcomes') reads += 1;
    return undefined;
  };

  for (const job of run(RESOURCES, 2)) await remediator.attempt(job);

  expect(reads).toBe(0);
});

test('while the table can’t be read, what others concluded is not written over', async () => {
  const remediator = await steadyRemediator();
  await remediator.attempt(jobOf('a'));
  const known = structuredClone([...remediator.table.done]);
  remediator.fault = (port) => (port === 'recall' ? awsError('InternalServerError', 500) : undefined);

  await remediator.attempt({ ...jobOf('b'), chunk: 1 }, { last: true });

  expect([...remediator.table.done]).toEqual(known);
  expect(known.at(-1)?.[1]).toMatchObject({ region: REGION, jobs: [{ number: 1, chunk: 0 }] });
});
