import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import { findingKey } from '../../../../lambdas/model/finding.ts';
import { type Job, jobId, journalId, pollId } from '../../../../lambdas/model/job.ts';
import { type Outcome, outcomeSchema } from '../../../../lambdas/model/outcome.ts';
import type { Mode, Settings } from '../../../../lambdas/model/settings.ts';
import { planRunbook } from '../../../../lambdas/remediator/runbooks/execution.ts';
import { loadRule } from '../../../../lambdas/rules/index.ts';
import { denied, type Fault, unavailable } from '../support/iam-account.ts';
import {
  ACCOUNT,
  type AttemptOptions,
  awsError,
  jobOf,
  RemediatorInMemory,
  settingsOf,
  VISIBILITY_TIMEOUT_MILLISECONDS,
} from '../support/remediator-in-memory.ts';
import { TrailAccount, type TrailCall } from '../support/trail-account.ts';

const RULE = 'cloudtrail-log-file-validation';
const DOCUMENT = 'AWSConfigRemediation-EnableCloudTrailLogFileValidation';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/cspm-automation`;
const HOUR = 3_600_000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A trail whose home region is not the job's. */
const trail = (name: string): string => `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/${name}`;
const MAIN = trail('main');

const findingOf = (resource: string) => ({ rule: RULE, account: ACCOUNT, region: 'eu-central-1', resource });

/** Returns the name of a trail's mark: the trail in its home region. */
const markOf = (resource: string) => ({ ...findingOf(resource), region: 'us-east-1' });

/** The job of a poll, an hour after the previous one. */
function pollOf(number: number, ...trails: readonly string[]): Job {
  const asOf = new Date(Date.UTC(2026, 5, 30, 11 + number)).toISOString();
  return { ...jobOf(), poll: { source: 'netskope', rule: RULE, asOf }, findings: trails.map(findingOf) };
}

let account: TrailAccount;
let remediator: RemediatorInMemory;

function begin(...trails: readonly string[]): void {
  account = new TrailAccount(...trails);
  remediator = new RemediatorInMemory();
  remediator.openSession = (request, now, life) => account.open(request, now, life);
  enforce();
}

function enforce(settings: Partial<Settings> = {}): void {
  remediator.settings = settingsOf({ rule: RULE, method: 'runbook', ...settings });
}

beforeEach(() => begin(MAIN));

const lastLook = (): Job => remediator.lastLook;

/** The outcome of a trail at a poll. */
const outcomeOf = ({ poll }: Job, resource = MAIN): Outcome | undefined =>
  [...remediator.outcomes.values()].find(
    ({ poll: { asOf }, finding }) => asOf === poll.asOf && finding.resource === resource,
  );

const kinds = (changes: readonly { readonly change: { readonly kind: string } }[] = []): string[] =>
  changes.map(({ change }) => change.kind);

const STARTED = 'automation-execution-start';
const DIRECT = 'cloudtrail-log-file-validation-set';
/** The marks of executions that are known to be running. */
const marks = (): string[] =>
  [...remediator.inProgress].flatMap(([key, { endedAt }]) => (endedAt === undefined ? key : []));
const MINUTE = 60_000;
const failOn =
  (operation: string, fault: Fault) =>
  (call: TrailCall): Fault | undefined =>
    call.operation === operation ? fault : undefined;

describe('the plan', () => {
  const region = 'eu-central-1';

  test.each([
    ['security-group-ssh-open', 'sg-0123abcd', 'AWS-DisablePublicAccessForSecurityGroup', 'GroupId', region],
    ['security-group-rdp-open', 'sg-0123abcd', 'AWS-DisablePublicAccessForSecurityGroup', 'GroupId', region],
    [RULE, MAIN, DOCUMENT, 'TrailName', 'us-east-1'],
    [
      'redshift-cluster-public',
      'warehouse',
      'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster',
      'ClusterIdentifier',
      region,
    ],
  ])(
    'for %s contains document, version, parameters, role, and region',
    async (rule, resource, document, parameter, where) => {
      const { runbook } = await loadRule(rule);
      const poll = { source: 'netskope' as const, rule, asOf: '2026-06-30T11:00:00Z' };
      const finding = { rule, account: ACCOUNT, region, resource };

      const plan = runbook && planRunbook(runbook, finding, { poll, region }, ROLE);

      expect(plan).toEqual({
        kind: STARTED,
        resource,
        region: where,
        document,
        version: '$DEFAULT',
        parameters: { [parameter]: [resource] },
        roleArn: ROLE,
        tags: { 'cspm-auto-remediation:rule': rule, 'cspm-auto-remediation:poll': pollId(poll) },
        clientToken: expect.stringMatching(UUID),
      });
    },
  );

  test('has the same client token for the same poll and resource, and a different one otherwise', async () => {
    const { runbook } = await loadRule(RULE);
    const tokenOf = ({ poll, region: at }: Job, finding: ReturnType<typeof findingOf>) =>
      runbook && planRunbook(runbook, finding, { poll, region: at }, ROLE).clientToken;
    const job = pollOf(0, MAIN);

    const tokens = [
      tokenOf(job, findingOf(MAIN)),
      tokenOf({ ...job, chunk: 1, continues: { job: journalId(job), look: 1 } }, findingOf(MAIN)),
      tokenOf(pollOf(1, MAIN), findingOf(MAIN)),
      tokenOf(job, findingOf(trail('other'))),
      tokenOf(job, { ...findingOf(MAIN), account: '444455556666' }),
      tokenOf({ ...job, region: 'us-east-1' }, findingOf(MAIN)),
    ];

    expect(tokens[1]).toBe(tokens[0]);
    // A multi-region trail that is also found in another region: the document runs once, in the trail's home region.
    expect(tokens[5]).toBe(tokens[0]);
    expect(new Set(tokens).size).toBe(4);
  });

  test('in a dry run is what enforcement starts, and says what follows', async () => {
    const job = pollOf(0, MAIN);
    enforce({ mode: 'dry_run' });

    await remediator.attempt(job);
    const planned = outcomeOf(job);
    remediator.forget();
    enforce();
    await remediator.attempt(job);
    account.end();
    await remediator.attempt(lastLook());

    expect(planned).toMatchObject({
      outcome: 'planned',
      applied: [],
      plan: [
        {
          line: `~ run ${DOCUMENT} version $DEFAULT in us-east-1 (TrailName=${MAIN}) as ${ROLE}`,
        },
        { line: `~ log file validation of ${MAIN}: off -> on`, ifLeftOpen: true },
      ],
      reason: `violations that ${DOCUMENT} leaves open are then fixed by: ~ log file validation of ${MAIN}: off -> on`,
    });
    expect(planned?.plan).toEqual(outcomeOf(job)?.plan);
    const [{ change: started } = { change: undefined }] = outcomeOf(job)?.applied ?? [];
    expect(started).toEqual({ ...planned?.plan[0]?.change, executionId: account.executions[0]?.id });
    expect(account.executions).toHaveLength(1);
    expect(account.sessions[0]?.permissions).toEqual((await loadRule(RULE)).permissions.read);
  });

  test('in a dry run also says if violations that are left open are only reported', async () => {
    const job = pollOf(0, MAIN);
    enforce({ mode: 'dry_run', runbook_then: 'report' });

    await remediator.attempt(job);

    expect(outcomeOf(job)?.reason).toBe(`violations that ${DOCUMENT} leaves open are reported as failed`);
  });
});

describe('an execution', () => {
  test('is started with token, tags, role, and parameters in the trail’s home region, and checked later', async () => {
    const job = pollOf(0, MAIN);

    const result = await remediator.attempt(job);

    expect(result).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
    expect(result.inProgress).toMatchObject([{ finding: findingOf(MAIN) }]);
    // Nothing is read back, because it has not begun.
    expect(account.operations()).toEqual(['DescribeTrails', 'ListTags', 'StartAutomationExecution']);
    expect(account.calls.at(-1)).toEqual({
      operation: 'StartAutomationExecution',
      region: 'us-east-1',
      body: {
        DocumentName: DOCUMENT,
        DocumentVersion: '$DEFAULT',
        Parameters: { TrailName: [MAIN], AutomationAssumeRole: [ROLE] },
        ClientToken: expect.stringMatching(UUID),
        Tags: [
          { Key: 'cspm-auto-remediation:rule', Value: RULE },
          { Key: 'cspm-auto-remediation:poll', Value: pollId(job.poll) },
        ],
      },
    });
    expect(remediator.later).toEqual([
      {
        delaySeconds: 15,
        job: { ...job, continues: { job: journalId(job), look: 1, sending: expect.any(String) } },
      },
    ]);
    expect(marks()).toEqual([findingKey(markOf(MAIN))]);
  });

  test('is checked after 15 s, 30 s, and so on up to five minutes, for two hours', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);

    for (let looks = 0; remediator.outcomes.size === 0 && looks < 100; looks++) {
      const look = remediator.later.at(-1);
      remediator.now += (look?.delaySeconds ?? 0) * 1000;
      await remediator.attempt(lastLook());
    }

    const delays = remediator.later.map(({ delaySeconds }) => delaySeconds);
    expect(delays.slice(0, 6)).toEqual([15, 30, 60, 120, 240, 300]);
    expect(new Set(delays.slice(5))).toEqual(new Set([300]));
    const total = delays.reduce((sum, delay) => sum + delay, 0);
    expect(total).toBeGreaterThan(7200);
    expect(total).toBeLessThanOrEqual(7200 + 300);
    expect(outcomeOf(job)).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringMatching(
        new RegExp(
          `^not finished since 2026-06-30T12:00:00.000Z: execution .* is InProgress; check ${MAIN} by`,
        ),
      ),
      applied: [{ change: { kind: STARTED } }],
    });
    expect(account.executions).toHaveLength(1);
  });

  test('that fixed the violation: remediated, with what was seen before', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();

    const { outcomes } = await remediator.attempt(lastLook());

    const outcome = outcomeOf(job);
    expect(outcomes).toEqual([outcome]);
    expect(outcomeSchema.parse(outcome)).toEqual(outcome);
    expect(outcome).toMatchObject({
      outcome: 'remediated',
      seen: { name: 'main', homeRegion: 'us-east-1' },
      plan: [{ change: { kind: STARTED } }, { change: { kind: DIRECT }, ifLeftOpen: true }],
      applied: [{ change: { kind: STARTED, executionId: account.executions[0]?.id } }],
    });
    expect(outcome).not.toHaveProperty('reason');
    expect(outcome).not.toHaveProperty('earlierPlan');
    expect(account.operations()).not.toContain('UpdateTrail');
    expect(marks()).toEqual([]);
  });

  test('that succeeded is awaited while reads lag: no direct call is made for what it has fixed', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    account.trails.set(MAIN, false);
    const before = account.calls.length;
    account.fault = ({ operation }) => {
      const reads = account.operations(before).filter((each) => each === 'DescribeTrails');
      if (operation === 'DescribeTrails' && reads.length === 3) account.trails.set(MAIN, true);
      return undefined;
    };

    await remediator.attempt(lastLook());

    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated', applied: [{ change: { kind: STARTED } }] });
    expect(outcomeOf(job)).not.toHaveProperty('reason');
    expect(account.operations()).not.toContain('UpdateTrail');
  });

  test('that left the violation open: fixed by the plan, with both in the outcome, and how the execution ended', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end('Failed', 'Step fails: InvalidPermission.NotFound.');

    await remediator.attempt(lastLook());

    const outcome = outcomeOf(job);
    expect(outcome).toMatchObject({
      outcome: 'remediated',
      reason: `direct calls fix what execution ${account.executions[0]?.id} of ${DOCUMENT} left open; its result: Failed (Step fails: InvalidPermission.NotFound.)`,
    });
    expect([kinds(outcome?.plan), kinds(outcome?.applied)]).toEqual([
      [STARTED, DIRECT],
      [STARTED, DIRECT],
    ]);
    expect(outcome).not.toHaveProperty('earlierPlan');
    expect(account.trails.get(MAIN)).toBe(true);
    expect(account.executions).toHaveLength(1);
    expect(marks()).toEqual([]);
  });

  test('that left the violation open, if that is only reported: failed, with the failure of the execution', async () => {
    const job = pollOf(0, MAIN);
    enforce({ runbook_then: 'report' });
    await remediator.attempt(job);
    account.end('Failed', 'Step fails.');

    await remediator.attempt(lastLook());

    expect(outcomeOf(job)).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: `execution ${account.executions[0]?.id} of ${DOCUMENT} ended as Failed (Step fails.), and ${MAIN} still violates the rule (runbook_then is "report")`,
      applied: [{ change: { kind: STARTED } }],
    });
    expect(account.trails.get(MAIN)).toBe(false);
    expect(marks()).toEqual([]);
  });

  test('that failed although the resource complies: remediated, and the reason says so', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end('Cancelled');
    account.trails.set(MAIN, true);

    await remediator.attempt(lastLook());

    expect(outcomeOf(job)).toMatchObject({
      outcome: 'remediated',
      reason: `${MAIN} complies after execution ${account.executions[0]?.id} of ${DOCUMENT}, although the execution ended as Cancelled`,
    });
  });

  test('whose resource is gone or exempt when it has ended', async () => {
    const other = trail('other');
    begin(MAIN, other);
    const job = pollOf(0, MAIN, other);
    await remediator.attempt(job);
    account.end('Failed');
    account.trails.delete(MAIN);
    account.tags.set(other, { [EXEMPTION_TAG]: 'kept as it is until 2027-01-01' });

    await remediator.attempt(lastLook());

    expect([outcomeOf(job), outcomeOf(job, other)]).toMatchObject([
      { outcome: 'gone', applied: [{ change: { kind: STARTED } }] },
      { outcome: 'exempt', applied: [{ change: { kind: STARTED } }] },
    ]);
    expect(marks()).toEqual([]);
  });

  test.each<[string, Fault, boolean]>([
    ['that AWS no longer knows', { code: 'AutomationExecutionNotFoundException' }, false],
    ['that the role may not read', { code: 'AccessDeniedException' }, true],
  ])(
    '%s: failed, with what was applied; other polls wait only if it may still be running',
    async (_, fault, isMarked) => {
      const job = pollOf(0, MAIN);
      await remediator.attempt(job);
      account.fault = failOn('GetAutomationExecution', fault);

      await remediator.attempt(lastLook());

      const code = typeof fault === 'object' ? fault.code : '';
      expect(outcomeOf(job)).toMatchObject({
        outcome: 'failed',
        willRetry: true,
        reason: expect.stringMatching(
          new RegExp(`^execution \\S+ of ${DOCUMENT} cannot be followed: ${code}`),
        ),
        applied: [{ change: { kind: STARTED } }],
      });
      expect(marks()).toHaveLength(isMarked ? 1 : 0);
    },
  );

  test('that cannot be read now: the next attempt reads it', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    account.fault = failOn('GetAutomationExecution', { code: 'ThrottlingException' });
    const look = lastLook();

    const first = await remediator.attempt(look);
    account.fault = () => undefined;
    const second = await remediator.attempt(look, { number: 2 });

    expect(first).toMatchObject({ outcomes: [], unfinished: [{ finding: findingOf(MAIN) }] });
    expect(second.outcomes).toMatchObject([{ outcome: 'remediated' }]);
  });

  test('that cannot be read in any attempt: its job is in the dead-letter queue, and other polls wait', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.fault = failOn('GetAutomationExecution', unavailable);

    await remediator.attempt(lastLook(), { number: 5, last: true });
    account.fault = () => undefined;
    const next = pollOf(1, MAIN);
    await remediator.attempt(next);
    account.end();
    await remediator.attempt(lastLook());

    expect(outcomeOf(next)).toMatchObject({ outcome: 'deferred' });
    // A redrive replaces the outcome, and removes the mark.
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(outcomeOf(job)).not.toHaveProperty('deadLetter');
    expect(marks()).toEqual([]);
  });

  test('beyond the quota: deferred, and the next poll may start it', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    account.fault = failOn('StartAutomationExecution', {
      code: 'AutomationExecutionLimitExceededException',
      status: 429,
    });

    await remediator.attempt(job);
    account.fault = () => undefined;
    await remediator.attempt(next);

    expect(outcomeOf(job)).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      applied: [],
      reason: `account ${ACCOUNT} has reached its quota of automation executions in us-east-1: AutomationExecutionLimitExceededException by AWS`,
    });
    expect(account.executions).toHaveLength(1);
  });

  test.each<[string, Fault]>([
    ['denied', denied],
    ['without its document', { code: 'AutomationDefinitionNotFoundException' }],
    ['whose role cannot be assumed', { code: 'InvalidAutomationExecutionParametersException' }],
  ])('%s: failed, and the next poll may start it', async (_, fault) => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    account.fault = failOn('StartAutomationExecution', fault);

    await remediator.attempt(job);
    account.fault = () => undefined;
    remediator.now += 3_600_000;
    await remediator.attempt(next);

    expect(outcomeOf(job)).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      applied: [],
      reason: expect.stringContaining(typeof fault === 'object' ? fault.code : ''),
    });
    expect(account.executions).toHaveLength(1);
  });

  test('refused at a second attempt, after a first one with an unknown result: other polls wait', async () => {
    const job = pollOf(0, MAIN);
    account.fault = failOn('StartAutomationExecution', 'lost');
    await remediator.attempt(job);
    // A role that was deployed by an older version may not search for it.
    const refused = ['StartAutomationExecution', 'DescribeAutomationExecutions'];
    account.fault = ({ operation }) => (refused.includes(operation) ? denied : undefined);

    await remediator.attempt(job, { number: 2 });
    account.fault = () => undefined;
    remediator.now += 3_600_000;
    await remediator.attempt(pollOf(1, MAIN));

    expect(outcomeOf(job)).toMatchObject({
      outcome: 'failed',
      earlierPlan: [{ change: { kind: STARTED } }, { ifLeftOpen: true }],
    });
    expect(outcomeOf(pollOf(1, MAIN))).toMatchObject({ outcome: 'deferred' });
    expect(account.executions).toHaveLength(1);
  });

  test('can be started and followed with the permissions of its session, and passes no other role', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    await remediator.attempt(lastLook());

    const actions = account.sessions.map(({ permissions }) =>
      permissions.flatMap((permission) => permission.actions),
    );
    expect(actions[0]).toEqual(expect.arrayContaining(['ssm:StartAutomationExecution', 'iam:PassRole']));
    expect(actions[1]).toContain('ssm:GetAutomationExecution');
    const passed = account.sessions[0]?.permissions
      .filter(({ actions }) => actions.includes('iam:PassRole'))
      .flatMap(({ resources }) => resources.filter((resource) => resource.includes(':iam:')));
    expect(passed).toEqual([ROLE]);
  });
});

describe('another poll', () => {
  test('while it is in progress: deferred, with the reason, and nothing is started', async () => {
    const other = trail('other');
    begin(MAIN, other);
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN, other)];
    await remediator.attempt(job);
    remediator.now += 60_000;

    await remediator.attempt(next);

    expect(outcomeOf(next)).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      applied: [],
      reason: `in progress since 2026-06-30T12:00:00.000Z: poll ${pollId(job.poll)} started an automation execution for it, and reports the outcome; this finding waits for a later poll, and after 2026-06-30T14:00:00.000Z only if the execution is still running; to end this earlier, stop the automation execution`,
    });
    // It makes no difference for the others.
    expect(account.executions.map((execution) => execution.trail)).toEqual([MAIN, other]);
  });

  test('within 15 minutes of its end starts nothing on a read that may be older, but does so afterwards', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    await remediator.attempt(job);
    remediator.now += 30 * MINUTE;
    account.end();
    await remediator.attempt(lastLook());
    account.trails.set(MAIN, false);

    remediator.now += 15 * MINUTE - 1;
    const { inProgress } = await remediator.attempt(next);
    const early = account.executions.length;
    remediator.now += 1;
    await remediator.attempt(lastLook());

    expect(inProgress).toMatchObject([
      {
        reason: `the execution of poll ${pollId(job.poll)} was found to have ended at 2026-06-30T12:30:00.000Z, and AWS's reads may be older than its changes: no other execution is started before 2026-06-30T12:45:00.000Z`,
      },
    ]);
    expect(early).toBe(1);
    expect(account.executions).toHaveLength(2);
    expect(account.overlaps).toEqual([]);
  });

  test('within 15 minutes of its end finds the trail compliant: it waits for nothing', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    await remediator.attempt(job);
    account.end();
    await remediator.attempt(lastLook());

    await remediator.attempt(next);

    expect(outcomeOf(next)).toMatchObject({ outcome: 'compliant' });
  });

  test('gets an old read in another region after its end: nothing is started', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    await remediator.attempt(lastLook());
    account.trails.set(MAIN, false);
    const region = 'us-west-2';

    await remediator.attempt({ ...pollOf(1, MAIN), region, findings: [{ ...findingOf(MAIN), region }] });

    expect(account.executions).toHaveLength(1);
  });

  test('that waits after the end of an execution leaves the recorded end time unchanged', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    await remediator.attempt(job);
    account.end();
    await remediator.attempt(lastLook());
    account.trails.set(MAIN, false);
    const ended = structuredClone([...remediator.inProgress]);

    await remediator.attempt(next);

    expect([...remediator.inProgress]).toEqual(ended);
  });

  test('whose end is seen again by the next attempt keeps the first end time', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    const look = lastLook();
    remediator.fault = (port) => (port === 'writeOutcomes' ? awsError('SlowDown', 503) : undefined);
    await remediator.attempt(look);
    const ended = structuredClone([...remediator.inProgress]);
    remediator.fault = () => undefined;
    remediator.now += MINUTE;

    await remediator.attempt(look, { number: 2 });

    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(ended).toMatchObject([[expect.anything(), { endedAt: expect.anything() }]]);
    expect([...remediator.inProgress]).toEqual(ended);
  });

  test('starts nothing within 15 minutes of a direct call for the same finding', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    enforce({ method: 'api' });
    await remediator.attempt(job);
    enforce();
    remediator.now += MINUTE;
    // The read that shows the effect of the call is followed by an older one.
    let reads = 0;
    account.fault = ({ operation }) => {
      if (operation === 'DescribeTrails') account.trails.set(MAIN, ++reads === 2);
      return undefined;
    };

    const { inProgress } = await remediator.attempt(next);
    const early = account.executions.length;
    remediator.now += 15 * MINUTE;
    await remediator.attempt(lastLook());

    expect(kinds(outcomeOf(job)?.applied)).toEqual([DIRECT]);
    expect(inProgress).toMatchObject([
      { reason: expect.stringContaining('nothing is changed until they do') },
    ]);
    expect(early).toBe(0);
    expect(account.executions).toHaveLength(1);
  });

  test('two hours later ignores the mark of a lost job, whose redrive then leaves the mark of the other job', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    await remediator.attempt(job);
    const look = lastLook();
    account.end('Failed');
    remediator.now += 2 * HOUR;
    await remediator.attempt(next);
    const early = outcomeOf(next);
    remediator.now += 1;
    remediator.forget();
    await remediator.attempt(next);
    const begun = structuredClone([...remediator.inProgress]);
    await remediator.attempt(look);

    expect(early).toMatchObject({ outcome: 'deferred' });
    expect(account.executions).toHaveLength(2);
    expect([...remediator.inProgress]).toEqual(begun);
    expect(outcomeOf(job)).toMatchObject({ outcome: 'deferred', applied: [{ change: { kind: STARTED } }] });
  });

  test('while an execution waits for days, for example for an approval: nothing is started until it has ended', async () => {
    const [job, next, last] = [pollOf(0, MAIN), pollOf(30, MAIN), pollOf(40, MAIN)];
    await remediator.attempt(job);
    const [execution] = account.executions;
    remediator.now += 3 * HOUR;
    await remediator.attempt(lastLook());
    const failed = outcomeOf(job);
    remediator.now += 24 * HOUR;
    await remediator.attempt(next);
    const waiting = outcomeOf(next);
    account.end('Failed', 'rejected', remediator.now);
    remediator.now += 10 * HOUR;

    await remediator.attempt(last);
    account.end();
    await remediator.attempt(lastLook());

    expect(failed).toMatchObject({ outcome: 'failed', willRetry: true });
    expect(waiting).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      applied: [],
      reason: `in progress since 2026-06-30T12:00:00.000Z: execution ${execution?.id} of ${DOCUMENT}, which poll ${pollId(job.poll)} started, is InProgress; no other one is started before it ends; to end this earlier, stop the automation execution`,
    });
    expect(outcomeOf(last)).toMatchObject({ outcome: 'remediated' });
    expect(account.executions).toHaveLength(2);
    expect(account.overlaps).toEqual([]);
  });

  test('within 15 minutes of the end of an execution that nobody followed any more: nothing is started', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(4, MAIN)];
    await remediator.attempt(job);
    remediator.now += 5 * HOUR;
    account.end('Success', undefined, remediator.now - MINUTE);
    account.trails.set(MAIN, false);

    const { inProgress } = await remediator.attempt(next);
    const early = account.executions.length;
    remediator.now += 15 * MINUTE;
    await remediator.attempt(lastLook());

    expect(inProgress).toMatchObject([{ reason: expect.stringContaining('have ended at') }]);
    expect(early).toBe(1);
    expect(account.executions).toHaveLength(2);
    expect(account.overlaps).toEqual([]);
  });

  test('two hours later starts nothing if the earlier execution cannot be read', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(4, MAIN)];
    await remediator.attempt(job);
    remediator.now += 5 * HOUR;
    account.fault = failOn('GetAutomationExecution', unavailable);

    const { unfinished } = await remediator.attempt(next);

    expect(unfinished).toHaveLength(1);
    expect(account.executions).toHaveLength(1);
  });

  test('two hours later starts another execution if AWS no longer knows the earlier one', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(4, MAIN)];
    await remediator.attempt(job);
    remediator.now += 5 * HOUR;
    account.fault = failOn('GetAutomationExecution', { code: 'AutomationExecutionNotFoundException' });

    await remediator.attempt(next);

    expect(account.executions).toHaveLength(2);
  });

  test('whose execution is running keeps its mark, regardless of which other execution has ended', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    await remediator.attempt(job);
    const look = lastLook();
    account.end('Failed');
    remediator.now += 2 * HOUR + 1;
    await remediator.attempt(next);
    // Marks are not read then.
    enforce({ method: 'api' });
    await remediator.attempt(look);
    account.trails.set(MAIN, false);
    enforce();

    await remediator.attempt(pollOf(2, MAIN));

    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(outcomeOf(pollOf(2, MAIN))).toMatchObject({ outcome: 'deferred' });
    expect(account.overlaps).toEqual([]);
  });

  test('with another method does not check marks, and fixes the trail: direct calls are not a second execution', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    await remediator.attempt(job);
    enforce({ method: 'api' });

    await remediator.attempt(next);
    account.end();
    await remediator.attempt(lastLook());

    expect(outcomeOf(next)).toMatchObject({ outcome: 'remediated' });
    expect(kinds(outcomeOf(next)?.applied)).toEqual([DIRECT]);
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(kinds(outcomeOf(job)?.applied)).toEqual([STARTED]);
  });

  test('in another region: a multi-region trail is found in each, and one execution is started', async () => {
    const jobs = ['eu-central-1', 'us-east-1', 'us-west-2'].map(
      (region): Job => ({
        ...pollOf(0, MAIN),
        region,
        findings: [{ ...findingOf(MAIN), region }],
      }),
    );

    for (const job of jobs) await remediator.attempt(job);

    expect(account.executions).toHaveLength(1);
    expect(marks()).toEqual([findingKey(markOf(MAIN))]);
    const others = [...remediator.outcomes.values()];
    expect(others.map(({ finding, outcome }) => [finding.region, outcome])).toEqual([
      ['us-east-1', 'deferred'],
      ['us-west-2', 'deferred'],
    ]);
    expect(others[0]?.reason).toMatch(
      /^in progress since 2026-06-30T12:00:00.000Z: poll .* started an automation execution for it, .* after 2026-06-30T14:00:00.000Z only if the execution is still running; /,
    );
  });

  test('that marks the trail between the check and the start: the trail is left to it', async () => {
    const [job, next] = [pollOf(0, MAIN), pollOf(1, MAIN)];
    let isSet = false;
    remediator.fault = (port) => {
      if (port === 'writeInProgress' && !isSet) {
        isSet = true;
        const since = new Date(remediator.now).toISOString();
        const key = findingKey(markOf(MAIN));
        remediator.inProgress.set(key, { version: 1, job: journalId(next), poll: next.poll, since });
      }
      return undefined;
    };

    await remediator.attempt(job);

    expect(account.executions).toEqual([]);
    expect(outcomeOf(job)).toMatchObject({
      outcome: 'deferred',
      reason: expect.stringMatching(/^in progress/),
    });
  });

  test('another job of the same poll with the same finding: the follow-up job still has the final outcome', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);

    await remediator.attempt({ ...job, chunk: 1 });
    const meanwhile = outcomeOf(job);
    account.end();
    await remediator.attempt(lastLook());

    expect(meanwhile).toMatchObject({ outcome: 'deferred' });
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(account.executions).toHaveLength(1);
    expect(marks()).toEqual([]);
  });

  test('nothing is started if a mark cannot be read', async () => {
    const job = pollOf(0, MAIN);
    remediator.fault = (port) => (port === 'readInProgress' ? awsError('AccessDenied', 403) : undefined);

    const { unfinished } = await remediator.attempt(job);

    expect(unfinished).toHaveLength(1);
    expect(account.calls).toEqual([]);
  });

  test('nothing is started if a mark cannot be written', async () => {
    const job = pollOf(0, MAIN);
    remediator.fault = (port) => (port === 'writeInProgress' ? awsError('AccessDenied', 403) : undefined);

    const { unfinished } = await remediator.attempt(job);

    expect(unfinished).toHaveLength(1);
    expect(account.executions).toEqual([]);
  });

  test('if the end cannot be marked, the outcome is valid, and an error is reported', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    const error = awsError('AccessDenied', 403);
    remediator.fault = (port) => (port === 'writeInProgress' ? error : undefined);

    const { failures } = await remediator.attempt(lastLook());

    expect(failures).toEqual([error]);
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
  });
});

