import { expect, test } from 'vitest';
import { jobId } from '../../../../lambdas/model/job.ts';
import { Journal } from '../../../../lambdas/remediator/record/journal.ts';
import { networkError } from '../../../lab/aws-model/session.ts';
import { GroupAccount, openRule, SSH } from '../support/group-account.ts';
import type { Lifeline } from '../support/lifeline.ts';
import { ACCOUNT, awsError, jobOf, RemediatorInMemory, settingsOf } from '../support/remediator-in-memory.ts';

const JOB = jobOf('deploy');
const unavailable = awsError('ServiceUnavailable', 503);

/** A remediator in which something happens at the next write of the journal after a call in the account. */
function remediatorOf(
  keys: readonly string[],
  atMark: (life: Lifeline | undefined) => Error | undefined,
): { readonly remediator: RemediatorInMemory; readonly marks: () => number } {
  const remediator = new RemediatorInMemory({ deploy: keys });
  let life: Lifeline | undefined;
  let known = 0;
  let marks = 0;
  remediator.openSession = (request, now, lifeline) => {
    life = lifeline;
    return remediator.account.open(request, now, lifeline);
  };
  const writes = (): number =>
    remediator.account.operations().filter((operation) => operation === 'UpdateAccessKey').length;
  remediator.fault = (port) => {
    if (port !== 'writeJournal' || writes() === known) return undefined;
    known = writes();
    marks += 1;
    return atMark(life);
  };
  return { remediator, marks: () => marks };
}

/** The function ends as soon as the mark is written. */
function end(life: Lifeline | undefined): undefined {
  life?.end();
}

/** An attempt that ends at some point: nothing that it does afterwards has an effect. */
async function endOf(remediator: RemediatorInMemory, number = 1): Promise<void> {
  await remediator.attempt(JOB, { number }).catch(() => undefined);
}

function exempt(remediator: RemediatorInMemory): void {
  const everyone = { account: '*' as const, region: '*', resource: '*' };
  const exemption = { ...everyone, reason: 'ours', owner: 'us', expires: '2999-12-31' };
  remediator.settings = settingsOf({ exemptions: [exemption] });
}

test('if a function ends immediately after the mark of a change, the next attempt knows that it was applied', async () => {
  const { remediator, marks } = remediatorOf(['one', 'two'], end);
  await endOf(remediator);
  const changed = [...remediator.account.changed];
  const journal = new Journal(jobId(JOB), remediator.ports().evidence);

  await journal.read();
  await endOf(remediator, 2);
  await remediator.attempt(JOB, { number: 3 });

  expect(changed).toHaveLength(1);
  expect(journal.applied('deploy')).toMatchObject([
    { requestIds: expect.arrayContaining([expect.any(String)]) },
  ]);
  expect(journal.unresolved('deploy')).toEqual([]);
  expect(marks()).toBe(2);
  const outcome = remediator.outcome('deploy');
  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{}, {}] });
  // Nothing had to be determined by reading.
  for (const each of outcome?.applied ?? []) expect(each).not.toHaveProperty('found');
  expect([...remediator.account.changed].sort()).toEqual(['deploy/one', 'deploy/two']);
});

test('the mark of the last change says that the plan is complete', async () => {
  const { remediator } = remediatorOf(['one'], end);
  await endOf(remediator);
  const journal = new Journal(jobId(JOB), remediator.ports().evidence);

  await journal.read();

  expect(journal.completedAt('deploy')).toBeInstanceOf(Date);
});

test('a change that AWS refused is marked as not made: no later outcome lists it as unconfirmed', async () => {
  const { remediator } = remediatorOf(['one'], end);
  remediator.account.fault = ({ operation }) =>
    operation === 'UpdateAccessKey' ? { code: 'AccessDenied', status: 403 } : undefined;
  await endOf(remediator);
  exempt(remediator);

  await remediator.attempt(JOB, { number: 2 });

  expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'exempt', applied: [] });
  expect(remediator.outcome('deploy')).not.toHaveProperty('unconfirmed');
});

test('if a mark cannot be written, the next write contains it: nothing is lost, and nothing is changed twice', async () => {
  const { remediator, marks } = remediatorOf(['one', 'two'], () => unavailable);

  const { failures } = await remediator.attempt(JOB);

  expect(failures).toEqual([]);
  expect(marks()).toBe(2);
  expect(remediator.outcome('deploy')).toMatchObject({ outcome: 'remediated', applied: [{}, {}] });
  expect([...remediator.account.changed].sort()).toEqual(['deploy/one', 'deploy/two']);
  const journal = new Journal(jobId(JOB), remediator.ports().evidence);
  await journal.read();
  expect(journal.applied('deploy')).toHaveLength(2);
});

test('if no write succeeds after a change, nothing more is changed, and the next attempt determines what was made', async () => {
  const { remediator } = remediatorOf(['one', 'two'], () => unavailable);
  const { fault } = remediator;
  remediator.fault = (port) =>
    (port === 'writeJournal' || port === 'writeChanged') && remediator.account.changed.length > 0
      ? unavailable
      : fault(port);

  const { failures, unfinished } = await remediator.attempt(JOB);
  const changed = [...remediator.account.changed];
  remediator.fault = () => undefined;
  remediator.now += 30_000;
  await remediator.attempt(JOB, { number: 2 });
  await remediator.workOffLater();

  expect([...unfinished.map(({ error }) => error), ...failures]).toContain(unavailable);
  expect(changed).toHaveLength(1);
  const outcome = remediator.outcome('deploy');
  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{ found: true }, {}] });
  expect([...remediator.account.changed].sort()).toEqual(['deploy/one', 'deploy/two']);
});

