import { GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Job, jobId } from '../../../lambdas/model/job.ts';
import type { Effect, Fault, Injection, ProxiedCall } from '../../lab/aws-proxy/index.ts';
import type { TenantItem } from '../../lab/tenant/index.ts';
import { redrive, send } from './job-service.ts';
import { accessKeyStates, ingressRules, itemOf, makeViolation, type TestedRule } from './violations.ts';
import { type Deployed, expectWritesWithin, nextMoment, startWorld, type World } from './world.ts';

/** How often the SDK tries a call, in `lambdas/aws/client-defaults.ts`. */
const SDK_ATTEMPTS = 4;
const MAX_RECEIVE_COUNT = 3;
const REGION = 'eu-central-1';

/** What may be wrong with a call and pass. */
const effects = ['throttle', 'internal', 'cut-after'] as const satisfies readonly Effect[];
type TriedEffect = (typeof effects)[number];

/** `ec2:DescribeSecurityGroups 2`: the second call of this operation. */
type CallName = `${string}:${string} ${number}`;

/** The calls of the collector, whatever the rule, where one item can't be understood. */
const collectorCalls: readonly CallName[] = [
  'secretsmanager:GetSecretValue 1',
  's3:PutObject 1',
  'events:PutEvents 1',
  'sqs:GetQueueUrl 1',
  'sqs:SendMessageBatch 1',
  's3:PutObject 2',
];

/** The calls of the remediator for one finding that it remediates, beside those of the rule. */
const remediatorCalls: readonly CallName[] = [
  's3:GetObject 1',
  'ssm:GetParametersByPath 1',
  'ssm:GetParameter 1',
  'sts:AssumeRole 1',
  's3:PutObject 1',
  's3:PutObject 2',
  'events:PutEvents 1',
];

/** The outcome's object, after the journal's. */
const OUTCOME_WRITTEN: CallName = 's3:PutObject 2';

/** One finding to remediate. */
interface Case {
  readonly asOf: string;
  readonly item: TenantItem;
}

/** The rules that are tried with every call broken: the three shapes that rules have. */
type SweptRule = Extract<
  TestedRule,
  'security-group-ssh-open' | 'security-group-rdp-open' | 's3-bucket-public' | 'iam-access-key-unrotated'
>;

/**
 * Tests that a rule's work comes to its end whichever of the calls to AWS fails: once, so that the SDK tries again; so
 * often that the poll or the attempt fails, and the next one finishes; for ever, so that someone has to be told.
 * @param ruleCalls the calls that the rule and its changes make, in a clean run
 * @param common `thorough` where what all rules have in common is tried too, with every effect; else only the
 * remediator's part of it, with the effect that leaves most open
 */
