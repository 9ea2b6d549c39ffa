import { GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { FindingsTable } from '../../../lambdas/aws/findings-table.ts';
import { outcomesKey } from '../../../lambdas/model/evidence-keys.ts';
import { type Job, jobId } from '../../../lambdas/model/job.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import {
  changedItemSchema,
  changedKey,
  doneItemSchema,
  doneKey,
  parseItem,
} from '../../../lambdas/model/table-items.ts';
import type { AwsCall, Effect, Injection, ProxiedCall } from '../../lab/aws-proxy/index.ts';
import type { TenantItem } from '../../lab/tenant/index.ts';
import { type CallName, kindOf, namesOf, textOf } from './call-names.ts';
import { findingsTableName } from './deployed-form.ts';
import { passTime } from './functions.ts';
import { type Deployed, expectWritesWithin, type Harness, nextMoment, startHarness } from './harness.ts';
import { redrive, send } from './job-service.ts';
import { accessKeyStates, ingressRules, itemOf, makeViolation, type TestedRule } from './violations.ts';

/**
 * Number of times that a call is sent in one attempt: by the SDK (see `lambdas/aws/client-defaults.ts`), or, for a change
 * that AWS did not accept, by the product itself (see `lambdas/changes/until-taken.ts`).
 */
const SENDS = 4;
const MAX_RECEIVE_COUNT = 3;
/** High enough for all cases of a file, which make changes within the same hour. */
const NO_LIMITS = { per_account_per_hour: 1_000, per_rule_per_hour: 10_000 };
/** Time after which the product assumes that AWS's reads show a write. */
const LAG_MILLISECONDS = 20 * 60_000;
const REGION = 'eu-central-1';

/** Temporary faults of a call. */
const effects = ['throttle', 'internal', 'cut-after'] as const satisfies readonly Effect[];
type InjectedEffect = (typeof effects)[number];

/** One finding to remediate. */
interface Case {
  readonly asOf: string;
  readonly item: TenantItem;
}

/** The rules for which every call is broken: one of each of the three shapes of rules. */
type SweptRule = Extract<
  TestedRule,
  'security-group-ssh-open' | 'security-group-rdp-open' | 's3-bucket-public' | 'iam-access-key-unrotated'
>;

/** A function's calls in a run without faults. */
interface CleanRun {
  readonly collector: readonly CallName[];
  readonly remediator: readonly CallName[];
  /** Calls in target accounts that change something, in order. */
  readonly changes: readonly CallName[];
  /** Calls that the changes depend on once the plan is recorded: reads, and marks of the calls to come. */
  readonly looks: readonly CallName[];
  /** Calls from the last change of the resource on. */
  readonly fromLastChange: readonly CallName[];
  /** Calls after which the outcome is final, whether they succeed or not. */
  readonly afterOutcome: readonly CallName[];
}

/**
 * Tests that a rule's work is finished whichever of the calls to AWS fails: once, so that the call is repeated, or the next
 * attempt checks whether AWS made the change; often enough that the poll or the attempt fails, and the next one finishes;
 * or permanently, so that it must be reported. The calls are those of a run without faults, which runs before the tests
 * are defined.
 * @param common `thorough` also tests the calls that all rules share, with every effect; `brief` only those of the
 * remediator, with the effect that leaves the most open
 */
