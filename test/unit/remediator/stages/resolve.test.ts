import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MADE_BY, MADE_FOR } from '../../../../lambdas/changes/flow-log/made-by-us.ts';
import { applyChange, describeChange, inverseOf } from '../../../../lambdas/changes/index.ts';
import { revocation } from '../../../../lambdas/changes/security-group/schemas.ts';
import { type Job, jobId } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { Journal } from '../../../../lambdas/remediator/record/journal.ts';
import { RecentChanges } from '../../../../lambdas/remediator/record/recent-changes.ts';
import { nameOfOther } from '../../../../lambdas/remediator/record/steps.ts';
import { recordPlan } from '../../../../lambdas/remediator/stages/record-plan.ts';
import { resolveBegun } from '../../../../lambdas/remediator/stages/resolve.ts';
import { modelSession } from '../../../lab/aws-model/session.ts';
import { openRule, SSH } from '../support/group-account.ts';
import { unavailable } from '../support/iam-account.ts';
import { Lifeline } from '../support/lifeline.ts';
import { RedshiftAccount } from '../support/redshift-account.ts';
import {
  ACCOUNT,
  jobOf,
  REGION,
  RemediatorInMemory,
  regionalJobOf,
  settingsOf,
} from '../support/remediator-in-memory.ts';

/** More steps than an attempt at one finding takes. */
const MOST_STEPS = 120;

/** An attempt that ends after a number of steps. @returns whether it had finished before */
async function attemptOf(remediator: RemediatorInMemory, job: Job, steps: number): Promise<boolean> {
  let taken = 0;
  const onStep = (): void => {
    taken += 1;
  };
  // An interrupted attempt may end with an error.
  await remediator.attempt(job, { steps, onStep }).catch(() => undefined);
  return taken < steps;
}

/** Delivers a job and delayed jobs until none is left. */
async function finish(remediator: RemediatorInMemory, job: Job, number: number): Promise<void> {
  await remediator.attempt(job, { number });
  for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
    remediator.now += next.delaySeconds * 1000;
    await remediator.attempt(next.job);
  }
}

function expectTimes({ startedAt, applied, finishedAt }: Outcome): void {
  for (const { appliedAt } of applied) {
    expect(appliedAt >= startedAt && appliedAt <= finishedAt, `${startedAt} … ${appliedAt}`).toBe(true);
  }
}

test('a change that an attempt began and another job then made is only in the record of that job', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? unavailable : undefined);
  const first = jobOf('deploy');
  await remediator.attempt(first);
  remediator.account.fault = () => undefined;
  const second = { ...first, poll: { ...first.poll, asOf: '2026-06-30T11:30:00Z' } };
  await remediator.attempt(second);
  remediator.now += 3_600_000;

  await remediator.attempt(first, { number: 2 });

  const recorded = [...remediator.outcomes.values()].map(({ poll, outcome, applied }) => [
    poll.asOf,
    outcome,
    applied.length,
  ]);
  expect(recorded).toEqual([
    [second.poll.asOf, 'remediated', 1],
    [first.poll.asOf, 'compliant', 0],
  ]);
  expect(remediator.outcome('deploy')).not.toHaveProperty('unconfirmed');
});

test('a change that a session may not read remains unconfirmed, with what to check', async () => {
  const remediator = new RemediatorInMemory({ deploy: ['old'] });
  remediator.account.fault = ({ operation }) => (operation === 'UpdateAccessKey' ? 'lost' : undefined);
  await remediator.attempt(jobOf('deploy'));
  remediator.account.fault = () => ({ code: 'AccessDenied', status: 403 });
  const everyone = { account: '*' as const, region: '*', resource: '*' };
  const exemption = { ...everyone, reason: 'ours', owner: 'us', expires: '2026-12-31' };
  remediator.settings = settingsOf({ exemptions: [exemption] });

  await remediator.attempt(jobOf('deploy'), { number: 2 });
  await remediator.workOffLater();

  expect(remediator.account.operations().at(-1)).toBe('ListAccessKeys');
  expect(remediator.outcome('deploy')).toMatchObject({
    outcome: 'exempt',
    reason: expect.stringMatching(/; unconfirmed, because .*; in account 111122223333, check deploy$/),
    applied: [],
    unconfirmed: [{ change: { resource: 'deploy', key: 'old' } }],
  });
});

