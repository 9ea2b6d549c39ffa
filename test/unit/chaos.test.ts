import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Case, KINDS } from '../chaos/case.ts';
import { FOUND } from '../chaos/found.ts';
import { findAllFaults, findFault } from '../chaos/property.ts';
import { printReports, reportLines } from '../chaos/report.ts';
import { runCase } from '../chaos/run-case.ts';
import type { ModelCall } from '../lab/aws-model/session.ts';
import { EMPTY_STATE } from '../lab/aws-model/state.ts';

/** The same cases each time, so that a test run does not depend on luck: `npm run test:chaos` chooses a new seed. */
const SEED = 20_261_128;
/** Number of cases of each kind: `npm run test:chaos` runs more. */
const CASES = 60;

describe('whatever someone else does between two calls, and however old what AWS answers', () => {
  test.each(KINDS)(
    'nothing is changed beyond the plan, and the record is true: %s',
    async (kind) => {
      const options = { seed: SEED, cases: CASES, kind };

      const report = await findFault(options);

      expect(report.failure, reportLines(report, options, 0).join('\n')).toBeUndefined();
      expect(report.counts.get('acts'), 'acts of others').toBeGreaterThan(CASES / 4);
      expect(report.counts.get('lagging reads')).toBeGreaterThanOrEqual(CASES / 5);
    },
    // They work all the time: on a busy machine, that takes as much longer as it is busy.
    300_000,
  );

  test.each(FOUND)('$what', async ({ case: found }) => {
    const { faults, trace } = await runCase(found, { withTrace: true });

    expect(faults, trace.join('\n')).toEqual([]);
  });

  test('a rule that its owner narrows one round trip before it is shrunk is counted, as AWS has no condition for it', async () => {
    const rule = { protocol: 'tcp', toPort: 443, source: '0.0.0.0/0', description: '', tags: {} };
    const group = { owner: '111122223333', vpc: 'vpc-1', tags: {}, quota: 60 };
    const rules = [{ ...rule, fromPort: 22, id: 'sgr-1' }];

    const { faults, counts, trace } = await runCase(
      {
        kind: 'security-group',
        initial: { ...EMPTY_STATE, groups: { 'sg-00000001': { ...group, rules } } },
        jobs: [{ rule: 'security-group-ssh-open', options: {} }],
        // The fourth call is the one that shrinks the rule.
        disturbances: [{ at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } }],
        kills: [],
      },
      { withTrace: true },
    );

    expect(faults, trace.join('\n')).toEqual([]);
    expect(counts.get('allowed: an act of someone else between the read and the write')).toBe(1);
  });
});