test('other jobs know what was applied before the evidence is written', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  remediator.fault = (port) =>
    port === 'writeOutcomes' || port === 'endLease' ? awsError('InternalServerError', 500) : undefined;

  await remediator.attempt(jobOf('deploy'));

  expect(remediator.objects.size).toBe(0);
  expect(remediator.table.changed.get('deploy')?.changes).toMatchObject([{ change: { key: 'old' } }]);
});

test('if the table cannot be written before the evidence, the end of the lease writes it', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  let fails = true;
  remediator.fault = (port) => {
    if (port !== 'writeChanged' || !fails) return undefined;
    fails = false;
    return awsError('InternalServerError', 500);
  };

  await remediator.attempt(jobOf('deploy'));

  expect(remediator.table.changed.get('deploy')?.changes).toMatchObject([{ change: { key: 'old' } }]);
  expect(remediator.outcome('deploy')?.outcome).toBe('remediated');
});

test('what another attempt recorded about the same resource is kept, regardless of which one is first', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  const theirs = {
    change: { kind: 'k', resource: 'deploy' },
    line: '~ deploy',
    appliedAt: new Date(remediator.now).toISOString(),
    requestIds: [],
    rule: 'other-rule',
    job: 'other-job',
  };
  let writes = 0;
  remediator.fault = (port) => {
    if (port !== 'writeChanged') return undefined;
    writes += 1;
    // Immediately before the first write: this attempt has outlived its lease, and its write arrives late.
    if (writes === 1) {
      const place = { account: ACCOUNT, region: 'global', resource: 'deploy' };
      remediator.table.changed.set('deploy', { ...place, changes: [theirs], writer: 'theirs' });
    }
    return undefined;
  };

  const { failures } = await remediator.attempt(jobOf('deploy'));

  expect(failures).toEqual([]);
  expect(remediator.table.changed.get('deploy')?.changes).toMatchObject([theirs, { change: { key: 'old' } }]);
});

test('if others keep writing the item of a resource, its changes are not recorded, and the job is retried', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  let writes = 0;
  remediator.fault = (port) => {
    if (port !== 'writeChanged') return undefined;
    writes += 1;
    const place = { account: ACCOUNT, region: 'global', resource: 'deploy' };
    remediator.table.changed.set('deploy', { ...place, changes: [], writer: String(writes) });
    return undefined;
  };

  const { failures } = await remediator.attempt(jobOf('deploy'));

  expect(failures).toMatchObject([{ name: 'DeliveryError' }, { name: 'DeliveryError' }]);
  expect([...remediator.table.leases.values()]).toMatchObject([{ state: 'released' }]);
});

test('a change that was recorded as made in part, and is then found complete, is in the table once', async () => {
  const group = 'sg-00000001';
  const of = new GroupAccount({ [group]: [openRule('sgr-1a0', 20, 443)] });
  const { remediator } = of;
  const job = of.job(SSH, group);
  const inTable = () => remediator.table.changed.get(group)?.changes.map(({ line }) => line);
  of.after = ({ operation }) => {
    if (operation === 'ModifySecurityGroupRules') throw networkError();
  };
  of.before = () => {
    if (of.writes.includes('ModifySecurityGroupRules')) throw networkError();
  };
  await remediator.attempt(job);
  const first = inTable();
  of.before = () => {};

  remediator.now += 30_000;
  await remediator.attempt(job, { number: 2 });
  await remediator.workOffLater();

  const [outcome] = remediator.outcomes.values();
  expect(first).toEqual([expect.stringMatching(/\(in part\)$/)]);
  expect(outcome).toMatchObject({ outcome: 'remediated', applied: { length: 1 } });
  expect(inTable()).toEqual(outcome?.applied.map(({ line }) => line));
});

test('a change that is in the table, and not yet in the journal when the function ends, is recorded once', async () => {
  const { remediator } = remediatorOf(['one'], () => unavailable);
  const { fault } = remediator;
  let life: Lifeline | undefined;
  remediator.openSession = (request, now, lifeline) => {
    life = lifeline;
    return remediator.account.open(request, now, lifeline);
  };
  const inTable = () => remediator.table.changed.get('deploy')?.changes;
  remediator.fault = (port) => {
    if (inTable() !== undefined) life?.end();
    return port === 'writeJournal' && remediator.account.changed.length > 0 ? unavailable : fault(port);
  };
  await endOf(remediator);
  const [first] = inTable() ?? [];
  remediator.fault = () => undefined;
  remediator.now += 20 * 60_000;

  await endOf(remediator, 2);
  await remediator.workOffLater();

  const { applied = [] } = remediator.outcome('deploy') ?? {};
  expect(first).toMatchObject({
    change: { key: 'one' },
    requestIds: expect.arrayContaining([expect.any(String)]),
  });
  expect(applied).toMatchObject([{ line: first?.line, appliedAt: first?.appliedAt }]);
  expect(applied[0]).not.toHaveProperty('found');
  expect(inTable()).toEqual([first]);
  expect(remediator.account.changed).toHaveLength(1);
});
