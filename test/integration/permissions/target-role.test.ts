import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PutBucketPolicyCommand, PutPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { snapshot } from '../../../demo/snapshot.ts';
import type { Sessions } from '../../../lambdas/remediator/session.ts';
import { loadRule } from '../../../lambdas/rules/index.ts';
import { findPermission, followPermission, startPermissions } from '../../../lambdas/rules/runbook.ts';
import { AccountBuilder } from '../../lab/accounts/account-builder.ts';
import { type AutomationSimulation, startAutomation } from '../../lab/automation/index.ts';
import { type AwsProxy, agedAccessKeys, startAwsProxy } from '../../lab/aws-proxy/index.ts';
import { s3ControlEndpoint } from '../../lab/local-aws/account-hosts.ts';
import { lintPolicy, PermissionJudge, requirement } from '../../lab/permissions/index.ts';
import { type LabRule, type LabRuleId, labRuleIds, labRules, type Scenario } from '../../lab/rules/index.ts';
import { freshAccount } from '../harness/product.ts';
import { REGION, Remediation } from './remediation.ts';
import { REMEDIATOR, startTarget } from './remediator-sessions.ts';
import { credentialsOf, makeFunctionRole, takeOn } from './target-account.ts';

const ORGANIZATION = 'o-ours000000';
const EXTERNAL_ID = 'the-external-id';
const OTHER_REGION = 'us-east-1';

const security = freshAccount();
const target = freshAccount();
const elsewhere = freshAccount();
const role = `arn:aws:iam::${target}:role/cspm-remediation`;
const automationRole = `arn:aws:iam::${target}:role/cspm-automation`;

const endpoint = inject('localAwsEndpoint');
let proxy: AwsProxy;
let judge: PermissionJudge;
let automation: AutomationSimulation;
let sessions: Sessions;
const builder = new AccountBuilder(endpoint, target);
let made = 0;

/** The names of created resources, including users, whose access keys must be old. */
const nameOfMade = (number: number): string => `violation-${target}-${number}`;

/** Creates a resource that violates a rule. @returns its id in a finding */
function make(scenario: Scenario): Promise<string> {
  made += 1;
  return scenario.make({ builder, region: REGION, name: nameOfMade(made) });
}

const rules: Readonly<Record<LabRuleId, LabRule>> = labRules;

beforeAll(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  judge = new PermissionJudge({
    upstream: () => endpoint,
    organizations: { [security]: ORGANIZATION, [target]: ORGANIZATION, [elsewhere]: ORGANIZATION },
  });
  proxy.intercept(judge.intercept);
  automation = startAutomation({ proxy, upstream: () => endpoint });
  const users = Array.from({ length: 1000 }, (_, number) => nameOfMade(number));
  proxy.inject(agedAccessKeys(Object.fromEntries(users.map((user) => [user, 400]))));
  vi.stubEnv('AWS_ENDPOINT_URL_S3_CONTROL', s3ControlEndpoint(proxy.endpoint));
  sessions = await startTarget({
    endpoint,
    proxy: proxy.endpoint,
    security,
    target,
    externalId: EXTERNAL_ID,
    variables: {
      organization_id: ORGANIZATION,
    },
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await automation.stop();
  await proxy.stop();
});

const functionSession = (id: string, name: string) =>
  takeOn({ endpoint: proxy.endpoint, account: id, role: `arn:aws:iam::${id}:role/${name}` });

/** Assumes the target role as a function's role may. @returns the credentials */
async function assume(
  principal: { readonly account: string; readonly name: string },
  parameters: { readonly ExternalId?: string; readonly Policy?: string },
) {
  const credentials = await functionSession(principal.account, principal.name);
  const sts = new STSClient({ endpoint: proxy.endpoint, region: REGION, credentials });
  return credentialsOf(
    await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'test', ...parameters })),
  );
}