test('a recorded change that was begun again and is needed is made again, but not recorded twice', async () => {
  const remediator = new RemediatorInMemory();
  const job = regionalJobOf('vpc-flow-logs-disabled', ['vpc-0123abcd']);
  const [finding] = job.findings;
  if (finding === undefined) throw new Error('the job has no finding');
  const planned = { kind: 'log-group-create', resource: 'flow-logs', retentionDays: 365, kmsKeyArn: null };
  const line = await describeChange(planned);
  const at = new Date(remediator.now);
  const made = { ...planned, made: ['log group', 'retention'] };
  const journal = new Journal(jobId(job), remediator.ports().evidence);
  journal.plan(finding.resource, [{ change: planned, line }]);
  journal.begin(finding.resource, line, at);
  journal.apply(finding.resource, [{ change: made, line, appliedAt: at.toISOString(), requestIds: ['1'] }]);
  journal.begin(finding.resource, line, at);
  const recent = new RecentChanges({
    job,
    ports: remediator.ports(),
    journal,
    log: { appliedByOthers: () => [] },
  });
  const logGroup = { logGroupName: planned.resource, creationTime: remediator.now, retentionInDays: 365 };
  const session = modelSession(
    finding,
    () => remediator.now,
    async ({ operation }) => (operation === 'DescribeLogGroups' ? { logGroups: [logGroup] } : { tags: {} }),
  );

  await resolveBegun(session, finding, { journal, recent }, { planned: [planned] });

  expect(session.calls).toEqual([]);
  expect(journal.applied(finding.resource).map((each) => each.line)).toEqual([line]);
  expect(journal.unresolved(finding.resource).map((each) => each.line)).toEqual([line]);
});

describe('a log group whose creation was not answered', () => {
  const planned = { kind: 'log-group-create', resource: 'flow-logs', retentionDays: 365, kmsKeyArn: null };
  const RETENTION_FOR = 'cspm-auto-remediation:retention-for';
  const by = (job: string) => ({ [MADE_BY.key]: MADE_BY.value, [MADE_FOR]: job });

  interface Known {
    readonly tags: Readonly<Record<string, string>>;
    /** Parts that another job has recorded as made. */
    readonly others?: readonly string[];
    readonly minutesAgo?: number;
  }

  /** Resolves it, with a log group that was created within the same second in which it was begun here. */
  async function resolved({ tags, others = [], minutesAgo = 0 }: Known): Promise<[string[][], number]> {
    const remediator = new RemediatorInMemory();
    const job = regionalJobOf('vpc-flow-logs-disabled', ['vpc-0123abcd']);
    const [finding] = job.findings;
    if (finding === undefined) throw new Error('the job has no finding');
    const line = await describeChange(planned);
    const at = new Date(remediator.now - minutesAgo * 60_000);
    const journal = new Journal(jobId(job), remediator.ports().evidence);
    journal.start(at.toISOString());
    journal.plan(finding.resource, [{ change: planned, line }]);
    journal.begin(finding.resource, line, at, []);
    const ports = remediator.ports();
    const recent = new RecentChanges({ job, ports, journal, log: { appliedByOthers: () => [] } });
    const change = { ...planned, made: [...others] };
    const applied = { change, line, appliedAt: at.toISOString(), requestIds: [] };
    const { account, region } = job;
    const changes = others.length === 0 ? [] : [{ ...applied, rule: job.poll.rule, job: 'other' }];
    recent.keep([planned.resource], [{ account, region, resource: planned.resource, changes }]);
    const logGroup = { logGroupName: planned.resource, creationTime: at.getTime(), retentionInDays: 365 };
    const session = modelSession(
      { ...finding, maker: 'own' },
      () => remediator.now,
      async ({ operation }) => (operation === 'DescribeLogGroups' ? { logGroups: [logGroup] } : { tags }),
    );

    await resolveBegun(session, finding, { journal, recent });

    const recorded = journal
      .applied(finding.resource)
      .map((each) => z.array(z.string()).parse(each.change['made']));
    return [recorded, journal.unresolved(finding.resource).length];
  }

  test.each([
    { what: 'created by this job', tags: by('own'), recorded: [['log group', 'retention']] },
    {
      what: 'created by this job and completed by another job, which has recorded nothing',
      tags: { ...by('own'), [RETENTION_FOR]: 'other' },
      recorded: [['log group']],
    },
    {
      what: 'created by another job and completed by this one',
      tags: { ...by('other'), [RETENTION_FOR]: 'own' },
      recorded: [['retention']],
    },
    {
      what: 'created by another job, which has recorded it',
      tags: by('other'),
      others: ['log group'],
      recorded: [],
    },
    {
      what: 'created by another job, which has recorded nothing, and reads must be current',
      tags: by('other'),
      minutesAgo: 15,
      recorded: [],
    },
  ])('is recorded if its tags show that this job created it: $what', async ({ recorded, ...known }) => {
    const [made, unresolved] = await resolved(known);

    expect(made).toEqual(recorded);
    expect(unresolved).toBe(0);
  });

  test('remains unresolved if its tags name another job and may be older than a tag of this one', async () => {
    const result = await resolved({ tags: by('other') });

    expect(result).toEqual([[], 1]);
  });

  test('remains unresolved if another job only set its retention, and the tags may have changed since it was created', async () => {
    const result = await resolved({ tags: {}, others: ['retention'] });

    expect(result).toEqual([[], 1]);
  });
});