export function testEveryCall(
  rule: SweptRule,
  ruleCalls: readonly CallName[],
  common: 'thorough' | 'brief' = 'brief',
): void {
  let world: World;
  let deployed: Deployed;
  let remediated: readonly string[];
  let cleanCalls: Readonly<Record<'collector' | 'remediator', readonly ProxiedCall[]>>;

  const deploy = () =>
    world.deploy({ rules: { [rule]: { mode: 'enforce' } }, maxReceiveCount: MAX_RECEIVE_COUNT });

  beforeAll(async () => {
    world = await startWorld();
    deployed = await deploy();
    const clean = await newCase();
    const collector = await callsOf(() => collect(clean));
    const remediator = await callsOf(() => deployed.work());
    cleanCalls = { collector, remediator };
    remediated = await stateOf(clean);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(async ({ task }) => {
    // What a failed test left behind is none of the next one's business.
    if (task.result?.state === 'fail') deployed = await deploy();
  });

  async function newCase(): Promise<Case> {
    // What a function remembers it does not ask for.
    deployed.coldStart();
    deployed.lines.length = 0;
    const item = await makeViolation(world.endpoint, rule, world.account());
    world.proxy.clear();
    return { asOf: nextMoment(), item };
  }

  /** Polls the finding, and an item beside it that nobody understands. */
  async function collect({ asOf, item }: Case) {
    const strange = itemOf(rule, { account_id: item.account_id, resource_id: 'arn:aws:iam::1:root' });
    world.tenant.setFindings([item, strange]);
    return deployed.collect({ rule, asOf });
  }

  /** Puts the finding's job on the queue, as the collector would. */
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

  /** What the finding's resource is like, without what tells one case's from another's. */
  async function stateOf({ item: { account_id: account, resource_id } }: Case): Promise<readonly string[]> {
    switch (rule) {
      case 'security-group-ssh-open':
      case 'security-group-rdp-open':
        return ingressRules(world.endpoint, account, resource_id);
      case 'iam-access-key-unrotated':
        return accessKeyStates(world.endpoint, account, resource_id);
      case 's3-bucket-public': {
        const client = new S3Client({
          endpoint: world.endpoint,
          region: REGION,
          credentials: { accessKeyId: account, secretAccessKey: 'test' },
        });
        const answer = await client.send(new GetPublicAccessBlockCommand({ Bucket: resource_id }));
        return [JSON.stringify(answer.PublicAccessBlockConfiguration)];
      }
    }
  }

  /** Whether a call is one of the functions', in their own roles or in target roles. */
  const isOurs: NonNullable<Fault['when']> = ({ accessKeyId, principal }) =>
    accessKeyId === deployed.product.account || principal.assumedBy?.account === deployed.product.account;

  async function callsOf(work: () => Promise<unknown>): Promise<readonly ProxiedCall[]> {
    const before = world.proxy.calls.length;
    await work();
    return world.proxy.calls.slice(before).filter(isOurs);
  }

  /** Puts a fault before a call and those of its kind that follow; it is over with the test at the latest. */
  function inject(name: CallName, effect: Effect, times?: number): Injection {
    const { service, operation, number } = parseName(name);
    const limit = times === undefined ? {} : { times };
    return world.fault({ service, operation, skip: number - 1, ...limit, when: isOurs, effect });
  }

  /** Puts a fault before each of these calls once: before the first try of each, not before the second. */
  function injectOnce(calls: readonly CallName[], effect: Effect): readonly Injection[] {
    return calls.map((name) => {
      const { service, operation, number } = parseName(name);
      return world.fault({ service, operation, skip: 2 * (number - 1), times: 1, when: isOurs, effect });
    });
  }

  /** Checks that all adds up, and that the finding is remediated as without faults. */
  async function expectCured(current: Case): Promise<void> {
    const { outcomes } = await deployed.outcomesOf({ rule, asOf: current.asOf }, 1);
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
    expect(await stateOf(current)).toEqual(remediated);
    await expectAllPlanned();
    expect(await depths()).toEqual({ jobs: 0, deadLetters: 0 });
  }

  async function depths() {
    const [jobs, deadLetters] = await Promise.all([
      deployed.product.depth(REGION, 'jobs.fifo'),
      deployed.product.depth(REGION, 'jobs-dead-letters.fifo'),
    ]);
    return { jobs, deadLetters };
  }

  /** Checks that nothing was sent to be changed that was not written down before. */
  async function expectAllPlanned(): Promise<void> {
    const keys = world.proxy.calls.flatMap(({ operation, status, parameters: { Key: key } }) =>
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

  /** Whether the next attempt finds what this call did: a change, or an outcome that was written. */
  function isLasting(name: CallName): boolean {
    const call = cleanCalls.remediator[names(cleanCalls.remediator).indexOf(name)];
    return (call?.isWrite === true && call.principal.assumedBy !== undefined) || name === OUTCOME_WRITTEN;
  }

  const inTurn = (calls: readonly CallName[], tried: readonly TriedEffect[] = effects) =>
    calls.flatMap((name) => tried.map((effect) => [name, effect] as const));
  const thorough = common === 'thorough';

  test('a clean run makes the calls that are broken here, and no others', () => {
    expect(names(cleanCalls.collector).sort()).toEqual([...collectorCalls].sort());
    expect(names(cleanCalls.remediator).sort()).toEqual([...remediatorCalls, ...ruleCalls].sort());
  });

  test.each(effects)('%s before every call once: the SDK tries again, and nobody notices', async (effect) => {
    const current = await newCase();

    const collecting = injectOnce(collectorCalls, effect);
    const { thrown } = await collect(current);
    for (const fault of collecting) fault.remove();
    const working = injectOnce([...remediatorCalls, ...ruleCalls], effect);
    const { invocations } = await deployed.work();

    expect([...collecting, ...working].map(({ hits }) => hits)).toEqual(
      [...collectorCalls, ...remediatorCalls, ...ruleCalls].map(() => 1),
    );
    expect(thrown).toBeUndefined();
    expect(invocations).toBe(1);
    expect([...deployed.messages('WARN'), ...deployed.messages('ERROR')]).toEqual([
      expect.stringMatching(/^1 findings could not become jobs/),
    ]);
    await deployed.resultOf({ rule, asOf: current.asOf }, 2);
    await expectCured(current);
  });

  if (thorough) {
    describe('a call of the collector', () => {
      test.each(inTurn(collectorCalls))('%s, %s: the poll fails until it is over', async (name, effect) => {
        const often = await newCase();
        const fault = inject(name, effect, SDK_ATTEMPTS);
        const failed = await collect(often);
        expect(fault.hits).toBe(SDK_ATTEMPTS);
        expect(failed.thrown, 'the poll fails').toBeInstanceOf(Error);
        expect(deployed.metric('PollFailed')).toEqual({ '': 1 });
        expect(deployed.messages('ERROR')).toEqual([
          expect.stringMatching(
            new RegExp(`^poll netskope\\.${rule}@\\d+ failed: .+\\. It is attempted again`),
          ),
        ]);
        // The scheduler delivers it again.
        expect((await collect(often)).thrown).toBeUndefined();
        fault.remove();
        await deployed.work();
        await deployed.resultOf({ rule, asOf: often.asOf }, 2);
        await expectCured(often);

        const ever = await newCase();
        const lasting = inject(name, effect);
        for (let delivery = 1; delivery <= 2; delivery++) {
          expect((await collect(ever)).thrown, 'each delivery fails').toBeInstanceOf(Error);
        }
        expect(deployed.metric('PollFailed')).toEqual({ '': 2 });
        lasting.remove();
        expect((await collect(ever)).thrown, 'started anew by hand').toBeUndefined();
        await deployed.work();
        await deployed.resultOf({ rule, asOf: ever.asOf }, 2);
        await expectCured(ever);
      });
    });
  }

  describe('a call of the remediator', () => {
    const calls = [...inTurn(remediatorCalls, thorough ? effects : ['cut-after']), ...inTurn(ruleCalls)];

    test.each(calls)('%s, %s for an attempt: the next one finishes the job', async (name, effect) => {
      const current = await newCase();
      await enqueue(current);
      const fault = inject(name, effect, SDK_ATTEMPTS);

      const worked = await deployed.work();

      fault.remove();
      expect(fault.hits).toBe(SDK_ATTEMPTS);
      // It goes back at once.
      expect(worked).toEqual({ invocations: 2, timeouts: 0 });
      expectToldOf(current, name);
      await expectCured(current);
    });

    // Throttled or not, the SDK makes the same of an answer of 500.
    const lasting = calls.filter(([, effect]) => effect !== 'internal');

    test.each(lasting)(
      '%s, %s for ever: the job ends as a dead letter, and a redrive finishes it',
      async (name, effect) => {
        const current = await newCase();
        await enqueue(current);
        const fault = inject(name, effect);

        const { invocations } = await deployed.work();

        expectToldOf(current, name);
        if (effect === 'cut-after' && isLasting(name)) {
          // It took effect though nobody saw the answer: the next attempt finds it done.
          expect(invocations).toBe(2);
          await expectCured(current);
          return;
        }
        expect(invocations).toBe(MAX_RECEIVE_COUNT);
        expect(await depths()).toEqual({ jobs: 0, deadLetters: 1 });
        await expectAllPlanned();
        if (!/PutObject|PutEvents/.test(name)) {
          const { outcomes } = await deployed.outcomesOf({ rule, asOf: current.asOf }, 1);
          expect(outcomes).toMatchObject([
            {
              outcome: 'failed',
              deadLetter: true,
              reason: expect.stringMatching(/^not finished in 3 attempts, .* The last error: .+/),
            },
          ]);
          expect(deployed.metric('Failed')).toEqual({ [rule]: 1 });
        }
        fault.remove();
        expect(await redrive(deployed.product, REGION)).toBe(1);
        await deployed.work();
        await expectCured(current);
      },
    );
  });

  /** Checks that a person who reads the log learns what is not done, and why. */
  function expectToldOf({ item }: Case, name: CallName): void {
    const told = [...deployed.messages('WARN'), ...deployed.messages('ERROR')];
    const says =
      name === 'events:PutEvents 1'
        ? /^the outcomes are in the evidence bucket, but: \w+: /
        : new RegExp(`^unfinished: ${rule} ${item.account_id} \\S+ ${item.resource_id}: \\w+: `);
    expect(told).toContainEqual(expect.stringMatching(says));
  }
}

/** Calls by their names, each operation counted from 1. */
function names(calls: readonly ProxiedCall[]): CallName[] {
  const seen = new Map<string, number>();
  return calls.map(({ service, operation }): CallName => {
    const number = (seen.get(`${service}:${operation}`) ?? 0) + 1;
    seen.set(`${service}:${operation}`, number);
    return `${service}:${operation} ${number}`;
  });
}

function parseName(name: CallName) {
  const [, service = '', operation = '', number = ''] = /^(.+):(.+) (\d+)$/.exec(name) ?? [];
  return { service, operation, number: Number(number) };
}