describe('between the start and the follow-up job', () => {
  const pause = (): void => {
    remediator.pause = RULE;
  };
  const changes: [string, () => void, Partial<Outcome>][] = [
    ['paused', pause, { outcome: 'deferred', willRetry: true }],
    [
      'outside its maintenance window',
      () =>
        enforce({ maintenance_window: { days: ['MON'], start: '01:00', end: '02:00', time_zone: 'UTC' } }),
      { outcome: 'deferred', willRetry: true },
    ],
    ['in dry run', () => enforce({ mode: 'dry_run' }), { outcome: 'planned', mode: 'dry_run' }],
    ['off', () => enforce({ mode: 'off' }), { outcome: 'not_applicable', mode: 'off' }],
  ];

  test.each(changes)(
    '%s: the execution is followed to its end, and nothing else is changed',
    async (_, change, expected) => {
      const job = pollOf(0, MAIN);
      await remediator.attempt(job);
      change();

      const running = await remediator.attempt(lastLook());
      account.end('Failed');
      await remediator.attempt(lastLook());

      expect(running).toMatchObject({ outcomes: [], inProgress: [{ finding: findingOf(MAIN) }] });
      expect(outcomeOf(job)).toMatchObject({ ...expected, applied: [{ change: { kind: STARTED } }] });
      expect(account.trails.get(MAIN)).toBe(false);
      expect(account.executions).toHaveLength(1);
      for (const { permissions } of account.sessions.slice(1)) {
        const actions = permissions.flatMap((permission) => permission.actions);
        expect(actions).toContain('ssm:GetAutomationExecution');
        expect(actions).not.toContain('ssm:StartAutomationExecution');
        expect(actions).not.toContain('cloudtrail:UpdateTrail');
      }
      expect(marks()).toEqual([]);
    },
  );

  test.each(changes)('%s: what the execution fixed is remediated nevertheless', async (_, change) => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    change();
    account.end();

    await remediator.attempt(lastLook());

    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
  });

  test('off: findings that were not begun are not processed, and no session is opened', async () => {
    const other = trail('other');
    begin(MAIN, other);
    account.fault = (call) =>
      JSON.stringify(call.body).includes(other) && call.operation.startsWith('Start') ? 'cut' : undefined;
    const job = pollOf(0, MAIN, other);
    await remediator.attempt(job);
    const { length: begun } = account.calls;
    enforce({ mode: 'off' });
    account.end();
    account.fault = () => undefined;

    await remediator.attempt(job, { number: 2 });
    await remediator.attempt(lastLook());

    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(outcomeOf(job, other)).toMatchObject({ outcome: 'not_applicable', mode: 'off', applied: [] });
    const asked = account.calls.slice(begun).map(({ body }) => JSON.stringify(body));
    expect(asked.filter((body) => body.includes(other))).toEqual([]);
  });

  test('after a switch to direct calls, is fixed once the execution has ended, regardless of what should have followed it', async () => {
    const job = pollOf(0, MAIN);
    enforce({ runbook_then: 'report' });
    await remediator.attempt(job);
    enforce({ method: 'api', runbook_then: 'report' });

    await remediator.attempt(lastLook());
    const meanwhile = account.trails.get(MAIN);
    account.end('Failed');
    await remediator.attempt(lastLook());

    expect(meanwhile).toBe(false);
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(kinds(outcomeOf(job)?.applied)).toEqual([STARTED, DIRECT]);
  });

  test('exempt: nothing is read any longer, and other polls wait, because it may still be running', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    const exemption = { account: '*', region: '*', resource: '*', reason: 'r', owner: 'o' };
    enforce({ exemptions: [{ ...exemption, expires: '2026-12-31' }] });

    await remediator.attempt(lastLook());
    enforce();
    await remediator.attempt(pollOf(1, MAIN));

    expect(outcomeOf(job)).toMatchObject({ outcome: 'exempt', applied: [{ change: { kind: STARTED } }] });
    expect(outcomeOf(pollOf(1, MAIN))).toMatchObject({ outcome: 'deferred' });
    expect(account.executions).toHaveLength(1);
  });
});