describe('a change that only the state shows', () => {
  const group = 'sg-0000000a';
  const BEGUN = Date.parse('2026-06-30T12:00:00Z');

  /** Resolves a revocation that was started, if another job, whose clock may differ, recorded the same one. */
  async function resolved(appliedAt: string, isKnownBefore: boolean): Promise<number> {
    const job = regionalJobOf(SSH, [group]);
    const ports = new RemediatorInMemory().ports();
    const journal = new Journal('job', ports.evidence);
    const recent = new RecentChanges({ job, ports, journal, log: { appliedByOthers: () => [] } });
    const plan = await recordPlan([revocation(group, [openRule('sgr-1', 22, 22)])]);
    const [{ change, line } = { change: { kind: '', resource: group }, line: '' }] = plan;
    const { account, region } = job;
    const theirs = { change, line, appliedAt, requestIds: [], rule: SSH, job: 'other' };
    journal.start(new Date(BEGUN - 60_000).toISOString());
    journal.plan(group, plan);
    journal.begin(group, line, new Date(BEGUN), isKnownBefore ? [nameOfOther(theirs)] : []);
    recent.keep([group], [{ account, region, resource: group, changes: [theirs] }]);
    const session = modelSession(
      { account: ACCOUNT, region: REGION },
      () => BEGUN + 15 * 60_000,
      async () => ({ SecurityGroupRules: [] }),
    );

    for (const finding of job.findings) await resolveBegun(session, finding, { journal, recent });

    return journal.applied(group).length;
  }

  test.each([
    { what: 'by a clock that is nine minutes behind', appliedAt: '2026-06-30T11:51:00Z' },
    { what: 'by a clock that is nine minutes ahead', appliedAt: '2026-06-30T12:09:00Z' },
  ])('belongs to another job if that job made it since, $what', async ({ appliedAt }) => {
    const recorded = await resolved(appliedAt, false);

    expect(recorded).toBe(0);
  });

  test.each(['2026-06-30T11:59:00Z', '2026-06-30T12:09:00Z'])(
    'belongs to this job if it was known before that another job had made it, at %s by its clock',
    async (appliedAt) => {
      const recorded = await resolved(appliedAt, true);

      expect(recorded).toBe(1);
    },
  );
});