export async function testEveryCall(rule: SweptRule, common: 'thorough' | 'brief' = 'brief'): Promise<void> {
  const harness: Harness = await startHarness({ time: 'stands still' });
  let deployed = await deploy();
  /** The calls in target accounts by the rule, its changes or a session. */
  const isRulesOwn = ({ kind }: CallName): boolean =>
    !/^(s3:\w+ |ssm:|sts:|events:|sqs:|dynamodb:)/.test(kind);
  const isWrite = ({ kind }: CallName): boolean => !/:(Get|List|Describe|Assume)/.test(kind);
  await warmUp();
  const first = await newCase();
  const clean = await runCleanly(first);
  const remediated = await stateOf(first);

  function deploy(): Promise<Deployed> {
    return harness.deploy({
      rules: { [rule]: { mode: 'enforce', limits: NO_LIMITS } },
      maxReceiveCount: MAX_RECEIVE_COUNT,
    });
  }

  /** Polls once, and processes the jobs, because a later poll closes what only an earlier one has found. */
  async function warmUp(): Promise<void> {
    await runCleanly(await newCase());
  }

  afterAll(() => harness[Symbol.asyncDispose]());
  afterEach(async ({ task }) => {
    // What a failed test left behind must not affect the next one.
    if (task.result?.state !== 'fail') return;
    deployed = await deploy();
    await warmUp();
  });

  async function runCleanly(current: Case): Promise<CleanRun> {
    const collector = await callsOf(() => collect(current));
    const remediator = await callsOf(() => deployed.work());
    const names = namesOf(remediator);
    const isChange = ({ isWrite, principal }: ProxiedCall) => isWrite && principal.assumedBy !== undefined;
    const changes = names.filter((name) => isRulesOwn(name) && isWrite(name));
    const lastChange = remediator.findLastIndex(isChange);
    const isNote = ({ kind }: CallName): boolean => kind === 's3:PutObject jobs/';
    const amid = names.slice(names.findIndex(isNote) + 1, lastChange);
    const looks = inOrder(amid.filter((name) => isNote(name) || (isRulesOwn(name) && !isWrite(name))));
    const fromLastChange = inOrder(names.slice(lastChange));
    const outcome = names.findIndex(({ kind }) => kind === 's3:PutObject outcomes/');
    return {
      collector: inOrder(namesOf(collector)),
      remediator: inOrder(names),
      changes,
      looks,
      fromLastChange,
      afterOutcome: inOrder(names.slice(outcome + 1)),
    };
  }

  async function newCase(): Promise<Case> {
    // A function does not request what it has in memory.
    deployed.coldStart();
    deployed.lines.length = 0;
    const item = await makeViolation(harness.endpoint, rule, harness.account());
    harness.proxy.clear();
    return { asOf: nextMoment(), item };
  }

  /** Polls the finding, and a malformed item beside it. */
  async function collect({ asOf, item }: Case) {
    const strange = itemOf(rule, { account_id: item.account_id, resource_id: 'arn:aws:iam::1:root' });
    harness.tenant.setFindings([item, strange]);
    return deployed.collect({ rule, asOf });
  }

  /** Sends the finding's job to the queue, as the collector would. */
  async function enqueue({ asOf, item: { account_id: account, resource_id: resource } }: Case) {
    const region = rule === 'iam-access-key-unrotated' ? 'global' : REGION;
    const job: Job = {
      version: 1,
      poll: { source: 'netskope', rule, asOf },
      account,
      region: REGION,
      chunk: 0,
      findings: [{ rule, account, region, resource }],
    };
    await send(deployed.product, REGION, JSON.stringify(job), { group: account, deduplication: jobId(job) });
  }

  /** Reads the state of the finding's resource, without parts that differ between cases. */
  async function stateOf({ item: { account_id: account, resource_id } }: Case): Promise<readonly string[]> {
    switch (rule) {
      case 'security-group-ssh-open':
      case 'security-group-rdp-open':
        return ingressRules(harness.endpoint, account, resource_id);
      case 'iam-access-key-unrotated':
        return accessKeyStates(harness.endpoint, account, resource_id);
      case 's3-bucket-public': {
        const client = new S3Client({
          endpoint: harness.endpoint,
          region: REGION,
          credentials: { accessKeyId: account, secretAccessKey: 'test' },
        });
        const answer = await client.send(new GetPublicAccessBlockCommand({ Bucket: resource_id }));
        return [JSON.stringify(answer.PublicAccessBlockConfiguration)];
      }
    }
  }

  /** Tells whether a function makes the call, in its own role or in a target role. */
  function isOurs({ accessKeyId, principal }: AwsCall): boolean {
    const { account } = deployed.product;
    return accessKeyId === account || principal.assumedBy?.account === account;
  }

  async function callsOf(work: () => Promise<unknown>): Promise<readonly ProxiedCall[]> {
    const before = harness.proxy.calls.length;
    await work();
    return harness.proxy.calls.slice(before).filter(isOurs);
  }

  /**
   * Injects a fault into a call and later calls of its kind, until the end of the test at the latest. A fault with a limit
   * affects this call alone, however often it is sent: another one of its kind may be made at the same time.
   */
  function inject({ kind, number }: CallName, effect: Effect, times?: number): Injection {
    const isOfKind = (call: AwsCall) => isOurs(call) && kindOf(call) === kind;
    if (times === undefined) return harness.fault({ skip: number - 1, when: isOfKind, effect });
    let before = 0;
    let met: string | undefined;
    const when = (call: AwsCall): boolean => {
      if (!isOfKind(call)) return false;
      before += 1;
      if (met === undefined && before === number) met = JSON.stringify(call.parameters);
      return met === JSON.stringify(call.parameters);
    };
    return harness.fault({ times, when, effect });
  }

  /** Injects a fault into the first attempt at each of these calls. */
  function injectOnce(calls: readonly CallName[], effect: Effect): readonly Injection[] {
    return calls.map(({ kind, number }) => inject({ kind, number: 2 * (number - 1) + 1 }, effect, 1));
  }

  /** Checks that the numbers agree, and that the finding is remediated as it is without faults. */
  async function expectRemediated(current: Case): Promise<void> {
    const { outcomes } = await deployed.outcomesOf({ rule, asOf: current.asOf }, 1);
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
    await expectToldOnce(current, outcomes);
    expect(await stateOf(current)).toEqual(remediated);
    await expectAllPlanned();
    expect(await depths()).toEqual({ jobs: 0, deadLetters: 0 });
  }

  /** Checks that the table informs other jobs of every change once, and of exactly the evidence objects that exist. */
  async function expectToldOnce({ asOf, item }: Case, outcomes: readonly Outcome[]): Promise<void> {
    const { product } = deployed;
    const account = item.account_id;
    const place = { rule, account, region: REGION, poll: { source: 'netskope', rule, asOf } } as const;
    const applied = outcomes.flatMap((outcome) => outcome.applied);
    const resources = new Set(applied.map(({ change }) => change.resource));
    const table = new FindingsTable({
      table: findingsTableName(product),
      region: REGION,
      clientOptions: product.client(REGION),
    });
    const [changed, done] = await Promise.all([
      table.read([...resources].map((resource) => changedKey({ account, region: REGION, resource }))),
      table.read([doneKey(place)]),
    ]);
    const told = changed.flatMap((each) => parseItem(changedItemSchema, each).changes);
    expect(linesOf(told), 'changes in the table').toEqual(linesOf(applied));
    const announced = done.flatMap((each) => parseItem(doneItemSchema, each).jobs);
    const keys = announced.map(({ job, number }) => outcomesKey(place.poll, job, number)).sort();
    expect(keys, 'announced evidence').toEqual(await product.evidenceKeys(rule, asOf, account));
  }

  async function depths() {
    const [jobs, deadLetters] = await Promise.all([
      deployed.product.depth(REGION, 'jobs.fifo'),
      deployed.product.depth(REGION, 'jobs-dead-letters.fifo'),
    ]);
    return { jobs, deadLetters };
  }

  /** Checks that every change that was sent had been recorded before. */
  async function expectAllPlanned(): Promise<void> {
    const keys = harness.proxy.calls.flatMap(({ operation, status, parameters: { Key: key } }) =>
      operation === 'PutObject' && status === 200 && typeof key === 'string' && key.startsWith('jobs/')
        ? key
        : [],
    );
    const journals = await Promise.all([...new Set(keys)].map((key) => deployed.product.journal(key)));
    expectWritesWithin(
      deployed.writes(),
      journals.flatMap(({ resources }) => resources),
    );
  }

  /** Tells whether the call took effect although its response was lost. */
  const isLasting = (name: CallName, effect: InjectedEffect): boolean =>
    effect === 'cut-after' && isWrite(name);

  /**
   * Passes the time after which AWS's reads are up to date, where the job waits for it: after a change that may or may not
   * have been made, and where the read with which a begun change continues fails until the end.
   * @returns whether it waited
   */
  async function lookLater(name: CallName): Promise<boolean> {
    passTime(LAG_MILLISECONDS);
    const hasWaited = (await deployed.lookAgain()).length > 0;
    const mayWait = isRulesOwn(name) && (isWrite(name) || isAmong(clean.looks, name));
    expect(hasWaited && !mayWait, `${textOf(name)} is waited for`).toBe(false);
    return hasWaited;
  }

  /** Tells whether the next attempt can finish although the call fails permanently. */
  function isNotNeededAgain(name: CallName, effect: InjectedEffect): boolean {
    const isAfterChanges = isAmong(clean.fromLastChange, name);
    return isLasting(name, effect) || (isAfterChanges && !isRulesOwn(name));
  }

  /** Tells whether a call marks a change that was made: if it fails, the next write of the journal has the mark. */
  const isMark = (name: CallName): boolean =>
    name.kind === 's3:PutObject jobs/' && isAmong(clean.fromLastChange, name);

  /** Counts how often a call is sent in one attempt: a change is only repeated where AWS did not accept it. */
  const sendsOf = (name: CallName, effect: InjectedEffect): number =>
    isAmong(clean.changes, name) && effect !== 'throttle' ? 1 : SENDS;

  /**
   * Checks an attempt that had to read whether its change was made, could not mark the change at once, restarted it because
   * a read before it was throttled, or repeated a request that it had made ahead: a read without using the answer, or a
   * write whose answer was lost.
   */
  async function expectResolved(current: Case, name: CallName, effect: InjectedEffect): Promise<void> {
    const isChange = isAmong(clean.changes, name) && isLasting(name, effect);
    const isLook = isAmong(clean.looks, name) && effect === 'throttle';
    expect(
      isChange || isLook || isMark(name) || isAskedAhead(name) || isToldAhead(name),
      `${textOf(name)} is a change, what it rests on, its mark, or made ahead`,
    ).toBe(true);
    expect([...deployed.messages('WARN'), ...deployed.messages('ERROR')]).toEqual([]);
    await expectRemediated(current);
  }

  const inTurn = (calls: readonly CallName[], injected: readonly InjectedEffect[] = effects) =>
    calls.flatMap((name) => injected.map((effect) => [textOf(name), effect, name] as const));
  const thorough = common === 'thorough';

  test('another clean run makes the same calls, and changes something', async () => {
    const again = await runCleanly(await newCase());

    expect(again).toEqual(clean);
    expect(deployed.writes()).not.toEqual([]);
  });

  test.each(effects)('%s before every call once: it is repeated, and nobody has to act', async (effect) => {
    const current = await newCase();

    const collecting = injectOnce(clean.collector, effect);
    const { thrown } = await collect(current);
    for (const fault of collecting) fault.remove();
    const working = injectOnce(clean.remediator, effect);
    const { invocations } = await deployed.work();
    // If AWS may have made a change, the next attempt checks, and waits for what reads may not show yet.
    const unanswered = effect === 'throttle' ? [] : clean.changes.map(operationOf);
    if (unanswered.length > 0) {
      passTime(LAG_MILLISECONDS);
      await deployed.lookAgain();
    }

    const calls = [...clean.collector, ...clean.remediator].map(textOf);
    const hits = [...collecting, ...working].map((fault, index) => [calls[index], fault.hits]);
    expect(hits).toEqual(calls.map((name) => [name, 1]));
    expect(thrown).toBeUndefined();
    expect(invocations).toBe(1 + unanswered.length);
    const messages = [...deployed.messages('WARN'), ...deployed.messages('ERROR')];
    expect(messages.filter((message) => message.startsWith('unfinished: '))).toEqual(
      unanswered.map((operation) =>
        expect.stringContaining(effect === 'internal' ? ` (put before ${operation} by ` : ` ${rule} `),
      ),
    );
    const isOfUnfinished = (message: string): boolean =>
      unanswered.length > 0 && /^(unfinished: |applied to |message .* are unfinished )/.test(message);
    expect(messages.filter((message) => !isOfUnfinished(message))).toEqual([
      expect.stringMatching(/^1 findings could not become jobs/),
    ]);
    await deployed.resultOf({ rule, asOf: current.asOf }, 2);
    await expectRemediated(current);
  });

  if (thorough) {
    describe('a call of the collector', () => {
      test.each(inTurn(clean.collector))(
        '%s, %s: the poll fails until the fault ends',
        async (_, effect, name) => {
          const often = await newCase();
          const fault = inject(name, effect, SENDS);
          const failed = await collect(often);
          expect(fault.hits).toBe(SENDS);
          expect(failed.thrown, 'the poll fails').toBeInstanceOf(Error);
          expect(deployed.metric('PollFailed')).toEqual({ '': 1 });
          expect(deployed.messages('ERROR')).toEqual([
            expect.stringMatching(new RegExp(`^poll netskope\\.${rule}@\\d+ failed: .+\\. It is retried`)),
          ]);
          // The scheduler delivers the event again.
          expect((await collect(often)).thrown).toBeUndefined();
          fault.remove();
          await deployed.work();
          await deployed.resultOf({ rule, asOf: often.asOf }, 2);
          await expectRemediated(often);

          const ever = await newCase();
          const lasting = inject(name, effect);
          for (let delivery = 1; delivery <= 2; delivery++) {
            expect((await collect(ever)).thrown, 'each delivery fails').toBeInstanceOf(Error);
          }
          expect(deployed.metric('PollFailed')).toEqual({ '': 2 });
          lasting.remove();
          expect((await collect(ever)).thrown, 'invoked again by hand').toBeUndefined();
          await deployed.work();
          await deployed.resultOf({ rule, asOf: ever.asOf }, 2);
          await expectRemediated(ever);
        },
      );
    });
  }

  describe('a call of the remediator', () => {
    const shared = clean.remediator.filter((name) => !isRulesOwn(name));
    const calls = [
      ...inTurn(shared, thorough ? effects : ['cut-after']),
      ...inTurn(clean.remediator.filter(isRulesOwn)),
    ];

    test.each(calls)('%s, %s for an attempt: the next one finishes the job', async (_, effect, name) => {
      const current = await newCase();
      await enqueue(current);
      const sends = sendsOf(name, effect);
      const fault = inject(name, effect, sends);

      const worked = await deployed.work();

      fault.remove();
      if (worked.invocations === 1) return expectResolved(current, name, effect);
      expect(fault.hits).toBe(sends);
      // The job goes back at once, unless the attempt left its lease behind, which must expire first.
      const keepsLease = name.kind.endsWith(' lease#') && isLasting(name, effect) === isTaking(name);
      expect(worked).toEqual(keepsLease ? { invocations: 3, timeouts: 1 } : { invocations: 2, timeouts: 0 });
      expectReported(current, name);
      await lookLater(name);
      await expectRemediated(current);
    });

    // For the SDK, throttling and an answer of 500 are alike, except that a change is not repeated after the latter.
    const lasting = calls.filter(([, effect, name]) => effect !== 'internal' || isAmong(clean.changes, name));

    test.each(lasting)(
      '%s, %s permanently: the job ends as a dead letter, and a redrive finishes it',
      async (_, effect, name) => {
        const current = await newCase();
        await enqueue(current);
        const fault = inject(name, effect);

        const { invocations } = await deployed.work();

        if (invocations === 1) return expectResolved(current, name, effect);
        expectReported(current, name);
        if ((await depths()).deadLetters === 0) {
          // All changes are made, or this call took effect although its response was lost: the next attempt finds it done.
          fault.remove();
          const hasWaited = await lookLater(name);
          expect(hasWaited || isNotNeededAgain(name, effect), `${textOf(name)} is made again`).toBe(true);
          expect(invocations).toBeLessThanOrEqual(hasWaited ? MAX_RECEIVE_COUNT : 2);
          await expectRemediated(current);
          return;
        }
        expect(invocations).toBe(MAX_RECEIVE_COUNT);
        expect(await depths()).toEqual({ jobs: 0, deadLetters: 1 });
        await expectAllPlanned();
        // Without these calls no outcome is written: a redrive writes it.
        const isNeeded = ['s3:PutObject outcomes/', 'dynamodb:PutItem done#'].includes(name.kind);
        // Without the mark of a change, the first attempt writes the outcome, and the later ones find the change in the table.
        if (!isNeeded && !isTelling(name) && !isMark(name) && !isAmong(clean.afterOutcome, name)) {
          const { outcomes } = await deployed.outcomesOf({ rule, asOf: current.asOf }, 1);
          expect(outcomes).toMatchObject([
            {
              outcome: 'failed',
              deadLetter: true,
              reason: expect.stringMatching(/^not finished after 3 attempts, .* Last error: .+/),
            },
          ]);
          expect(deployed.metric('Failed')).toEqual({ [rule]: 1 });
        }
        fault.remove();
        expect(await redrive(deployed.product, REGION)).toBe(1);
        await deployed.work();
        await expectRemediated(current);
      },
    );
  });

  /** Checks that the log says what is not done, and why. */
  function expectReported({ item }: Case, name: CallName): void {
    const reported = [...deployed.messages('WARN'), ...deployed.messages('ERROR')];
    const says =
      isAmong(clean.afterOutcome, name) || isMark(name) || isTelling(name)
        ? /^the outcomes are in the evidence bucket, but the job is unfinished: \w+: /
        : new RegExp(`^unfinished: ${rule} ${item.account_id} \\S+ ${item.resource_id}: \\w+: `);
    expect(reported).toContainEqual(expect.stringMatching(says));
  }
}