describe('the target role', () => {
  const remediator = { account: security, name: REMEDIATOR };

  test('can be assumed by a remediator of the security account', async () => {
    await expect(assume(remediator, { ExternalId: EXTERNAL_ID })).resolves.toBeDefined();
  });

  test.each([
    ['with a wrong external id', remediator, { ExternalId: 'another' }],
    ['without the external id', remediator, {}],
    [
      'by another role of the security account',
      { account: security, name: 'cspm-collector' },
      { ExternalId: EXTERNAL_ID },
    ],
    [
      'by a role of that name in another account of the organization',
      { account: elsewhere, name: REMEDIATOR },
      { ExternalId: EXTERNAL_ID },
    ],
  ])('cannot be assumed %s', async (_, principal, parameters) => {
    if (principal !== remediator) {
      await makeFunctionRole({ endpoint, account: principal.account, name: principal.name, assumes: role });
    }

    await expect(assume(principal, parameters)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: arn:aws:sts::${principal.account}:assumed-role/${principal.name}/function is not authorized to perform: sts:AssumeRole on resource: ${role}`,
    });
  });

  test('cannot be assumed by a remediator in an account of another organization, or of none', async () => {
    const call = proxy.calls.findLast(({ operation }) => operation === 'AssumeRole');
    if (call === undefined) throw new Error('found no AssumeRole call');
    const session = {
      account: security,
      arn: `arn:aws:sts::${security}:assumed-role/${REMEDIATOR}/function`,
      roleArn: `arn:aws:iam::${security}:role/${REMEDIATOR}`,
    };
    const asked = requirement(call, 'sts:AssumeRole', role, {
      'sts:ExternalId': EXTERNAL_ID,
      'sts:RoleSessionName': 'test',
    });
    const judged = (organizations: Record<string, string>) =>
      new PermissionJudge({ upstream: () => endpoint, organizations }).judge(session, asked);

    expect(await judged({ [security]: ORGANIZATION })).toMatchObject({ allowed: true });
    const refused = { allowed: false, reason: { policy: 'trust', explicit: false } };
    expect(await judged({ [security]: 'o-theirs00000' })).toMatchObject(refused);
    expect(await judged({})).toMatchObject(refused);
  });

  test('allows no more than the session policy of the request', async () => {
    const describeVpcs = async (statements: readonly object[], region = REGION): Promise<unknown> => {
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
      const credentials = await assume(remediator, { ExternalId: EXTERNAL_ID, Policy });
      const ec2 = new EC2Client({ endpoint: proxy.endpoint, region, credentials });
      return ec2.send(new DescribeVpcsCommand({})).then(
        () => 'allowed',
        ({ name, message }) => [name, /(because|with an).*$/.exec(message)?.[0]],
      );
    };
    const allow = { Effect: 'Allow', Action: ['ec2:DescribeVpcs'], Resource: ['*'] };
    const here = { ...allow, Condition: { StringLike: { 'aws:RequestedRegion': [REGION] } } };
    const silent = ['UnauthorizedOperation', 'because no session policy allows the ec2:DescribeVpcs action'];

    expect(await describeVpcs([here])).toBe('allowed');
    expect(await describeVpcs([here], OTHER_REGION)).toEqual(silent);
    expect(await describeVpcs([{ ...allow, Action: ['ec2:DescribeFlowLogs'] }])).toEqual(silent);
    expect(await describeVpcs([allow, { ...allow, Effect: 'Deny' }])).toEqual([
      'UnauthorizedOperation',
      'with an explicit deny in a session policy',
    ]);
  });

  test("cannot change another account's bucket, even if that account allows it", async () => {
    const Bucket = await new AccountBuilder(endpoint, elsewhere).privateBucket(REGION, `b-${elsewhere}`);
    await new S3Client({
      endpoint,
      region: REGION,
      credentials: { accessKeyId: elsewhere, secretAccessKey: 'test' },
    }).send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: role },
              Action: ['s3:PutBucketPublicAccessBlock'],
              Resource: [`arn:aws:s3:::${Bucket}`],
            },
          ],
        }),
      }),
    );
    const credentials = await assume(remediator, { ExternalId: EXTERNAL_ID });
    const s3 = new S3Client({ endpoint: proxy.endpoint, region: REGION, credentials });

    const put = s3.send(
      new PutPublicAccessBlockCommand({
        Bucket,
        ExpectedBucketOwner: elsewhere,
        PublicAccessBlockConfiguration: { IgnorePublicAcls: true },
      }),
    );

    await expect(put).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

test.each([role, automationRole])(
  'the policy of %s contains nothing that AWS does not know or would ignore',
  async (arn) => {
    const policies = await judge.policiesOf(arn);

    expect(policies?.identity).toHaveLength(1);
    for (const { policy } of policies?.identity ?? []) expect(await lintPolicy(policy)).toEqual([]);
  },
);

const denied = (action: string): string => `is not authorized to perform: ${action}`;

/**
 * Actions that AWS's runbook reference requires for the role of its documents, although the steps that it lists do not
 * call them.
 * https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-runbook-reference.html
 */
const DOCUMENTED = new Set([
  'ec2:DescribeSecurityGroups',
  'ssm:GetAutomationExecution',
  'ssm:StartAutomationExecution',
]);

/** Reads that only add a note to the reason. A role that was deployed without them still works. */
const ONLY_NOTED = new Set(['s3:ListAccessPoints', 's3:GetAccessPointPolicyStatus']);

/** The kinds of a rule's permissions: the phases of a remediation that need them. */
const kinds = ['read', 'write', 'undo'] as const;
type Kind = (typeof kinds)[number];

/**
 * Actions of a rule that is remediated by its runbook: those of the role that starts it, and those of the role under
 * which it runs.
 */
const runbooks: { readonly rule: LabRuleId; readonly start: string[]; readonly work: string[] }[] = [];
const declared: { readonly rule: LabRuleId; readonly actions: Readonly<Record<Kind, readonly string[]>> }[] =
  [];
for (const rule of labRuleIds) {
  const { permissions, runbook } = await loadRule(rule);
  if (runbook !== undefined) {
    const start = [...startPermissions(runbook), followPermission(runbook)];
    runbooks.push({
      rule,
      start: start.flatMap(({ actions }) => actions),
      work: runbook.permissions.flatMap(({ actions }) => actions),
    });
  }
  const actionsOf = (kind: Kind): string[] => [
    ...new Set(permissions[kind].flatMap(({ actions }) => actions)),
  ];
  declared.push({
    rule,
    actions: { read: actionsOf('read'), write: actionsOf('write'), undo: actionsOf('undo') },
  });
}

/** A rule's permissions as text: those that two rules of one factory share are withheld once. */
const needs: readonly string[] = await Promise.all(
  labRuleIds.map(async (id) => JSON.stringify((await loadRule(id)).permissions)),
);
const isRepetition = (rule: LabRuleId): boolean => {
  const place = labRuleIds.indexOf(rule);
  return needs.indexOf(needs[place] ?? '') < place;
};
/** The actions to withhold one by one. */
const toTake = (rule: LabRuleId, actions: readonly string[]): readonly string[] =>
  isRepetition(rule) ? [] : actions;

/** The parts of the account that the rules could change, as AWS returns it. A restored rule has another id. */
async function contents(): Promise<readonly string[]> {
  const facts = await snapshot(endpoint, [target], [REGION]);
  // The entries of a network ACL are in the order of their creation.
  const inOrder = (_: string, value: unknown): unknown =>
    Array.isArray(value) ? value.map((item) => JSON.stringify(item)).sort() : value;
  return facts
    .map((fact) => JSON.stringify(JSON.parse(fact), inOrder).replaceAll(/sgr-[0-9a-f]+/g, 'sgr-'))
    .sort();
}

describe.each(declared)('$rule', ({ rule, actions }) => {
  /** Actions that each scenario used, by phase. */
  const used = new Map<Scenario, Readonly<Record<Kind, ReadonlySet<string>>>>();

  async function start(scenario: Scenario): Promise<Remediation> {
    const resource = await make(scenario);
    const options = scenario.options ?? rules[rule].options;
    return new Remediation({ sessions, account: target, rule, resource, options });
  }

  /** The scenario that used an action in a phase. */
  function whereUsed(kind: Kind, action: string): Scenario {
    for (const [scenario, phases] of used) if (phases[kind].has(action)) return scenario;
    throw new Error(`${rule} needs no ${action} to ${kind}: take it out of the rule's permissions`);
  }

  beforeAll(async () => {
    for (const scenario of rules[rule].scenarios) {
      const phases = { read: new Set<string>(), write: new Set<string>(), undo: new Set<string>() };
      const during = async <T>(kind: Kind, work: () => Promise<T>): Promise<T> => {
        judge.clear();
        const result = await work();
        expect(judge.denials).toEqual([]);
        expect(judge.unknownCalls).toEqual([]);
        for (const { action, role: by } of judge.verdicts) if (by === role) phases[kind].add(action);
        return result;
      };
      const remediation = await start(scenario);

      const before = await contents();
      const planned = await during('read', () => remediation.dryRun());
      const enforced = await during('write', () => remediation.enforce());
      const undone = await during('undo', () => remediation.undo());
      const again = await remediation.dryRun();
      const after = await contents();

      expect({ scenario: scenario.name, outcome: planned.outcome, reason: planned.reason }).toMatchObject({
        scenario: scenario.name,
        outcome: 'planned',
      });
      expect(enforced).toMatchObject({ outcome: 'remediated', plan: planned.plan });
      expect(undone).toMatchObject({ outcome: 'undone' });
      expect(again).toMatchObject({ outcome: 'planned' });
      expect(after).toEqual(before);
      used.set(scenario, phases);
    }
  });

  test.each(kinds)('every %s action is used by a dry run, enforcement or an undo', (kind) => {
    const asked = new Set([...used.values()].flatMap((phases) => [...phases[kind]]));

    expect(actions[kind].filter((action) => !asked.has(action))).toEqual([]);
  });

  test.each(toTake(rule, actions.read))(
    'a dry run without %s says so, and fails if its decision depends on it',
    async (action) => {
      const remediation = await start(whereUsed('read', action));
      using _ = judge.withhold(role, action);

      const outcome = await remediation.dryRun();

      expect(outcome).toMatchObject({
        outcome: ONLY_NOTED.has(action) ? 'planned' : 'failed',
        reason: expect.stringContaining(denied(action)),
      });
    },
  );

  test.each(toTake(rule, actions.write))('enforcement fails without %s, and says so', async (action) => {
    const remediation = await start(whereUsed('write', action));
    using _ = judge.withhold(role, action);

    const outcome = await remediation.enforce();

    expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(denied(action)) });
  });

  test.each(toTake(rule, actions.undo))('an undo fails without %s, and says so', async (action) => {
    const scenario = whereUsed('undo', action);
    const remediation = await start(scenario);
    await remediation.enforce();
    using _ = judge.withhold(role, action);

    const outcome = await remediation.undo();

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringContaining(denied(action)),
    });
  });
});

