import { expect, test } from 'vitest';
import { jobId } from '../../../../lambdas/model/job.ts';
import { Journal } from '../../../../lambdas/remediator/record/journal.ts';
import type { Lifeline } from '../support/lifeline.ts';
import { awsError, jobOf, settingsOf, World } from '../support/world.ts';

const JOB = jobOf('deploy');
const unavailable = awsError('ServiceUnavailable', 503);

/** A world in which a call in the account is followed by an act at the next write of the journal. */
function worldOf(
  keys: readonly string[],
  atMark: (life: Lifeline | undefined) => Error | undefined,
): { readonly world: World; readonly marks: () => number } {
  const world = new World({ deploy: keys });
  let life: Lifeline | undefined;
  let known = 0;
  let marks = 0;
  world.openSession = (request, now, lifeline) => {
    life = lifeline;
    return world.account.open(request, now, lifeline);
  };
  const writes = (): number =>
    world.account.operations().filter((operation) => operation === 'UpdateAccessKey').length;
  world.fault = (port) => {
    if (port !== 'writeJournal' || writes() === known) return undefined;
    known = writes();
    marks += 1;
    return atMark(life);
  };
  return { world, marks: () => marks };
}

/** The function ends as soon as the mark is written. */
function end(life: Lifeline | undefined): undefined {
  life?.end();
}

/** An attempt that ends somewhere: what it would do from there on has no effect. */
async function endOf(world: World, number = 1): Promise<void> {
  await world.attempt(JOB, { number }).catch(() => undefined);
}

function exempt(world: World): void {
  const everyone = { account: '*' as const, region: '*', resource: '*' };
  const exemption = { ...everyone, reason: 'ours', owner: 'us', expires: '2999-12-31' };
  world.settings = settingsOf({ exemptions: [exemption] });
}

test('of a function that ends directly after the mark of a change, the next attempt knows it as applied', async () => {
  const { world, marks } = worldOf(['one', 'two'], end);
  await endOf(world);
  const changed = [...world.account.changed];
  const journal = new Journal(jobId(JOB), world.ports().evidence);

  await journal.read();
  await endOf(world, 2);
  await world.attempt(JOB, { number: 3 });

  expect(changed).toHaveLength(1);
  expect(journal.applied('deploy')).toMatchObject([
    { requestIds: expect.arrayContaining([expect.any(String)]) },
  ]);
  expect(journal.unresolved('deploy')).toEqual([]);
  expect(marks()).toBe(2);
  const outcome = world.outcome('deploy');
  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{}, {}] });
  // Nothing had to be found out by reading.
  for (const each of outcome?.applied ?? []) expect(each).not.toHaveProperty('found');
  expect([...world.account.changed].sort()).toEqual(['deploy/one', 'deploy/two']);
});

test('the mark of the last change says that the plan was carried out', async () => {
  const { world } = worldOf(['one'], end);
  await endOf(world);
  const journal = new Journal(jobId(JOB), world.ports().evidence);

  await journal.read();

  expect(journal.completedAt('deploy')).toBeInstanceOf(Date);
});

test('a change that AWS refused is marked as not made: no later outcome calls it unconfirmed', async () => {
  const { world } = worldOf(['one'], end);
  world.account.fault = ({ operation }) =>
    operation === 'UpdateAccessKey' ? { code: 'AccessDenied', status: 403 } : undefined;
  await endOf(world);
  exempt(world);

  await world.attempt(JOB, { number: 2 });

  expect(world.outcome('deploy')).toMatchObject({ outcome: 'exempt', applied: [] });
  expect(world.outcome('deploy')).not.toHaveProperty('unconfirmed');
});

test('where a mark can’t be written, the next write has it: nothing is lost, and nothing is changed twice', async () => {
  const { world, marks } = worldOf(['one', 'two'], () => unavailable);

  const { failures } = await world.attempt(JOB);

  expect(failures).toEqual([]);
  expect(marks()).toBe(2);
  expect(world.outcome('deploy')).toMatchObject({ outcome: 'remediated', applied: [{}, {}] });
  expect([...world.account.changed].sort()).toEqual(['deploy/one', 'deploy/two']);
  const journal = new Journal(jobId(JOB), world.ports().evidence);
  await journal.read();
  expect(journal.applied('deploy')).toHaveLength(2);
});

test('where no write comes through after a change, nothing more is changed, and the next attempt finds out', async () => {
  const { world } = worldOf(['one', 'two'], () => unavailable);
  const { fault } = world;
  world.fault = (port) =>
    port === 'writeJournal' && world.account.changed.length > 0 ? unavailable : fault(port);

  const { failures, unfinished } = await world.attempt(JOB);
  const changed = [...world.account.changed];
  world.fault = () => undefined;
  await world.attempt(JOB, { number: 2 });

  expect([...unfinished.map(({ error }) => error), ...failures]).toContain(unavailable);
  expect(changed).toHaveLength(1);
  const outcome = world.outcome('deploy');
  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{ found: true }, {}] });
  expect([...world.account.changed].sort()).toEqual(['deploy/one', 'deploy/two']);
});