/** `ec2:ModifySecurityGroupRules` without the service. */
function operationOf({ kind }: CallName): string {
  return kind.replace(/^.*:/, '');
}

/** Calls that run side by side, in any order. */
function inOrder(names: readonly CallName[]): CallName[] {
  return names.toSorted((one, other) => textOf(one).localeCompare(textOf(other), 'en', { numeric: true }));
}

function isAmong(names: readonly CallName[], name: CallName): boolean {
  return names.some((other) => textOf(other) === textOf(name));
}

/** Tells whether the call takes a job's lease, rather than ends it. */
function isTaking({ kind }: CallName): boolean {
  return kind === 'dynamodb:PutItem lease#';
}

/** Tells whether the call reads what an attempt requests while it takes its lease, and again when it needs it. */
function isAskedAhead({ kind }: CallName): boolean {
  return ['s3:GetObject rules/', 's3:GetObject accounts.json', 'ssm:GetParameter'].includes(kind);
}

function linesOf(changes: readonly { readonly line: string }[]): string[] {
  return changes.map(({ line }) => line).sort();
}

/** Tells whether the call informs other jobs while changes are read back, and is repeated before the outcome is written. */
function isToldAhead({ kind }: CallName): boolean {
  return ['dynamodb:PutItem done#', 'dynamodb:PutItem finding#'].includes(kind);
}

/** Tells whether the call informs other jobs of a change: the outcomes are written even if it fails. */
function isTelling({ kind }: CallName): boolean {
  return kind === 'dynamodb:PutItem finding#';
}