describe('findings of one job', () => {
  const [early, late] = [trail('early'), trail('late')];

  test('that began at different attempts each have their own time', async () => {
    begin(early, late);
    const job = pollOf(0, early, late);
    account.fault = (call) =>
      JSON.stringify(call.body).includes(late) && call.operation.startsWith('Start')
        ? unavailable
        : undefined;
    await remediator.attempt(job);
    remediator.now += 1.5 * HOUR;
    account.fault = () => undefined;
    await remediator.attempt(job, { number: 2 });
    const [ofEarly, again, ofLate] = remediator.later.splice(0).map((later) => later.job);
    remediator.now += HOUR;

    await remediator.attempt(ofEarly ?? job);
    const { inProgress } = await remediator.attempt(ofLate ?? job);

    expect(jobId(again ?? job)).toBe(jobId(ofEarly ?? job));
    expect([ofEarly, ofLate].map((look) => look?.findings.map(({ resource }) => resource))).toEqual([
      [early],
      [late],
    ]);
    expect(outcomeOf(job, early)).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('not finished since 2026-06-30T12:00:00.000Z'),
    });
    expect(inProgress.map(({ finding }) => finding.resource)).toEqual([late]);
    expect(lastLook()).toMatchObject({ findings: [{ resource: late }], continues: { look: 2 } });
  });

  test('with one execution that has ended: only the other is checked again', async () => {
    begin(early, late);
    const job = pollOf(0, early, late);
    await remediator.attempt(job);
    const [first] = account.executions;
    if (first !== undefined) first.status = 'Success';
    account.trails.set(early, true);

    await remediator.attempt(lastLook());

    expect(outcomeOf(job, early)).toMatchObject({ outcome: 'remediated' });
    expect(lastLook().findings.map(({ resource }) => resource)).toEqual([late]);
    expect(marks()).toEqual([findingKey(markOf(late))]);
  });
});