describe('access keys, wherever an attempt ends: the record shows what happened', () => {
  const keysOf = ({ applied }: Outcome): unknown[] => applied.map(({ change }) => change['key']);

  test.each([false, true])(
    'and the inverses restore the earlier state (answers lost: %s)',
    async (isLost) => {
      let cut = 0;
      for (let steps = 1; steps <= MOST_STEPS; steps += 1) {
        const remediator = new RemediatorInMemory({ deploy: ['old1', 'old2'] });
        const before = structuredClone(remediator.account.users);
        if (isLost)
          remediator.account.fault = ({ operation }) =>
            operation === 'UpdateAccessKey' ? 'lost' : undefined;
        const isOver = await attemptOf(remediator, jobOf('deploy'), steps);
        remediator.account.fault = () => undefined;

        await finish(remediator, jobOf('deploy'), 2);

        const outcome = remediator.outcome('deploy');
        if (outcome === undefined) throw new Error(`no outcome after ${steps} steps`);
        expect(outcome.outcome).toBe('remediated');
        expect([...keysOf(outcome)].sort()).toEqual(['old1', 'old2']);
        expect(remediator.account.changed).toEqual(expect.arrayContaining(['deploy/old1', 'deploy/old2']));
        expect(outcome).not.toHaveProperty('unconfirmed');
        expectTimes(outcome);
        const session = remediator.account.open(
          { account: ACCOUNT, region: 'eu-central-1', name: 'undo', inAnyRegion: true, permissions: [] },
          () => remediator.now,
          new Lifeline(),
        );
        for (const { change } of [...outcome.applied].reverse()) {
          const inverse = await inverseOf(change);
          if (inverse !== undefined) await applyChange(session, inverse);
        }
        expect(remediator.account.users).toEqual(before);
        if (isOver) break;
        cut = steps;
      }
      expect(cut).toBeGreaterThan(10);
      expect(cut).toBeLessThan(MOST_STEPS);
    },
  );
});

describe('a Redshift cluster that an attempt changed before it ended', () => {
  const RULE = 'redshift-cluster-public';
  const place = { account: ACCOUNT, region: 'eu-central-1' };
  const job: Job = {
    version: 1,
    poll: { source: 'netskope', rule: RULE, asOf: '2026-06-30T11:00:00Z' },
    ...place,
    chunk: 0,
    findings: [{ rule: RULE, ...place, resource: 'warehouse' }],
  };

  function remediatorOf(cluster: RedshiftAccount): RemediatorInMemory {
    const remediator = new RemediatorInMemory();
    remediator.settings = settingsOf({ rule: RULE });
    remediator.openSession = (request, now, life) => cluster.open(request, now, life);
    return remediator;
  }

  test.each([false, true])(
    'is followed to its end and recorded, wherever the attempt ends (answers lost: %s)',
    async (isLost) => {
      let cut = 0;
      for (let steps = 1; steps <= MOST_STEPS; steps += 1) {
        const cluster = new RedshiftAccount();
        cluster.losesAnswers = isLost;
        const remediator = remediatorOf(cluster);
        const isOver = await attemptOf(remediator, job, steps);
        cluster.losesAnswers = false;

        await finish(remediator, job, 2);

        const [outcome] = [...remediator.outcomes.values()];
        if (outcome === undefined) throw new Error(`no outcome after ${steps} steps`);
        expect(cluster).toMatchObject({ isPublic: false, changed: [false] });
        expect(outcome).toMatchObject({
          outcome: 'remediated',
          applied: [{ change: { resource: 'warehouse', before: true, after: false } }],
        });
        expect(outcome).not.toHaveProperty('unconfirmed');
        expectTimes(outcome);
        if (isOver) break;
        cut = steps;
      }
      expect(cut).toBeGreaterThan(10);
      expect(cut).toBeLessThan(MOST_STEPS);
    },
  );
});

test('a begun change that reads show is recorded before what was applied later', async () => {
  const group = 'sg-0000000a';
  const job = regionalJobOf(SSH, [group]);
  const ports = new RemediatorInMemory().ports();
  const journal = new Journal('job', ports.evidence);
  const recent = new RecentChanges({ job, ports, journal, log: { appliedByOthers: () => [] } });
  const plan = await recordPlan(['sgr-1', 'sgr-2'].map((id) => revocation(group, [openRule(id, 22, 22)])));
  const [first = '', second = ''] = plan.map(({ line }) => line);
  journal.plan(group, plan);
  journal.begin(group, first, new Date('2026-06-30T12:00:00Z'));
  const applied = plan
    .slice(1)
    .map((each) => ({ ...each, appliedAt: '2026-06-30T12:15:00.000Z', requestIds: [] }));
  journal.apply(group, applied);
  const session = modelSession(
    { account: ACCOUNT, region: REGION },
    () => Date.parse('2026-06-30T12:15:00Z'),
    async () => ({
      SecurityGroupRules: [],
    }),
  );

  for (const finding of job.findings) await resolveBegun(session, finding, { journal, recent });

  const recorded = journal.applied(group);
  expect(recorded.map(({ line }) => line)).toEqual([first, second]);
  expect(recorded[0]).toMatchObject({ appliedAt: '2026-06-30T12:00:00.000Z', found: true });
});