describe('a product that does something else is found out', () => {
  const inputSchema = z.looseObject({
    IpPermissions: z.array(z.looseObject({ FromPort: z.number(), ToPort: z.number() })).optional(),
    PublicAccessBlockConfiguration: z.looseObject({ BlockPublicAcls: z.boolean() }).optional(),
    ValuesToRemove: z.array(z.string()).optional(),
    RuleNumber: z.number().optional(),
    DestinationCidrBlock: z.string().optional(),
    Status: z.string().optional(),
    ClusterIdentifier: z.string().optional(),
    Name: z.string().optional(),
  });

  /** Each kind of resource with a call that does more, or something else, than the plan says. */
  const distortions: readonly {
    readonly kind: Case['kind'];
    readonly what: string;
    readonly operation: string;
    readonly instead: (input: z.infer<typeof inputSchema>) => object;
  }[] = [
    {
      kind: 'security-group',
      what: 'opens one more port',
      operation: 'AuthorizeSecurityGroupIngress',
      instead: ({ IpPermissions = [], ...input }) => ({
        ...input,
        IpPermissions: IpPermissions.map((each) => ({ ...each, ToPort: Math.min(each.ToPort + 1, 65_535) })),
      }),
    },
    {
      kind: 'network-acl',
      what: 'takes out the entry with the next number',
      operation: 'DeleteNetworkAclEntry',
      instead: ({ RuleNumber = 0, ...input }) => ({ ...input, RuleNumber: RuleNumber + 1 }),
    },
    {
      kind: 'bucket',
      what: 'switches one setting off again',
      operation: 'PutPublicAccessBlock',
      instead: ({ PublicAccessBlockConfiguration: block, ...input }) => ({
        ...input,
        PublicAccessBlockConfiguration: { ...block, BlockPublicAcls: block?.BlockPublicAcls === false },
      }),
    },
    {
      kind: 'snapshot',
      what: 'takes away another share, too',
      operation: 'ModifyDBSnapshotAttribute',
      instead: ({ ValuesToRemove = [], ...input }) => ({
        ...input,
        ValuesToRemove: [...ValuesToRemove, '444455556666'],
      }),
    },
    {
      kind: 'access-key',
      what: 'does the opposite',
      operation: 'UpdateAccessKey',
      instead: (input) => ({ ...input, Status: 'Active' }),
    },
    {
      kind: 'cluster',
      what: 'makes another one public',
      operation: 'ModifyCluster',
      instead: () => ({ ClusterIdentifier: 'cluster2', PubliclyAccessible: true }),
    },
    {
      kind: 'cluster',
      what: 'makes another one private',
      operation: 'ModifyCluster',
      instead: (input) => ({ ...input, ClusterIdentifier: 'cluster2' }),
    },
    {
      kind: 'trail',
      what: 'switches validation off',
      operation: 'UpdateTrail',
      instead: (input) => ({ ...input, EnableLogFileValidation: false }),
    },
    {
      kind: 'trail',
      what: 'is about one that nobody asked for',
      operation: 'UpdateTrail',
      instead: ({ Name = '', ...input }) => ({ ...input, Name: Name.replace(/\d$/, '2') }),
    },
    {
      kind: 'runbook',
      what: 'is about another one',
      operation: 'StartAutomationExecution',
      instead: (input) => ({ ...input, Parameters: { ClusterIdentifier: ['cluster2'] } }),
    },
    {
      kind: 'runbook',
      what: 'runs another document',
      operation: 'StartAutomationExecution',
      instead: (input) => ({ ...input, DocumentName: 'AWS-DisablePublicAccessForSecurityGroup' }),
    },
  ];

  test.each(distortions)('$kind: $what', async ({ kind, operation, instead }) => {
    const options = {
      seed: SEED,
      // The first case with a fault ends the search.
      cases: 400,
      kind,
      distort: (call: ModelCall): ModelCall =>
        call.operation === operation ? { ...call, input: instead(inputSchema.parse(call.input)) } : call,
    };

    const report = await findFault(options);
    const again = await findFault({ ...options, path: report.failure?.path ?? 'none' });

    expect(report.failure?.faults.length).toBeGreaterThan(0);
    expect(report.failure?.trace.join('\n')).toContain(operation);
    expect(again.failure?.smallest).toEqual(report.failure?.smallest);
    const printed: string[] = [];
    expect(printReports([report], options, 1, (text) => printed.push(text))).toBe(1);
    expect(printed.join('')).toContain(`--seed ${SEED} --cases ${report.cases} --kind ${kind} --path `);
  });

  test('a record of a change that was not made is detected even if someone else makes changes', async () => {
    const arn = (name: string): string => `arn:aws:cloudtrail:eu-central-1:111122223333:trail/${name}`;
    const trail = { region: 'eu-central-1', isValidated: false, tags: {} };
    const acted: Case = {
      kind: 'trail',
      initial: { ...EMPTY_STATE, trails: { [arn('all1')]: trail, [arn('all2')]: trail } },
      jobs: [{ rule: 'cloudtrail-log-file-validation', options: {} }],
      disturbances: [{ at: 1, act: { kind: 'switch on', which: 1, how: 0 } }],
      kills: [],
    };
    const distort = (call: ModelCall): ModelCall =>
      call.operation === 'UpdateTrail'
        ? { ...call, input: { ...inputSchema.parse(call.input), EnableLogFileValidation: false } }
        : call;

    const { faults } = await runCase(acted, { distort });

    expect(faults).toContainEqual({
      kind: 'record',
      words: expect.stringContaining(
        `the record has ${arn('all1')} as validation on, which no call of the product made it`,
      ),
    });
  });

  test('all kinds of faults of a run are reported, and a run without any ends well', async () => {
    const options = { seed: SEED, cases: 20, kind: 'bucket' as const };
    const distort = (call: ModelCall): ModelCall =>
      call.operation === 'PutPublicAccessBlock'
        ? { ...call, input: { ...inputSchema.parse(call.input), PublicAccessBlockConfiguration: {} } }
        : call;

    const bad = await findAllFaults({ ...options, distort });
    const good = await findAllFaults(options);

    expect(bad.length).toBeGreaterThan(1);
    expect(bad.every(({ failure }) => failure !== undefined)).toBe(true);
    expect(printReports(bad, options, 1, () => {})).toBe(1);
    expect(good).toMatchObject([{ cases: 20 }]);
    expect(printReports(good, options, 1, () => {})).toBe(0);
  }, 300_000);
});