/** A message in the account's group of the queue, and the number of times that it was received. */
interface Message {
  readonly job: Job;
  received: number;
}

/** Course of one delivery. */
interface Delivery extends AttemptOptions {
  /** The end of executions before the delivery. */
  readonly ends?: 'Success' | 'Failed';
  /** True if the queue delivers the message again, although it was processed. */
  readonly again?: boolean;
}

/**
 * Delivers jobs one after another, as the queue does for an account: an unfinished job is delivered again before any
 * other. Delayed jobs are added to the end of the queue.
 * @returns the number of steps of each delivery
 */
async function deliverAll(jobs: readonly Job[], deliveryOf: (number: number) => Delivery): Promise<number[]> {
  const queue: Message[] = jobs.map((job) => ({ job, received: 0 }));
  const counts: number[] = [];
  let putOff = 0;
  for (let message = queue[0]; message !== undefined; message = queue[0]) {
    const number = counts.length;
    if (number > 200) throw new Error('the jobs do not come to an end');
    const { ends, again = false, ...options } = deliveryOf(number);
    if (ends !== undefined) account.end(ends);
    message.received += 1;
    let steps = 0;
    const onStep = (): void => {
      steps += 1;
    };

    const { unfinished, failures } = await remediator.attempt(message.job, {
      ...options,
      number: message.received,
      onStep,
    });

    counts.push(steps);
    const isKilled = options.steps !== undefined && steps >= options.steps;
    const isDone = unfinished.length === 0 && failures.length === 0;
    if (isDone && !isKilled && !again) queue.shift();
    // SQS delivers a message that was not deleted again when its visibility timeout has passed.
    if (isDone && (isKilled || again)) remediator.now += VISIBILITY_TIMEOUT_MILLISECONDS;
    for (const { job, delaySeconds } of remediator.later.slice(putOff)) {
      queue.push({ job, received: 0 });
      remediator.now += delaySeconds * 1000;
    }
    putOff = remediator.later.length;
  }
  return counts;
}