describe.each(runbooks.filter(({ rule }) => !isRepetition(rule)))(
  '$rule by its runbook',
  ({ rule, start, work }) => {
    const [scenario] = rules[rule].scenarios;

    async function begin(): Promise<Remediation> {
      const resource = await make(scenario);
      const options = scenario.options ?? rules[rule].options;
      return new Remediation({ sessions, account: target, rule, resource, options });
    }

    const asked = (by: string): Set<string> =>
      new Set(judge.verdicts.flatMap(({ role: one, action }) => (one === by ? action : [])));

    test('the roles use the actions that they are granted, and are allowed them', async () => {
      const remediation = await begin();
      judge.clear();

      const outcome = await remediation.enforceByRunbook(automation);

      expect(judge.denials).toEqual([]);
      expect(judge.unknownCalls).toEqual([]);
      expect(outcome.applied[0]?.change.kind).toBe('automation-execution-start');
      expect(start.filter((action) => !asked(role).has(action))).toEqual([]);
      expect(work.filter((action) => !asked(automationRole).has(action) && !DOCUMENTED.has(action))).toEqual(
        [],
      );
    });

    describe('when the answer to the start is lost', () => {
      async function enforce() {
        const remediation = await begin();
        const lost = { service: 'ssm', operation: 'StartAutomationExecution', effect: 'cut-after' } as const;
        const fault = proxy.inject({ ...lost, times: 1 });
        judge.clear();
        const { applied } = await remediation.enforceByRunbook(automation, 2);
        fault.remove();
        return applied.filter(({ change }) => change.kind === 'automation-execution-start');
      }

      test('the role may find the execution', async () => {
        const started = await enforce();

        expect(judge.denials).toEqual([]);
        expect(findPermission.actions.filter((action) => !asked(role).has(action))).toEqual([]);
        expect(started).toMatchObject([{ found: true }]);
      });

      test.each(findPermission.actions)(
        'it is started again with the same token without %s',
        async (action) => {
          using _ = judge.withhold(role, action);

          const [started, ...others] = await enforce();

          expect(judge.denials.length).toBeGreaterThan(0);
          expect(started?.found).toBeUndefined();
          expect(others).toEqual([]);
        },
      );
    });

    test.each(start)('the runbook does not finish without %s, and the outcome says so', async (action) => {
      const remediation = await begin();
      using _ = judge.withhold(role, action);

      const { reason } = await remediation.enforceByRunbook(automation);

      // What it did before it failed may have been the fix.
      expect(reason).toContain(denied(action));
    });

    test.each(work.filter((action) => !DOCUMENTED.has(action)))(
      'the runbook fails without %s, and the outcome says so',
      async (action) => {
        const remediation = await begin();
        using _ = judge.withhold(automationRole, action);

        const { reason } = await remediation.enforceByRunbook(automation);

        // What it did before it failed may have been the fix.
        expect(reason).toContain(denied(action));
      },
    );
  },
);