describe('an attempt that ends anywhere', () => {
  const ended: Delivery = { ends: 'Success' };

  test.each(['Success', 'Failed'] as const)(
    'at any step, with an execution that ends as %s: one execution, one outcome, and the trail is fixed',
    async (ends) => {
      const calm = await deliverAll([pollOf(0, MAIN)], (number) => (number === 0 ? {} : { ends }));
      expect(calm).toHaveLength(2);

      for (const [at, count] of calm.entries()) {
        for (let steps = 1; steps <= count; steps++) {
          begin(MAIN);
          const job = pollOf(0, MAIN);
          await deliverAll([job], (number) => ({
            ...(number > at && { ends }),
            ...(number === at && { steps, ...(at > 0 && { ends }) }),
          }));

          const context = `delivery ${at + 1} ended after step ${steps}`;
          expect(account.executions, context).toHaveLength(1);
          expect(remediator.outcomes.size, context).toBe(1);
          expect(outcomeOf(job)?.outcome, context).toBe('remediated');
          expect(account.trails.get(MAIN), context).toBe(true);
          // If a follow-up job is attempted again, the execution is known to have ended.
          if (at === 1) expect(marks(), context).toEqual([]);
          const known = [outcomeOf(job)?.applied, outcomeOf(job)?.earlierPlan].flatMap((list) => kinds(list));
          expect(known, context).toContain(STARTED);
        }
      }
    },
    60_000,
  );

  test('after the start, before it is recorded: the execution is found by its session, and followed', async () => {
    const job = pollOf(0, MAIN);
    account.fault = failOn('StartAutomationExecution', 'lost');
    const first = await remediator.attempt(job);
    account.fault = () => undefined;

    await remediator.attempt(job, { number: 2 });
    account.end();
    await remediator.attempt(lastLook());

    expect(first.unfinished).toHaveLength(1);
    expect(account.operations().filter((name) => name === 'StartAutomationExecution')).toHaveLength(1);
    expect(outcomeOf(job)).toMatchObject({
      outcome: 'remediated',
      applied: [{ change: { executionId: account.executions[0]?.id }, found: true }],
    });
    expect(outcomeOf(job)?.unconfirmed).toBeUndefined();
    const actions = account.sessions.map(({ permissions }) =>
      permissions.flatMap((permission) => permission.actions),
    );
    const may = (action: string) => actions.map((each) => each.includes(action));
    expect(may('ssm:DescribeAutomationExecutions')).toEqual([false, true, false]);
    // It may not have been started.
    expect(may('ssm:StartAutomationExecution')).toEqual([true, true, false]);
    // What it leaves open is closed once it has been followed.
    expect(may('cloudtrail:UpdateTrail')).toEqual([false, false, true]);
  });

  test('before the start: the next attempt may start it', async () => {
    const job = pollOf(0, MAIN);
    account.fault = failOn('StartAutomationExecution', 'cut');
    await remediator.attempt(job);
    account.fault = () => undefined;

    await remediator.attempt(job, { number: 2 });
    account.end();
    await remediator.attempt(lastLook());

    const actions = account.sessions[1]?.permissions.flatMap((permission) => permission.actions);
    expect(actions).toContain('ssm:StartAutomationExecution');
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated', applied: [{ change: { kind: STARTED } }] });
  });

  test('and if AWS does not list it yet, the same token finds it', async () => {
    const job = pollOf(0, MAIN);
    account.fault = failOn('StartAutomationExecution', 'lost');
    await remediator.attempt(job);
    account.fault = () => undefined;
    account.listsExecutions = false;

    await remediator.attempt(job, { number: 2 });
    account.end();
    await remediator.attempt(lastLook());

    const starts = account.calls.filter(({ operation }) => operation === 'StartAutomationExecution');
    expect(starts).toHaveLength(2);
    expect(starts[1]).toEqual(starts[0]);
    expect(account.executions).toHaveLength(1);
    expect(outcomeOf(job)).toMatchObject({
      outcome: 'remediated',
      applied: [{ change: { executionId: account.executions[0]?.id } }],
    });
  });

  test('if the follow-up job cannot be sent, the attempt is repeated, and starts nothing', async () => {
    const job = pollOf(0, MAIN);
    const error = awsError('InternalError', 500);
    remediator.fault = (port) => (port === 'lookAgain' ? error : undefined);
    const first = await remediator.attempt(job);
    remediator.fault = () => undefined;

    const second = await remediator.attempt(job, { number: 2 });

    expect(first).toMatchObject({ inProgress: [], outcomes: [], unfinished: [{ error }] });
    // Findings of the later job are not processed here too.
    expect(second).toMatchObject({ inProgress: [], outcomes: [], unfinished: [] });
    expect(remediator.later).toHaveLength(1);
    expect(account.operations().filter((name) => name === 'StartAutomationExecution')).toHaveLength(1);
  });

  test('if the follow-up job cannot be sent at the last attempt: failed, with what was started, and a redrive finishes it', async () => {
    const job = pollOf(0, MAIN);
    remediator.fault = (port) => (port === 'lookAgain' ? awsError('InternalError', 500) : undefined);
    await remediator.attempt(job, { number: 5, last: true });
    const given = outcomeOf(job);
    remediator.fault = () => undefined;
    account.end();

    await remediator.attempt(job);
    await remediator.attempt(lastLook());

    expect(given).toMatchObject({
      outcome: 'failed',
      deadLetter: true,
      applied: [{ change: { kind: STARTED } }],
    });
    expect(outcomeOf(job)).toMatchObject({
      outcome: 'remediated',
      replaces: [...remediator.objects.keys()][0],
    });
    expect(account.executions).toHaveLength(1);
  });

  test('the last attempt at a follow-up job that finds it running sends another follow-up job', async () => {
    await remediator.attempt(pollOf(0, MAIN));

    const { inProgress, outcomes } = await remediator.attempt(lastLook(), { number: 5, last: true });

    expect([inProgress.length, outcomes.length]).toEqual([1, 0]);
    expect(lastLook().continues?.look).toBe(2);
  });

  test('a follow-up job that is delivered twice, while it runs and after its end: one outcome, one fix', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    const look = lastLook();
    await remediator.attempt(look);
    await remediator.attempt(look);
    account.end('Failed');

    for (const { job: each } of remediator.later.slice(1)) await remediator.attempt(each);
    await remediator.attempt(look);

    expect(new Set(remediator.later.map((later) => jobId(later.job)))).toHaveLength(2);
    expect(account.operations().filter((name) => name === 'UpdateTrail')).toHaveLength(1);
    expect(remediator.outcomes.size).toBe(1);
    expect(outcomeOf(job)).toMatchObject({ outcome: 'remediated' });
    expect(new Set(remediator.published.map(({ outcome }) => outcome))).toEqual(new Set(['remediated']));
  });

  test('the first job is delivered again after its follow-up job: nothing is done twice', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    await remediator.attempt(lastLook());
    const before = structuredClone([...remediator.outcomes]);

    await remediator.attempt(job, { number: 2 });

    expect([...remediator.outcomes]).toEqual(before);
    expect(account.executions).toHaveLength(1);
  });

  test('the first job is delivered again and sends its follow-up job again, which ends at once', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    account.end();
    await remediator.attempt(lastLook());
    const events = structuredClone(remediator.published);
    await remediator.attempt(job, { number: 2 });
    const calls = account.calls.length;

    const result = await remediator.attempt(lastLook());

    expect(new Set(remediator.later.map((later) => jobId(later.job)))).toHaveLength(1);
    expect(result).toMatchObject({ outcomes: [], unfinished: [], failures: [] });
    expect(remediator.published).toEqual(events);
    expect(account.calls).toHaveLength(calls);
  });

  test('invalid settings while it runs: failed, with what was applied, and other polls wait', async () => {
    const job = pollOf(0, MAIN);
    await remediator.attempt(job);
    remediator.pause = 'everything';

    await remediator.attempt(lastLook());
    remediator.pause = 'none';
    await remediator.attempt(pollOf(1, MAIN));

    expect(outcomeOf(job)).toMatchObject({ outcome: 'failed', applied: [{ change: { kind: STARTED } }] });
    expect(outcomeOf(pollOf(1, MAIN))).toMatchObject({ outcome: 'deferred' });
  });

  test('with random events: one outcome per finding and poll, and never two executions for one resource at a time', async () => {
    const names = ['one', 'two', 'three'].map(trail);
    const fault = fc.constantFrom<Fault | undefined>(
      ...Array.from({ length: 6 }, () => undefined),
      'cut',
      'lost',
      unavailable,
      denied,
      { code: 'AutomationExecutionLimitExceededException', status: 429 },
    );
    const portError = fc.constantFrom<Error | undefined>(
      ...Array.from({ length: 14 }, () => undefined),
      awsError('ServiceUnavailable', 503),
      awsError('AccessDenied', 403),
    );
    const delivery = fc.record({
      steps: fc.option(fc.integer({ min: 1, max: 80 }), { nil: undefined, freq: 2 }),
      ends: fc.constantFrom(undefined, undefined, 'Success', 'Failed'),
      again: fc.boolean(),
      faults: fc.array(fault, { maxLength: 20 }),
      portErrors: fc.array(portError, { maxLength: 40 }),
      mode: fc.constantFrom<Mode>('enforce', 'enforce', 'enforce', 'dry_run', 'off'),
      method: fc.constantFrom<Settings['method']>('runbook', 'runbook', 'runbook', 'api'),
      follows: fc.constantFrom<Settings['runbook_then']>('api', 'report'),
      pause: fc.constantFrom('none', 'none', 'none', RULE),
    });

    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { maxLength: 8 }), async (deliveries) => {
        begin(...names);
        const jobs = [pollOf(0, ...names), pollOf(1, ...names.slice(1))];

        await deliverAll(jobs, (number) => {
          const trouble = deliveries[number];
          const { faults = [], portErrors = [], mode, method, follows, pause = 'none' } = trouble ?? {};
          let calls = 0;
          let ports = 0;
          account.fault = () => faults[calls++];
          remediator.fault = () => portErrors[ports++];
          remediator.pause = pause;
          enforce({
            ...(mode !== undefined && { mode }),
            ...(method !== undefined && { method }),
            ...(follows !== undefined && { runbook_then: follows }),
          });
          if (trouble === undefined) return ended;
          const { steps, ends, again } = trouble;
          return { ...(steps !== undefined && { steps }), ...(ends !== undefined && { ends }), again };
        });

        expect(account.overlaps).toEqual([]);
        const expected = jobs.flatMap((job) => job.findings.map(({ resource }) => [job.poll.asOf, resource]));
        const outcomes = [...remediator.outcomes.values()];
        expect(outcomes.map(({ poll, finding }) => [poll.asOf, finding.resource]).sort()).toEqual(
          expected.sort(),
        );
        for (const { id, trail: resource } of account.executions) {
          // Each is in an outcome: as applied, or as planned by an interrupted attempt.
          const naming = outcomes.filter(
            ({ finding, applied, earlierPlan = [] }) =>
              finding.resource === resource &&
              [...applied, ...earlierPlan].some((each) => kinds([each])[0] === STARTED),
          );
          expect(naming.length, `execution ${id}`).toBeGreaterThan(0);
        }
      }),
      { numRuns: 60 },
    );
  }, 180_000);
});
